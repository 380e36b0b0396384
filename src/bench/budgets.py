"""What one cell may spend, and how its end is seen from inside a fit."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

GIB = 1024**3

DEFAULT_FACTOR = 2.0
"""The default configuration may use this many times the budget: a cell with no model at all tells nothing."""

GUARD_FACTOR = 2.0
"""The guard kills a cell whose billed phases took this many times its budget of wall time ..."""
GUARD_GRACE_S = 2.0
"""... plus this."""
UNBILLED_LIMIT_S = 30.0
"""What loading, warm-up, or predicting and scoring and storing one trial, may take: the last of these as long
as all billed work may, where that is more, since what takes hours to fit may take minutes to predict."""
ALTERING_LIMIT_S = 600.0
"""What loading may take where an intervention alters the rows: 10,000 images of 3072 numbers are rotated in
94 s, and the target of 50,000 rows is smoothed in 30 s, on one core."""
UNTIMED_LIMIT_S = 3600.0
"""The guard's limit on billed wall time where a budget counts trials alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What one cell may spend; it ends at whichever limit comes first."""

    seconds: float | None
    """CPU seconds of the cell (device seconds on a GPU); None counts trials alone, the reproducible mode."""
    trials: int | None
    cores: int = 1
    memory_bytes: int = 4 * GIB

    @property
    def guard_s(self) -> float:
        """Wall seconds of billed work after which the guard kills the cell."""
        if self.seconds is None:
            return UNTIMED_LIMIT_S
        return GUARD_FACTOR * self.seconds + GUARD_GRACE_S

    def covers(self, other: Budget) -> bool:
        """Whether a cell that ended under this budget has nothing left to do under the other."""
        return _at_least(self.seconds, other.seconds) and _at_least(self.trials, other.trials)


def _at_least(mine: float | None, theirs: float | None) -> bool:
    return mine is None or (theirs is not None and mine >= theirs)


class Deadline(Protocol):
    """What a learner polls inside its fit."""

    def remaining_s(self) -> float:
        """Billed seconds left; infinite where only trials count."""
        ...


class NoDeadline:
    """A deadline that never comes."""

    def remaining_s(self) -> float:
        """Return infinity."""
        return math.inf
