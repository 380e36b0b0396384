"""Cells in this process, one after another, for debugging: no isolation, no guard, no memory cap."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from bench.cells import CellStatus
from bench.execution.postmortem import visible
from bench.execution.progress import Ended, Loaded, Progress, Started, Tried
from bench.orders import Order, Predictions
from bench.runner.cell import run_cell
from bench.runner.state import PAGE_BYTES, State
from bench.trials import Outcome, Trial


@dataclass(frozen=True, slots=True)
class _Kept:
    """Keeps what a cell reports until it has ended."""

    trials: list[tuple[Trial, Predictions | None]]
    rows: dict[str, int]

    def loaded(self, rows: Mapping[str, int]) -> None:
        """Keep how many rows there are."""
        self.rows.update(rows)

    def tried(self, trial: Trial, predictions: Predictions | None) -> None:
        """Keep a trial."""
        self.trials.append((trial, predictions))


class InlineExecutor:
    """Runs each order in this very process. A learner that hangs or crashes takes the run with it."""

    jobs = 1

    def run(self, next_order: Callable[[], Order | None]) -> Iterator[Progress]:
        """Yield what happens; the trials of a cell come when it has ended."""
        state = State(mmap.mmap(-1, PAGE_BYTES))
        while (order := next_order()) is not None:
            yield Started(order)
            kept = _Kept([], {})
            try:
                outcome = run_cell(order, state, kept, {"isolation": "none"})
            except Exception as error:  # noqa: BLE001 - the next cell must still run
                reason = f"{type(error).__name__}: {' '.join(str(error).split())[:500]}"
                outcome = Outcome(status=CellStatus.ERROR, complete=False, reason=reason)
            yield Loaded(order, kept.rows)
            for trial, predictions in kept.trials:
                yield Tried(order, trial, predictions)
            yield Ended(order, replace(outcome, reason=visible(outcome.reason)))
