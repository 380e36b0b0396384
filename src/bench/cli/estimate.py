"""How long a run will take, and which budget makes it take so long."""

from __future__ import annotations

import math

from bench.budgets import Budget

UNBILLED_SHARE = 0.5
"""Predicting, scoring and storing beside each billed second; a tour on two cores took 0.52 (2026-11)."""
OVERHEAD_S = 0.4
"""Forking, loading and warming up one cell."""
UNTIMED_CELL_S = 10.0
"""What a cell whose budget counts trials alone is taken to need, before any has run."""
SHORTEST_BUDGET_S = 0.5


def cell_wall_s(budget: Budget) -> float:
    """Return the wall seconds that one cell is expected to take."""
    if budget.seconds is None:
        return UNTIMED_CELL_S
    return OVERHEAD_S + budget.seconds * (1 + UNBILLED_SHARE)


def budget_within(within_s: float, cells: int, jobs: int) -> float:
    """Return the billed seconds a cell may spend so that so many cells end in about `within_s`.

    Rounded down to two digits.
    """
    each_s = within_s * jobs / max(1, cells)
    seconds = max(SHORTEST_BUDGET_S, (each_s - OVERHEAD_S) / (1 + UNBILLED_SHARE))
    step = 10.0 ** (math.floor(math.log10(seconds)) - 1)
    return round(math.floor(seconds / step + 1e-9) * step, 6)


def span(seconds: float) -> str:
    """Return a duration as a person reads it: `45 s`, `7 min`, `2 h 05 min`."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
