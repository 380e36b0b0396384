"""Tarballs of the npm registry, by npm: packed, never installed, no script of theirs run."""

from __future__ import annotations

import re
from pathlib import Path

from bench.sources.catalog import Package
from bench.sources.registries.client import CONNECT_LIMIT_S, UNREACHABLE, failure, last_words, need, run

_NO_CONTACT = re.compile(
    r"\b(ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|EAI_AGAIN|FETCH_ERROR)\b|network timeout"
)
_UNKNOWN = re.compile(r"\b(E404|ETARGET)\b")


def fetch(package: Package, folder: Path) -> None:
    """Fetch a package's file into `folder`; raise PrerequisiteError where that fails."""
    mend = "fill the cache on a machine with npm and a network, and name its copy in BENCH_CACHE"
    need("npm", package, "Node.js brings it")
    own = [
        f"--cache={folder / 'npm'}",
        f"--pack-destination={folder}",
        "--ignore-scripts",
        "--no-update-notifier",
    ]
    patience = [
        f"--fetch-timeout={CONNECT_LIMIT_S * 1000}",
        "--fetch-retries=1",
        "--fetch-retry-mintimeout=1000",
    ]
    command = ["npm", "pack", package.requirement, *own, *patience, "--loglevel=error"]
    done = run(command, package, folder, mend)
    if done.returncode != 0:
        raise failure(package, _reason(done.stderr), mend)


def _reason(stderr: str) -> str:
    """Reduce what npm says to one clause."""
    if _NO_CONTACT.search(stderr):
        return f"the npm registry {UNREACHABLE}"
    if _UNKNOWN.search(stderr):
        return "the npm registry has no such version"
    errors = re.findall(r"^npm (?:error|ERR!) (?!code|A complete log)(.+)$", stderr, re.MULTILINE)
    return last_words(errors[:1] or stderr.splitlines(), "npm")
