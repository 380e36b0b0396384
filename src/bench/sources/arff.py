"""Dense ARFF files (Weka's attribute-relation file format; Witten and Frank, Data Mining, 2005).

SciPy's reader has no text attributes and liac-arff is no longer released, so this is our own; sparse files
and relations are refused.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.sources.columns import RawColumn, Told, parse_numbers

_TOKEN = re.compile(
    r"""\s*+(?:'([^'\\]*+(?:\\.[^'\\]*+)*+)'|"([^"\\]*+(?:\\.[^"\\]*+)*+)"|((?!['"])[^,]*))\s*(,|$)"""
)
"""Possessive: a value of a hundred megabytes must not leave a hundred million ways back."""
_ATTRIBUTE = re.compile(
    r"""@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+))\s+(.+)""", re.IGNORECASE
)
_ESCAPE = re.compile(r"\\(.)")
_NUMERIC = ("numeric", "real", "integer")
BLOCK_ROWS = 4096


def read_arff(text: str, where: str) -> list[RawColumn]:
    """Return the columns of an ARFF file; `where` names it in errors. Raises DataError."""
    return read_arff_lines(text.split("\n"), where)


def read_arff_lines(lines: Iterable[str], where: str) -> list[RawColumn]:
    """Return the columns of an ARFF file, read line by line: numbers never stand there as text all at once.

    Raises DataError.
    """
    content = _content(lines)
    columns = [_Column(name, kind, where) for name, kind in _header(content, where)]
    n_rows = 0
    while block := list(itertools.islice(content, BLOCK_ROWS)):
        rows = [_row(line, len(columns), f"{where}, line {number}") for number, line in block]
        for column, values in zip(columns, zip(*rows, strict=True), strict=True):
            column.add(values)
        n_rows += len(rows)
    if not columns or not n_rows:
        raise DataError(f"{where} holds {len(columns)} attributes and {n_rows} rows: it is not a table")
    return [column.finish() for column in columns]


def attribute_names(text: str, where: str) -> list[str]:
    """Return the names of the attributes of an ARFF file. Raises DataError."""
    return [name for name, _ in _header(_content(text.split("\n")), where)]


def _content(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers."""
    for number, line in enumerate(lines, 1):
        stripped = line.strip()
        if stripped and not stripped.startswith("%"):
            yield number, stripped


def _header(content: Iterable[tuple[int, str]], where: str) -> Iterator[tuple[str, str]]:
    for number, line in content:
        if line.lower().startswith("@data"):
            return
        if line.lower().startswith("@relation"):
            continue
        match = _ATTRIBUTE.fullmatch(line)
        if match is None:
            raise DataError(f"{where}, line {number}: {line[:60]!r} is no attribute of an ARFF file")
        single, double, bare, kind = match.groups()
        yield _unquoted(single, double, bare) or "", kind.strip()


class _Column:
    """An attribute whose values come block by block."""

    def __init__(self, name: str, kind: str, where: str) -> None:
        self._name, self._kind, self._where = name, kind, where
        lowered = kind.lower()
        self._is_numeric = lowered in _NUMERIC
        self._is_nominal = kind.startswith("{") and kind.endswith("}")
        if not self._is_numeric and not self._is_nominal and lowered.split()[0] not in ("string", "date"):
            raise DataError(
                f"{where}: attribute {name!r} is of type {kind[:40]!r}, which is not read: convert it to CSV"
            )
        self._numbers: list[npt.NDArray[np.float64]] = []
        self._texts: list[str | None] = []

    def add(self, values: Sequence[str | None]) -> None:
        """Take the values of the next rows. Raises DataError."""
        if not self._is_numeric:
            self._texts.extend(values)
            return
        numbers = parse_numbers(values)
        if numbers is None:
            raise DataError(f"{self._where}: attribute {self._name!r} is {self._kind}, but holds text")
        self._numbers.append(numbers)

    def finish(self) -> RawColumn:
        """Return all of it. Raises DataError where a value is not among the declared ones."""
        if self._is_numeric:
            return RawColumn(self._name, np.concatenate(self._numbers))
        if not self._is_nominal:
            told = Told.TEXT if self._kind.lower() == "string" else Told.NOTHING
            return RawColumn(self._name, self._texts, told=told)
        levels = tuple(level for level in _tokens(self._kind[1:-1]) if level is not None)
        unknown = {text for text in self._texts if text is not None}.difference(levels)
        if unknown:
            raise DataError(
                f"{self._where}: attribute {self._name!r} holds {min(unknown)!r}, which it does not declare"
            )
        return RawColumn(self._name, self._texts, levels, Told.CATEGORY)


def _row(line: str, n_columns: int, where: str) -> list[str | None]:
    if line.startswith("{"):
        raise DataError(f"{where}: sparse rows are not read: convert the file to CSV")
    if "'" in line or '"' in line:
        values = list(_tokens(line))
    else:
        values = [None if (text := part.strip()) == "?" else text for part in line.split(",")]
    if len(values) != n_columns:
        raise DataError(f"{where}: {len(values)} values for {n_columns} attributes")
    return values


def _tokens(line: str) -> Iterator[str | None]:
    """Yield the values of a line: an unquoted question mark is a missing value."""
    position, more = 0, True
    while more:
        match = _TOKEN.match(line, position)
        if match is None:
            raise DataError(
                f"{line[position : position + 40]!r} is no value of an ARFF file: a quote is not closed"
            )
        single, double, bare, separator = match.groups()
        yield _unquoted(single, double, bare)
        position, more = match.end(), separator == ","


def _unquoted(single: str | None, double: str | None, bare: str | None) -> str | None:
    quoted = single if single is not None else double
    if quoted is not None:
        return _ESCAPE.sub(r"\1", quoted)
    plain = (bare or "").strip()
    return None if plain == "?" else plain
