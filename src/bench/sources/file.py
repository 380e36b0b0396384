"""A local file as a table: CSV, Parquet or ARFF, told by its name, else by its first bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from bench.errors import DataError, PrerequisiteError
from bench.sources.arff import attribute_names, read_arff
from bench.sources.columns import RawColumn, is_number
from bench.sources.delimited import guess_separator, header_names, read_delimited
from bench.sources.inference import own_table
from bench.sources.parquet import is_parquet, parquet_names, read_parquet
from bench.sources.requests import TableOptions
from bench.sources.tables import Content
from bench.sources.unpacking import decode, unpack

_ARFF = re.compile(r"(?:\s|%[^\n]*\n)*@relation\b", re.IGNORECASE)


class Format(StrEnum):
    """How a file is written."""

    DELIMITED = "delimited"
    PARQUET = "parquet"
    ARFF = "arff"


_BY_SUFFIX = {
    ".csv": Format.DELIMITED,
    ".tsv": Format.DELIMITED,
    ".parquet": Format.PARQUET,
    ".pq": Format.PARQUET,
    ".arff": Format.ARFF,
}


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file's bytes, unpacked, and what they are."""

    format: Format
    data: bytes
    separator: str = ","


def read_file(path: Path, options: TableOptions) -> Content:
    """Return the table in a file, read as `docs/data.md` says.

    Raises DataError where it cannot be learnt from, PrerequisiteError where a package is missing.
    """
    with _telling(path):
        return _read(path, options)


def column_names(path: Path) -> list[str]:
    """Return the names of a file's columns; raise as `read_file`."""
    with _telling(path):
        return _names(_open(path))


def _read(path: Path, options: TableOptions) -> Content:
    from bench.sources.frames import frame_columns

    opened = _open(path)
    if opened.format is Format.PARQUET:
        raw = frame_columns(read_parquet(opened.data), options.kinds)
    elif opened.format is Format.ARFF:
        raw = read_arff(decode(opened.data), "the file")
    else:
        raw = _named(read_delimited(opened.data, "the file", separator=opened.separator))
    if not raw or not len(raw[0].values):
        raise DataError("it holds the names of columns, but no rows")
    return own_table(raw, options, comma_separates=opened.separator == ",")


def _open(path: Path) -> _Opened:
    try:
        data, name = unpack(path.read_bytes(), path.name)
    except OSError as error:
        raise DataError(f"it cannot be read: {error.strerror}") from error
    if not data.strip():
        raise DataError("it is empty")
    suffix = Path(name).suffix.lower()
    if is_parquet(data) or _BY_SUFFIX.get(suffix) is Format.PARQUET:
        return _Opened(Format.PARQUET, data)
    text = decode(data)
    if _BY_SUFFIX.get(suffix) is Format.ARFF or (suffix not in _BY_SUFFIX and _ARFF.match(text)):
        return _Opened(Format.ARFF, data)
    return _Opened(Format.DELIMITED, data, "\t" if suffix == ".tsv" else guess_separator(text))


def _names(opened: _Opened) -> list[str]:
    if opened.format is Format.PARQUET:
        return parquet_names(opened.data)
    text = decode(opened.data)
    if opened.format is Format.ARFF:
        return attribute_names(text, "the file")
    return [_name(name, place) for place, name in enumerate(header_names(text, opened.separator), start=1)]


def _named(raw: list[RawColumn]) -> list[RawColumn]:
    """Return the columns, those without a name called by their place."""
    names = [column.name for column in raw]
    if len(set(names)) < len(names) and all(is_number(name) for name in names):
        raise DataError("its first line holds numbers, some twice, and no names: write the names above it")
    return [replace(column, name=_name(column.name, place)) for place, column in enumerate(raw, start=1)]


def _name(name: str, place: int) -> str:
    """Return what a column is called; one without a name by its place."""
    return name or f"column {place}"


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Say of which file an error speaks."""
    try:
        yield
    except (DataError, PrerequisiteError) as error:
        raise type(error)(f"{path}: {error}") from None
