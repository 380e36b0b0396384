"""One file with tables of the cache, for a machine without a network. Standard library only.

It is a zip without compression: each table's folder as it is, whose description holds the hash of every file.
The same tables make the same bytes.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import stat
import uuid
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.errors import DataError, PrerequisiteError
from bench.sources.cache import Cache
from bench.sources.description import DESCRIPTION, Description, parse_description
from bench.sources.shelf import Kept, damages

UNKNOWN = "unknown"
_MEMBER = re.compile(r"(tables-v\d+)/([a-z0-9-]{1,60})/((?:[a-z0-9-]{1,60})\.(?:npy|json))")
_EPOCH = (1980, 1, 1, 0, 0, 0)
_BLOCK_BYTES = 1 << 20
_BROKEN = (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError, UnicodeDecodeError)
_LARGEST_DESCRIPTION_BYTES = 1 << 28


@dataclass(frozen=True, slots=True)
class Packed:
    """What went into a bundle, and what did not."""

    names: tuple[str, ...]
    left_out: Mapping[str, str]
    """Why, by name."""


def export_bundle(file: Path, tables: Sequence[Kept], cache: Cache) -> Packed:
    """Write tables to a file; a damaged one and one without a known licence may not be passed on.

    Raises PrerequisiteError where the file cannot be written.
    """
    left_out: dict[str, str] = {}
    good = []
    for kept in sorted(tables, key=lambda kept: kept.folder.name):
        reason = _not_to_be_shared(kept)
        if reason is None:
            good.append(kept)
        else:
            left_out[kept.name] = reason
    if good:
        aside = file.with_name(f".{file.name}.{uuid.uuid4().hex}")
        try:
            _write(aside, good, cache)
            aside.replace(file)
        except OSError as error:
            raise PrerequisiteError(f"{file} cannot be written: {error.strerror}") from error
        finally:
            aside.unlink(missing_ok=True)
    return Packed(tuple(kept.name for kept in good), left_out)


def import_bundle(file: Path, cache: Cache) -> dict[str, str]:
    """Put the tables of a bundle into the cache and return what became of each, by name.

    A table appears whole and checked, or not at all; one that is there and in order stays.
    Raises DataError for what is no bundle, PrerequisiteError where files cannot be read or written.
    """
    try:
        with zipfile.ZipFile(file) as bundle:
            return {
                description.dataset.name: _take(bundle, folder, description, cache)
                for folder, description in _contents(bundle, file, cache)
            }
    except _BROKEN as error:
        raise DataError(
            f"{file} is no bundle of bench, or damaged ({error}): tables that are named in `bench data list` "
            "were taken whole"
        ) from error
    except OSError as error:
        where = error.filename or file
        raise PrerequisiteError(
            f"{where}: {error.strerror or error}: nothing half written is left"
        ) from error


def _not_to_be_shared(kept: Kept) -> str | None:
    if kept.dataset is None:
        return "its description is damaged, or another table's"
    if kept.dataset.licence.strip().casefold() in ("", UNKNOWN):
        return "its licence is not known, so it may not be passed on: fetch it there instead"
    return next(damages(kept), None)


def _write(path: Path, tables: Sequence[Kept], cache: Cache) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for kept in tables:
            for source in sorted(kept.folder.iterdir()):
                info = zipfile.ZipInfo(f"{cache.tables.name}/{kept.folder.name}/{source.name}", _EPOCH)
                info.external_attr = (stat.S_IFREG | 0o644) << 16
                info.file_size = source.stat().st_size
                with source.open("rb") as content, bundle.open(info, "w") as member:
                    shutil.copyfileobj(content, member, _BLOCK_BYTES)


def _contents(bundle: zipfile.ZipFile, file: Path, cache: Cache) -> list[tuple[str, Description]]:
    """Return the folders of a bundle, described; raise DataError for anything that is not one."""
    folders: dict[str, set[str]] = {}
    for info in bundle.infolist():
        match = _MEMBER.fullmatch(info.filename)
        if (
            match is None
            or info.compress_type != zipfile.ZIP_STORED
            or stat.S_ISLNK(info.external_attr >> 16)
        ):
            raise DataError(f"{file} is no bundle of bench: it holds {info.filename[:80]!r}")
        if match[1] != cache.tables.name:
            raise DataError(f"{file} was written by another version of bench ({match[1]}): export it anew")
        if match[3] in folders.setdefault(match[2], set()):
            raise DataError(f"{file} is damaged: it holds {info.filename} twice")
        folders[match[2]].add(match[3])
    if not folders:
        raise DataError(f"{file} is no bundle of bench: it holds no table")
    return [(folder, _described(bundle, folder, files, file, cache)) for folder, files in folders.items()]


def _described(
    bundle: zipfile.ZipFile, folder: str, files: set[str], file: Path, cache: Cache
) -> Description:
    member = f"{cache.tables.name}/{folder}/{DESCRIPTION}"
    described = None
    if DESCRIPTION in files and bundle.getinfo(member).file_size <= _LARGEST_DESCRIPTION_BYTES:
        described = parse_description(bundle.read(member))
    if described is None or set(described.files) | {DESCRIPTION} != files:
        raise DataError(f"{file} is damaged: {folder} is not the table that its description says")
    name = described.dataset.name
    if cache.folder(name).name != folder:
        raise DataError(f"{file} is damaged: {folder} is not where {name[:60]!r} is kept")
    return described


def _take(bundle: zipfile.ZipFile, folder: str, described: Description, cache: Cache) -> str:
    target = cache.tables / folder
    there = Kept(described.dataset.name, target, described.dataset)
    if target.is_dir() and not any(damages(there)):
        return "already here"
    aside = cache.tables / f".{uuid.uuid4().hex}"
    aside.mkdir(parents=True)
    try:
        for info in _members(bundle, f"{cache.tables.name}/{folder}/"):
            file = info.filename.rpartition("/")[2]
            found = _copied(bundle, info, aside / file)
            if file != DESCRIPTION and found != described.files[file]:
                raise DataError(
                    f"{info.filename} is damaged in the bundle: its hash differs; {there.name} was not taken"
                )
        if target.is_dir():
            shutil.rmtree(target)
        aside.rename(target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return "taken"


def _members(bundle: zipfile.ZipFile, prefix: str) -> Iterator[zipfile.ZipInfo]:
    return (info for info in bundle.infolist() if info.filename.startswith(prefix))


def _copied(bundle: zipfile.ZipFile, info: zipfile.ZipInfo, path: Path) -> str:
    """Copy a member and return its SHA-256."""
    digest = hashlib.sha256()
    with bundle.open(info) as member, path.open("wb") as copy:
        while block := member.read(_BLOCK_BYTES):
            digest.update(block)
            copy.write(block)
    return digest.hexdigest()
