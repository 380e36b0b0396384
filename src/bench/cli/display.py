"""A run as it goes: a live screen in a terminal, a line for each cell elsewhere."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field

import click

from bench.cells import Cell
from bench.cli.estimate import cell_wall_s, span
from bench.events import (
    CellElsewhere,
    CellFinished,
    CellStarted,
    Event,
    RunFinished,
    RunStarted,
    TrialFinished,
)
from bench.execution.postmortem import visible
from bench.plans import Plan
from bench.store.query import find_run
from bench.store.sqlite import Store
from bench.trials import Outcome

QUARTERS = 4
"""How often a run without a terminal shows who leads."""


@dataclass(slots=True)
class Tally:
    """What happened so far in a run."""

    plan: Plan
    run_id: str
    to_do: int
    jobs: int
    started_at: float
    done: int = 0
    running: dict[str, int] = field(default_factory=dict)
    """Cell id to trials so far."""
    failures: list[tuple[Cell, Outcome]] = field(default_factory=list)

    def take(self, event: Event) -> None:
        """Count one event."""
        match event:
            case CellStarted(cell, continues_at):
                self.running[cell.id] = continues_at
            case TrialFinished(cell, trial):
                self.running[cell.id] = trial.number + 1
            case CellFinished(cell, outcome):
                self.running.pop(cell.id, None)
                self.done += 1
                if outcome.status.failed:
                    self.failures.append((cell, outcome))
            case _:
                pass

    def eta_s(self) -> float:
        """Return the wall seconds that are left, billed and unbilled, by what a cell has taken so far."""
        left = self.to_do - self.done
        elapsed = time.monotonic() - self.started_at
        guess = cell_wall_s(self.plan.budget) / self.jobs
        each = (elapsed + guess * self.jobs) / (self.done + self.jobs) if self.done else guess
        return left * each


def follow(events: Iterable[Event], store: Store, plan: Plan, jobs: int) -> Tally:
    """Show a run until it ends; return what happened."""
    tally = Tally(plan=plan, run_id="", to_do=len(plan.runnable), jobs=jobs, started_at=time.monotonic())
    if sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from bench.cli.screen import Screen

        with Screen(tally, store) as screen:
            for event in events:
                _begin(tally, event)
                tally.take(event)
                screen.show(event)
        return tally
    shown = 0
    for event in events:
        _begin(tally, event)
        tally.take(event)
        _line(tally, event)
        quarter = QUARTERS * tally.done // max(1, tally.to_do)
        if shown < quarter < QUARTERS:
            click.echo(_standing(tally, store))
            shown = quarter
    return tally


def _standing(tally: Tally, store: Store) -> str:
    """The leaderboard so far, in one line."""
    from bench.analysis.sizes import rows_title
    from bench.analysis.tables import error_change
    from bench.analysis.views import View
    from bench.boards import board

    ranking = board(store, find_run(store, tally.run_id), View(by="learner"))
    reference, alone = visible(ranking.view.reference), ranking.task is not None
    rows = [row for row in ranking.rows if row.overall.n]
    if not rows:
        return f"so far, nothing to compare: the default {reference} has not run on any table"
    parts = (
        f"{visible(row.entry)} {error_change(row.overall.mean)} %" + ("" if alone else f" ({row.n_tasks})")
        for row in rows
    )
    where = "all on one table" if alone else "tables"
    if ranking.view.train_rows is not None:
        where += f", {rows_title(ranking.view.train_rows)}"
    return f"so far, error against the default {reference} ({where}): {', '.join(parts)}"


def _begin(tally: Tally, event: Event) -> None:
    if isinstance(event, RunStarted):
        tally.run_id, tally.to_do = event.run_id, event.to_do


def _line(tally: Tally, event: Event) -> None:
    """Say in one line what a person without a terminal should know."""
    match event:
        case RunStarted(run_id=run_id, done_before=before, to_do=to_do):
            click.echo(f"run {run_id}: {to_do} cells to do" + (f", {before} done before" if before else ""))
        case CellFinished(cell, outcome):
            reason = f", {outcome.reason}" if outcome.status.failed else ""
            said = visible(f"[{tally.done}/{tally.to_do}] {outcome.status} {cell.id}{reason}")
            click.echo(f"{said} (left: about {span(tally.eta_s())})")
        case CellElsewhere(cell):
            click.echo(visible(f"another run has {cell.id}; waiting for it"))
        case RunFinished():
            click.echo(f"all done in {span(time.monotonic() - tally.started_at)}")
        case _:
            pass
