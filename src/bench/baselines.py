"""A run as later runs are compared with it, small enough for a file in a repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bench.environments import machine_hash

Columns: TypeAlias = Mapping[str, Sequence[Any]]
"""Column name to its values, all columns of one length."""

CELLS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("cell_id", "evidence_key", "learner_hash", "lock_hash"), (str,)),
    **dict.fromkeys(("task", "dataset", "fingerprint", "splits", "problem"), (str,)),
    **dict.fromkeys(("learner", "family", "intervention", "status", "reason", "begun_at"), (str,)),
    **dict.fromkeys(("repeat", "fold", "seed"), (int,)),
    **dict.fromkeys(("train_cap", "n_test", "n_test_minority"), (int, type(None))),
}
"""What is kept of a cell, in the plan's order. `status` is empty for one that has not run; `begun_at` is when
its first trial ended (UTC), empty without one: the same evidence that began at the same time is the same."""

TRIALS: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("cell", "trial", "attempt"), (int,)),
    "status": (str,),
    **dict.fromkeys(("attempt_budget_s", "validation_score", "test_score"), (int, float, type(None))),
    "attempt_budget_trials": (int, type(None)),
    **dict.fromkeys(("billed_s", "spent_s"), (int, float)),
    "config_hash": (str,),
    "prediction_hash": (str, type(None)),
    "machine": (str,),
    "metrics": (dict,),
}
"""What is kept of a trial of any attempt. `cell` is the position of its cell; `metrics` are those on the test
rows; `machine` is the hash of the machine that it ran on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """A stored run, with what a comparison needs of it. Any run can be one."""

    run_id: str
    suite: str
    suite_hash: str
    budget_s: float | None
    budget_trials: int | None
    started_at: str
    ended_at: str | None
    """UTC; None for a run that has not ended by itself."""
    environment: Mapping[str, Any]
    """The record of packages, machine and commit at the run's start."""
    cells: Columns
    trials: Columns

    @property
    def machine(self) -> str:
        """The hash of the machine that the run was started on."""
        return machine_hash(self.environment)

    @property
    def commit(self) -> str:
        """The commit that the run was of, or `an installed package`."""
        return str(self.environment.get("commit") or "an installed package")
