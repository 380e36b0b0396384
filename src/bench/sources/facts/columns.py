"""D201 and D202: columns that say nothing, or nothing of another row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.facts import ID_ROWS, ID_SHARE, ID_SPAN, Consequence, Fact
from bench.sources.columns import Column
from bench.sources.facts.twins import n_distinct
from bench.sources.notes import listed
from bench.sources.tables import Content


def constant_columns(content: Content) -> Fact:
    """Return D201."""
    found = [column.feature.name for column in content.columns if _constant(column)]
    return _fact("D201", found, "no column is constant", "the same in every row")


def id_columns(content: Content) -> Fact:
    """Return D202."""
    found = [column.feature.name for column in content.columns if _names_rows(column)]
    return _fact("D202", found, "no column names its row", "a value of its own for each row, like an id")


def _fact(code: str, found: list[str], without: str, what: str) -> Fact:
    if not found:
        return Fact(code=code, consequence=Consequence.PASS, text=without, values={"columns": 0})
    names = listed(found)
    values: dict[str, int | str] = {"columns": len(found), "names": names}
    return Fact(code=code, consequence=Consequence.NOTE, text=f"{what}: {names}", values=values)


def _constant(column: Column) -> bool:
    missing = column.feature.n_missing
    return n_distinct(column.data) < 2 and missing in (0, len(column.data))


def _names_rows(column: Column) -> bool:
    data, n = column.data, len(column.data)
    if n < ID_ROWS:
        return False
    if data.dtype.kind != "f":
        present = n - column.feature.n_missing
        return present >= ID_ROWS and n_distinct(data) >= ID_SHARE * present
    numbers = data.astype(np.float64)
    whole = bool(np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all())
    return whole and n_distinct(numbers) == n and _counts(numbers)


def _counts(numbers: npt.NDArray[np.float64]) -> bool:
    """Whether different whole numbers grow or fall throughout, or lie close together."""
    with np.errstate(over="ignore"):
        steps = np.diff(numbers)
        span = float(numbers.max() - numbers.min())
    return bool((steps > 0).all() or (steps < 0).all()) or span < ID_SPAN * len(numbers)
