"""Debian packages, by apt: downloaded, never installed, without root, and nothing of the system touched."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from bench.sources.catalog import Package
from bench.sources.registries.client import CONNECT_LIMIT_S, UNREACHABLE, failure, last_words, need, run

_WHOSE = "Debian and its relatives have it"
_MEND = "fill the cache on a Debian 12 machine with a network, and name its copy in BENCH_CACHE"
_NO_CONTACT = re.compile(
    r"could not (resolve|connect)|unable to connect|timed out|temporary failure", re.IGNORECASE
)
_NOT_LISTED = re.compile(
    r"unable to locate package|no packages found|version .* was not found", re.IGNORECASE
)
_CANDIDATE = re.compile(r"^  Candidate: (\S+)$", re.MULTILINE)


def fetch(package: Package, folder: Path) -> None:
    """Fetch a package's file into `folder`.

    What the system's lists do not hold is looked up in lists of its own in that folder, fetched anew. Raises
    PrerequisiteError where the package cannot be had.
    """
    for program in ("apt-get", "dpkg-deb"):
        need(program, package, _WHOSE)
    private = folder / "apt"
    for name in ("lists/partial", "cache/archives/partial"):
        (private / name).mkdir(parents=True, exist_ok=True)
    options = _options(package, private)
    reason = _download(package, folder, options)
    if reason is not None and _NOT_LISTED.search(reason):
        options = [*options, "-o", f"Dir::State::Lists={private / 'lists'}"]
        update = ["apt-get", "update", "-qq", "-o", "APT::Update::Error-Mode=any", *options]
        updated = run(update, package, folder, _MEND)
        reason = updated.stderr if updated.returncode else _download(package, folder, options)
    if reason is not None:
        raise failure(package, _clause(reason, package, folder, options), _MEND)


def _options(package: Package, private: Path) -> list[str]:
    """Return apt's options: a cache of its own, patience, and the architecture of the pinned file."""
    architecture = package.file.removesuffix(".deb").rpartition("_")[2]
    values = [
        f"Dir::Cache={private / 'cache'}",
        "Acquire::Retries=1",
        f"Acquire::http::Timeout={CONNECT_LIMIT_S}",
        f"Acquire::https::Timeout={CONNECT_LIMIT_S}",
        *([] if architecture == "all" else [f"APT::Architecture={architecture}"]),
    ]
    return [part for value in values for part in ("-o", value)]


def _download(package: Package, folder: Path, options: Sequence[str]) -> str | None:
    """Return None, or what apt said."""
    done = run(["apt-get", "download", "-qq", *options, package.requirement], package, folder, _MEND)
    return None if done.returncode == 0 else done.stderr or "apt-get gave no reason"


def _clause(said: str, package: Package, folder: Path, options: Sequence[str]) -> str:
    """Reduce what apt said to one clause."""
    if _NO_CONTACT.search(said):
        return f"Debian's archive {UNREACHABLE}"
    if _NOT_LISTED.search(said):
        policy = run(["apt-cache", "policy", *options, package.name], package, folder, _MEND)
        offered = _CANDIDATE.search(policy.stdout)
        if offered is not None and offered[1] not in ("(none)", package.version):
            return f"this system offers {offered[1]}, and only {package.version} is pinned"
        return "apt's sources hold no such package"
    return last_words(re.findall(r"^E: (.*)$", said, re.MULTILINE) or said.splitlines(), "apt-get")
