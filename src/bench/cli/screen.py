"""The live screen of a run in a terminal: cells done, time left, what runs, what failed, who leads."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bench.boards import board
from bench.cli.estimate import span
from bench.events import CellFinished, Event
from bench.execution.postmortem import visible
from bench.store.query import find_run
from bench.store.sqlite import Store

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.cli.display import Tally

REDRAW_S = 1.0
BOARD_S = 5.0
"""The leaderboard is made anew at most so often: the cells need the cores."""
SHOWN_FAILURES = 3


class Screen:
    """Draws at most once a second; a context manager."""

    def __init__(self, tally: Tally, store: Store) -> None:
        """Draw what the tally says, with a leaderboard from the store."""
        self._tally, self._store = tally, store
        self._live = Live(console=Console(), auto_refresh=False, transient=True)
        self._drawn_at = self._ranked_at = float("-inf")
        self._board: Leaderboard | None = None

    def __enter__(self) -> Self:
        """Start drawing."""
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and leave the terminal as it was."""
        self._live.stop()

    def show(self, event: Event) -> None:
        """Take notice of an event, and draw if it is time."""
        now = time.monotonic()
        if isinstance(event, CellFinished) and now - self._ranked_at > BOARD_S:
            self._rank()
            self._ranked_at = time.monotonic()
        if now - self._drawn_at > REDRAW_S:
            self._live.update(self._render(), refresh=True)
            self._drawn_at = now

    def _rank(self) -> None:
        from bench.analysis.views import View

        self._board = board(self._store, find_run(self._store, self._tally.run_id), View(by="learner"))

    def _render(self) -> Group:
        tally = self._tally
        left = span(tally.eta_s())
        elapsed = span(time.monotonic() - tally.started_at)
        head = Text(f"{tally.done} of {tally.to_do} cells, {elapsed} so far, about {left} left", style="bold")
        bar = Padding(ProgressBar(total=max(1, tally.to_do), completed=tally.done), (0, 2))
        running = [
            Text(visible(f"  runs: {cell} (trial {trials})")) for cell, trials in tally.running.items()
        ]
        failures = [
            Text(visible(f"  {outcome.status}: {cell.id}: {outcome.reason}"), style="red")
            for cell, outcome in tally.failures[-SHOWN_FAILURES:]
        ]
        count = Text(f"failures so far: {len(tally.failures)}")
        standings = [] if self._board is None else [_standings(self._board)]
        return Group(head, bar, *running, count, *failures, *standings)


def _standings(ranking: Leaderboard) -> Table:
    """The leaderboard so far, in its three most telling columns."""
    from bench.analysis.sizes import rows_title
    from bench.analysis.tables import estimate

    where = "" if ranking.task is None else ", all on one table"
    size = "" if ranking.view.train_rows is None else f", {rows_title(ranking.view.train_rows)}"
    title = Text(visible(f"so far: error against the default {ranking.view.reference}{where}{size}"))
    table = Table(title=title, title_justify="left", box=None)
    table.add_column("tier", justify="right")
    table.add_column("learner")
    table.add_column("all tables")
    table.add_column("tables", justify="right")
    for row in ranking.rows:
        tier = "-" if row.tier is None else str(row.tier)
        table.add_row(tier, Text(visible(row.entry)), Text(estimate(row.overall)), str(row.n_tasks))
    return table
