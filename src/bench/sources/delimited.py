"""Delimited text, plain, gzipped, or the one file in a zip."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
import zlib
from collections.abc import Collection, Sequence

from bench.errors import DataError
from bench.sources.columns import RawColumn

MISSING = ("NA", "N/A", "NaN", "nan", "NULL", "null", "?")
"""What stands for a missing value in a file of which nothing is known. "None" is a category."""


def read_delimited(
    data: bytes,
    where: str,
    *,
    header: Sequence[str] = (),
    missing: Collection[str] = MISSING,
    separator: str | None = ",",
) -> list[RawColumn]:
    """Return the columns as text; `header` names those of a file without names.

    Without a separator it is the one of comma, semicolon and tab that the first line holds most of.
    Blanks around values are dropped, an empty value is always missing. Raises DataError.
    """
    try:
        text = _text(data)
        first = text.partition("\n")[0]
        rows = _rows(text, separator or max((",", ";", "\t"), key=first.count), list(header))
    except (ValueError, OSError, EOFError, csv.Error, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{where} cannot be read as a table: {error}") from error
    names, *body = rows
    absent = {"", *missing}
    columns = zip(*body, strict=True) if body else [()] * len(names)
    return [
        RawColumn(name, [None if value in absent else value for value in column])
        for name, column in zip(names, columns, strict=True)
    ]


def _rows(text: str, separator: str, header: list[str]) -> list[list[str]]:
    """Return the names and then the rows, all of one length; blank lines are passed over."""
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True
    )
    rows = [header] if header else []
    for row in reader:
        if not row:
            continue
        if rows and len(row) != len(rows[0]):
            raise ValueError(f"line {reader.line_num} holds {len(row)} values, not {len(rows[0])}")
        rows.append([value.strip() for value in row])
    if not rows:
        raise ValueError("it is empty")
    return rows


def _text(data: bytes) -> str:
    if data.startswith(b"\x1f\x8b"):
        data = gzip.decompress(data)
    elif data.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [name for name in archive.namelist() if not name.endswith("/")]
            if len(members) != 1:
                raise ValueError(f"the archive holds {len(members)} files, not one")
            data = archive.read(members[0])
    return data.decode("utf-8-sig")
