"""The page of memory that a worker shares with the guard: which phase it is in and since when.

A page, not messages: a trial may take a millisecond, and a message for each change of phase would
wake the parent so often that it starves the cells it times.
"""

from __future__ import annotations

import math
import mmap
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

from bench.budgets import ALTERING_LIMIT_S, UNBILLED_LIMIT_S
from bench.runner.processes import waited_s


class Phase(IntEnum):
    """What a worker is doing."""

    LOADING = 0
    WARM_UP = 1
    BILLED = 2
    UNBILLED = 3
    REPORTING = 4
    """Writing to the parent, which may be slow or stopped: no time limit."""
    ALTERING = 5
    """Loading, and doing to the rows what an intervention does."""


PAGE_BYTES = mmap.PAGESIZE
_PHASE, _SINCE, _TRIAL, _BILLED_WALL, _WAITED, _LAST_BILLED = range(6)


class State:
    """A worker's phase and bill, in doubles on a shared page. One writer; aligned doubles do not tear."""

    def __init__(self, page: mmap.mmap) -> None:
        """Read and write the page's first six doubles."""
        self._cells = memoryview(page).cast("d")

    def reset(self, billed_wall_s: float) -> None:
        """Start a new cell: loading, no trial yet, with what its earlier attempts spent."""
        self._cells[_TRIAL] = -1
        self._cells[_BILLED_WALL] = billed_wall_s
        self.enter(Phase.LOADING)

    def enter(self, phase: Phase) -> None:
        """Announce a phase, from now on, by the monotonic clock that all processes share."""
        waited = waited_s(os.getpid())
        self._cells[_SINCE] = 0.0  # a reader who sees this, or a change of it, knows that it came too early
        self._cells[_WAITED] = waited
        self._cells[_PHASE] = phase
        self._cells[_SINCE] = time.monotonic()

    @contextmanager
    def reporting(self) -> Iterator[None]:
        """Announce that what happens inside depends on the parent; then the phase before begins anew."""
        before = self.phase
        self.enter(Phase.REPORTING)
        try:
            yield
        finally:
            self.enter(before)

    def end_billing(self, billed_s: float) -> None:
        """Announce the end of a billed phase and its bill in seconds; what follows is not billed."""
        running_s = self.running_s(waited_s(os.getpid()))
        self._cells[_SINCE] = 0.0
        self._cells[_BILLED_WALL] += running_s
        self._cells[_LAST_BILLED] = billed_s
        self.enter(Phase.UNBILLED)

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
        """Wall seconds since then; 0 before the first, and between two."""
        since = self._cells[_SINCE]
        return time.monotonic() - since if since > 0 else 0.0

    @property
    def trial(self) -> int:
        """The trial being tried, -1 before the first."""
        return int(self._cells[_TRIAL])

    @trial.setter
    def trial(self, number: int) -> None:
        self._cells[_TRIAL] = number

    @property
    def billed_wall_s(self) -> float:
        """Wall seconds of the billed phases that ended, less those spent waiting for a core."""
        return self._cells[_BILLED_WALL]

    @billed_wall_s.setter
    def billed_wall_s(self, seconds: float) -> None:
        self._cells[_BILLED_WALL] = seconds

    @property
    def last_billed_s(self) -> float:
        """Billed seconds of the trial whose billed phase ended last."""
        return self._cells[_LAST_BILLED]

    @last_billed_s.setter
    def last_billed_s(self, seconds: float) -> None:
        self._cells[_LAST_BILLED] = seconds

    def running_s(self, waited_now_s: float) -> float:
        """Return wall seconds of the phase less those that the process waited for a core.

        A busy machine must not get a cell killed; a process that sleeps or hangs does not wait for a core.
        """
        return max(0.0, self.phase_wall_s - max(0.0, waited_now_s - self._cells[_WAITED]))

    def unbilled_limit_s(self, guard_s: float) -> float:
        """Return how many seconds a phase may take that is not billed; `guard_s` is for all that is."""
        if self.phase is Phase.ALTERING:
            return ALTERING_LIMIT_S
        return max(UNBILLED_LIMIT_S, guard_s) if self.phase is Phase.UNBILLED else UNBILLED_LIMIT_S

    def overdue_in_s(self, guard_s: float, waited_now_s: float = 0.0) -> float:
        """Return wall seconds until the guard has to act; 0 or less where it is time.

        Infinite while the worker reports, or is changing phase: the next look tells.
        """
        since = self._cells[_SINCE]
        if self.phase is Phase.REPORTING:
            return math.inf
        left_s = self.unbilled_limit_s(guard_s) - self.running_s(waited_now_s)
        if self.phase is Phase.BILLED:
            left_s = guard_s - self.billed_wall_s - self.running_s(waited_now_s)
        return left_s if since > 0 and since == self._cells[_SINCE] else math.inf
