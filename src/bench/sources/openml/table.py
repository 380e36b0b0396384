"""From a table that OpenML served to one that can be learnt from, checked against what it says of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import FeatureKind, Grade, OfficialSplits, Origin, ProblemType
from bench.errors import DataError
from bench.sources.arff import read_arff_lines
from bench.sources.columns import RawColumn, Told
from bench.sources.features import FeatureReader
from bench.sources.notes import Notes, shortened
from bench.sources.tables import Content, Layout, Provenance, assemble

if TYPE_CHECKING:
    from bench.sources.openml.fetched import FetchedFeature, FetchedTable, FetchedTask


def fetched_content(task: FetchedTask) -> Content:
    """Return the table of a task as its file holds it, without the columns that are no features.

    Raises DataError where the file is not what the server says of it, or cannot be learnt from.
    """
    table = task.table
    raw = _checked(_read(table), table)
    if task.target not in {column.name for column in raw}:
        raise DataError(f"its target {shortened(task.target)!r} is no column of data set {table.id}")
    notes = Notes()
    reader = FeatureReader(notes, comma_separates=True)
    kept = [
        _feature(column, described, reader) if column.name != task.target else column
        for column, described in zip(raw, table.features, strict=True)
        if column.name == task.target or column.name not in table.ignored
    ]
    layout = Layout(
        target=task.target,
        problem=None if task.is_classification else ProblemType.REGRESSION,
        kinds={
            feature.name: FeatureKind.CATEGORICAL
            for feature in table.features
            if feature.kind == "nominal" and feature.name not in (task.target, *table.ignored)
        },
    )
    content = assemble([column for column in kept if column is not None], layout)
    if task.is_classification and content.problem is ProblemType.REGRESSION:
        raise DataError(f"its target {shortened(task.target)!r} holds measured numbers, which are no classes")
    return replace(content, notes=notes.lines())


def fetched_provenance(task: FetchedTask, name: str, origin: Origin, official: OfficialSplits) -> Provenance:
    """Return what is known of a table beside its content; `name` is what the cache calls it."""
    table = task.table
    md5 = "" if table.is_parquet else table.md5  # it is that of the ARFF file
    checked = f"MD5 {md5}" if md5 else "no published checksum"
    return Provenance(
        name=name,
        openml_id=table.id,
        grade=Grade.ORIGINAL,
        origin=origin,
        licence=table.licence or "unknown",
        source=f"OpenML data set {table.id}, version {table.version} ({checked})",
        title=table.name,
        citation=table.citation,
        md5=md5,
        official=official,
    )


def _read(table: FetchedTable) -> list[RawColumn]:
    where = f"data set {table.id}"
    if not table.is_parquet:
        with table.path.open(encoding="utf-8-sig") as lines:
            return read_arff_lines(lines, where)
    from bench.sources.frames import frame_columns
    from bench.sources.parquet import read_parquet

    return frame_columns(read_parquet(table.path.read_bytes()), {})


def _checked(raw: list[RawColumn], table: FetchedTable) -> list[RawColumn]:
    """Return the columns where they are those that the server describes; raise DataError."""
    where = f"data set {table.id}"
    names, described = [column.name for column in raw], [feature.name for feature in table.features]
    if names != described:
        first = next((pair for pair in zip(names, described, strict=False) if pair[0] != pair[1]), None)
        told = f"{shortened(first[0])!r} stands for {shortened(first[1])!r}" if first else "some are missing"
        raise DataError(
            f"{where}: its file has {len(names)} columns, its description {len(described)}: {told}"
        )
    if table.n_rows is not None and len(raw[0].values) != table.n_rows:
        raise DataError(
            f"{where}: its file has {len(raw[0].values):,} rows, its description {table.n_rows:,}"
        )
    for column, feature in zip(raw, table.features, strict=True):
        n_missing = int(column.missing.sum())
        if n_missing != feature.n_missing:
            raise DataError(
                f"{where}: column {shortened(column.name)!r} lacks {n_missing:,} values, by its description "
                f"{feature.n_missing:,}: the file is not the one that is described"
            )
    return raw


def _feature(column: RawColumn, described: FetchedFeature, reader: FeatureReader) -> RawColumn | None:
    """Return a column as its description has it; text of which nearly all differs is left out, and noted."""
    if described.kind == "numeric":
        values = reader.numbers(column)
        n_missing = int(np.isnan(values).sum())
        if n_missing != described.n_missing:
            raise DataError(
                f"column {shortened(column.name)!r} is numeric by its description, but {n_missing:,} of its "
                f"values are no numbers, and {described.n_missing:,} are said to be missing"
            )
        return replace(column, values=values, order=(), told=Told.NOTHING)
    if described.kind == "nominal" or isinstance(column.values, np.ndarray):
        return column
    return reader.feature(column, None)
