"""One cell, from its table to its trials. Runs in a worker, or in this process for debugging."""

from __future__ import annotations

import resource
import time
import traceback
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import numpy as np

from bench.alterations.altered import altered
from bench.alterations.draws import redrawn
from bench.alterations.rows import Rows
from bench.cells import CellStatus
from bench.config.expand import task_shape
from bench.datasets import ProblemType
from bench.interventions import parse_intervention, shape_under
from bench.orders import Order, Predictions
from bench.registry import learner as find_learner
from bench.runner.clock import CellMeter, Span
from bench.runner.scores import Scores, TestRows, score_rows
from bench.runner.state import Phase, State
from bench.search.search import Candidate, Search, TrainingData, run_search
from bench.sources.cache import Cache
from bench.splits.rows import split_rows
from bench.trials import Cost, Flag, Outcome, Trial, TrialStatus

STARVED_BELOW = 0.7
"""CPU over wall seconds of a billed phase under which the machine did not give the cell its core.

In a tour at two cells on two cores the median was 0.98 and the lowest of 558 phases 0.86 (2026-11); two
busy processes on one core get about half of it each."""
STARVED_FROM_S = 0.2
"""Shorter phases are not judged: one time slice decides them."""

MOST_TRACEBACKS = 3
"""How many a cell keeps: a learner that raises mostly raises the same."""


class Reporter(Protocol):
    """Whom a cell tells what happens. Nothing comes back."""

    def loaded(self, rows: Mapping[str, int]) -> None:
        """Take notice of how many rows there are.

        `train` (before validation), `fit`, `validation`, `test`, and for a binary task `test_minority`, those
        of the rarer class in the test set.
        """
        ...

    def tried(self, trial: Trial, predictions: Predictions | None) -> None:
        """Take notice of a trial that ended."""
        ...


def run_cell(order: Order, state: State, report: Reporter, limits: dict[str, str]) -> Outcome:
    """Load, warm up, search, score; report each trial as it ends and return how the cell ended.

    What a learner raises outside its trials, in its warm-up, ends the cell as an error inside one does: for
    good. What loading raises is left to the caller: the table may be mended.
    """
    started, wall = _utc(), time.monotonic()
    state.reset(order.spent_s)
    intervention = parse_intervention(order.cell.intervention)
    if intervention.changes:
        state.enter(Phase.ALTERING)
    training, test, rows = load_cell(order)
    report.loaded(rows)
    learner = find_learner(order.learner)
    device = order.cell.device if order.cell.device in learner.devices else "cpu"
    meter = CellMeter(state, order.spent_s, order.cell.device)
    search = Search(
        learner=learner,
        data=training,
        key=order.cell.search_key,
        budget=order.budget,
        start_trial=order.start_trial,
        threads=order.cell.cores,
        device=device,
        shape=shape_under(
            intervention,
            task_shape(order.cell.task, order.cell.split, order.cell.validation),
            order.cell.task.dataset,
        ),
        augmentation=order.cell.augmentation,
        fixed=intervention.fixed(training.X.shape[1]),
    )
    try:
        with meter.timing(Phase.WARM_UP) as warm_up:
            learner.warm_up(training.problem, device)
        scorer = _Scorer(order, meter, training, test, report)
        ended_by = run_search(search, meter, scorer.on_candidate)
        outcome = replace(_ended(scorer, ended_by), warm_up_s=warm_up[0].billed_s)
    except Exception as error:  # noqa: BLE001 - a learner may raise anything, and that is a result
        outcome = _raised(error)
    wall_s = time.monotonic() - wall
    return replace(outcome, started_at=started, ended_at=_utc(), wall_s=wall_s, limits=limits)


def _ended(scorer: _Scorer, ended_by: str) -> Outcome:
    """Return the end of a cell whose search ended by itself."""
    if ended_by == "space" and any(status.cut for status in scorer.statuses):
        ended_by = "seconds"  # a larger budget has to try the cut ones again
    return Outcome(
        status=scorer.status(),
        complete=True,
        ended_by=ended_by,
        reason="" if scorer.status().has_score else scorer.first_reason,
        log="\n".join(scorer.tracebacks),
    )


def _raised(error: Exception) -> Outcome:
    """Return the end of a cell whose learner raised outside its trials."""
    text = " ".join(str(error).split())[:500]
    out_of_memory = isinstance(error, MemoryError)
    return Outcome(
        status=CellStatus.OOM if out_of_memory else CellStatus.ERROR,
        complete=True,
        reason=f"{'out of memory' if out_of_memory else type(error).__name__}: {text}",
        log=traceback.format_exc(),
    )


