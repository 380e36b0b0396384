"""A task is a dataset with a target, a metric and splits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bench.datasets import Dataset, ImageShape, ProblemType

_FOLDS = re.compile(r"[a-z-]+([1-9][0-9]*)(?:x([1-9][0-9]*))?")
_HOLDOUT = re.compile(r"openml-holdout([1-9][0-9]?)(?:x([1-9][0-9]*))?")
_PUBLISHED = re.compile(r"published-last([1-9][0-9]*)")
OWN_REPEATS = 10
"""Repeats of our own procedures that are kept with a table; those in time have one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitPlan:
    """How the outer splits of a task are made."""

    procedure: str
    """`openml-cv10` (OpenML's own ten folds), `openml-cv3x10` (ten repeats of its three), `openml-holdout33`
    (its 33 % of the rows), `kfold3` (three seeded, stratified folds), `twins3` (the same, with rows of the
    same features on one side), `group3` (the same, of whole groups) or `time3` (three windows, each later
    than all that is learnt from), `published-last10000` (the publisher's test set, the last rows)."""
    openml_task_id: int | None = None
    """The OpenML task whose splits these are, where they are official."""

    @property
    def n_folds(self) -> int:
        """Folds of one repeat."""
        return self._amounts[0]

    @property
    def n_repeats(self) -> int:
        """How often the rows are split anew."""
        if self.procedure.startswith("time") or _PUBLISHED.fullmatch(self.procedure):
            return 1
        return self._amounts[1] if self.official else OWN_REPEATS

    @property
    def _amounts(self) -> tuple[int, int]:
        """Folds and repeats."""
        holdout = _HOLDOUT.fullmatch(self.procedure)
        if holdout is not None:
            return 1, int(holdout[2] or 1)
        if _PUBLISHED.fullmatch(self.procedure):
            return 1, 1
        match = _FOLDS.fullmatch(self.procedure)
        if match is None:
            raise ValueError(f"the split procedure {self.procedure!r} does not say how many folds it makes")
        return int(match[1]), int(match[2] or 1)

    @property
    def official(self) -> bool:
        """Whether these are OpenML's own splits."""
        return self.procedure.startswith("openml-")

    def train_rows(self, n_rows: int, fold: int) -> int:
        """Return about how many of a table's rows the model of a fold may learn from, before any cap."""
        if self.procedure.startswith("time"):
            return n_rows * (self.n_folds - fold) // (self.n_folds + 1)
        holdout = _HOLDOUT.fullmatch(self.procedure)
        if holdout is not None:
            return n_rows * (100 - int(holdout[1])) // 100
        published = _PUBLISHED.fullmatch(self.procedure)
        if published is not None:
            return n_rows - int(published[1])
        return n_rows * (self.n_folds - 1) // self.n_folds


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One (repeat, fold) of a task, with the caps on its rows."""

    repeat: int
    fold: int
    train_cap: int | None
    test_cap: int | None

    def __str__(self) -> str:
        """`r0f0-n2000-t5000`: what a cell id shows."""
        caps = (("n", self.train_cap), ("t", self.test_cap))
        return f"r{self.repeat}f{self.fold}" + "".join(f"-{c}{cap}" for c, cap in caps if cap is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A dataset to learn from, as a suite names it."""

    name: str
    dataset: Dataset
    splits: SplitPlan

    @property
    def problem(self) -> ProblemType:
        """What is predicted."""
        return self.dataset.problem

    @property
    def fingerprint(self) -> str:
        """The table and the procedure that splits it: evidence under another one never pairs."""
        return f"{self.dataset.fingerprint[:24]}:{self.splits.procedure}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskShape:
    """What a learner may know of a task before it sees a row."""

    problem: ProblemType
    n_rows: int
    """Rows that one model is fitted on, after caps and validation."""
    n_numeric: int
    levels: tuple[int, ...]
    """The number of categories of each categorical column."""
    n_classes: int
    """0 for a regression."""
    n_with_missing: int = 0
    """How many columns have missing cells somewhere in the table."""
    image: ImageShape | None = None
    """What the rows are, where they are images."""
