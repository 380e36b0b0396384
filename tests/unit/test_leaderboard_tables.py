"""The tables say what the leaderboard holds: to people rounded, to programs in full."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from bench.analysis.columns import EXTRAS
from bench.analysis.contest import Contest
from bench.analysis.leaderboard import Estimate, Leaderboard, Row
from bench.analysis.lone import Spread
from bench.analysis.qualities import Calibration, Density
from bench.analysis.ratings import Rating
from bench.analysis.tables import (
    all_columns,
    columns,
    error_change,
    estimate,
    html,
    latex,
    legend,
    markdown,
    text,
    title,
    to_csv,
    to_frame,
    to_json,
)
from bench.analysis.views import View
from bench.datasets import ProblemType

ESTIMATES = ("overall", "classification", "regression")
QUALITIES = {"calibration": Calibration, "density": Density, "error": Spread, "rating": Rating}
NOTHING = Estimate(mean=math.nan, low=math.nan, high=math.nan, n=0)


def row(entry: str, *, mean: float = 0.1) -> Row:
    return Row(
        entry=entry,
        tier=1,
        overall=Estimate(mean=mean, low=mean - 0.1 / 3, high=mean + 0.1, n=16),
        classification=Estimate(mean=mean, low=math.nan, high=math.nan, n=1),
        regression=NOTHING,
        mean_rank=2.125,
        wins=9,
        ties=4,
        losses=3,
        n_tasks=14,
        n_stood_in=2,
        n_failed=3,
        n_not_applicable=1,
        median_s=1.0 / 3,
        median_trials=12.0,
        calibration=Calibration(ece=0.0123, brier=0.2, log_loss=1.0 / 3, n=9),
        density=Density(crps=math.nan, log_density=math.nan, n=0),
    )


@pytest.fixture
def board() -> Leaderboard:
    rows = (
        row("boosted-trees", mean=0.1278),
        replace(row("gaussian|process", mean=-0.5), median_trials=4.0),
        replace(
            row("a-name-as-long-as-names-may-ever-be-here"), overall=NOTHING, tier=None, mean_rank=math.nan
        ),
    )
    return Leaderboard(
        view=View(budget_s=2.0, by="family"),
        budget="2 s",
        replay=True,
        n_tasks=16,
        datasets={"binary": 6, "multiclass": 0, "regression": 10},
        rows=rows,
        notes=("A note that is long enough to be wrapped over two lines of text, " * 2 + "indeed",),
    )


@pytest.mark.parametrize(
    ("log_ratio", "shown"),
    [
        (-math.log(0.88), None),
        (math.log(1 / 0.88), "-12"),
        (math.log(1 / 1.25), "+25"),
        (0.0, "0"),
        (0.004, "0"),
        (-0.004, "0"),
        (-2_000.0, ">9900"),
        (800.0, "-100"),
        (math.nan, "-"),
    ],
)
def test_a_ratio_is_shown_as_the_change_of_the_error(log_ratio, shown):
    assert error_change(log_ratio) == (shown or "-12")


def test_an_interval_is_shown_with_the_better_end_first():
    value = Estimate(mean=-math.log(0.88), low=-math.log(0.94), high=-math.log(0.82), n=16)
    assert estimate(value) == "-12 % [-18, -6]"
    assert estimate(replace(value, low=math.nan, high=math.nan)) == "-12 %"
    assert estimate(NOTHING) == "-"


def test_text_is_aligned_and_fits_a_hundred_columns(board):
    lines = text(board).splitlines()
    assert max(map(len, lines)) <= 100
    table = [line for line in lines if "boosted-trees" in line or "gaussian|process" in line]
    heads = [line for line in lines if "family  " in line and "Leaderboard" not in line]
    assert len(table) == 2 * len(heads)
    ends = {line.index("]") for line in table if "]" in line}
    assert len(ends) == 1


def test_text_holds_every_column_and_note(board):
    words = " ".join(text(board).split())
    for column in columns(board):
        assert column.heading in words
        for entry in board.rows:
            assert " ".join(column.show(entry).split()) in words
    assert board.notes[0] in words
    assert "Budget per cell: 2 s, shared by a family's learners, replayed from a larger run." in words
    assert "Tables compared: 6 binary, 10 regression." in words
    assert "errors against those of the default random-forest" in words
    assert words.count("defaults only") == 1


def test_markdown_is_one_table_with_as_many_cells_in_every_line(board):
    lines = [line for line in markdown(board).splitlines() if line.startswith("|")]
    counts = {len(re.split(r"(?<!\\)\|", line)) for line in lines}
    assert (len(lines), counts) == (2 + len(board.rows), {len(columns(board)) + 2})
    assert f"- {board.notes[0]}" in markdown(board)


def test_csv_holds_every_number_in_full(board):
    records = list(csv.DictReader(io.StringIO(to_csv(board))))
    for record, entry in zip(records, board.rows, strict=True):
        assert record["entry"] == entry.entry
        assert record["median_s"] == repr(entry.median_s)
        assert record["overall_low"] == ("" if math.isnan(entry.overall.low) else repr(entry.overall.low))
        assert int(record["overall_n"]) == entry.overall.n
    flat = {name for column in all_columns(board) for name in column.fields}
    parts = {**dict.fromkeys(ESTIMATES, Estimate), **QUALITIES}
    of_rows = {name for name in Row.__slots__ if name not in parts}
    of_parts = {f"{name}.{part}" for name, kind in parts.items() for part in kind.__slots__}
    assert flat == of_rows | of_parts | {"defaults_only"}
    assert set(records[0]) == {name.replace(".", "_") for name in flat}


def test_json_gives_the_leaderboard_back(board):
    def restored(value: float | None) -> float:
        return math.nan if value is None else value

    record = json.loads(to_json(board))
    assert View(**{**record["view"], "only": tuple(record["view"]["only"])}) == board.view
    for found, entry in zip(record["rows"], board.rows, strict=True):
        assert found.pop("defaults_only") == entry.defaults_only
        for name, kind in (*dict.fromkeys(ESTIMATES, Estimate).items(), *QUALITIES.items()):
            found[name] = kind(**{part: restored(value) for part, value in found[name].items()})
        found["mean_rank"] = restored(found["mean_rank"])
        assert repr(Row(**found)) == repr(entry)
    assert (record["budget"], record["replay"], record["datasets"]) == (board.budget, True, board.datasets)
    assert record["notes"] == list(board.notes)


def test_a_leaderboard_without_rows_is_still_a_table(board):
    empty = replace(board, rows=(), notes=(), datasets={})
    assert "Tables compared: none yet." in text(empty)
    assert len(to_csv(empty).splitlines()) == 1
    assert json.loads(to_json(empty))["rows"] == []
    assert markdown(empty).count("\n|") == 2


@pytest.mark.parametrize("render", [text, markdown, html, latex])
def test_more_columns_are_shown_where_they_are_asked_for(board, render):
    assert "log loss" not in render(board)
    more = render(board, ("calibration", "density"))
    for word in ("0.012", "0.333", "log loss", "log density", "ECE (expected calibration error)"):
        assert word in " ".join(more.split())
    assert "CRPS" not in render(board, ("calibration",))


@pytest.fixture
def contested(board) -> Leaderboard:
    """The board with a contest of its first two rows on two tables, one of which is a tie."""
    entries = tuple(row.entry for row in board.rows[:2])
    ratio = np.array([[0.5, 0.01], [0.0, 0.0]])
    return replace(board, contest=Contest(entries=entries, log_ratio=ratio, anchor=entries[1]))


def test_ratings_are_made_where_they_are_asked_for(contested):
    assert "Elo" not in text(contested)
    words = " ".join(text(contested, ("ratings",)).split())
    assert "Elo (400 more: ten wins to one loss; gaussian|process is 1000)" in words
    assert "All three depend on which entries are in the table, and decide nothing." in words
    elo = 1000 + 400 * math.log10(2.0 / 1.0)  # of three games, one of them the drawn one: won, tied, tied
    best, second, third = (
        [column.show(row) for column in columns(contested, ("ratings",))[-3:]]
        for row in contested.rated().rows
    )
    assert best[0].startswith(f"{elo:.0f} [")
    assert best[1:] == ["75 %", "0 %"]
    assert second[1:] == ["25 %", f"{100 * (1 - math.exp(-0.5) + 1 - math.exp(-0.01)) / 2:.0f} %"]
    assert third == ["-", "-", "-"]
    unanchored = replace(contested, contest=replace(contested.contest, anchor=None))
    assert "the mean is 1000" in legend(unanchored, ("ratings",))


def test_files_always_have_the_ratings(contested):
    expected = [row.rating for row in contested.rated().rows]
    assert expected[0].n == 2
    frame = contested.to_frame()
    assert frame["rating_elo"].tolist()[:2] == [expected[0].elo, expected[1].elo]
    assert frame["rating_n"].tolist() == [2, 2, 0]
    (line, *_) = csv.DictReader(io.StringIO(to_csv(contested)))
    assert line["rating_low"] == repr(expected[0].low)
    record = json.loads(to_json(contested))
    assert [row["rating"]["improvability"] for row in record["rows"]][:2] == [
        rating.improvability for rating in expected[:2]
    ]
    assert "contest" not in record
    assert "gaussian|process is 1000" in record["legend"]


def test_what_is_not_offered_is_a_dash(board):
    shown = dict.fromkeys(column.show(board.rows[0]) for column in columns(board, ("density",))[-3:])
    assert list(shown) == ["-"]


@pytest.mark.parametrize(
    ("view", "words"),
    [
        (View(), "Leaderboard by learner, tuned. Budget"),
        (View(by="family", show="default"), "Leaderboard by family, default configurations. Budget"),
        (
            View(show="ensembled", metric="r2"),
            "by learner, ensembles, 1 - coefficient of determination. Budget",
        ),
    ],
)
def test_title_and_legend_say_which_view_it_is(board, view, words):
    board = replace(board, view=view)
    assert words in title(board)
    assert ("errors (1 - coefficient of determination) against" in legend(board)) == (view.metric == "r2")
    assert {"tuned": "best validation score", "default": "its default", "ensembled": "an ensemble of"}[
        view.show
    ].replace("its", "the" if view.by == "family" else "its") in legend(board)


def test_in_a_view_of_defaults_nobody_is_marked_for_showing_defaults_only(board):
    assert "defaults only" in text(board)
    assert "defaults only" not in text(replace(board, view=View(show="default")))


class Elements(HTMLParser):
    """The elements of a document, each closed where it must be, and the text of its cells."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.cells = [], [], []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.seen.append((tag, dict(attrs)))
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in ("td", "th"):
            self.cells[-1] += data


