"""What a column of one's own table holds: numbers, dates, categories, or nothing to learn from.

What is declared is done. Else the values decide, and whatever is not as plain as it looks is noted.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from bench.datasets import ColumnKind
from bench.errors import DataError
from bench.sources.columns import RawColumn, Told, is_number, parse_numbers
from bench.sources.dates import Dates, parse_dates
from bench.sources.notes import Notes, listed, shortened
from bench.sources.written import looks_like_thousands, padded, parse_written

FEWEST_TO_JUDGE = 20
"""With fewer values it says nothing that they all differ."""
NEARLY_ALL = 0.95
LONG_TEXT = 40.0
"""Characters in the mean, from which text with many different values is free text."""
MANY_TEXTS = 100
MOST_PLACEHOLDERS = 3
"""So many different values may stand for a missing number, such as "-" and "unknown"."""
FEWEST_NUMBERS = 10
MOST_STRANGE = 0.5
"""Where more of the values are not what a column is declared to hold, the declaration is wrong."""

_ID_NAME = re.compile(
    r"(?:.*[^a-z])?(?:id|uuid|guid|index|idx|row|rownames?|row[ _.-]?(?:id|no|num|number))", re.IGNORECASE
)
_CAMEL_ID = re.compile(r".*[a-z]I[dD]")
_UNNAMED = re.compile(r"column \d+|Unnamed: \d+")

EMPTY = "left out, empty or the same in every row"
SAME_AS_ROWS = "left out, nearly all values differ (declare it categorical to keep it)"
ROW_NUMBER = "left out, a number of its own for each row, and named like one (declare it numeric to keep it)"
FREE_TEXT = "left out, free text (declare it categorical to keep it)"
AS_DATES = "read as dates, in days since 1970-01-01 UTC"
MONTH_FIRST = "read month first, as nothing tells days from months (to be sure, write 2024-01-31)"
DECIMAL_COMMAS = "read as numbers with decimal commas or marks between thousands"
POINTS_BESIDE = "read with a decimal point, beside decimal commas elsewhere: 1.234 is a little more than 1"
INFINITE = "infinite numbers read as missing, as no learner can use them"
STRANGE = "read as missing, being none of the column's numbers or dates"
PADDED = "read as numbers, though some begin with a zero (declare codes categorical)"
NUMBERS_AS_TEXT = "text by its type and so categories, though all of it is numbers (or declare it numeric)"


class FeatureReader:
    """Reads the columns of one table, and notes what it makes of them."""

    def __init__(self, notes: Notes, *, comma_separates: bool) -> None:
        """Read columns of a file in which commas part them, or not."""
        self._notes = notes
        self._comma_separates = comma_separates
        self._pointed: list[str] = []
        self._commas_seen = False

    def feature(self, column: RawColumn, kind: ColumnKind | None) -> RawColumn | None:
        """Return the column as it is to be kept, or None where it is left out.

        Raises DataError where it is not what it is declared to be.
        """
        if kind is ColumnKind.IGNORE:
            return None
        if kind is ColumnKind.NUMERIC:
            return replace(column, values=self.numbers(column), order=(), told=Told.NOTHING)
        if kind is ColumnKind.DATE:
            return self.dates(column)
        if kind is ColumnKind.CATEGORICAL:
            is_code = not isinstance(column.values, np.ndarray) and padded(column.values)
            return replace(column, told=Told.TEXT) if is_code else column
        return self._inferred(column)

    def numbers(self, column: RawColumn) -> npt.NDArray[np.float64]:
        """Return a column that must be numeric; what is no number is missing.

        Raises DataError where that is more than half of it.
        """
        if isinstance(column.values, np.ndarray):
            return self.finite(column.name, column.values)
        found = parse_numbers(column.values)
        found = self._written(column.name, column.values) if found is None else found
        if found is None:
            strange = {text for text in column.values if text is not None and not is_number(text)}
            self._refuse_most(column, strange, "numeric, but holds")
            found = self._without(column.name, column.values, strange)
        return self.finite(column.name, found)

    def numbers_if_any(self, column: RawColumn) -> npt.NDArray[np.float64] | None:
        """Return a column's numbers where every value is one, however written; else None."""
        found = column.numbers
        if found is None and column.told is Told.NOTHING and not isinstance(column.values, np.ndarray):
            found = self._written(column.name, column.values)
        return None if found is None else self.finite(column.name, found)

    def dates(self, column: RawColumn) -> RawColumn:
        """Return a column that must hold dates; what is none is missing.

        Raises DataError where that is more than half of it.
        """
        if column.told is Told.DATE:
            return column
        found = parse_dates(column.texts, declared=True)
        if found is None:
            examples = {text for text in column.texts if text is not None}
            raise DataError(
                f"column {shortened(column.name)!r} is to be a date, but holds {_shown(examples)}: "
                "write dates as 2024-01-31"
            )
        self._refuse_most(column, set(found.strange), "a date, but holds")
        return self._as_dates(column, found)

    def finite(self, name: str, numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return numbers with NaN for what is infinite."""
        infinite = np.isinf(numbers)
        if not infinite.any():
            return numbers
        self._notes.add(INFINITE, f"{shortened(name)} ({int(infinite.sum())})")
        return np.where(infinite, np.nan, numbers)

    def finish(self) -> None:
        """Note what only all columns together tell."""
        if self._commas_seen and self._pointed:
            self._notes.add(POINTS_BESIDE, *self._pointed)

    def _inferred(self, column: RawColumn) -> RawColumn | None:
        if _constant(column):
            self._notes.add(EMPTY, column.name)
            return None
        kept = self._read(column)
        if kept is not None and isinstance(kept.values, np.ndarray) and _constant(kept):
            self._notes.add(EMPTY, column.name)  # 1 and 1.0, or what float64 cannot tell apart
            return None
        return kept

    def _read(self, column: RawColumn) -> RawColumn | None:
        if isinstance(column.values, np.ndarray):
            return self._number(column, column.values)
        if column.told is Told.CATEGORY:
            return column
        texts = column.values
        if column.told is Told.NOTHING and (numbers := self._as_numbers(column.name, texts)) is not None:
            return self._number(column, numbers)
        if (dates := parse_dates(texts)) is not None:
            return self._as_dates(column, dates)
        return self._category(column, texts)

    def _number(self, column: RawColumn, numbers: npt.NDArray[np.float64]) -> RawColumn | None:
        kept = replace(column, values=self.finite(column.name, numbers), order=())
        if column.told is Told.DATE:
            self._notes.add(AS_DATES, column.name)
        elif _counts_rows(column.name, numbers):
            self._notes.add(ROW_NUMBER, column.name)
            return None
        return kept

    def _as_numbers(self, name: str, texts: Sequence[str | None]) -> npt.NDArray[np.float64] | None:
        numbers = parse_numbers(texts)
        if numbers is not None:
            if padded(texts):
                self._notes.add(PADDED, name)
            if looks_like_thousands(texts):
                self._pointed.append(name)
            return numbers
        numbers = self._written(name, texts)
        if numbers is not None:
            return numbers
        distinct = {text for text in texts if text is not None}
        strange = {text for text in distinct if not is_number(text)}
        if len(strange) > MOST_PLACEHOLDERS or len(distinct) - len(strange) < FEWEST_NUMBERS:
            return None
        return None if _most(texts, strange) else self._without(name, texts, strange)

    def _written(self, name: str, texts: Sequence[str | None]) -> npt.NDArray[np.float64] | None:
        numbers = parse_written(texts, comma_separates=self._comma_separates)
        if numbers is not None:
            self._commas_seen = True
            self._notes.add(DECIMAL_COMMAS, name)
        return numbers

    def _without(self, name: str, texts: Sequence[str | None], strange: set[str]) -> npt.NDArray[np.float64]:
        self._note_strange(name, strange)
        return np.array([np.nan if text in strange or text is None else float(text) for text in texts])

    def _refuse_most(self, column: RawColumn, strange: set[str], complaint: str) -> None:
        if _most(column.texts, strange):
            raise DataError(
                f"column {shortened(column.name)!r} is to be {complaint} {_shown(strange)}: "
                "declare it categorical, or mend its values"
            )

    def _note_strange(self, name: str, strange: set[str]) -> None:
        if strange:
            self._notes.add(STRANGE, f"{shortened(name)} ({_shown(strange)})")

    def _as_dates(self, column: RawColumn, dates: Dates) -> RawColumn:
        self._notes.add(AS_DATES, column.name)
        if dates.undecided:
            self._notes.add(MONTH_FIRST, column.name)
        self._note_strange(column.name, set(dates.strange))
        return RawColumn(column.name, dates.days, told=Told.DATE)

    def _category(self, column: RawColumn, texts: list[str | None]) -> RawColumn | None:
        present = [text for text in texts if text is not None]
        distinct = set(present)
        length = sum(map(len, present)) / len(present)
        if len(present) >= FEWEST_TO_JUDGE and len(distinct) >= NEARLY_ALL * len(present):
            self._notes.add(FREE_TEXT if length > LONG_TEXT else SAME_AS_ROWS, column.name)
            return None
        if length > LONG_TEXT and len(distinct) > MANY_TEXTS:
            self._notes.add(FREE_TEXT, column.name)
            return None
        if column.told is Told.TEXT and all(map(is_number, distinct)):
            self._notes.add(NUMBERS_AS_TEXT, column.name)
        return column if column.told is Told.TEXT else replace(column, told=Told.CATEGORY)


def _constant(column: RawColumn) -> bool:
    """Whether every row holds the same: one value, or nothing."""
    if isinstance(column.values, np.ndarray):
        if np.isnan(column.values).all():
            return True
        return bool((column.values == column.values[0]).all())
    return len(set(column.values)) < 2


def _counts_rows(name: str, numbers: npt.NDArray[np.float64]) -> bool:
    """Whether a column is named like a row's number and is one: whole and never twice."""
    if not any(pattern.fullmatch(name) for pattern in (_ID_NAME, _CAMEL_ID, _UNNAMED)):
        return False
    whole = bool(np.isfinite(numbers).all() and (numbers == np.floor(numbers)).all())
    return whole and FEWEST_TO_JUDGE <= len(numbers) == len(np.unique(numbers))


def _most(texts: Sequence[str | None], strange: set[str]) -> bool:
    """Whether more than half of what is there is strange."""
    present = [text for text in texts if text is not None]
    return sum(text in strange for text in present) > MOST_STRANGE * len(present)


def _shown(values: set[str]) -> str:
    return listed([repr(shortened(value)) for value in sorted(values)], most=MOST_PLACEHOLDERS)
