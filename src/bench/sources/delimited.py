"""Delimited text, plain, gzipped, or the one file in a zip."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence

from bench.errors import DataError
from bench.sources.columns import RawColumn
from bench.sources.unpacking import decode, unpack

MISSING = ("NA", "N/A", "NaN", "nan", "NULL", "null", "?")
"""What stands for a missing value in a file of which nothing is known. "None" is a category."""
SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab"}


def read_delimited(
    data: bytes,
    where: str,
    *,
    header: Sequence[str] = (),
    missing: Collection[str] = MISSING,
    separator: str = ",",
) -> list[RawColumn]:
    """Return the columns as text; `header` names those of a file without names.

    Blanks around values are dropped, an empty value is always missing. Raises DataError.
    """
    try:
        rows = list(_rows(decode(unpack(data, where)[0]), separator, list(header)))
    except (ValueError, csv.Error, DataError) as error:
        raise DataError(f"{where} cannot be read as a table: {error}") from error
    if not rows:
        raise DataError(f"{where} cannot be read as a table: it is empty")
    names, *body = rows
    absent = {"", *missing}
    columns = zip(*body, strict=True) if body else [()] * len(names)
    return [
        RawColumn(name, [None if value in absent else value for value in column])
        for name, column in zip(names, columns, strict=True)
    ]


def header_names(text: str, separator: str) -> list[str]:
    """Return the values of the first line that holds some; raise DataError where it cannot be read."""
    try:
        return next(_rows(text, separator, []), [])
    except (ValueError, csv.Error) as error:
        raise DataError(f"its first line cannot be read: {error}") from error


def guess_separator(text: str) -> str:
    """Return the one of comma, semicolon and tab that the first line holds most of, outside of quotes."""
    line = text.lstrip("\r\n").partition("\n")[0]
    bare = "".join(line.split('"')[::2])
    return max(SEPARATORS, key=bare.count)


def _rows(text: str, separator: str, header: list[str]) -> Iterator[list[str]]:
    """Yield the names and then the rows, all of one length; blank lines are passed over."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    width = len(header)
    if header:
        yield header
    for row in reader:
        values = [value.strip() for value in row]
        if not any(values) and len(values) < max(width, 2):
            continue
        if width and len(values) != width:
            raise ValueError(
                f"line {reader.line_num} holds {len(values)} values, not {width}: "
                f"a value that holds a {SEPARATORS[separator]} must be quoted"
            )
        width = width or len(values)
        yield values
