"""A leaderboard table by table: how the error of every entry differs from the reference's on each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.columns import error_change

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard

STEPS = (math.log(1.05), math.log(1.2), math.log(1.5))
"""Ratios of errors at which a colour deepens: 5 % is a tie."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """The table, as it is shown."""

    entries: tuple[str, ...]
    """The columns, best first."""
    rows: tuple[tuple[str, tuple[tuple[str, int], ...]], ...]
    """Dataset, and of each entry the change in per cent and how strong it is: -3 (far lower) to 3."""


def heat(board: Leaderboard) -> Heat | None:
    """Return the table of a leaderboard; None where nothing is compared."""
    contest = board.contest
    if not contest.entries:
        return None
    columns = zip(contest.datasets, contest.log_ratio.T.tolist(), strict=True)
    rows = [(dataset, tuple((error_change(r), _level(r)) for r in ratios)) for dataset, ratios in columns]
    return Heat(entries=contest.entries, rows=tuple(sorted(rows)))


def _level(log_ratio: float) -> int:
    """Return how far an error is from the reference's, below 0 where it is lower; 0 for a tie or none."""
    steps = sum(abs(log_ratio) >= step for step in STEPS)
    return -steps if log_ratio > 0 else steps
