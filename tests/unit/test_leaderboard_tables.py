"""The tables say what the leaderboard holds: to people rounded, to programs in full."""

from __future__ import annotations

import csv
import io
import json
import math
import re
from dataclasses import replace

import pytest

from bench.analysis.leaderboard import Estimate, Leaderboard, Row
from bench.analysis.tables import columns, error_change, estimate, markdown, text, to_csv, to_json
from bench.analysis.views import View

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
    flat = {name for column in columns(board) for name in column.fields}
    of_rows = {name for name in Row.__slots__ if name not in ("overall", "classification", "regression")}
    of_estimates = {
        f"{e}.{p}" for e in ("overall", "classification", "regression") for p in Estimate.__slots__
    }
    assert flat == of_rows | of_estimates | {"defaults_only"}


def test_json_gives_the_leaderboard_back(board):
    def restored(value: float | None) -> float:
        return math.nan if value is None else value

    record = json.loads(to_json(board))
    assert View(**record["view"]) == board.view
    for found, entry in zip(record["rows"], board.rows, strict=True):
        assert found.pop("defaults_only") == entry.defaults_only
        for name in ("overall", "classification", "regression"):
            found[name] = Estimate(**{part: restored(value) for part, value in found[name].items()})
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
