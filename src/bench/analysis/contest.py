"""Who met whom: what ratings and the matrix of pairs are made of."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

TIE = math.log(1.05)
"""Log error ratios nearer to 0 than this are ties: errors within 5 % of each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contest:
    """E entries on N datasets. Only differences within a dataset count: its errors may have any unit."""

    entries: tuple[str, ...] = ()
    """Best first, as the leaderboard has them; those without any ratio are not here."""
    log_ratio: Floats
    """(E, N) ln(error of the reference / error): above 0 is better; NaN where an entry has none. Every
    dataset has one."""
    datasets: tuple[str, ...] = ()
    """Of each column."""
    anchor: str | None = None
    """The entry that is, or has among its learners, the reference; None where it is not here."""


NO_CONTEST = Contest(log_ratio=np.empty((0, 0)))


def outcomes(log_ratio: Floats) -> Floats:
    """Return (E, E, N) who won against whom on each dataset, from (E, N) log ratios.

    1 where the row beat the column by more than a tie, 1/2 for a tie, 0 for a loss; NaN where one of them
    has no ratio, and for an entry against itself.
    """
    by = log_ratio[:, None, :] - log_ratio[None, :, :]
    won = np.where(np.abs(by) < TIE, 0.5, (by > 0).astype(float))
    won[np.isnan(by)] = np.nan
    won[np.arange(len(by)), np.arange(len(by))] = np.nan
    return won
