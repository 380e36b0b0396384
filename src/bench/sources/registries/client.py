"""Running a registry's client: with patience, in a folder of its own, and with one line where it fails."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.errors import PrerequisiteError
from bench.sources.catalog import Package

DOWNLOAD_LIMIT_S = 900.0
CONNECT_LIMIT_S = 10
UNREACHABLE = "cannot be reached"


def run(
    command: Sequence[str], package: Package, folder: Path, mend: str
) -> subprocess.CompletedProcess[str]:
    """Return how a client's command ended that was run in `folder`, its words in English.

    Raises PrerequisiteError, with what would mend it, where it takes longer than a download may.
    """
    try:
        return subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=DOWNLOAD_LIMIT_S,
            check=False,
            stdin=subprocess.DEVNULL,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired:
        raise failure(package, f"it took more than {DOWNLOAD_LIMIT_S:.0f} s", mend) from None


def need(program: str, package: Package, whose: str) -> None:
    """Raise PrerequisiteError where a program is not installed; `whose` says who has it."""
    if shutil.which(program) is None:
        mend = f"{whose}; or fill the cache on a machine that has it, and name its copy in BENCH_CACHE"
        raise failure(package, f"there is no `{program}` here", mend)


def failure(package: Package, reason: str, mend: str) -> PrerequisiteError:
    """Return the error of a package that cannot be fetched."""
    return PrerequisiteError(
        f"{package.requirement} ({package.size_bytes / 1e6:.1f} MB) cannot be downloaded ({reason}): {mend}"
    )


def last_words(lines: Iterable[str], client: str) -> str:
    """Return the last line of what a client said, shortened."""
    return next(reversed([line.strip() for line in lines if line.strip()]), f"{client} gave no reason")[:160]
