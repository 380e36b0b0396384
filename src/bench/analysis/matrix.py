"""Every entry against every other: the multi-comparison matrix (Ismail-Fawaz et al. 2023).

What a pair shows is of that pair alone, but for the correction of its p value: which other entries are in
the table changes no difference and no count.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.contest import Contest, outcomes
from bench.analysis.inference.significance import LEVEL, holm, wilcoxon

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """An entry against another, on the datasets that both have."""

    entry: str
    against: str
    n: int
    """Datasets that both have."""
    wins: int
    """Datasets where the entry beat the other by more than a tie."""
    ties: int
    losses: int
    log_ratio: float
    """Mean ln(error of the other / error of the entry): above 0 the entry is better; NaN for none."""
    p: float
    """Of a two-sided Wilcoxon signed-rank test of the log ratios, zeros by Pratt's rule; NaN for none."""
    p_holm: float
    """The same, adjusted for all pairs of the table."""

    @property
    def told_apart(self) -> bool:
        """Whether the difference is significant at 5 % after the adjustment."""
        return self.p_holm < LEVEL


def pairs(contest: Contest) -> tuple[Pair, ...]:
    """Return every entry against every other, both ways round, row by row."""
    ratio, won = contest.log_ratio, outcomes(contest.log_ratio)
    n_entries = len(contest.entries)
    p, p_holm = (np.full((n_entries, n_entries), math.nan) for _ in range(2))
    first, second = np.triu_indices(n_entries, 1)
    tested = np.array([wilcoxon(_known(ratio[i] - ratio[j])) for i, j in zip(first, second, strict=True)])
    for square, values in ((p, tested), (p_holm, holm(tested))):
        square[first, second] = square[second, first] = values
    found = []
    for i, j in np.argwhere(~np.eye(n_entries, dtype=bool)):
        known = _known(ratio[i] - ratio[j])
        wins, losses = int((won[i, j] == 1).sum()), int((won[i, j] == 0).sum())
        found.append(
            Pair(
                entry=contest.entries[i],
                against=contest.entries[j],
                n=len(known),
                wins=wins,
                ties=len(known) - wins - losses,
                losses=losses,
                log_ratio=float(known.mean()) if len(known) else math.nan,
                p=float(p[i, j]),
                p_holm=float(p_holm[i, j]),
            )
        )
    return tuple(found)


def _known(values: Floats) -> Floats:
    return values[np.isfinite(values)]
