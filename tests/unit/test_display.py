"""What a run shows as it goes: against which reference, and nothing that a terminal would obey."""

from __future__ import annotations

import io
import time
from dataclasses import replace

import pytest
from rich.console import Console

from bench import portraits
from bench.analysis.leaderboard import Estimate
from bench.analysis.provenance import _plain
from bench.analysis.views import View
from bench.cells import CellStatus
from bench.cli import display
from bench.cli.plan import _tables_line, announce
from bench.cli.screen import Screen, _standings
from bench.datasets import Origin
from bench.events import CellFinished
from bench.trials import Outcome

EVIL = "RuntimeError: \x1b]0;owned\x07 [bold]loud[/bold]\x1b[2J"
SEEN = r"RuntimeError: \x1b]0;owned\x07 [bold]loud[/bold]\x1b[2J"


class Board:
    """As much of a leaderboard as is shown during a run."""

    def __init__(self, *entries, reference="dummy", task=None):
        self.view, self.task = View(reference=reference), task
        self.rows = [Line(entry) for entry in entries]


class Line:
    """A row of it."""

    tier, n_tasks = 1, 3

    def __init__(self, entry, n=3):
        self.entry, self.overall = entry, Estimate(mean=0.1, low=0.0, high=0.2, n=n)


@pytest.fixture
def tally(plan):
    return display.Tally(plan=plan, run_id="r", to_do=1, jobs=1, started_at=time.monotonic())


def standing(monkeypatch, tally, board):
    monkeypatch.setattr("bench.boards.board", lambda *_: board)
    monkeypatch.setattr(display, "find_run", lambda *_: {})
    return display._standing(tally, None)


def test_the_reference_of_the_run_is_named(monkeypatch, tally):
    said = standing(monkeypatch, tally, Board("dummy", "linear"))
    assert said == "so far, error against the default dummy (tables): dummy -10 % (3), linear -10 % (3)"
    said = standing(monkeypatch, tally, Board("linear", reference="random-forest", task="iris"))
    assert said == "so far, error against the default random-forest (all on one table): linear -10 %"
    said = standing(monkeypatch, tally, Board(reference="linear"))
    assert said == "so far, nothing to compare: the default linear has not run on any table"


def drawn(what):
    console = Console(file=io.StringIO(), width=100)
    console.print(what)
    return console.file.getvalue()


def test_the_screen_names_it_too_and_reads_no_markup(tally, cell):
    said = drawn(_standings(Board("a[red]b", reference="dummy", task="iris")))
    assert "so far: error against the default dummy, all on one table" in " ".join(said.split())
    assert "a[red]b" in said
    tally.take(CellFinished(cell, Outcome(status=CellStatus.ERROR, complete=True, reason=EVIL)))
    said = drawn(Screen(tally, None)._render())
    assert "\x1b" not in said
    assert SEEN in said.replace("\n", "")


def test_a_line_shows_control_characters_and_obeys_none(tally, cell, capsys):
    event = CellFinished(cell, Outcome(status=CellStatus.ERROR, complete=True, reason=EVIL))
    tally.take(event)
    display._line(tally, event)
    out = capsys.readouterr().out
    assert f"[1/1] error {cell.id}, {SEEN} (left: about " in out
    assert out.count("\n") == 1
    assert all(each.isprintable() for each in out[:-1])


def test_a_portrait_shows_control_characters_and_obeys_none():
    rows = [{"trial": 0, "why": EVIL}, {"trial": 1, "why": "two\nlines"}]
    said = portraits.text({"reason": EVIL, "trials": rows, "log": f"one\n{EVIL}\n", "left out": {EVIL: EVIL}})
    assert all(each.isprintable() for line in said.split("\n") for each in line)
    assert said.count(SEEN) == 5
    assert r"two\nlines" in said
    assert "log:\n  one\n  RuntimeError" in said


def test_one_of_a_kind_is_said_so(plan, capsys):
    announce(plan, jobs=1)
    assert capsys.readouterr().out.startswith("Test: 1 table x 1 learner, 1 cell\n")
    assert "; 1 observed; " in _tables_line(plan)
    (task,) = plan.tasks
    unknown = replace(task, dataset=replace(task.dataset, origin=Origin.UNKNOWN))
    assert "; 1 of unknown origin; " in _tables_line(replace(plan, tasks=(unknown,)))


def test_a_long_budget_is_written_out():
    assert [_plain(s) for s in (0.5, 2.0, 99999.96, 604800.0, 3.6e6)] == [
        "0.5", "2", "100000", "604800", "3600000",
    ]  # fmt: skip
