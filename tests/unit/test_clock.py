"""CPU seconds of a cell with all its processes, and the page on which the guard follows it."""

from __future__ import annotations

import itertools
import math
import mmap
import os
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from bench.budgets import ALTERING_LIMIT_S, UNBILLED_LIMIT_S
from bench.runner import clock as clock_module
from bench.runner import state as state_module
from bench.runner.clock import DESCENDANT_SCAN_S, CellMeter, CpuClock
from bench.runner.processes import (
    children,
    descendants,
    descendants_cpu_s,
    resident_bytes,
    threads,
    tree_resident_bytes,
    waited_s,
)
from bench.runner.state import PAGE_BYTES, Phase, State

SLACK_S = 0.04
"""The kernel counts the CPU seconds of children in ticks of 10 ms."""
BURN = """
import sys, time
while time.process_time() < {seconds}:
    pass
print("burnt", flush=True)
sys.stdin.read()
"""


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def start(script):
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@contextmanager
def burner(seconds):
    """A live child that has spent so many CPU seconds."""
    with start(BURN.format(seconds=seconds)) as process:
        assert process.stdout.readline() == "burnt\n"
        yield process
        process.kill()


def fresh_now_s(clock):
    """The clock, after a new scan of the descendants."""
    time.sleep(1.2 * DESCENDANT_SCAN_S)
    return clock.now_s()


@pytest.fixture
def state():
    return State(mmap.mmap(-1, PAGE_BYTES))


@pytest.fixture
def fake_time(monkeypatch):
    """Clocks that stand still unless a test moves them: the monotonic one, and the wait for a core."""
    now = SimpleNamespace(s=1000.0, waited_s=50.0)
    stand_in = SimpleNamespace(monotonic=lambda: now.s, process_time=lambda: 0.0)
    for module in (state_module, clock_module):
        monkeypatch.setattr(module, "time", stand_in)
    monkeypatch.setattr(state_module, "waited_s", lambda pid: now.waited_s)
    return now


# -- CPU --------------------------------------------------------------------------------------------


def test_own_work_counts_and_sleep_does_not():
    clock = CpuClock()
    before = clock.now_s()
    burn(0.1)
    spent = clock.now_s() - before
    time.sleep(0.15)
    assert 0.1 <= spent < 0.2
    assert clock.now_s() - before < spent + 0.05


def test_a_busy_child_counts_while_it_lives_and_after_it_is_reaped():
    clock = CpuClock()
    before = fresh_now_s(clock)
    with burner(0.3) as child:
        alive = fresh_now_s(clock) - before
        child.communicate()
    reaped = fresh_now_s(clock) - before
    assert 0.3 - SLACK_S <= alive < 0.6
    assert alive - SLACK_S <= reaped < alive + 0.15, "once, not twice, and not forgotten"


def test_a_child_that_was_just_reaped_does_not_count_twice():
    """A fit ends with its child: whatever the clock says then is the bill."""
    clock = CpuClock()
    with burner(0.4) as child:
        alive = fresh_now_s(clock)
        child.kill()
        child.wait()
        at_once = clock.now_s()
    assert at_once - alive < 0.2, "the child was counted as reaped and as alive"


def test_the_clock_never_runs_backwards():
    clock = CpuClock()
    fresh_now_s(clock)
    seen = []
    for _ in range(3):
        with burner(0.08) as child:
            seen.append(fresh_now_s(clock))
            child.kill()
            child.wait()
            seen += [clock.now_s(), fresh_now_s(clock)]
    assert all(later >= earlier - SLACK_S for earlier, later in itertools.pairwise(seen)), seen


def test_a_grandchild_counts():
    clock = CpuClock()
    before = fresh_now_s(clock)
    command = f"[sys.executable, '-I', '-S', '-c', {BURN.format(seconds=0.2)!r}]"
    with start(f"import subprocess, sys\nsubprocess.run({command})") as child:
        assert child.stdout.readline() == "burnt\n"
        assert fresh_now_s(clock) - before >= 0.2 - SLACK_S
        child.communicate()
    assert fresh_now_s(clock) - before >= 0.2 - SLACK_S


# -- processes --------------------------------------------------------------------------------------


def test_children_of_every_thread_are_found():
    me = os.getpid()
    found = []

    def spawn():
        with start("import sys; sys.stdin.read()") as process:
            found.append((process.pid, process.pid in children(me), process.pid in set(descendants(me))))

    thread = threading.Thread(target=spawn)
    thread.start()
    thread.join()
    assert [each[1:] for each in found] == [(True, True)]
    assert found[0][0] not in children(me), "reaped"


