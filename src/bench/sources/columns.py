"""A column as a reader gives it, and as it is kept: float64 numbers, or int32 codes into levels."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from bench.datasets import Feature, FeatureKind
from bench.errors import DataError


class Told(StrEnum):
    """What a file says of a column beside its values."""

    NOTHING = "nothing"
    """As in a CSV file, where numbers are text too."""
    TEXT = "text"
    """Text, whatever it looks like."""
    CATEGORY = "category"
    DATE = "date"
    """Numbers, days since 1970-01-01 UTC."""


@dataclass(frozen=True, slots=True)
class RawColumn:
    """One column of a file: numbers (float64, NaN where missing) or text (None where missing)."""

    name: str
    values: npt.NDArray[np.float64] | list[str | None]
    order: tuple[str, ...] = ()
    """The categories in the order the file declares them, where it does."""
    told: Told = Told.NOTHING

    @property
    def numbers(self) -> npt.NDArray[np.float64] | None:
        """The values as float64 where every one of them is a number, unless the file says it is text."""
        if isinstance(self.values, np.ndarray):
            return self.values
        if self.order or self.told is not Told.NOTHING:
            return None
        return parse_numbers(self.values)

    def only(self, rows: npt.NDArray[np.bool_]) -> RawColumn:
        """Return the column with these rows (n_rows,) alone."""
        if rows.all():
            return self
        if isinstance(self.values, np.ndarray):
            return replace(self, values=self.values[rows])
        kept = [text for text, wanted in zip(self.values, rows.tolist(), strict=True) if wanted]
        return replace(self, values=kept)

    @property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which values are missing, (n_rows,)."""
        if isinstance(self.values, np.ndarray):
            return np.isnan(self.values)
        return np.array([text is None for text in self.values], dtype=np.bool_)

    @property
    def texts(self) -> list[str | None]:
        """The values as text, None where missing; a whole number has no decimal point."""
        numbers = self.numbers
        if numbers is not None:
            return [None if math.isnan(number) else number_text(number) for number in numbers.tolist()]
        return list(self.values)


@dataclass(frozen=True, slots=True)
class Column:
    """One column as it is kept."""

    feature: Feature
    data: npt.NDArray[np.float64] | npt.NDArray[np.int32]
    """(n_rows,): float64 with NaN, or int32 codes with -1, where missing."""


def column_name(label: object) -> str:
    """Return what a column is called by, whatever labels it: a number's text, a tuple's parts joined."""
    return ".".join(map(str, label)) if isinstance(label, tuple) else str(label)


def parse_numbers(values: Iterable[str | None]) -> npt.NDArray[np.float64] | None:
    """Return float64 values where every text is a number, else None; exact to the last bit."""
    try:
        return np.array([math.nan if text is None else _number(text) for text in values], dtype=np.float64)
    except ValueError:
        return None


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        _number(text)
    except ValueError:
        return False
    return True


def number_text(number: float) -> str:
    """Return a number as a category is named after it."""
    return str(int(number)) if number.is_integer() else repr(number)


def keep(column: RawColumn, kind: FeatureKind | None = None) -> Column:
    """Return a column as it is kept; its kind is told by its values unless it is given.

    Raises DataError where a column is to be numeric and is not, or holds an infinite number.
    """
    numbers = None if kind is FeatureKind.CATEGORICAL else column.numbers
    if kind is FeatureKind.NUMERIC and numbers is None:
        raise DataError(f"column {column.name!r} is to be numeric, but holds text: declare it categorical")
    if numbers is None:
        levels, codes = encode(column)
        feature = Feature(
            name=column.name, kind=FeatureKind.CATEGORICAL, levels=levels, n_missing=int((codes < 0).sum())
        )
        return Column(feature, codes)
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise DataError(
            f"column {column.name!r} holds an infinite number in row {row}: make it missing or finite"
        )
    n_missing = int(np.isnan(numbers).sum())
    canonical = np.where(np.isnan(numbers), np.nan, numbers) + 0.0
    return Column(Feature(name=column.name, kind=FeatureKind.NUMERIC, n_missing=n_missing), canonical)


def encode(column: RawColumn) -> tuple[tuple[str, ...], npt.NDArray[np.int32]]:
    """Return the levels that occur, in order, and int32 codes (n_rows,) with -1 where missing.

    The order is the declared one, else by value where all levels are numbers, else by text.
    """
    texts = column.texts
    found = {text for text in texts if text is not None}
    levels = tuple(sorted(found)) if column.told is Told.TEXT else _ordered(found, column.order)
    code_of: dict[str | None, int] = {level: code for code, level in enumerate(levels)}
    code_of[None] = -1
    return levels, np.array([code_of[text] for text in texts], dtype=np.int32)


def _ordered(found: set[str], declared: Sequence[str]) -> tuple[str, ...]:
    if declared:
        return tuple(level for level in declared if level in found)
    by_text = sorted(found)
    numbers = parse_numbers(by_text)
    if numbers is None:
        return tuple(by_text)
    return tuple(by_text[i] for i in np.argsort(numbers, kind="stable"))


def _number(text: str) -> float:
    if "_" in text:
        raise ValueError(text)
    return float(text)
