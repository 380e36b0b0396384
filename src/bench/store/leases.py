"""Who holds a cell: a process, told from a later one with the same number."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Holder:
    """A process on this boot of this machine."""

    pid: int
    process_started: str
    """Its start in clock ticks since boot, from /proc; empty where there is no /proc."""
    boot_id: str

    @classmethod
    def this_process(cls) -> Holder:
        """Return the process that asks."""
        return cls(os.getpid(), _started(os.getpid()), _boot_id())

    def alive(self) -> bool:
        """Whether the holder still runs; one of another boot does not."""
        if self.boot_id != _boot_id():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass
        return _started(self.pid) == self.process_started


def _started(pid: int) -> str:
    """When a process started; empty for one that has ended, waited for or not."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state == "Z" else fields[18]
    except (OSError, ValueError, IndexError):
        return ""


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
