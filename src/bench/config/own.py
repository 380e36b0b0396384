"""A suite for one's own data, and a suite with what its caller changes of it. Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.budgets import Budget
from bench.cells import Validation
from bench.suites import Suite, TaskReference

OWN_BUDGET = Budget(seconds=10.0, trials=100)
OWN_FOLDS = 3
MOST_TRAIN_ROWS = 10_000
MOST_TEST_ROWS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a command line or a caller changes of a suite; None leaves it as it is."""

    budget_s: float | None = None
    trials: int | None = None
    folds: int | None = None
    device: str | None = None
    learners: tuple[str, ...] = ()
    """Learners to run instead of the suite's; empty for the suite's."""


def task_name(file: str) -> str:
    """Return what cell ids call the table in a file: its name, as far as an id can hold it."""
    return re.sub(r"[^a-z0-9]+", "-", file.split(".", maxsplit=1)[0].lower()).strip("-")[:40] or "data"


def own_suite(task: TaskReference, learners: Sequence[str]) -> Suite:
    """Return the suite that compares learners on one table of one's own: three folds, capped rows."""
    return Suite(
        name=task.name,
        title=f"Own data: {task.name}",
        note="",
        path=f"(a suite for {task.name})",
        hash=hashlib.sha256(repr((task, tuple(learners))).encode()).hexdigest()[:16],
        tasks=(task,),
        learners=tuple(learners),
        budget=OWN_BUDGET,
        validation=Validation("holdout", 25),
        folds=OWN_FOLDS,
        seeds=(0,),
        interventions=("none",),
        train_cap=MOST_TRAIN_ROWS,
        test_cap=MOST_TEST_ROWS,
        allowed_failures=0.05,
    )


def changed(suite: Suite, changes: Changes) -> Suite:
    """Return the suite with the changes."""
    budget = replace(
        suite.budget,
        seconds=changes.budget_s or suite.budget.seconds,
        trials=changes.trials or suite.budget.trials,
    )
    return replace(
        suite,
        budget=budget,
        folds=changes.folds or suite.folds,
        device=changes.device or suite.device,
        learners=changes.learners or suite.learners,
    )
