"""The log of record: one SQLite file, one writer a run, a transaction for each trial.

WAL with synchronous FULL: a kill loses nothing that was acknowledged, a power cut at most the trial in
flight. Not for network file systems, where WAL does not hold.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.budgets import Budget
from bench.cells import CellStatus
from bench.datasets import Dataset
from bench.environments import Environment
from bench.errors import PrerequisiteError
from bench.orders import Order, Predictions
from bench.plans import Plan, PlannedCell
from bench.store import predictions as prediction_files
from bench.store.leases import Holder
from bench.store.resume import PastAttempt, PastTrial, Standing, nothing_left, standing
from bench.trials import Outcome, Trial, TrialStatus

FILE_NAME = "bench.sqlite"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What a run was asked for, as far as the store has to know."""

    key: str
    """What the command was: the same one goes on with the same budget."""
    within_s: float | None = None
    fresh_since: str | None = None
    """UTC; evidence begun before does not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget:
    """Which evidence a run does not go on with."""

    before: str | None = None
    """UTC; what was begun before."""
    failed_but_by: str | None = None
    """Cells that failed, unless in this very run."""

    def covers(self, started_at: str, status: str | None, run_id: str) -> bool:
        """Whether a cell with such a latest attempt is begun anew."""
        if self.before is not None and started_at < self.before:
            return True
        failed = status is not None and CellStatus(status).failed
        return self.failed_but_by is not None and failed and run_id != self.failed_but_by


FORGET_NOTHING = Forget()


def past_attempt(row: Mapping[str, Any] | sqlite3.Row) -> PastAttempt:
    """Return an attempt from its row."""
    budget = Budget(seconds=row["budget_s"], trials=row["budget_trials"], memory_bytes=row["memory_bytes"])
    return PastAttempt(
        attempt=row["attempt"],
        budget=budget,
        complete=bool(row["complete"]),
        space_exhausted=row["ended_by"] == "space",
        out_of_memory=row["status"] == CellStatus.OOM,
    )


def finished(attempts: Sequence[Mapping[str, Any]], budget: Budget) -> Mapping[str, Any] | None:
    """Return the row of the latest attempt that leaves nothing to do under a budget, of rows latest first."""
    return next((row for row in attempts if nothing_left(past_attempt(row), budget)), None)


class Store:
    """Trials, attempts, runs and predictions in one folder."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        """Use an open connection; `open_store` makes one."""
        self._db = connection
        self.folder = folder

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # -- runs ---------------------------------------------------------------------------------------

    def add_run(self, run_id: str, plan: Plan, request: RunRequest, environment: Environment) -> None:
        """Record a run before anything of it runs: suite, cells, exclusions, environment."""
        suite = plan.suite
        record = {
            "suite": asdict(suite),
            "exclusions": [asdict(exclusion) for exclusion in plan.exclusions],
        }
        with self._transaction():
            self._db.execute(
                "INSERT OR IGNORE INTO environments VALUES (?, ?, ?)",
                (environment.hash, _now(), json.dumps(environment.to_json())),
            )
            self._db.executemany(
                "INSERT OR IGNORE INTO datasets VALUES (?, ?, ?)",
                [_dataset_row(task.dataset) for task in plan.tasks],
            )
            budget = plan.budget
            self._db.execute(
                f"INSERT INTO runs VALUES ({_marks(12)})",
                (run_id, suite.name, suite.hash, request.key, budget.seconds, budget.trials,
                 request.within_s, request.fresh_since, environment.hash, _now(), None, json.dumps(record)),
            )  # fmt: skip
            self._db.executemany(
                f"INSERT OR IGNORE INTO evidence VALUES ({_marks(19)})", map(_evidence, plan.cells)
            )
            self._db.executemany(
                "INSERT INTO run_cells VALUES (?, ?, ?, ?)",
                [(run_id, i, p.evidence_key, p.not_applicable) for i, p in enumerate(plan.cells)],
            )

    def end_run(self, run_id: str) -> None:
        """Record when a run ended by itself."""
        with self._transaction():
            self._db.execute("UPDATE runs SET ended_at = ? WHERE run_id = ?", (_now(), run_id))

    def budget_of_request(self, request: str, suite_hash: str) -> float | None:
        """Return the budget that the same command last resolved its `--within` to; None where it is new."""
        row = self._db.execute(
            "SELECT budget_s FROM runs WHERE request = ? AND suite_hash = ? AND within_s IS NOT NULL"
            " ORDER BY started_at DESC LIMIT 1",
            (request, suite_hash),
        ).fetchone()
        return None if row is None else row["budget_s"]

    def unfinished_fresh_start(self, request: str, suite_hash: str, budget: Budget) -> str | None:
        """Return since when evidence counts for a `--fresh` command whose last run did not end."""
        row = self._db.execute(
            "SELECT fresh_since, ended_at FROM runs WHERE request = ? AND suite_hash = ? AND budget_s IS ?"
            " AND budget_trials IS ? ORDER BY started_at DESC LIMIT 1",
            (request, suite_hash, budget.seconds, budget.trials),
        ).fetchone()
        return None if row is None or row["ended_at"] is not None else row["fresh_since"]

    # -- cells --------------------------------------------------------------------------------------

    def standing(self, evidence_key: str, budget: Budget, forget: Forget = FORGET_NOTHING) -> Standing:
        """Return what is left of a cell under a budget, less the evidence that is to be forgotten."""
        attempts = self._db.execute(_ATTEMPTS, {"key": evidence_key}).fetchall()
        if not attempts:
            return standing(None, (), budget)
        last = attempts[0]
        if forget.covers(last["started_at"], last["status"], last["run_id"]):
            return replace(standing(None, (), budget), attempt=last["attempt"] + 1, fresh=True)
        rows = self._db.execute(_TRACE, (evidence_key, evidence_key)).fetchall()
        trials = [PastTrial(row["trial"], TrialStatus(row["status"]), row["spent_s"]) for row in rows]
        found = standing(past_attempt(last), trials, budget)
        return replace(found, done=any(nothing_left(past_attempt(each), budget) for each in attempts))

    def start_attempt(self, order: Order, run_id: str) -> None:
        """Record that a cell is about to run."""
        budget = order.budget
        with self._transaction():
            self._db.execute(
                "INSERT INTO attempts (evidence_key, attempt, run_id, budget_s, budget_trials, memory_bytes,"
                f" start_trial, fresh, started_at) VALUES ({_marks(9)})",
                (order.evidence_key, order.attempt, run_id, budget.seconds, budget.trials,
                 budget.memory_bytes, order.start_trial, order.fresh, _now()),
            )  # fmt: skip
        prediction_files.mend(self.predictions_path(order.evidence_key))

    def add_trial(self, order: Order, trial: Trial, predictions: Predictions | None) -> None:
        """Keep a trial for good before returning; its predictions first, so that none is missing."""
        if predictions is not None:
            record = prediction_files.Record(trial.number, order.attempt, predictions)
            prediction_files.append(self.predictions_path(order.evidence_key), record)
        cost = trial.cost
        with self._transaction():
            self._db.execute(
                f"INSERT INTO trials VALUES ({_marks(21)})",
                (order.evidence_key, order.attempt, trial.number, json.dumps(dict(trial.config)),
                 trial.status,
                 ",".join(trial.flags), trial.validation_score, trial.test_score, trial.train_score,
                 trial.test_score_single, json.dumps(trial.metrics), cost.billed_s, cost.billed_wall_s,
                 cost.unbilled_s, cost.unbilled_wall_s, trial.spent_s, cost.peak_memory_bytes, cost.energy_j,
                 trial.prediction_hash, trial.reason, trial.finished_at),
            )  # fmt: skip

    def add_rows(self, order: Order, rows: Mapping[str, int]) -> None:
        """Record how many rows of each kind an attempt uses (see `Outcome.rows`)."""
        columns = ", ".join(f"n_{name} = ?" for name in ROW_COUNTS)
        with self._transaction():
            self._db.execute(
                f"UPDATE attempts SET {columns} WHERE evidence_key = ? AND attempt = ?",
                (*(rows.get(name) for name in ROW_COUNTS), order.evidence_key, order.attempt),
            )

    def end_attempt(self, order: Order, outcome: Outcome) -> None:
        """Record how an attempt ended, and drop the predictions that are not to be kept."""
        with self._transaction():
            self._db.execute(
                "UPDATE attempts SET ended_at = ?, status = ?, complete = ?, ended_by = ?, reason = ?,"
                " wall_s = ?, cpu_s = ?, warm_up_s = ?, limits = ?, log = ?"
                " WHERE evidence_key = ? AND attempt = ?",
                (outcome.ended_at or _now(), outcome.status, outcome.complete, outcome.ended_by,
                 outcome.reason, outcome.wall_s, outcome.cpu_s, outcome.warm_up_s,
                 json.dumps(outcome.limits), outcome.log, order.evidence_key, order.attempt),
            )  # fmt: skip
        latest = {r["trial"]: r for r in self._db.execute(_TRACE, (order.evidence_key, order.evidence_key))}
        scores = {n: r["validation_score"] for n, r in latest.items() if r["validation_score"] is not None}
        path = self.predictions_path(order.evidence_key)
        prediction_files.compact(path, prediction_files.to_keep(scores))

    def predictions_path(self, evidence_key: str) -> Path:
        """Return where a cell's predictions are."""
        return self.folder / "predictions" / evidence_key[:2] / f"{evidence_key}.bin"

    # -- leases -------------------------------------------------------------------------------------

    def acquire(self, evidence_key: str, holder: Holder) -> bool:
        """Take a cell for this process; False where a live process has it."""
        with self._transaction():
            row = self._db.execute("SELECT * FROM leases WHERE evidence_key = ?", (evidence_key,)).fetchone()
            if row is not None:
                other = Holder(row["pid"], row["process_started"], row["boot_id"])
                if other != holder and other.alive():
                    return False
            self._db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?)",
                (evidence_key, holder.pid, holder.process_started, holder.boot_id),
            )
        return True

    def release(self, evidence_key: str) -> None:
        """Give a cell back."""
        with self._transaction():
            self._db.execute("DELETE FROM leases WHERE evidence_key = ?", (evidence_key,))

    # -- reading ------------------------------------------------------------------------------------

    def rows(
        self, query: str, parameters: Sequence[object] | Mapping[str, object] = ()
    ) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries."""
        return [dict(row) for row in self._db.execute(query, parameters)]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                if self._db.in_transaction:  # a full disk has rolled back already
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")
        except sqlite3.OperationalError as error:
            raise PrerequisiteError(
                f"{self.folder / FILE_NAME}: cannot be written ({error}); everything finished is kept"
                " - free some space or wait for the other run, then give the same command to go on"
            ) from error


ROW_COUNTS = ("train", "fit", "validation", "test", "test_minority")

_ATTEMPTS = """
    SELECT attempt, run_id, budget_s, budget_trials, memory_bytes, complete, ended_by, status, started_at
    FROM attempts
    WHERE evidence_key = :key
        AND attempt >= coalesce((SELECT max(attempt) FROM attempts WHERE evidence_key = :key AND fresh), 1)
    ORDER BY attempt DESC
