"""A suite says what is run: tasks, learners, budget, validation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bench.budgets import Budget
from bench.cells import Validation
from bench.datasets import ColumnKind, ProblemType

FULL: Final = "full"
"""How a training-set size without a cap is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskReference:
    """One `[[tasks]]` entry, before its table is looked at."""

    where: str
    """Its key path in the suite file, for messages: `tasks[3]`."""
    name: str
    """What cell ids call it."""
    dataset: str | None = None
    """A table of the catalogue."""
    file: str | None = None
    """Or a local file, absolute: CSV, Parquet or ARFF."""
    openml_task: int | None = None
    """Or a task of OpenML, with its table and its splits."""
    cached: str | None = None
    """Or a table that was put into the cache under this name: a data frame's."""
    target: str | None = None
    problem: ProblemType | None = None
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    group: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suite:
    """What `bench run NAME` runs."""

    name: str
    title: str
    note: str
    """What its results may be used for, shown before and after a run."""
    path: str
    hash: str
    """SHA-256 of the file, 16 hex digits."""
    tasks: tuple[TaskReference, ...]
    learners: tuple[str, ...]
    """By name, or by import path: `package.module:attribute`."""
    budget: Budget
    validation: Validation
    folds: int
    """How many folds of a repeat are run."""
    seeds: tuple[int, ...]
    interventions: tuple[str, ...]
    train_caps: tuple[int | None, ...]
    """The training-set sizes to run, None for all rows; each is a cell of its own, tuned anew."""
    test_cap: int | None
    augmentation: bool = True
    """Whether every learner is offered augmented fit rows where rows are images."""
    device: str = "cpu"
    """`cpu`, or `cuda`: what the cells have; there seconds are wall seconds, for every learner."""
    exact_limit_s: float | None = None
    """The dearest fit of an exact learner, in foretold seconds, above which its approximation stands in; None
    for the learners' own limits."""
    repeats: int = 1
    """How many repeats of the splits are run, as far as there are so many."""
    allowed_failures: float
    """The share of cells that may fail before the exit code says so."""
    accept: tuple[str, ...] = ()
    """Codes of facts that leave no table of this suite out."""
