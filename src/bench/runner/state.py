"""The page of memory that a worker shares with the guard: which phase it is in and since when.

A page, not messages: a trial may take a millisecond, and a message for each change of phase would
wake the parent so often that it starves the cells it times.
"""

from __future__ import annotations

import mmap
import time
from enum import IntEnum

from bench.budgets import UNBILLED_LIMIT_S


class Phase(IntEnum):
    """What a worker is doing."""

    LOADING = 0
    WARM_UP = 1
    BILLED = 2
    UNBILLED = 3


PAGE_BYTES = mmap.PAGESIZE
_PHASE, _SINCE, _TRIAL, _BILLED_WALL, _BILLED_CPU = range(5)


class State:
    """A worker's phase and bill, in doubles on a shared page. One writer; aligned doubles do not tear."""

    def __init__(self, page: mmap.mmap) -> None:
        """Read and write the page's first five doubles."""
        self._cells = memoryview(page).cast("d")

    def reset(self, billed_wall_s: float) -> None:
        """Start a new cell: loading, no trial yet, with what its earlier attempts spent."""
        self._cells[_TRIAL] = -1
        self._cells[_BILLED_WALL] = billed_wall_s
        self._cells[_BILLED_CPU] = 0
        self.enter(Phase.LOADING)

    def enter(self, phase: Phase) -> None:
        """Announce a phase, from now on, by the monotonic clock that all processes share."""
        self._cells[_SINCE] = time.monotonic()
        self._cells[_PHASE] = phase

    @property
    def begun(self) -> bool:
        """Whether a worker has announced anything yet: a fresh page is all zeros."""
        return self._cells[_SINCE] > 0

    @property
    def phase(self) -> Phase:
        """The phase announced last."""
        return Phase(int(self._cells[_PHASE]))

    @property
    def phase_wall_s(self) -> float:
        """Wall seconds since then."""
        return time.monotonic() - self._cells[_SINCE]

    @property
    def trial(self) -> int:
        """The trial being tried, -1 before the first."""
        return int(self._cells[_TRIAL])

    @trial.setter
    def trial(self, number: int) -> None:
        self._cells[_TRIAL] = number

    @property
    def billed_wall_s(self) -> float:
        """Wall seconds of the billed phases that ended."""
        return self._cells[_BILLED_WALL]

    @billed_wall_s.setter
    def billed_wall_s(self, seconds: float) -> None:
        self._cells[_BILLED_WALL] = seconds

    @property
    def billed_cpu_s(self) -> float:
        """CPU seconds of the billed phases of this attempt that ended."""
        return self._cells[_BILLED_CPU]

    @billed_cpu_s.setter
    def billed_cpu_s(self, seconds: float) -> None:
        self._cells[_BILLED_CPU] = seconds

    def overdue_in_s(self, guard_s: float) -> float:
        """Return wall seconds until the guard has to act; 0 or less where it is time."""
        if self.phase is Phase.BILLED:
            return guard_s - self.billed_wall_s - self.phase_wall_s
        return UNBILLED_LIMIT_S - self.phase_wall_s
