"""What /proc tells of a process and its descendants; nothing (empty, zero) where there is no /proc."""

from __future__ import annotations

import os
from collections.abc import Iterator


def children(pid: int) -> list[int]:
    """Return the live children of a process, whichever of its threads made them."""
    found: list[int] = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 - polled inside fits: a Path costs three times as much
    except OSError:
        return found
    for task in tasks:
        try:
            with open(f"/proc/{pid}/task/{task}/children", encoding="utf-8") as file:  # noqa: PTH123
                found += [int(child) for child in file.read().split()]
        except OSError:
            continue
    return found


def waited_s(pid: int) -> float:
    """Return how long a process's first thread was ready but had no core; 0 where nobody counts it."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="utf-8") as file:  # noqa: PTH123
            return int(file.read().split()[1]) / 1e9
    except (OSError, IndexError):
        return 0.0


def descendants(pid: int) -> Iterator[int]:
    """Yield every live descendant of a process."""
    waiting = children(pid)
    while waiting:
        child = waiting.pop()
        yield child
        waiting += children(child)


def descendants_cpu_s(pid: int) -> float:
    """Return CPU seconds of all live descendants and of those that they reaped."""
    tick = os.sysconf("SC_CLK_TCK")
    total = 0.0
    for child in descendants(pid):
        try:
            with open(f"/proc/{child}/stat", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
                fields = file.read().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(ticks) for ticks in fields[11:15]) / tick
    return total


def resident_bytes(pid: int) -> int:
    """Return the resident memory of one process, shared pages included; 0 where it is gone."""
    try:
        with open(f"/proc/{pid}/statm", encoding="utf-8") as file:  # noqa: PTH123
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def tree_resident_bytes(pid: int, base_bytes: int = 0) -> int:
    """Return what a process and its live descendants hold, each beyond the base that it was forked with."""
    return sum(max(0, resident_bytes(member) - base_bytes) for member in (pid, *descendants(pid)))


def threads(pid: int) -> list[str]:
    """Return the names of a process's threads, the main one first."""
    names = []
    for task in sorted(os.listdir(f"/proc/{pid}/task"), key=int):  # noqa: PTH208
        with open(f"/proc/{pid}/task/{task}/comm", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            names.append(file.read().strip())
    return names
