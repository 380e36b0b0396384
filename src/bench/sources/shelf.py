"""What the cache keeps: listed, looked through for damage, thrown away. Standard library only."""

from __future__ import annotations

import difflib
import shutil
import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.datasets import Dataset
from bench.errors import ConfigError, PrerequisiteError
from bench.sources.cache import Cache, file_hash
from bench.sources.description import DESCRIPTION, parse_description


@dataclass(frozen=True, slots=True)
class Kept:
    """A folder of the cache."""

    name: str
    """The table's, or the folder's where its description is damaged."""
    folder: Path
    dataset: Dataset | None
    """None where its description is damaged."""

    @property
    def size_bytes(self) -> int:
        """What it takes on the disk."""
        return sum(path.stat().st_size for path in self.folder.rglob("*") if path.is_file())


def kept_tables(cache: Cache) -> list[Kept]:
    """Return every table of the cache by name; those that are just being written are left out.

    Raises PrerequisiteError where its folder cannot be read.
    """
    try:
        folders = sorted(cache.tables.iterdir())
    except FileNotFoundError:
        folders = []
    except OSError as error:
        raise PrerequisiteError(f"{cache.tables} cannot be read: {error.strerror}") from error
    found = [
        _kept(folder, cache) for folder in folders if folder.is_dir() and not folder.name.startswith(".")
    ]
    return sorted(found, key=lambda kept: kept.name)


def chosen(names: Sequence[str], cache: Cache) -> list[Kept]:
    """Return the tables of these names, all without one.

    Raises ConfigError where one is not kept, PrerequisiteError as `kept_tables`.
    """
    everything = {kept.name: kept for kept in kept_tables(cache)}
    unknown = [name for name in names if name not in everything]
    if unknown:
        raise ConfigError(
            *(
                f"{name}: is not in the cache {cache.root}{_near(name, everything)} (see `bench data list`)"
                for name in dict.fromkeys(unknown)
            )
        )
    return [everything[name] for name in dict.fromkeys(names)] if names else list(everything.values())


def damages(kept: Kept) -> Iterator[str]:
    """Yield what is wrong with a table's folder, a line for each file; every byte is hashed."""
    try:
        yield from _damages(kept)
    except OSError as error:
        yield f"{error.filename or kept.folder} cannot be read: {error.strerror}"


def _damages(kept: Kept) -> Iterator[str]:
    description = kept.folder / DESCRIPTION
    content = parse_description(description.read_bytes()) if description.is_file() else None
    if content is None:
        yield f"{description} is {'damaged' if description.exists() else 'missing'}"
        return
    if kept.dataset is None:
        yield f"{kept.folder} is not where {content.dataset.name!r} is kept"
    listed = content.files
    for file, expected in listed.items():
        path = kept.folder / file
        if not path.is_file() or path.is_symlink():
            yield f"{path} is missing"
        elif file_hash(path) != expected:
            yield f"{path} is damaged: its hash differs"
    for path in sorted(kept.folder.iterdir()):
        if path.name not in listed and path.name != DESCRIPTION:
            yield f"{path} is no file of this table"


def evict(kept: Kept) -> int:
    """Delete a table's folder and return the bytes that it took. Raises PrerequisiteError where it cannot."""
    size_bytes = kept.size_bytes
    aside = kept.folder.with_name(f".{uuid.uuid4().hex}")
    try:
        kept.folder.rename(aside)  # so that nobody reads half of it
        shutil.rmtree(aside)
    except OSError as error:
        raise PrerequisiteError(f"{kept.folder} cannot be deleted: {error.strerror}") from error
    return size_bytes


def _near(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ""


def _kept(folder: Path, cache: Cache) -> Kept:
    try:
        content = parse_description((folder / DESCRIPTION).read_bytes())
    except OSError:  # it is told of as a damaged one, by what looks through it
        content = None
    name = folder.name if content is None else content.dataset.name
    if content is None or cache.folder(name) != folder:
        return Kept(folder.name, folder, None)
    return Kept(name, folder, content.dataset)