def test_a_process_that_is_gone_has_nothing():
    with start("") as process:
        process.communicate()
    assert children(process.pid) == []
    assert list(descendants(process.pid)) == []
    assert resident_bytes(process.pid) == 0
    assert descendants_cpu_s(process.pid) == 0.0
    assert tree_resident_bytes(process.pid) == 0


def test_memory_is_that_of_the_whole_tree_beyond_what_it_was_forked_with():
    held = 50 * 2**20
    with start(f"import sys\nkept = b'x' * {held}\nprint('held', flush=True)\nsys.stdin.read()") as child:
        assert child.stdout.readline() == "held\n"
        alone = resident_bytes(child.pid)
        assert held < alone < held + 60 * 2**20
        assert tree_resident_bytes(child.pid) == alone
        assert tree_resident_bytes(child.pid, base_bytes=held) == alone - held
        assert tree_resident_bytes(child.pid, base_bytes=2**40) == 0, "one below its base takes nothing off"
        assert tree_resident_bytes(os.getpid()) >= alone + resident_bytes(os.getpid()) // 2


def test_a_process_that_shares_its_core_waits_and_one_that_sleeps_does_not():
    mine = os.sched_getaffinity(0)
    before = waited_s(os.getpid())
    time.sleep(0.1)
    assert waited_s(os.getpid()) - before < 0.09, "asleep it is not ready"
    with start("while True: pass") as rival:
        try:
            os.sched_setaffinity(0, {min(mine)})
            os.sched_setaffinity(rival.pid, {min(mine)})
            before = waited_s(os.getpid())
            burn(0.1)
        finally:
            os.sched_setaffinity(0, mine)
            rival.kill()
    assert waited_s(os.getpid()) - before > 0.02
    assert waited_s(rival.pid) == 0.0, "gone"


def test_threads_are_named():
    stop = threading.Event()
    before = len(threads(os.getpid()))
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        assert len(threads(os.getpid())) == before + 1
    finally:
        stop.set()
        thread.join()


# -- the meter --------------------------------------------------------------------------------------


def test_only_what_is_billed_is_spent(state):
    meter = CellMeter(state, spent_s=2.0)
    assert meter.spent_s() == 2.0
    burn(0.05)
    with meter.billing(0):
        burn(0.1)
        inside = meter.spent_s()
    after = meter.spent_s()
    with meter.timing(Phase.UNBILLED) as spans:
        burn(0.1)
    assert 2.1 <= inside <= after < 2.2
    assert meter.spent_s() == after, "neither before, nor between, nor after"
    assert spans[0].billed_s >= 0.1
    assert after == pytest.approx(2.0 + meter.last.billed_s)
    assert meter.last.wall_s >= 0.1


def test_a_failed_trial_is_billed_too(state):
    meter = CellMeter(state, spent_s=0.0)

    def fail():
        with meter.billing(3):
            burn(0.05)
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert meter.spent_s() >= 0.05
    assert (state.phase, state.trial) == (Phase.UNBILLED, 3)


def test_the_page_follows_the_meter(state, fake_time):
    state.reset(5.0)
    meter = CellMeter(state, spent_s=5.0)
    with meter.timing(Phase.WARM_UP):
        assert (state.phase, state.trial) == (Phase.WARM_UP, -1)
    with meter.billing(0):
        fake_time.s += 3.0
        assert (state.phase, state.trial, state.phase_wall_s) == (Phase.BILLED, 0, 3.0)
        assert state.billed_wall_s == 5.0
    assert (state.phase, state.billed_wall_s, meter.last.wall_s) == (Phase.UNBILLED, 8.0, 3.0)
    with meter.billing(1):
        fake_time.s += 1.5
    assert (state.trial, state.billed_wall_s) == (1, 9.5)


def test_the_guard_never_sees_a_billed_phase_twice(fake_time):
    """Whenever it looks: the default may run past its budget, and must not be killed for twice its time."""
    page = mmap.mmap(-1, PAGE_BYTES)
    guard, left = State(page), []

    class Watched(State):
        def enter(self, phase):
            if guard.begun:
                left.append(guard.overdue_in_s(10.0))
            super().enter(phase)

    state = Watched(page)
    state.reset(0.0)
    with CellMeter(state, spent_s=0.0).billing(0):
        fake_time.s += 6.0
    assert min(left) >= 4.0


# -- the page ---------------------------------------------------------------------------------------


def test_a_fresh_page_says_nothing_yet(state):
    assert not state.begun
    state.reset(0.0)
    assert state.begun