def test_html_is_well_formed_escaped_and_without_scripts(board):
    evil = "<script>alert('ä & 模型')</script>"
    board = replace(board, rows=(replace(board.rows[0], entry=evil), *board.rows[1:]), notes=(evil,))
    page = html(board, EXTRAS)
    page.encode("ascii")
    found = Elements()
    found.feed(page)
    found.close()
    assert found.open == []
    table, prose = {"table", "thead", "tbody", "tr", "th", "td"}, {"div", "p", "strong", "ul", "li"}
    assert {tag for tag, _ in found.seen} == table | prose | {"style"}
    assert not any(name.startswith("on") or name in ("src", "href") for _, a in found.seen for name in a)
    shown = columns(board, EXTRAS)
    expected = [column.heading for column in shown] + [c.show(row) for row in board.rows for c in shown]
    assert found.cells == expected
    assert evil in found.cells
    assert board._repr_html_() == html(board)


def test_html_takes_its_colours_from_the_page(board):
    style = html(board).partition("<style>")[2].partition("</style>")[0]
    assert re.findall(r"#[0-9a-f]{3,}|(?<!-)\bcolor|background: (?!none)", style) == []


def test_latex_escapes_everything_and_has_as_many_cells_in_every_line(board):
    odd = "50 % of $x_i^2$ & {a~b} #1 \\ <c>|"
    board = replace(board, rows=(replace(board.rows[0], entry=odd), *board.rows[1:]), notes=(odd,))
    page = latex(board)
    body = page.partition("\\toprule\n")[2].partition("\\bottomrule")[0].splitlines()
    lines = [line for line in body if line != "\\midrule"]
    assert len(lines) == 1 + len(board.rows)
    escaped = (
        r"50 \% of \$x\_i\textasciicircum{}2\$ \& \{a\textasciitilde{}b\} \#1 \textbackslash{} "
        r"\textless{}c\textgreater{}\textbar{}"
    )
    assert escaped in lines[1]
    assert rf"\item {escaped}" in page
    for line in lines:
        assert line.endswith(r" \\")
        assert len(re.findall(r"(?<!\\)&", line)) == len(columns(board)) - 1
    assert r"$-$12 \%" in lines[1]
    assert re.findall(r"\\(begin|end)\{(\w+)\}", page) == [
        ("begin", "table"), ("begin", "tabular"), ("end", "tabular"),
        ("begin", "itemize"), ("end", "itemize"), ("end", "table"),
    ]  # fmt: skip


