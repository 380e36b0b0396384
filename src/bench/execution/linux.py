"""The few Linux calls that isolation rests on: parent death, memory cap, cores, peak memory."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time
from collections.abc import Collection
from pathlib import Path

from bench.errors import PrerequisiteError
from bench.runner.processes import descendants

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_UNKILLABLE_AFTER_S = 10.0
"""A process that is still there is another user's, or in the hands of the kernel."""


def require_linux() -> None:
    """Make sure that limits can be enforced here.

    Raises:
        PrerequisiteError: this is not Linux.
    """
    if sys.platform != "linux":
        raise PrerequisiteError(
            f"{sys.platform}: budgets and memory caps are enforced on Linux alone; "
            "add --executor inline to run without isolation and without any enforced limit"
        )


def die_with_parent(parent: int, by: signal.Signals) -> None:
    """Have the kernel send a signal when the thread that made this process ends; leave if it already has."""
    _prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends, daemons included."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def end_descendants() -> None:
    """Kill every descendant of this process, which adopts orphans; return when none is left that can be."""
    deadline = time.monotonic() + _UNKILLABLE_AFTER_S
    while time.monotonic() < deadline:
        for pid in descendants(os.getpid()):
            kill(pid)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def kill(pid: int) -> None:
    """Kill a process, unless it has gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, signal.SIGKILL)


def kill_group(group: int) -> None:
    """Kill a process group, unless it has gone."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def cap_memory(cap_bytes: int) -> str:
    """Let this process grow by so many bytes of private memory; return what enforces it.

    RLIMIT_DATA counts 1.0 to 1.6 times real memory and ends as a clean MemoryError; RLIMIT_AS counts
    2.2 to 4.9 times and breaks CUDA.
    """
    status = Path("/proc/self/status").read_text().splitlines()
    base = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmData"))
    limit = base + cap_bytes
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard not in (resource.RLIM_INFINITY, -1):
        limit = min(limit, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    return "RLIMIT_DATA"


def pin(cores: Collection[int]) -> str:
    """Keep this process and its children on these cores; return what enforces it."""
    os.sched_setaffinity(0, cores)
    return "affinity"


def forget_peak_memory() -> None:
    """Start VmHWM anew: a forked process inherits the high-water mark of its parent."""
    Path("/proc/self/clear_refs").write_text("5")


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, f"prctl({option}): {os.strerror(code)}")
