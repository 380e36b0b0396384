"""Dense ARFF files (Weka's attribute-relation file format; Witten and Frank, Data Mining, 2005).

SciPy's reader has no text attributes and liac-arff is no longer released, so this is our own; sparse files
and relations are refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bench.errors import DataError
from bench.sources.columns import RawColumn, Told, parse_numbers

_TOKEN = re.compile(r"""\s*+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|((?!['"])[^,]*))\s*(,|$)""")
_ATTRIBUTE = re.compile(
    r"""@attribute\s+(?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"|(\S+))\s+(.+)""", re.IGNORECASE
)
_ESCAPE = re.compile(r"\\(.)")
_NUMERIC = ("numeric", "real", "integer")


def read_arff(text: str, where: str) -> list[RawColumn]:
    """Return the columns of an ARFF file; `where` names it in errors. Raises DataError."""
    content = _content(text)
    attributes = list(_header(content, where))
    rows = [_row(line, len(attributes), f"{where}, line {number}") for number, line in content]
    if not attributes or not rows:
        raise DataError(f"{where} holds {len(attributes)} attributes and {len(rows)} rows: it is not a table")
    values = zip(*rows, strict=True)
    return [
        _column(name, kind, list(column), where)
        for (name, kind), column in zip(attributes, values, strict=True)
    ]


def attribute_names(text: str, where: str) -> list[str]:
    """Return the names of the attributes of an ARFF file. Raises DataError."""
    return [name for name, _ in _header(_content(text), where)]


def _content(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that hold something, with their numbers."""
    for number, line in enumerate(text.split("\n"), 1):
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


def _column(name: str, kind: str, values: list[str | None], where: str) -> RawColumn:
    if kind.startswith("{") and kind.endswith("}"):
        levels = tuple(level for level in _tokens(kind[1:-1]) if level is not None)
        unknown = {value for value in values if value is not None}.difference(levels)
        if unknown:
            raise DataError(f"{where}: attribute {name!r} holds {min(unknown)!r}, which it does not declare")
        return RawColumn(name, values, levels, Told.CATEGORY)
    if kind.lower() in _NUMERIC:
        numbers = parse_numbers(values)
        if numbers is None:
            raise DataError(f"{where}: attribute {name!r} is {kind}, but holds text")
        return RawColumn(name, numbers)
    if kind.lower() == "string":
        return RawColumn(name, values, told=Told.TEXT)
    if kind.lower().split()[0] == "date":
        return RawColumn(name, values)
    raise DataError(
        f"{where}: attribute {name!r} is of type {kind[:40]!r}, which is not read: convert it to CSV"
    )


def _row(line: str, n_columns: int, where: str) -> list[str | None]:
    if line.startswith("{"):
        raise DataError(f"{where}: sparse rows are not read: convert the file to CSV")
    values = list(_tokens(line))
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
