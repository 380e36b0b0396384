"""Data frames of one's own: what each dtype is read as, and what is put into the cache."""

from __future__ import annotations

import datetime as dt
import decimal
import io

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from bench.datasets import ColumnKind, FeatureKind, ProblemType
from bench.errors import DataError
from bench.sources.cache import Cache
from bench.sources.file import read_file
from bench.sources.frames import keep_frame, table_of_frame
from bench.sources.prepare import prepare
from bench.sources.requests import TableOptions, TableRequest
from bench.sources.tables import fingerprint
from bench.suites import TaskReference

N = 40
HALF = N // 2
target = np.arange(N) % 2 + 0.5
days = np.arange(N) + 19723.0


def of(values, kind=None, name="x"):
    """The one column of a frame, and the notes on it."""
    frame = pd.DataFrame({name: values, "y": target})
    options = TableOptions(target="y", kinds={} if kind is None else {str(name): kind})
    content = table_of_frame(frame, options)
    (column,) = content.columns
    return column, content.notes


NUMBERS = {
    "int8": np.arange(N, dtype=np.int8),
    "float32": np.arange(N, dtype=np.float32),
    "Int64": pd.array([*range(N - 1), None], dtype="Int64"),
    "Float64": pd.array([*range(N - 1), None], dtype="Float64"),
    "pyarrow": pd.array([*range(N - 1), None], dtype="int32[pyarrow]"),
    "decimal": [decimal.Decimal(i) for i in range(N)],
    "pyarrow decimal": pd.array(
        [decimal.Decimal(i) for i in range(N)], dtype=pd.ArrowDtype(pa.decimal128(9))
    ),
    "objects": pd.Series([*range(N - 1), None], dtype=object),
    "numpy objects": pd.Series([np.float32(i) for i in range(N)], dtype=object),
    "sparse": pd.arrays.SparseArray(np.arange(float(N))),
    "timedelta": pd.to_timedelta(np.arange(N), unit="D"),
    "pyarrow duration": pd.array(pd.to_timedelta(np.arange(N), unit="D"), dtype="duration[ns][pyarrow]"),
}


@pytest.mark.parametrize("dtype", NUMBERS)
def test_numbers(dtype):
    column, notes = of(NUMBERS[dtype])
    assert column.feature.kind is FeatureKind.NUMERIC
    assert column.data[: N - 1].tolist() == list(range(N - 1))
    assert column.feature.n_missing == int(np.isnan(column.data[-1]))
    assert notes == ()


stamps = pd.date_range("2024-01-01", periods=N)
DATES = {
    "datetime64": stamps,
    "seconds": stamps.astype("datetime64[s]"),
    "pyarrow": pd.array(stamps, dtype="timestamp[us][pyarrow]"),
    "date32": pd.array([stamp.date() for stamp in stamps], dtype=pd.ArrowDtype(pa.date32())),
    "dates": [stamp.date() for stamp in stamps],
    "datetimes": pd.Series(list(stamps.to_pydatetime()), dtype=object),
    "periods": pd.period_range("2024-01-01", periods=N),
    "texts": [str(stamp.date()) for stamp in stamps],
    "aware": stamps.tz_localize("UTC").tz_convert("Asia/Tokyo"),
    "aware objects": pd.Series([stamp.tz_localize("UTC").to_pydatetime() for stamp in stamps], dtype=object),
}


@pytest.mark.parametrize("dtype", DATES)
def test_dates(dtype):
    column, notes = of(DATES[dtype])
    np.testing.assert_array_equal(column.data, days)
    assert notes == ("read as dates, in days since 1970-01-01 UTC: x",)