def test_a_page_is_begun_anew(state, fake_time):
    state.trial, state.billed_wall_s = 7, 3.0
    state.enter(Phase.BILLED)
    state.reset(2.5)
    assert (state.phase, state.trial, state.billed_wall_s) == (Phase.LOADING, -1, 2.5)


@pytest.mark.parametrize(
    ("phase", "limit_s"),
    [
        *((each, UNBILLED_LIMIT_S) for each in (Phase.LOADING, Phase.WARM_UP, Phase.UNBILLED)),
        (Phase.ALTERING, ALTERING_LIMIT_S),
    ],
)
def test_each_unbilled_phase_has_its_own_limit(state, fake_time, phase, limit_s):
    state.reset(1e6)
    fake_time.s += 25.0
    state.enter(phase)
    assert state.overdue_in_s(0.1) == limit_s
    fake_time.s += limit_s - 1
    assert state.overdue_in_s(0.1) == pytest.approx(1)
    fake_time.s += 2.0
    assert state.overdue_in_s(0.1) < 0


def test_writing_to_a_parent_that_does_not_read_is_not_held_against_a_cell(state, fake_time):
    state.reset(0.0)
    state.enter(Phase.UNBILLED)
    fake_time.s += 20.0
    with state.reporting():
        fake_time.s += 3600.0
        assert state.overdue_in_s(10.0) == math.inf
        assert state.billed_wall_s == 0.0
    assert (state.phase, state.overdue_in_s(10.0)) == (Phase.UNBILLED, UNBILLED_LIMIT_S)


def test_a_phase_never_lasted_less_than_nothing(state, fake_time):
    assert state.phase_wall_s == 0.0, "not the machine's uptime"
    state.enter(Phase.BILLED)
    fake_time.s += 1.0
    assert state.running_s(fake_time.waited_s + 5.0) == 0.0


def test_billed_phases_share_one_limit(state, fake_time):
    state.reset(1.0)
    state.enter(Phase.BILLED)
    fake_time.s += 2.0
    assert state.overdue_in_s(10.0) == 7.0, "1 s of earlier attempts and 2 s of this phase"
    state.billed_wall_s += 2.0
    state.enter(Phase.UNBILLED)
    fake_time.s += 20.0
    state.enter(Phase.BILLED)
    assert state.overdue_in_s(10.0) == 7.0, "the unbilled 20 s are not in it"
    fake_time.s += 7.0
    assert state.overdue_in_s(10.0) == 0.0


@pytest.mark.parametrize("phase", list(Phase))
def test_waiting_for_a_core_is_not_held_against_a_cell(state, fake_time, phase):
    state.reset(0.0)
    fake_time.waited_s += 3.0
    state.enter(phase)
    fake_time.s += 8.0
    fake_time.waited_s += 5.0
    known = {Phase.BILLED: 10.0, Phase.REPORTING: math.inf, Phase.ALTERING: ALTERING_LIMIT_S}
    limit = known.get(phase, UNBILLED_LIMIT_S)
    assert state.running_s(fake_time.waited_s) == 3.0
    assert state.overdue_in_s(10.0, fake_time.waited_s) == limit - 3.0
    assert state.overdue_in_s(10.0) == limit - 8.0, "nothing is taken off where the wait is unknown"


def test_the_meter_adds_up_billed_wall_time_less_the_wait(state, fake_time):
    state.reset(0.0)
    meter = CellMeter(state, spent_s=0.0)
    for _ in range(2):
        with meter.billing(0):
            fake_time.s += 3.0
            fake_time.waited_s += 1.0
    assert state.billed_wall_s == 4.0
    assert meter.last.wall_s == 3.0


def test_another_process_sees_the_page():
    page = mmap.mmap(-1, PAGE_BYTES)
    mine = State(page)
    child = os.fork()
    if child == 0:
        theirs = State(page)
        theirs.reset(1.25)
        theirs.trial = 12
        theirs.enter(Phase.BILLED)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    assert (mine.phase, mine.trial, mine.billed_wall_s) == (Phase.BILLED, 12, 1.25)
    assert 0 <= mine.phase_wall_s < 30, "by one clock"


def test_with_a_device_wall_seconds_are_billed():
    state = State(mmap.mmap(-1, PAGE_BYTES))
    meter = CellMeter(state, spent_s=1.0, device="cuda")
    with meter.billing(0):
        time.sleep(0.15)  # no CPU is used
    assert 0.15 <= meter.last.billed_s < 1.0
    assert meter.spent_s() == pytest.approx(1.0 + meter.last.billed_s)
    cpu_only = CellMeter(state, spent_s=0.0)
    with cpu_only.billing(0):
        time.sleep(0.15)
    assert cpu_only.last.billed_s < 0.1
