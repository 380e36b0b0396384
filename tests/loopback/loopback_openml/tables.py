"""Tables of one's own as OpenML would have them: ARFF, and Parquet where it is wanted."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from loopback_openml.arff import ArffTable, Attribute, Cell, Kind, write_arff
from loopback_openml.content import ServedDataset


@dataclass(frozen=True)
class Nominal:
    """A nominal column; without `levels`, those that occur, sorted."""

    values: Sequence[str | None]
    levels: tuple[str, ...] = ()


Column = Nominal | Sequence[float | None] | Sequence[str | None]
"""Numbers, texts, or classes; None is missing."""


def table_dataset(
    dataset_id: int, name: str, columns: Mapping[str, Column], target: str | None, **said: Any
) -> ServedDataset:
    """Return a dataset of these columns; `said` are further fields of a ServedDataset."""
    attributes, cells = zip(*(_column(*item) for item in columns.items()), strict=True)
    return ServedDataset(
        dataset_id, name, write_arff(name, attributes, zip(*cells, strict=True)), target, **said
    )


def with_parquet(dataset: ServedDataset) -> ServedDataset:
    """Return the dataset with a Parquet file of what its ARFF holds."""
    return replace(dataset, parquet=_parquet(dataset.table))


def _column(name: str, column: Column) -> tuple[Attribute, Sequence[Cell]]:
    if isinstance(column, Nominal):
        levels = column.levels or tuple(sorted({value for value in column.values if value is not None}))
        return Attribute(name, Kind.NOMINAL, levels), column.values
    if any(isinstance(value, str) for value in column):
        return Attribute(name, Kind.STRING), [None if value is None else str(value) for value in column]
    return Attribute(name, Kind.NUMERIC), [None if value is None else repr(value) for value in column]


def _parquet(table: ArffTable) -> bytes:
    """Return the file: numbers as doubles, nominal columns as dictionaries in declared order."""
    import pyarrow as pa
    import pyarrow.parquet

    arrays = []
    for index, attribute in enumerate(table.attributes):
        cells = [row[index] for row in table.rows]
        if attribute.kind is Kind.NUMERIC:
            arrays.append(pa.array([None if cell is None else float(cell) for cell in cells], pa.float64()))
        elif attribute.kind is Kind.STRING:
            arrays.append(pa.array(cells, pa.string()))
        else:
            codes = {level: code for code, level in enumerate(attribute.levels)}
            indices = pa.array([None if cell is None else codes[cell] for cell in cells], pa.int32())
            arrays.append(pa.DictionaryArray.from_arrays(indices, list(attribute.levels)))
    sink = io.BytesIO()
    names = [attribute.name for attribute in table.attributes]
    pyarrow.parquet.write_table(pa.Table.from_arrays(arrays, names=names), sink)
    return sink.getvalue()
