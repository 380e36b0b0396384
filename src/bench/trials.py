"""A trial is one configuration tried inside a cell, with what it scored and what it cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from bench.cells import CellStatus
from bench.spaces import Config


class TrialStatus(StrEnum):
    """How a trial ended."""

    OK = "ok"
    TRUNCATED = "truncated"
    """The deadline cut the fit short; the model is the best so far, and counts at its own budget alone."""
    TIMEOUT = "timeout"
    """Past the deadline, or stopped by the guard, without a model that counts."""
    OOM = "oom"
    CRASH = "crash"
    NAN = "nan"
    """Some prediction is not a finite number."""
    ERROR = "error"

    @property
    def valid(self) -> bool:
        """Whether the trial has a score that counts."""
        return self in (TrialStatus.OK, TrialStatus.TRUNCATED)

    @property
    def cut(self) -> bool:
        """Whether a larger budget has to try this configuration again."""
        return self in (TrialStatus.TRUNCATED, TrialStatus.TIMEOUT)


class Flag(StrEnum):
    """A warning that hides nothing: the trial counts as scored."""

    NOT_CONVERGED = "not_converged"
    OVER_BUDGET = "over_budget"
    """The default configuration ran past the budget."""
    STARVED = "starved"
    """The machine gave the cell much less than its core."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a trial took. CPU seconds count the cell's process, its children and its live descendants."""

    billed_s: float
    """What its budget pays for: preprocessing, fitting, inner validation; CPU seconds (wall on a GPU)."""
    billed_wall_s: float
    unbilled_s: float
    """CPU seconds of predicting and scoring the training and test rows."""
    unbilled_wall_s: float
    peak_memory_bytes: int | None
    """The most resident memory so far in this cell, above what it started with."""
    energy_j: float | None = None
    """Joules, where a counter can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One configuration, its scores (errors: lower is better) and its cost."""

    number: int
    config: Config
    status: TrialStatus
    cost: Cost
    spent_s: float
    """Billed seconds of the cell up to the end of this trial."""
    validation_score: float | None = None
    test_score: float | None = None
    train_score: float | None = None
    test_score_single: float | None = None
    """Mean test score of the single models, where several are averaged."""
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Part to metric to value, in the metric's own direction.

    Parts are `train`, `validation`, `test`, and, where they are enough, `test_without_twins`: the test rows
    whose features no training row has, with their primary error as `test_score` and their number as `n_rows`.
    """
    flags: tuple[Flag, ...] = ()
    prediction_hash: str | None = None
    """SHA-256 (16 hex) of the float32 validation and test predictions."""
    reason: str = ""
    """What went wrong, in one line."""
    finished_at: str = ""
    """UTC, ISO 8601."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one attempt at a cell ended."""

    status: CellStatus
    complete: bool
    """Whether the search ended by itself or by the guard, so that nothing is left of this budget."""
    ended_by: str = ""
    """`seconds`, `trials` or `space`, where the search ended by itself."""
    reason: str = ""
    """What went wrong, in one line."""
    started_at: str = ""
    ended_at: str = ""
    wall_s: float = 0.0
    cpu_s: float | None = None
    """The kernel's count for the worker and all it waited for, billed or not; None if not isolated."""
    warm_up_s: float = 0.0
    limits: Mapping[str, str] = field(default_factory=dict)
    """Which mechanism enforced what: `memory`, `time`, `cores`."""
    log: str = ""
    """The end of what the worker printed."""
