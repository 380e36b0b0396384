"""Reports: a page says what the store holds, the files beside it are whole, hostile names do nothing."""

from __future__ import annotations

import hashlib
import io
import json
import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from claim_worlds import World as ClaimWorld
from claim_worlds import advantages, claim, versus
from store_worlds import STARTED, World, stored, tables

from bench.analysis.tables import sheet
from bench.boards import board_of, recorded
from bench.claims import Controls, Pair, Source
from bench.cli.main import main
from bench.datasets import ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.judgements import Judgement
from bench.registrations import UNREGISTERED
from bench.reporting import spreadsheet
from bench.reporting.cards import cards
from bench.reporting.contents import Report, report
from bench.reporting.folder import PAGE, folder
from bench.reporting.panels import axes, places, view_at
from bench.reporting.writing import MARK, write
from bench.sources.cache import Cache
from bench.store.opening import open_store
from bench.store.query import find_run

pytest.importorskip("pyarrow", reason="reports hold Parquet")

IMAGE = "<img src=x onerror=alert(1)>"
FORMULA = "=cmd()"
TURNED = "\N{RIGHT-TO-LEFT OVERRIDE}turned round"
LONG = "x" * 300
TEX = r"\input{/etc/passwd}$&%"
HOSTILE = (IMAGE, FORMULA, TURNED, LONG, TEX)
RUN = "20260102-030405-abcd"
WORLD = World(
    tables=tables(10) | dict.fromkeys(HOSTILE, ProblemType.BINARY),
    failing=frozenset({("table-01", "mlp")}),
    exclusions={"table-99 </script>": "D401: nothing is learnt"},
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    found = stored(WORLD, tmp_path_factory.mktemp("results"))
    yield found
    found.close()


def made(store, tmp_path_factory, *run_ids):
    return folder(report(store, run_ids, (), "small", Cache(tmp_path_factory.mktemp("cache"))))


@pytest.fixture(scope="module")
def files(store, tmp_path_factory):
    return made(store, tmp_path_factory)


class Read(HTMLParser):
    """A page as elements and texts."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.attributes, self.texts, self.rows = [], [], [], []
        self.in_cell = False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [(tag, *each) for each in attrs]
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
            self.in_cell = True

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.in_cell = False

    def handle_data(self, data):
        self.texts.append(data)
        if self.in_cell:
            self.rows[-1][-1] += data


@pytest.fixture(scope="module")
def page(files):
    return Read(files[PAGE].decode())


def embedded(files):
    text = re.search(r'<script type="application/json" class="boards">(.*?)</script>', files[PAGE].decode())[
        1
    ]
    return json.loads(text)


def test_the_same_store_gives_the_same_bytes(store, files, tmp_path_factory):
    assert made(store, tmp_path_factory) == files


def test_the_page_shows_the_leaderboard_as_the_command_line_does(store, page):
    of = recorded(store, find_run(store, None))
    (first, *_) = places(of)
    shown = sheet(board_of(of, view_at(first)))
    at = page.rows.index(list(shown.headings))
    assert page.rows[at + 1 : at + 1 + len(shown.lines)] == [list(line) for line in shown.lines]
    for note in shown.notes:
        assert note in page.texts


def test_every_view_that_the_page_can_turn_to_is_that_of_the_command_line(store, files):
    of, data = recorded(store, find_run(store, None)), embedded(files)
    text = data["texts"]
    amounts = axes(of.run)
    found = list(places(of))
    assert len(found) == len(data["boards"])
    for place in found:
        key = f"|{place.metric or ''}|{place.by}|{place.show}|{place.failure_policy}|{place.axis}|" + str(
            amounts[place.axis].index(place.amount)
        )
        own, board = data["boards"][key], board_of(of, view_at(place))
        shown = sheet(board)
        assert [tuple(text[i] for i in line) for line in own["lines"]] == list(shown.lines)
        assert tuple(text[i] for i in own["notes"]) == shown.notes
        ratios = board.contest.log_ratio
        for kept, ratio in zip(own["ratios"], ratios, strict=True):
            for thousandths, value in zip(kept, ratio, strict=True):
                assert thousandths == (None if np.isnan(value) else pytest.approx(1000 * value, abs=0.5))


def test_budgets_halve_down_from_the_runs_own():
    assert axes({"budget_s": 4.0, "budget_trials": None}) == {
        "seconds": (0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0)
    }
    assert axes({"budget_s": None, "budget_trials": 12}) == {"trials": (1, 2, 4, 8, 12)}
    assert axes({"budget_s": None, "budget_trials": 1}) == {"trials": (1,)}


def test_hostile_names_are_text_in_the_page(page):
    assert "img" not in page.tags
    assert {script for tag, name, script in page.attributes if name.startswith("on")} == set()
    for name in HOSTILE:
        assert any(name in text for text in page.texts), name
    assert any("</script>" in text for text in page.texts)  # of what was left out
    assert page.tags.count("script") == 2  # the leaderboards, and the page's own


def test_hostile_names_are_text_in_files(files):
    csv = pd.read_csv(io.BytesIO(files[f"{RUN}/cells.csv"]))
    assert f"'{FORMULA}" in set(csv["task"])
    assert not any(str(cell).startswith("=") for column in csv for cell in csv[column])
    parquet = pd.read_parquet(io.BytesIO(files[f"{RUN}/cells.parquet"]))
    assert set(HOSTILE) <= set(parquet["task"])


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (FORMULA, f"'{FORMULA}"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("-1+cmd|' /C calc'!A0", "'-1+cmd|' /C calc'!A0"),
        ("+12 % [-3, +5]", "'+12 % [-3, +5]"),
        ("-12", "-12"),
        ("-0.5e-3", "-0.5e-3"),
        ("-inf", "-inf"),
        ("-", "-"),
        ("plain", "plain"),
        (-1.5, -1.5),
        (None, None),
    ],
)
def test_a_spreadsheet_runs_nothing(cell, shown):
    assert spreadsheet.plain(cell) == shown


def test_failures_flags_and_what_was_left_out_are_shown(page):
    assert ["mlp", "crash", "killed by signal 11 (SIGSEGV)", "1"] in [row[:4] for row in page.rows]
    flagged = [row for row in page.rows if row[0] == "mlp" and row[1].startswith("starved ")]
    assert flagged == [["mlp", f"starved {len(WORLD.tables) - 1}"]]
    assert ["table-99 </script>", "D401: nothing is learnt"] in page.rows


def test_the_page_asks_for_nothing_and_runs_nothing_else(files, page):
    policy = dict(each[1:] for each in page.attributes if each[0] == "meta" and each[1] == "content")
    assert "default-src 'none'" in " ".join(map(str, policy.values())) or any(
        "default-src 'none'" in str(value) for _, _, value in page.attributes
    )
    fetched = [
        value
        for tag, name, value in page.attributes
        if name in ("src", "href", "xlink:href") and not value.startswith(("#", "data:")) and tag != "a"
    ]
    assert fetched == []
    linked = {value for tag, name, value in page.attributes if tag == "a" and name == "href"}
    assert {each for each in linked if not each.startswith("#")} <= set(files)
    ids = {value for _, name, value in page.attributes if name == "id"}
    assert {each[1:] for each in linked if each.startswith("#")} <= ids


def test_ids_stand_once(page):
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_files_are_listed_and_their_hashes_hold(files):
    lines = files[MARK].decode().splitlines()
    sums = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    assert set(sums) == set(files) - {MARK}
    for name, digest in sums.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest


def test_figures_are_files_of_their_own(files):
    drawn = {name: content for name, content in files.items() if name.endswith(".svg")}
    assert len(drawn) == 5  # two budgets by learner and by family, and costs
    for content in drawn.values():
        assert ET.fromstring(content).tag.endswith("svg")  # noqa: S314 - our own


def test_nothing_of_the_machines_folders_leaves_it(files):
    for name, content in files.items():
        assert b"/a/path/of/the/machine" not in content, name
    assert "log" not in pd.read_parquet(io.BytesIO(files[f"{RUN}/cells.parquet"])).columns


def test_tables_hold_the_numbers_of_the_store(store, files):
    trials = pd.read_parquet(io.BytesIO(files[f"{RUN}/trials.parquet"]))
    held = store.rows("SELECT count(*) AS n, sum(test_score) AS scores FROM trials")[0]
    assert (len(trials), trials["test_score"].sum()) == (held["n"], pytest.approx(held["scores"]))
    board = pd.read_csv(io.BytesIO(files[f"{RUN}/leaderboard-by-learner.csv"]))
    full = json.loads(files[f"{RUN}/leaderboard-by-learner.json"])
    assert board["entry"].tolist() == [row["entry"] for row in full["rows"]]
    assert board["overall_mean"].tolist() == [row["overall"]["mean"] for row in full["rows"]]


def test_several_sizes_and_interventions_have_their_panels(tmp_path, tmp_path_factory):
    world = World(tables=tables(6), sizes=(250, 1000), interventions=("none", "permute-pixels"))
    store = stored(world, tmp_path)
    page = Read(made(store, tmp_path_factory)[PAGE].decode())
    store.close()
    assert any("Learning and cost curves" in text for text in page.texts)
    heads = [row for row in page.rows if row == ["family", "permute-pixels"]]
    assert heads


def test_a_run_that_has_hardly_begun_can_be_reported(tmp_path, tmp_path_factory):
    world = World(tables=tables(2))
    store = stored(world, tmp_path)
    with store._transaction():
        store._db.execute("DELETE FROM trials")
        store._db.execute("DELETE FROM attempts")
    page = Read(made(store, tmp_path_factory)[PAGE].decode())
    store.close()
    assert "Nothing can be compared yet." in page.texts


def test_a_folder_is_replaced_whole_and_nobody_elses(tmp_path, files):
    target = tmp_path / "report"
    write(files, target)
    (target / "old.txt").write_text("of an earlier report")
    write(files, target)
    assert not (target / "old.txt").exists()
    assert {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()} == set(files)
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("a year's work")
    with pytest.raises(PrerequisiteError, match="holds files of something else"):
        write(files, theirs)
    with pytest.raises(PrerequisiteError, match="is a file"):
        write(files, theirs / "thesis.txt")
    assert [path.name for path in theirs.iterdir()] == ["thesis.txt"]
    assert {path.name for path in tmp_path.iterdir()} == {"report", "theirs"}


def test_nothing_to_report_is_said(tmp_path, store):
    empty = open_store(tmp_path)
    with pytest.raises(PrerequisiteError, match="holds no run yet"):
        report(empty, (), (), "small", Cache(tmp_path / "cache"))
    empty.close()
    with pytest.raises(ConfigError, match='no run "nope"'):
        report(store, ("nope",), (), "small", Cache(tmp_path / "cache"))


def call(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["bench", "report", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


def test_the_command_line_writes_it_and_says_where(store, tmp_path, monkeypatch, capsys):
    target = tmp_path / "out"
    asked = ("--results", str(store.folder), "--cache", str(tmp_path / "cache"), "-o", str(target))
    assert call(monkeypatch, "--no-claims", *asked) == 0
    assert f"{target / PAGE}: open it in a browser" in capsys.readouterr().out
    assert call(monkeypatch, "--no-claims", "--claim", "rotated-features", *asked) == 2
    assert "not both" in capsys.readouterr().err
    assert call(monkeypatch, "nope", "--no-claims", *asked) == 2
    assert 'no run "nope"' in capsys.readouterr().err


def test_the_folder_says_in_brief_what_it_holds(files):
    told = json.loads(files["report.json"])
    assert (told["title"], told["date"][:10], told["verdicts"]) == ("bench report: made-up", "2026-01-02", [])
    assert told["ahead"][0].startswith("Lowest errors at the whole budget: boosted-trees")
    brief = files["README.md"].decode()
    assert told["ahead"][0] in brief
    assert "`bench run made-up` runs what" in brief
    assert f"bench report {RUN}" in brief
    assert "year = {2026}" in files["citation.bib"].decode()


def test_a_verdict_has_its_card_its_figure_and_all_that_stands_behind_it(store, tmp_path_factory):
    planted = versus(name=f"alpha against beta {IMAGE}")
    said = claim(
        planted,
        sources=(Source(cite="Somebody 2020", says="so it is"),),
        controls=Controls(positive=Pair("a", "chance")),
    )
    found = ClaimWorld(errors=advantages({"alpha": 0.5, "beta": 0.2, "dummy": -0.5})).verdict(said)
    judged = Judgement(
        verdict=found, registration=UNREGISTERED, first_evidence=None, first_commit=None, view="",
        exploratory="it came later", n_cells=3, n_done=3, left_out={}, notes=("a note",),
    )  # fmt: skip
    empty = Report(runs=(), cards=cards((judged,)), judgements=(judged,), date=STARTED, not_run=())
    made = folder(empty)
    page = Read(made[PAGE].decode())
    assert "img" not in page.tags
    assert "SUPPORTED" in page.texts
    assert "EXPLORATORY" in page.texts
    text = " ".join(" ".join(page.texts).split())
    for told in (said.statement, "Somebody 2020", "a note", "control", "12 datasets", "half the margin"):
        assert told in text, told
    (card,) = empty.cards
    (contrast,) = card.contrasts
    name, svg = contrast.figure
    assert made[f"figures/{name}.svg"].decode() == svg
    drawn = ET.fromstring(svg)  # noqa: S314 - our own
    told = {each.text for each in drawn.iter() if each.tag.endswith("text")}
    assert {f"d{i:02d}" for i in range(12)} | {"mean"} <= told
    (record,) = json.loads(made["claims.json"])
    assert record["word"] == "SUPPORTED"
    assert made["claims.csv"].decode().splitlines()[1].startswith("TST-1,planted,")
