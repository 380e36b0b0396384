"""The errors themselves, where there is one task alone: over several tasks they have no common unit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.results import Results

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """An entry's own errors on the splits of the one task; NaN without any, and where tasks are several."""

    mean: float = math.nan
    low: float = math.nan
    """The least of any split."""
    high: float = math.nan
    n: int = 0
    """Splits with an error."""


NO_SPREAD = Spread()


def spreads(shown: Results, entries: Sequence[str]) -> list[Spread]:
    """Return each entry's spread over splits; empty ones where there is more than one task."""
    if len(set(shown.task)) != 1:
        return [NO_SPREAD for _ in entries]
    return [_spread(shown.error[(shown.entry == name) & shown.scored]) for name in entries]


def _spread(errors: np.ndarray) -> Spread:
    if not len(errors):
        return NO_SPREAD
    return Spread(mean=float(errors.mean()), low=float(errors.min()), high=float(errors.max()), n=len(errors))
