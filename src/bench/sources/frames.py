"""A pandas frame of one's own as a table, and in the cache. Its dtypes say what its columns hold."""

from __future__ import annotations

import datetime as dt
import hashlib
import math
import numbers
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.datasets import ColumnKind
from bench.errors import DataError
from bench.sources.cache import Cache
from bench.sources.columns import RawColumn, Told, column_name, number_text
from bench.sources.inference import own_table
from bench.sources.keeping import keep_table, own_provenance
from bench.sources.notes import shortened
from bench.sources.requests import TableOptions
from bench.sources.tables import Content, fingerprint
from bench.suites import TaskReference

_EPOCH = pd.Timestamp("1970-01-01")
_DAY = pd.Timedelta(days=1)


def keep_frame(frame: Any, reference: TaskReference, cache: Cache) -> str:
    """Put a frame into the cache, read as a suite's task says, and return the table's name there.

    The name is of content and options: the same frame again is the same table, so that a run goes on.
    Raises DataError where it cannot be learnt from, PrerequisiteError where the cache cannot be written.
    """
    options = TableOptions.of(reference)
    try:
        content = table_of_frame(frame, options)
        digest = hashlib.sha256(options.digest + fingerprint(content).encode())
        name = f"frame-{digest.hexdigest()[:12]}"
        if cache.describe(name) is None:
            keep_table(content, content.describe(own_provenance(name, "a data frame")), cache)
    except DataError as error:
        raise DataError(f"the data frame: {error}") from None
    return name


def table_of_frame(frame: Any, options: TableOptions) -> Content:
    """Return the table in a pandas frame; its index is no column. Raises DataError."""
    _refuse_others(frame)
    if not len(frame):
        raise DataError("it has no rows")
    return own_table(frame_columns(frame, options.kinds), options)


def frame_names(frame: Any) -> list[str]:
    """Return the names of a frame's columns as text; raise DataError where it is no frame."""
    _refuse_others(frame)
    return [column_name(label) for label in frame.columns]


def frame_columns(frame: pd.DataFrame, kinds: Mapping[str, ColumnKind]) -> list[RawColumn]:
    """Return a frame's columns, named by text; raise DataError for values that are no single ones."""
    names = frame_names(frame)
    ignored = [kinds.get(name) is ColumnKind.IGNORE for name in names]
    return [
        RawColumn(name, np.full(len(frame), np.nan)) if skip else _column(name, frame.iloc[:, i])
        for i, (name, skip) in enumerate(zip(names, ignored, strict=True))
    ]


def _refuse_others(frame: Any) -> None:
    if not isinstance(frame, pd.DataFrame):
        raise DataError(f"a pandas DataFrame is needed, not {type(frame).__module__}.{type(frame).__name__}")


def _column(name: str, series: pd.Series[Any]) -> RawColumn:
    dtype = series.dtype
    if isinstance(dtype, pd.CategoricalDtype):
        return _category(name, series, dtype)
    if pd.api.types.is_bool_dtype(dtype):
        return RawColumn(name, _texts(series), ("False", "True"), Told.CATEGORY)
    if pd.api.types.is_complex_dtype(dtype):
        raise DataError(f"column {shortened(name)!r} holds complex numbers: give their parts as two columns")
    if isinstance(dtype, pd.PeriodDtype):
        series = series.dt.to_timestamp()
    if isinstance(dtype, pd.SparseDtype):
        series = pd.Series(np.asarray(series), name=series.name)
    kind = getattr(dtype, "kind", "O")
    if pd.api.types.is_datetime64_any_dtype(series.dtype) or kind == "M":
        return RawColumn(name, _days(series), told=Told.DATE)
    if pd.api.types.is_timedelta64_dtype(series.dtype) or kind == "m":
        return RawColumn(name, _float64(pd.to_timedelta(series) / _DAY))
    if pd.api.types.is_numeric_dtype(series.dtype):
        return RawColumn(name, _float64(series))
    return _objects(name, series)


def _float64(series: pd.Series[Any]) -> npt.NDArray[np.float64]:
    return np.array(series.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)


def _days(series: pd.Series[Any]) -> npt.NDArray[np.float64]:
    """Return days since 1970-01-01 UTC; what has no time zone is taken as UTC."""
    moments = pd.to_datetime(series)
    if moments.dt.tz is not None:
        moments = moments.dt.tz_convert("UTC").dt.tz_localize(None)
    return _float64((moments - _EPOCH) / _DAY)


def _category(name: str, series: pd.Series[Any], dtype: pd.CategoricalDtype) -> RawColumn:
    """Return a categorical column; its categories keep their order."""
    levels = [_text(level) for level in dtype.categories]
    if len(set(levels)) < len(levels):
        twice = next(level for level in levels if levels.count(level) > 1)
        raise DataError(
            f"column {shortened(name)!r} has several categories that read {twice!r}: rename all but one"
        )
    texts = [None if code < 0 else levels[code] for code in series.cat.codes.tolist()]
    return RawColumn(name, texts, tuple(levels), Told.CATEGORY)


def _objects(name: str, series: pd.Series[Any]) -> RawColumn:
    """Return a column of Python objects: all dates, all truths, all numbers, or else their text."""
    values = [None if missing else value for value, missing in zip(series, series.isna(), strict=True)]
    present = [value for value in values if value is not None]
    nested = next((value for value in present if _nested(value)), None)
    if nested is not None:
        raise DataError(
            f"column {shortened(name)!r} holds a {type(nested).__name__} in each place, not a single value: "
            "spread it over columns, or declare it ignore"
        )
    if present and all(isinstance(value, bool | np.bool_) for value in present):
        return RawColumn(name, _texts(series), ("False", "True"), Told.CATEGORY)
    if present and all(isinstance(value, numbers.Real | Decimal) for value in present):
        found = [math.nan if value is None else _number(value) for value in values]
        return RawColumn(name, np.array(found, dtype=np.float64))
    if present and all(isinstance(value, dt.date) for value in present):
        return RawColumn(name, _days_of_dates(values), told=Told.DATE)
    return RawColumn(name, [None if value is None else _text(value) for value in values], told=Told.TEXT)


def _number(value: numbers.Real | Decimal) -> float:
    """Return a number as float64 has it: infinite beyond its range, as the text of it in a file is read."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value == abs(value) else -math.inf


def _nested(value: object) -> bool:
    return isinstance(value, list | tuple | dict | set | frozenset | np.ndarray | pd.Series | pd.DataFrame)


def _days_of_dates(values: list[dt.date | None]) -> npt.NDArray[np.float64]:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    day = dt.timedelta(days=1)
    days = []
    for value in values:
        if value is None:
            days.append(math.nan)
        elif isinstance(value, dt.datetime):
            aware = value if value.tzinfo is not None else value.replace(tzinfo=dt.UTC)
            days.append((aware - epoch) / day)
        else:
            days.append(float(value.toordinal() - epoch.toordinal()))
    return np.array(days, dtype=np.float64)


def _texts(series: pd.Series[Any]) -> list[str | None]:
    return [
        None if missing else str(bool(value)) for value, missing in zip(series, series.isna(), strict=True)
    ]


def _text(value: object) -> str:
    """Return a value as a category is named after it; bytes are text, a whole number has no point."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    if isinstance(value, float | np.floating) and math.isfinite(value):
        return number_text(float(value))
    return str(value)
