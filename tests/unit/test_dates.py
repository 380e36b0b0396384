"""Dates as text, against pandas and against what must not be taken for a date."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.sources.dates import parse_dates
from bench.sources.written import parse_written

FORMS = [
    "%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y/%m/%d", "%d.%m.%Y", "%d.%m.%Y %H:%M:%S",
    "%b %d %Y", "%d-%b-%Y", "%B %d, %Y", "%d %B %Y", "%Y-%m-%d %I:%M:%S %p",
]  # fmt: skip
seconds = st.integers(-30_000_000_000, 30_000_000_000)  # of the years 1019 to 2920
moments = seconds.map(lambda second: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second))


def days(moment):
    return (moment.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(days=1)


@given(st.lists(moments, min_size=1, max_size=5), st.sampled_from(FORMS))
def test_every_form_is_read_as_it_was_written(moments, form):
    texts = [moment.strftime(form) for moment in moments]
    found = parse_dates([*texts, None])
    expected = [days(datetime.strptime(text, form)) for text in texts]  # noqa: DTZ007
    np.testing.assert_allclose(found.days[:-1], expected, rtol=0, atol=1e-9)
    assert np.isnan(found.days[-1])
    assert not found.undecided
    assert found.strange == ()


@pytest.mark.parametrize(
    "text",
    [
        "2024-02-29T12:34:56.789Z", "2024-02-29 12:34:56+02:00", "2024-02-29T00:00:00-0530", "1969-12-31",
        "0001-01-01", "9999-12-31 23:59:59", "2024-02-29 12:34 UTC",
    ],
)  # fmt: skip
def test_iso_as_pandas_reads_it(text):
    moment = pd.Timestamp(text)
    moment = moment.tz_localize("UTC") if moment.tz is None else moment.tz_convert("UTC")
    expected = (moment - pd.Timestamp("1970-01-01", tz="UTC")) / pd.Timedelta(days=1)
    assert parse_dates([text]).days[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("texts", "first", "undecided"),
    [
        (["1/2/2024", "13/2/2024"], "2024-02-01", False),
        (["1/2/2024", "2/13/2024"], "2024-01-02", False),
        (["1-2-2024", "2-13-2024"], "2024-01-02", False),
        (["1/2/2024", "3/4/2024"], "2024-01-02", True),
        (["1/2/2024 1:30 PM", "3/14/2024 12:00 AM"], "2024-01-02 13:30", False),
    ],
)
def test_days_and_months_are_told_apart_by_the_whole_column(texts, first, undecided):
    found = parse_dates(texts)
    assert found.days[0] == pytest.approx(days(datetime.fromisoformat(first)))
    assert found.undecided is undecided


@pytest.mark.parametrize(
    "texts",
    [
        ["2024-01-31", "2024-02-30"],
        ["2024-01-31", "soon"],
        ["13/13/2024"],
        ["13/1/2024", "1/13/2024"],
        ["2024-1-5"],
        ["1.2.24"],
        ["20240131"],
        ["2024"],
        ["12:30"],
        ["2024-01-31 25:00"],
        ["2024-01-31 13:00 PM"],
        ["1234-05"],
        ["32 Jan 2024"],
        ["3 Jam 2024"],
        ["192.168.2024"],
        [None],
        [],
    ],
)
def test_what_is_no_column_of_dates(texts):
    assert parse_dates(texts) is None


def test_a_declared_column_takes_more_and_names_what_is_strange():
    found = parse_dates(["20240131", "2024", "2024-01-31", "soon", "2024-02-30", None], declared=True)
    expected = [19753, 19723, 19753, np.nan, np.nan, np.nan]
    np.testing.assert_array_equal(found.days, expected)
    assert found.strange == ("2024-02-30", "soon")
    assert parse_dates(["soon"], declared=True) is None


@pytest.mark.parametrize(
    ("texts", "comma_separates", "expected"),
    [
        (["1,5", "2", None, "-0,25"], False, [1.5, 2, np.nan, -0.25]),
        (["1.234,5", "1.234.567", "12"], False, [1234.5, 1234567, 12]),
        (["1,234.5", "1,234,567", "12"], False, [1234.5, 1234567, 12]),
        (["1,234", "5,678"], False, [1.234, 5.678]),
        (["1,234", "5,678"], True, [1234, 5678]),
        (["1,5", "2,25"], True, [1.5, 2.25]),
        (["1,5e3"], False, [1500]),
        (["1.5", "2"], False, None),
        (["1,5", "x"], False, None),
        (["1,2,3"], False, None),
        ([","], False, None),
        (["-"], False, None),
    ],
)
def test_numbers_as_people_write_them(texts, comma_separates, expected):
    found = parse_written(texts, comma_separates=comma_separates)
    if expected is None:
        assert found is None
    else:
        np.testing.assert_array_equal(found, expected)
