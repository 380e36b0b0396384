"""A local CSV file as a table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bench.datasets import ColumnKind, FeatureKind, ProblemType
from bench.errors import DataError
from bench.sources.delimited import read_delimited
from bench.sources.tables import Content, Layout, assemble


def read_file(
    path: Path,
    target: str,
    problem: ProblemType | None = None,
    kinds: Mapping[str, ColumnKind] | None = None,
) -> Content:
    """Return the table in a CSV file (commas, semicolons or tabs; gzip and zip are opened).

    Columns that hold text are categorical, the others numeric. A target of text, or of at most
    `tables.MAX_CLASSES` different whole numbers, is a class. Raises DataError.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error
    if not data.strip():
        raise DataError(f"{path} is empty")
    raw = read_delimited(data, str(path), separator=None)
    if raw and not len(raw[0].values):
        raise DataError(f"{path} has a first line with names, but no rows")
    try:
        return assemble(
            raw,
            Layout(
                target=target,
                problem=problem,
                kinds={name: FeatureKind(kind.value) for name, kind in (kinds or {}).items()},
            ),
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
