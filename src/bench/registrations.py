"""When a claim said what it says: by the history of its file, where that is kept by git."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

GIT_S = 10.0


@dataclass(frozen=True, slots=True)
class Commit:
    """One commit of the checkout that holds a file."""

    id: str
    at: str
    """When, UTC, ISO 8601."""

    def __str__(self) -> str:
        """`1a2b3c4 of 2026-11-25`."""
        return f"{self.id[:7]} of {self.at[:10]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """The commits of a claim file that matter; None where no history says."""

    added: Commit | None
    """The one that added the file."""
    fixed: Commit | None
    """The first of those since when it says what it says now."""


UNREGISTERED = Registration(added=None, fixed=None)


def registration(path: Path, digest: str, digest_of: Callable[[bytes], str | None]) -> Registration:
    """Return the commits of a file whose content has this digest.

    `digest_of` gives that of other versions of it, or None for what cannot be read. A file that no commit
    holds as it is now is not registered by any.
    """
    history = list(_history(path))
    if not history:
        return UNREGISTERED
    fixed = None
    for commit in history:
        content = _git(path, "show", f"{commit.id}:./{path.name}")
        if content is None or digest_of(content) != digest:
            break
        fixed = commit
    return Registration(added=history[-1], fixed=fixed)


def _history(path: Path) -> Iterator[Commit]:
    """Yield the commits that touched a file, the latest first."""
    found = _git(
        path, "log", "--follow", "--date=format-local:%Y-%m-%dT%H:%M:%S", "--format=%H %cd", "--", path.name
    )
    for line in (found or b"").decode().splitlines():
        name, _, at = line.partition(" ")
        yield Commit(name, at)


def _git(path: Path, *arguments: str) -> bytes | None:
    """Return what git says in a file's folder, or None where it says nothing."""
    try:
        found = subprocess.run(
            ["git", "-C", str(path.resolve().parent), *arguments],
            capture_output=True,
            timeout=GIT_S,
            check=True,
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "TZ": "UTC", "HOME": str(Path.home())},
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout
