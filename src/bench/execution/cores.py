"""Which cores a cell gets: no two cells of one user share one, whichever runs they belong to.

A core is locked by `flock` on a file in a folder that all runs of a user share, so a lock ends with the
process that holds it, however that ends.
"""

from __future__ import annotations

import fcntl
import math
import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from bench.errors import PrerequisiteError

TURN = "turn"
"""Whoever waits for cores holds this lock, so that the next ones that come free are its own."""


def core_room(cores: int, available: int, quota: float) -> int:
    """Return how many cells of so many cores fit, given the affinity mask and the quota of CPU time."""
    if available < cores:
        return 0
    return max(1, math.floor(min(available, quota) / cores))


def cpu_quota(root: Path = Path("/")) -> float:
    """Return how many cores' worth of time this process's control groups grant; infinity without a limit."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return math.inf
    return min((quota for line in lines for quota in _quotas(root / "sys/fs/cgroup", line)), default=math.inf)


def _quotas(mount: Path, line: str) -> Iterator[float]:
    """Yield the limits of one hierarchy, from the process's own group up to the root."""
    _, controllers, path = line.split(":", 2)
    if controllers and "cpu" not in controllers.split(","):
        return
    for base in (mount / controllers, mount / "cpu") if controllers else (mount,):
        group = base / path.lstrip("/")
        while group.is_relative_to(base):
            yield _quota(group)
            group = group.parent


def _quota(group: Path) -> float:
    """Version 2 has quota and period in one file, version 1 in two; `max` and -1 mean no limit."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            quota, period = " ".join((group / name).read_text() for name in names).split()
        except (OSError, ValueError):
            continue
        if quota != "max" and int(quota) > 0:
            return int(quota) / int(period)
    return math.inf


class Cores:
    """Hands out sets of cores that no other run of this user holds."""

    def __init__(self, available: Sequence[int], per_cell: int, folder: Path | None = None) -> None:
        """Choose among these cores, so many for each cell; all who must not collide share the folder."""
        self._available, self._per_cell = available, per_cell
        self._folder = folder or Path(tempfile.gettempdir()) / f"bench-cores-{os.getuid()}"
        self._locks: dict[int, int] = {}
        self._turn: int | None = None

    def take(self) -> frozenset[int] | None:
        """Return a set of cores, locked; None where too few are free, and the next turn is then this one's.

        Raises:
            PrerequisiteError: the folder of the locks cannot be used.
        """
        if self._turn is None:
            self._turn = self._lock(TURN)
        if self._turn is None:
            return None
        taken: dict[int, int] = {}
        for core in self._available:
            lock = None if core in self._locks else self._lock(str(core))
            if lock is not None:
                taken[core] = lock
            if len(taken) == self._per_cell:
                self._locks.update(taken)
                self._end_turn()
                return frozenset(taken)
        for lock in taken.values():
            os.close(lock)
        return None

    def release(self, cores: Iterable[int]) -> None:
        """Unlock these cores."""
        for core in cores:
            os.close(self._locks.pop(core))

    def close(self) -> None:
        """Unlock everything, and wait no longer."""
        self.release(list(self._locks))
        self._end_turn()

    def _end_turn(self) -> None:
        if self._turn is not None:
            os.close(self._turn)
            self._turn = None

    def _lock(self, name: str) -> int | None:
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            found = self._folder.lstat()
            if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
                raise PrerequisiteError(
                    f"{self._folder}: not a folder of this user, so cores cannot be locked in it; "
                    "remove it, or set TMPDIR to a folder of your own"
                )
            file = os.open(self._folder / name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            raise PrerequisiteError(
                f"{self._folder}: cores cannot be locked there ({error.strerror}); "
                "set TMPDIR to a folder that can be written"
            ) from error
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return None
        except OSError as error:
            os.close(file)
            raise PrerequisiteError(
                f"{self._folder}: files cannot be locked there ({error.strerror}); "
                "set TMPDIR to a folder on a local disk"
            ) from error
        return file