def test_a_frame_has_every_number_in_full_and_is_what_the_csv_says(board):
    frame = board.to_frame()
    assert list(frame["entry"]) == [row.entry for row in board.rows]
    assert frame["median_s"].tolist() == [row.median_s for row in board.rows]
    assert frame["tier"].tolist()[:2] == [1, 1]
    assert frame["tier"].isna().tolist() == [False, False, True]
    assert frame["overall_mean"].isna().tolist() == [False, False, True]
    assert frame["density_crps"].isna().all()
    read = list(csv.reader(io.StringIO(to_csv(board))))
    assert read[0] == list(frame.columns)
    assert len(to_frame(replace(board, rows=()))) == 0


def test_one_task_alone_shows_its_errors_and_no_tiers(board):
    spread = Spread(mean=0.01234, low=0.01, high=0.02, n=3)
    rows = (replace(board.rows[0], error=spread), *board.rows[1:])
    alone = replace(board, rows=rows, task="prices", problem=ProblemType.REGRESSION)
    said = text(alone)
    assert title(alone).startswith("prices by family, tuned: RMSE / SD on test rows.")
    assert "0.0123" in said
    assert "0.0100 to 0.0200" in said
    assert "tier" not in said
    assert set(to_frame(alone).columns) == set(to_frame(board).columns)