"""
"""Since a cell was last begun afresh, the latest first."""
_TRACE = """
SELECT trial, attempt, status, spent_s, validation_score FROM trials
WHERE evidence_key = ? AND attempt >= (
    SELECT coalesce(max(attempt), 0) FROM attempts WHERE evidence_key = ? AND fresh)
ORDER BY trial, attempt
"""
"""A cell's trials since it was last begun afresh; a later attempt at the same trial comes later."""


def _dataset_row(dataset: Dataset) -> tuple[str, str, str]:
    """Return what is kept of a dataset; the features of images follow from their shape."""
    kept = dataset if dataset.image is None else replace(dataset, features=())
    return dataset.fingerprint, dataset.name, json.dumps(asdict(kept))


def _evidence(planned: PlannedCell) -> tuple[object, ...]:
    cell = planned.cell
    task, split = cell.task, cell.split
    return (
        planned.evidence_key, cell.id, task.name, task.dataset.fingerprint, task.splits.procedure,
        task.problem, split.repeat, split.fold, split.train_cap, split.test_cap, cell.learner, cell.family,
        cell.intervention, cell.seed, cell.device, cell.cores, str(cell.validation), planned.learner_hash,
        planned.lock_hash,
    )  # fmt: skip


def _marks(count: int) -> str:
    return ", ".join("?" * count)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