def test_dates_far_away_and_missing():
    values = [dt.date(1, 1, 1), None, dt.date(9999, 12, 31)] * (N // 3) + [None]
    column, _ = of(values)
    assert column.data[:3].tolist()[::2] == [-719162.0, 2932896.0]
    assert np.isnan(column.data[1])
    column, _ = of([pd.Timestamp("2024-01-01"), pd.NaT] * HALF)
    assert column.feature.n_missing == HALF


CATEGORIES = {
    "str": (["b", "a"] * HALF, ("a", "b")),
    "object": (pd.Series(["b", "a"] * HALF, dtype=object), ("a", "b")),
    "string": (pd.array(["b", None] * HALF, dtype="string"), ("b",)),
    "pyarrow": (pd.array(["b", "a"] * HALF, dtype="string[pyarrow]"), ("a", "b")),
    "ordered": (pd.Categorical(["hi", "lo"] * HALF, ["lo", "mid", "hi"], ordered=True), ("lo", "hi")),
    "numbers": (pd.Categorical([2.0, 10.0] * HALF), ("2", "10")),
    "dictionary": (
        pd.array(["b", "a"] * HALF, dtype=pd.ArrowDtype(pa.dictionary(pa.int8(), pa.string()))),
        ("a", "b"),
    ),
    "bool": ([True, False] * HALF, ("False", "True")),
    "boolean": (pd.array([True, None] * HALF, dtype="boolean"), ("True",)),
    "pyarrow bool": (pd.array([True, None] * HALF, dtype="bool[pyarrow]"), ("True",)),
    "object bool": (pd.Series([True, None, False, True] * (N // 4), dtype=object), ("False", "True")),
    "mixed": (pd.Series([1, "a", 2.0, None] * (N // 4), dtype=object), ("1", "2", "a")),
    "bytes": ([b"b", b"a"] * HALF, ("a", "b")),
    "times": ([dt.time(1), dt.time(2)] * HALF, ("01:00:00", "02:00:00")),
    "intervals": (pd.cut(np.arange(N), [-1, 19, 40]), ("(-1, 19]", "(19, 40]")),
    "the word None": (["None", "a"] * HALF, ("None", "a")),
    "the empty text": (["", "a"] * HALF, ("", "a")),
}


@pytest.mark.parametrize("dtype", CATEGORIES)
def test_categories(dtype):
    values, levels = CATEGORIES[dtype]
    column, notes = of(values)
    assert column.feature.levels == levels
    assert notes == ()


def test_numbers_that_are_text_stay_text_and_are_said():
    column, notes = of(["01", "2", "10", "2"] * (N // 4))
    assert column.feature.levels == ("01", "10", "2")
    assert "text by its type" in notes[0]
    column, notes = of(["01", "2", "10", "2"] * (N // 4), ColumnKind.NUMERIC)
    assert column.data[:3].tolist() == [1, 2, 10]
    assert notes == ()


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[1, 2]] * N, "column 'x' holds a list in each place"),
        ([np.arange(2)] * N, "holds a ndarray in each place"),
        ([{"a": 1}] * N, "holds a dict"),
        (pd.array([[1]] * N, dtype=pd.ArrowDtype(pa.list_(pa.int64()))), "in each place"),
        ([1j] * N, "holds complex numbers"),
        (pd.Categorical([1, "1"] * HALF), "several categories that read '1'"),
    ],
)
def test_what_is_no_single_value_is_refused_in_one_line(values, why):
    with pytest.raises(DataError, match=why) as caught:
        of(values)
    assert "\n" not in str(caught.value)


def test_names_that_are_no_text_become_text():
    frame = pd.DataFrame({1: range(5), ("a", "b"): range(5), "y": [0, 1, 0, 1, 0]})
    assert [f.name for f in table_of_frame(frame, TableOptions(target="y")).features] == ["1", "a.b"]
    many = pd.DataFrame(np.eye(5), columns=pd.MultiIndex.from_product([["a"], range(5)]))
    assert table_of_frame(many, TableOptions(target="a.4")).target_name == "a.4"
    twice = pd.DataFrame([[1, 2, 0], [2, 1, 1]], columns=[1, "1", "y"])
    with pytest.raises(DataError, match="'1' occurs more than once"):
        table_of_frame(twice, TableOptions(target="y"))


@pytest.mark.parametrize("thing", [None, [1], np.eye(3), pd.Series([1]), {"a": [1]}])
def test_what_is_no_frame_is_refused(thing):
    with pytest.raises(DataError, match="a pandas DataFrame is needed, not"):
        table_of_frame(thing, TableOptions(target="y"))


def test_a_frame_is_not_changed_and_its_index_is_no_column():
    frame = pd.DataFrame({"x": ["a", None] * HALF, "y": target}, index=[7] * N)
    before = frame.copy()
    assert [f.name for f in table_of_frame(frame, TableOptions(target="y")).features] == ["x"]
    pd.testing.assert_frame_equal(frame, before)


def test_an_empty_frame_is_refused():
    with pytest.raises(DataError, match="no rows"):
        table_of_frame(pd.DataFrame({"x": [], "y": []}), TableOptions(target="y"))


def sample():
    return pd.DataFrame(
        {
            "c": pd.Categorical(["lo", "hi"] * HALF, ["lo", "hi"]),
            "n": np.arange(N) / 7,
            "d": stamps,
            "s": ["b", "a", "b", None] * (N // 4),
            "flag": [True, False] * HALF,
            "y": np.arange(N) / 3,
        }
    )


def test_a_frame_and_its_parquet_file_are_one_table(tmp_path):
    path = tmp_path / "own.parquet"
    sample().to_parquet(path)
    options = TableOptions(target="y")
    assert fingerprint(read_file(path, options)) == fingerprint(table_of_frame(sample(), options))


def test_a_frame_in_csv_differs_in_what_csv_cannot_say_alone():
    buffer = io.StringIO()
    sample().to_csv(buffer, index=False)
    back = pd.read_csv(io.StringIO(buffer.getvalue()))
    ours, theirs = (table_of_frame(frame, TableOptions(target="y")) for frame in (sample(), back))
    assert [f.kind for f in ours.features] == [f.kind for f in theirs.features]
    assert ours.features[0].levels == ("lo", "hi")
    assert theirs.features[0].levels == ("hi", "lo")


def reference(**options):
    return TaskReference(where="the frame", name="frame", **{"target": "y", **options})


def test_a_frame_is_kept_once_under_a_name_of_content_and_options(tmp_path):
    cache = Cache(tmp_path)
    name = keep_frame(sample(), reference(), cache)
    again = keep_frame(sample(), reference(), cache)
    grouped = keep_frame(sample(), reference(group="s"), cache)
    dated = keep_frame(sample(), reference(time="d"), cache)
    changed = keep_frame(sample().assign(n=0.5 + np.arange(N)), reference(), cache)
    assert name == again
    assert len({name, grouped, dated, changed}) == 4
    dataset = cache.describe(name)
    assert dataset.problem is ProblemType.REGRESSION
    assert dataset.source == "a data frame"
    assert dataset.notes == ("read as dates, in days since 1970-01-01 UTC: d",)
    assert cache.describe(grouped).group == "s"
    assert cache.fold_of_row(dated, "time3").shape == (N,)
    table = cache.load(name)
    np.testing.assert_array_equal(table.X["n"], sample()["n"])
    assert table.X["s"].isna().sum() == N // 4


def test_a_kept_frame_is_found_and_a_lost_one_is_one_line(tmp_path):
    cache = Cache(tmp_path)
    name = keep_frame(sample(), reference(), cache)
    requests = [TableRequest.of(reference(cached=each)) for each in (name, "frame-0")]
    found = prepare(requests, cache, lambda line: None)
    assert found[name] == cache.describe(name)
    assert "'frame-0' is not in the cache" in str(found["frame-0"])
    assert "run again from the frame itself" in str(found["frame-0"])


def test_a_frame_that_cannot_be_learnt_from_says_that_it_is_the_frame(tmp_path):
    with pytest.raises(DataError, match=r"the data frame: there is no column 'z': the columns are c, n, d"):
        keep_frame(sample(), reference(target="z"), Cache(tmp_path))


def test_a_number_beyond_float64_is_missing_as_in_a_file(tmp_path):
    huge = [10**400, -(10**400), *range(N - 2)]
    column, notes = of(pd.Series(huge, dtype=object))
    assert column.feature.n_missing == 2
    assert notes == ("infinite numbers read as missing, as no learner can use them: x (2)",)
    pd.DataFrame({"x": huge, "y": target}).to_csv(tmp_path / "own.csv", index=False)
    assert read_file(tmp_path / "own.csv", TableOptions(target="y")).notes == notes
    assert np.array_equal(column.data[2:], np.arange(N - 2.0))


def test_columns_labelled_by_numbers_and_tuples_are_named_by_text():
    frame = pd.DataFrame({0: np.arange(N) * 0.5, ("a", 1): days, 2: target})
    content = table_of_frame(frame, TableOptions(target="2", kinds={"a.1": ColumnKind.CATEGORICAL}))
    assert [column.feature.name for column in content.columns] == ["0", "a.1"]
    assert content.columns[1].feature.kind is FeatureKind.CATEGORICAL