def load_cell(order: Order) -> tuple[TrainingData, TestRows, dict[str, int]]:
    """Return the training rows with their folds, the test rows, and how many rows of each there are.

    Features, training labels and which rows there are are as the cell's intervention leaves them. Test labels
    are the table's own; and which test rows have twins among the training rows is asked of the table, not of
    what an intervention made of it. Raises DataError where an intervention leaves too few rows.
    """
    cell = order.cell
    task = cell.task
    cache = Cache(Path(order.cache_root))
    table = cache.load(task.dataset.name)
    fold_of_row = cache.fold_of_row(task.dataset.name, task.splits.procedure, cell.split.repeat)
    intervention = parse_intervention(cell.intervention)
    drawn = split_rows(cell, table.y, fold_of_row, table.structure)
    drawn = redrawn(drawn, table, intervention, cell.split_key)
    train, test, folds = drawn.train, drawn.test, drawn.folds
    there = Rows(table.rows(train), table.y[train], table.rows(test), task.problem, task.dataset.image)
    met = altered(there, intervention, cell.split_key)
    training = TrainingData(
        problem=task.problem,
        n_classes=len(task.dataset.classes),
        target_sd=task.dataset.target_sd,
        X=met.X,
        y=met.y,
        folds=folds,
        image=task.dataset.image if intervention.kind.keeps_images else None,
    )
    y_test = table.y[test]
    rows = {"train": len(train), "fit": len(folds[0][0]), "validation": len(folds[0][1]), "test": len(test)}
    if task.problem is ProblemType.BINARY:
        positives = int((y_test == 1).sum())
        rows["test_minority"] = min(positives, len(y_test) - positives)
    twinless = ~np.isin(table.row_hashes[test], table.row_hashes[train])
    tested = TestRows(X=met.X_test, y=y_test, twinless=twinless)
    return training, tested, rows


class _Scorer:
    """What a search reports to: scores the test and training rows, unbilled, and returns nothing."""

    def __init__(
        self, order: Order, meter: CellMeter, training: TrainingData, test: TestRows, report: Reporter
    ) -> None:
        self._order, self._meter, self._report = order, meter, report
        self._training, self._test = training, test
        self._base_bytes = _resident_bytes("VmRSS")
        self.statuses: list[TrialStatus] = []
        self.tracebacks: list[str] = []
        """Where the learner raised, each place once, the first few."""
        self.first_reason = "no trial of an earlier attempt has a valid score" if order.start_trial else ""

    def on_candidate(self, candidate: Candidate) -> None:
        billed = self._meter.last
        scores, reason = Scores(), candidate.reason
        with self._meter.timing(Phase.UNBILLED) as unbilled:
            if candidate.status.valid:
                scores, reason = self._score(candidate)
        if candidate.traceback:
            self._trace(candidate.number, candidate.traceback)
        status = scores.status or candidate.status
        self.statuses.append(status)
        if len(self.statuses) == 1 and reason:
            self.first_reason = reason
        flags = candidate.flags + ((Flag.STARVED,) if _starved(billed, self._order) else ())
        trial = Trial(
            number=candidate.number,
            config=dict(candidate.config),
            status=status,
            cost=self._cost(billed, unbilled[0]),
            spent_s=self._meter.spent_s(),
            validation_score=candidate.validation_score if status.valid else None,
            test_score=scores.test,
            train_score=scores.train,
            test_score_single=scores.test_single,
            metrics=scores.metrics,
            flags=flags,
            prediction_hash=scores.prediction_hash,
            reason=reason,
            finished_at=_utc(),
        )
        self._report.tried(trial, scores.predictions)

    def _score(self, candidate: Candidate) -> tuple[Scores, str]:
        try:
            return score_rows(candidate, self._training, self._test), candidate.reason
        except MemoryError:
            return Scores(status=TrialStatus.OOM), "out of memory while predicting the test rows"
        except Exception as error:  # noqa: BLE001 - a learner may raise anything, and that is a result
            text = " ".join(str(error).split())[:400]
            self._trace(candidate.number, traceback.format_exc())
            return Scores(status=TrialStatus.ERROR), f"while predicting: {type(error).__name__}: {text}"

    def _trace(self, number: int, text: str) -> None:
        if len(self.tracebacks) < MOST_TRACEBACKS and not any(text in known for known in self.tracebacks):
            self.tracebacks.append(f"trial {number}: {text}")

    def _cost(self, billed: Span, unbilled: Span) -> Cost:
        return Cost(
            billed_s=billed.billed_s,
            billed_wall_s=billed.wall_s,
            unbilled_s=unbilled.billed_s,
            unbilled_wall_s=unbilled.wall_s,
            peak_memory_bytes=max(0, _resident_bytes("VmHWM") - self._base_bytes),
        )

    def status(self) -> CellStatus:
        """How the cell ended, from its trials and those of its earlier attempts."""
        return cell_status(self.statuses, valid_before=self._order.valid_before)


def cell_status(statuses: Collection[TrialStatus], *, valid_before: bool) -> CellStatus:
    """Return how a cell ended whose search ended by itself."""
    if valid_before or any(status.valid for status in statuses):
        return CellStatus.OK
    if statuses and all(status is TrialStatus.TIMEOUT for status in statuses):
        return CellStatus.TIMEOUT
    return CellStatus.OOM if TrialStatus.OOM in statuses else CellStatus.ERROR


def _starved(span: Span, order: Order) -> bool:
    if order.cell.device != "cpu":
        return False  # waiting for a device is no sign of a busy machine
    return span.wall_s > STARVED_FROM_S and span.billed_s < STARVED_BELOW * span.wall_s


def _resident_bytes(field: str) -> int:
    """Return VmRSS or VmHWM of this process; without /proc, the peak that rusage knows."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


def _utc() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
