"""Dates as text: ISO 8601 and the common unambiguous forms, as days since 1970-01-01 UTC.

A column is one of dates only where every value of it is one, so that a code which looks like a date in
places stays a category. What has no time zone is taken as UTC.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

_TIME = (
    r"(?:(?:[T ]|,\ )(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"(?:\ ?(?P<half>[AaPp][Mm]))?(?:\ ?(?P<zone>Z|UTC|[+-]\d{2}:?\d{2}))?)?"
)
_MONTH = r"(?P<month_name>[A-Za-z]{3,9})"
_YEAR, _TWO = r"(?P<year>\d{4})", r"\d{1,2}"
_FORMS = tuple(
    re.compile(form)
    for form in (
        rf"{_YEAR}-(?P<month>\d\d)-(?P<day>\d\d){_TIME}",
        rf"{_YEAR}/(?P<month>{_TWO})/(?P<day>{_TWO}){_TIME}",
        rf"(?P<day>{_TWO})\.(?P<month>{_TWO})\.{_YEAR}{_TIME}",
        rf"(?P<first>{_TWO})(?P<mark>[/-])(?P<other>{_TWO})(?P=mark){_YEAR}{_TIME}",
        rf"(?P<day>{_TWO})[ -]{_MONTH}\.?[ -]{_YEAR}{_TIME}",
        rf"{_MONTH}\.?\ (?P<day>{_TWO}),?\ {_YEAR}{_TIME}",
        r"(?P<year>1[89]\d\d|2[01]\d\d)-(?P<month>\d\d)",
    )
)
_DIGITS = re.compile(r"(?P<year>1[89]\d\d|2[01]\d\d)(?:(?P<month>\d\d)(?P<day>\d\d))?(?:\.0)?")
"""20240131 or 2024: numbers, read as dates only where a column is declared one."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september"),
    *("october", "november", "december", "sept", *_MONTHS),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dates:
    """A column that was read as dates."""

    days: npt.NDArray[np.float64]
    """(n_rows,): days since 1970-01-01 UTC, NaN where the value is missing or no date."""
    strange: tuple[str, ...]
    """The values that are no dates, each once."""
    undecided: bool
    """Whether nothing tells days from months, so that the month was taken to be first."""


def parse_dates(texts: Sequence[str | None], *, declared: bool = False) -> Dates | None:
    """Return a column as dates, or None where it is none.

    That is where some value is no date, unless the column is declared one; then also 20240131 and 2024 are
    dates. Days and months in 1/2/2024 are told apart by the whole column.
    """
    distinct = {text for text in texts if text is not None}
    fields: dict[str, Mapping[str, str]] = {}
    for text in distinct:
        found = _fields(text, declared=declared)
        if found is not None:
            fields[text] = found
        elif not declared:
            return None
    if not fields:
        return None
    month_first = _possible(fields.values(), lambda each: each["first"])
    day_first = _possible(fields.values(), lambda each: each["other"])
    days: dict[str | None, float] = {None: math.nan}
    for text in distinct:
        value = _days(fields[text], month_first=month_first or not day_first) if text in fields else None
        if value is None and not declared:
            return None
        days[text] = math.nan if value is None else value
    strange = tuple(sorted(text for text in distinct if math.isnan(days[text])))
    told_apart = not any("first" in each for each in fields.values()) or month_first != day_first
    return Dates(np.array([days[text] for text in texts], dtype=np.float64), strange, not told_apart)


def _fields(text: str, *, declared: bool) -> Mapping[str, str] | None:
    for form in (*_FORMS, _DIGITS) if declared else _FORMS:
        match = form.fullmatch(text)
        if match is not None:
            return {name: value for name, value in match.groupdict().items() if value is not None}
    return None


def _possible(fields: Iterable[Mapping[str, str]], month: Callable[[Mapping[str, str]], str]) -> bool:
    """Whether that part of 1/2/2024 can be the month in every value."""
    return all(int(month(each)) <= 12 for each in fields if "first" in each)


def _days(fields: Mapping[str, str], *, month_first: bool) -> float | None:
    """Return the days since 1970-01-01 UTC; None where there is no such day or time."""
    day = fields.get("day", fields.get("other" if month_first else "first", "1"))
    try:
        moment = date(int(fields["year"]), _month(fields, month_first=month_first), int(day)).toordinal()
        return moment - _EPOCH.toordinal() + _share_of_day(fields)
    except ValueError:
        return None


def _month(fields: Mapping[str, str], *, month_first: bool) -> int:
    if "month_name" in fields:
        name = fields["month_name"].lower()
        if name not in _NAMES:
            raise ValueError(name)
        return _MONTHS.index(name[:3]) + 1
    return int(fields.get("month", fields.get("first" if month_first else "other", "1")))


def _share_of_day(fields: Mapping[str, str]) -> float:
    """Return what the time of the day and its zone add, in days."""
    if "hour" not in fields:
        return 0.0
    hour, half = int(fields["hour"]), fields.get("half", "").lower()
    if half:
        if not 1 <= hour <= 12:
            raise ValueError(hour)
        hour = hour % 12 + 12 * (half == "pm")
    fraction = float(f"0.{fields.get('fraction', '0')}")
    zone = fields.get("zone", "Z")
    offset = UTC if zone in ("Z", "UTC") else _offset(zone)
    time = datetime(1970, 1, 1, hour, int(fields["minute"]), int(fields.get("second", "0")), tzinfo=offset)
    return (time - _EPOCH) / _DAY + fraction / 86400


def _offset(zone: str) -> timezone:
    minutes = int(zone[1:3]) * 60 + int(zone[-2:])
    return timezone(timedelta(minutes=-minutes if zone[0] == "-" else minutes))
