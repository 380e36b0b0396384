"""What a worker is asked to do, and what it says back."""

from __future__ import annotations

from dataclasses import dataclass

from bench.budgets import Budget
from bench.cells import Cell


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """An attempt at a cell."""

    cell: Cell
    learner: str
    """Where the cell's learner is found: its name, or its import path `package.module:attribute`."""
    evidence_key: str
    attempt: int
    budget: Budget
    start_trial: int
    """Where an earlier attempt left off; 0 for a fresh one."""
    spent_s: float
    """Billed seconds of the trials before that."""
    fresh: bool = False
    """Whether everything before this attempt is to be forgotten."""
    valid_before: bool = False
    """Whether one of them has a valid score."""
    cache_root: str


@dataclass(frozen=True, slots=True)
class Predictions:
    """Float32 predictions of one trial, as bytes: `validation` then `test`, row-major."""

    kind: str
    """`probability` or `decision`, a column for each class; `value`; or `distribution`, mean and SD."""
    validation_shape: tuple[int, ...]
    test_shape: tuple[int, ...]
    content: bytes
