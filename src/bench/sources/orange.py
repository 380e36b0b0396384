"""Orange's tab-separated tables: below the names a line of kinds and one of roles (Orange 3's manual)."""

from __future__ import annotations

from dataclasses import replace

from bench.errors import DataError
from bench.sources.columns import RawColumn, Told
from bench.sources.delimited import read_delimited

_CATEGORY = "d"
_KINDS = (_CATEGORY, "c", "string")


def read_orange(data: bytes, where: str) -> list[RawColumn]:
    """Return the columns, those of discrete values as categories; raise DataError."""
    lines = data.splitlines(keepends=True)
    if len(lines) < 4:
        raise DataError(f"{where} has no rows below its three lines of names, kinds and roles")
    kinds = [kind.strip() for kind in lines[1].decode("utf-8", "replace").split("\t")]
    columns = read_delimited(lines[0] + b"".join(lines[3:]), where, separator="\t")
    if len(kinds) != len(columns) or not set(kinds) <= set(_KINDS):
        raise DataError(f"{where} does not say in its second line what each column is: {', '.join(_KINDS)}")
    return [
        replace(column, told=Told.CATEGORY) if kind == _CATEGORY else column
        for column, kind in zip(columns, kinds, strict=True)
    ]
