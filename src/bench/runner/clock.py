"""What a cell is billed by: CPU seconds with all its processes, or the wall seconds of a device."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.runner.processes import descendants_cpu_s
from bench.runner.state import Phase, State
from bench.zoo.devices import synchronise

DESCENDANT_SCAN_S = 0.05
"""How old the count of live descendants may be: a scan takes tens of microseconds, and fits poll often."""


@dataclass(slots=True)
class CpuClock:
    """Counts CPU seconds from its making. Not thread-safe."""

    _scanned_at: float = -1.0
    _descendants_s: float = 0.0
    _reaped_s: float = 0.0
    """CPU seconds of reaped children at the last scan: one reaped since is no descendant any more."""
    _last_s: float = 0.0

    def now_s(self) -> float:
        """Return CPU seconds of this process, of its reaped children and of its live descendants."""
        now, times = time.monotonic(), os.times()
        reaped_s = times.children_user + times.children_system
        if now - self._scanned_at > DESCENDANT_SCAN_S or reaped_s != self._reaped_s:
            self._descendants_s = descendants_cpu_s(os.getpid())
            self._scanned_at, self._reaped_s = now, reaped_s
        # A child whose ticks were rounded up while it lived must not turn the clock back when it is reaped.
        self._last_s = max(self._last_s, time.process_time() + reaped_s + self._descendants_s)
        return self._last_s


class WallClock:
    """Counts wall seconds: what a cell with a GPU is billed by, whether its learner can use that or not."""

    def now_s(self) -> float:
        """Return wall seconds."""
        return time.monotonic()


@dataclass(frozen=True, slots=True)
class Span:
    """What a phase took."""

    billed_s: float = 0.0
    """By the cell's own clock: CPU seconds, or wall seconds with a GPU."""
    wall_s: float = 0.0


class CellMeter:
    """Bills a cell's phases, and tells the guard which one it is in."""

    def __init__(self, state: State, spent_s: float, device: str = "cpu") -> None:
        """Start from what earlier attempts at the cell spent."""
        self._state = state
        self._device = device
        self._clock = CpuClock() if device == "cpu" else WallClock()
        self._spent_before_s = spent_s
        self._billing_since: float | None = None
        self.last = Span()
        """The billed span that ended last."""

    def spent_s(self) -> float:
        """Return billed seconds of the cell so far, its earlier attempts included."""
        if self._billing_since is None:
            return self._spent_before_s
        return self._spent_before_s + self._clock.now_s() - self._billing_since

    @contextmanager
    def billing(self, number: int) -> Iterator[None]:
        """Bill what happens inside to trial `number`."""
        self._state.trial = number
        synchronise(self._device)
        self._state.enter(Phase.BILLED)
        wall, self._billing_since = time.monotonic(), self._clock.now_s()
        try:
            yield
        finally:
            synchronise(self._device)
            span = Span(self._clock.now_s() - self._billing_since, time.monotonic() - wall)
            self._billing_since = None
            self._spent_before_s += span.billed_s
            self._state.end_billing(span.billed_s)
            self.last = span

    @contextmanager
    def timing(self, phase: Phase) -> Iterator[list[Span]]:
        """Time what happens inside without billing it; the list holds the span afterwards."""
        synchronise(self._device)
        self._state.enter(phase)
        wall, cpu = time.monotonic(), self._clock.now_s()
        spans: list[Span] = []
        try:
            yield spans
        finally:
            synchronise(self._device)
            spans.append(Span(self._clock.now_s() - cpu, time.monotonic() - wall))
