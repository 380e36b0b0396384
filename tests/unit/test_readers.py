"""The readers: each format against an independent reader, or against what it must refuse."""

import builtins
import gzip
import io
import lzma
import os
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest
import scipy.io.arff
import sklearn.datasets

from bench.datasets import ColumnKind, FeatureKind, ProblemType
from bench.errors import DataError
from bench.sources import packages
from bench.sources.arff import read_arff
from bench.sources.catalog import catalog, record
from bench.sources.columns import RawColumn, Told, keep
from bench.sources.convert import read_record
from bench.sources.delimited import read_delimited
from bench.sources.file import read_file
from bench.sources.pickles import read_frame
from bench.sources.requests import TableOptions
from bench.sources.tables import Layout, assemble, fingerprint

ARFF = """% a comment
@RELATION 'a table'
@attribute 'an odd, name' {'x, y', "it's", plain, "don\\"t"}
@attribute n  NUMERIC
@attribute text string

@data
'x, y', 1.5, 'a \\'quoted\\' text'
% another
"it's",?, ?
plain,-2e3,'?'
"""


def values(column):
    return column.values


def test_arff_quotes_escapes_and_missing_values():
    odd, number, text = read_arff(ARFF, "here")
    assert (odd.name, values(odd), odd.order) == (
        "an odd, name",
        ["x, y", "it's", "plain"],
        ("x, y", "it's", "plain", 'don"t'),
    )
    np.testing.assert_array_equal(values(number), [1.5, np.nan, -2000])
    assert values(text) == ["a 'quoted' text", None, "?"]
    assert (odd.told, text.told) == (Told.CATEGORY, Told.TEXT)


@pytest.mark.parametrize("name", ["iris", "kr-vs-kp", "glass2", "cpu", "zoo"])
def test_arff_as_scipy_reads_it(name):
    member = catalog()[name].member
    text = gzip.decompress(packages.installed_file(member).read_bytes()).decode()
    peer, meta = scipy.io.arff.loadarff(io.StringIO(text))
    for column in read_arff(text, name):
        theirs = peer[column.name]
        if meta[column.name][0] == "numeric":
            np.testing.assert_array_equal(values(column), theirs)
        else:
            assert values(column) == [None if value == b"?" else value.decode() for value in theirs]


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (ARFF.replace("plain,-2e3", "plain"), "line 11: 2 values for 3 attributes"),
        (ARFF.replace("plain,-2e3", "other,-2e3"), "holds 'other', which it does not declare"),
        (ARFF.replace("-2e3", "two"), "is NUMERIC, but holds text"),
        (ARFF.replace("NUMERIC", "RELATIONAL"), "is of type 'RELATIONAL'"),
        (ARFF.replace("plain,-2e3,'?'", "{0 plain}"), "sparse"),
        (ARFF.replace("'?'", "'?"), "quote"),
        (ARFF.partition("@data")[0], "0 rows"),
        ("<html>sorry</html>", "no attribute"),
    ],
)
def test_arff_that_is_none(broken, why):
    with pytest.raises(DataError, match=why):
        read_arff(broken, "here")


def pickled(thing):
    return lzma.compress(pickle.dumps(thing))


class Canary:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return builtins.open, (str(self.path), "w")


class Shell:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("payload", [Canary, Shell])
def test_a_hostile_pickle_is_refused_by_name_and_does_nothing(tmp_path, payload):
    path = tmp_path / "canary"
    frame = pd.DataFrame({"a": [1, 2]})
    frame.attrs["x"] = payload(path)
    for thing in (payload(path), [payload(path)], frame):
        with pytest.raises(DataError, match=r"refused to open a pickle that names \S+\.\w+"):
            read_frame(pickled(thing), "here")
    assert not path.exists()


@pytest.mark.parametrize("data", [b"", b"junk", lzma.compress(b"junk"), pickled([1, 2]), pickled(slice(2))])
def test_what_is_no_pickled_frame(data):
    with pytest.raises(DataError, match="here"):
        read_frame(data, "here")


def test_a_loader_gives_classes_by_name_and_unscaled_values():
    wine, diabetes = read_record(record("wine"), None), read_record(record("sk-diabetes"), None)
    assert wine.classes == ("class_0", "class_1", "class_2")
    np.testing.assert_array_equal(wine.target, sklearn.datasets.load_wine().target)
    assert diabetes.columns[0].data.min() == 19  # years of age


CSV = "a;b,c,y\n1, red ,x\n?,None,y\n3,,x\n"


@pytest.mark.parametrize("pack", ["plain", "gzip", "zip", "bom"])
def test_delimited_text_however_packed(pack):
    data = CSV.encode()
    if pack == "gzip":
        data = gzip.compress(data)
    elif pack == "bom":
        data = b"\xef\xbb\xbf" + data
    elif pack == "zip":
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w") as archive:
            archive.writestr("t.csv", data)
        data = buffer.getvalue()
    columns = read_delimited(data, "here")
    assert [(column.name, values(column)) for column in columns] == [
        ("a;b", ["1", None, "3"]),
        ("c", ["red", "None", None]),
        ("y", ["x", "y", "x"]),
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a,b\n1\n2,3\n", "line 2 holds 1 values, not 2"),
        ("a,b\n\n1,2\n1,2,3\n", "line 4 holds 3 values, not 2"),
        ("a,b\n1,2,3\n1,2,3\n", "line 2 holds 3 values"),
        ("a,b\n\xff\n", "cannot be read"),
        ('a,b\n"1,2\n', "unexpected end of data"),
        ('a,b\n"1"x,2\n', "expected after"),
        ("\n\n", "it is empty"),
    ],
)
def test_delimited_text_that_is_none(text, why):
    with pytest.raises(DataError, match=why):
        read_delimited(text.encode("latin-1"), "here")


def test_numbers_are_exact_and_texts_are_not_numbers():
    exact = keep(RawColumn("x", ["0.1", "1e-320", "123456789.123456789", None]))
    assert exact.data[:3].tolist() == [0.1, 1e-320, 123456789.123456789]
    assert exact.feature.n_missing == 1
    assert keep(RawColumn("x", ["1_000", "2"])).feature.kind is FeatureKind.CATEGORICAL


def test_levels_of_numbers_are_in_their_order():
    column = keep(RawColumn("x", ["10", "9.0", "-1", "10"]), FeatureKind.CATEGORICAL)
    assert column.feature.levels == ("-1", "9", "10")
    assert column.data.tolist() == [2, 1, 0, 2]


def test_an_infinite_number_is_refused():
    with pytest.raises(DataError, match="'x' holds an infinite number in row 1"):
        keep(RawColumn("x", ["1", "inf"]))


def table(**columns):
    return [RawColumn(name, values) for name, values in columns.items()]


def test_the_fingerprint_sees_every_part():
    def of(raw, **layout):
        return fingerprint(assemble(raw, Layout(target="y", **layout)))

    base = of(table(a=["1", "2", "3"], y=["p", "q", "p"]))
    assert base == of(table(a=["1.0", "2", "3"], y=["p", "q", "p"]))
    others = [
        of(table(b=["1", "2", "3"], y=["p", "q", "p"])),
        of(table(a=["1", "2", "4"], y=["p", "q", "p"])),
        of(table(a=["2", "1", "3"], y=["q", "p", "p"])),
        of(table(a=["1", "2", "3"], y=["p", "q", "q"])),
        of(table(a=["1", "2", "3"], y=["p", "r", "p"])),
        of(table(a=["1", "2", None], y=["p", "q", "p"])),
        of(table(a=["1", "2", "3"], y=["p", "q", "p"]), kinds={"a": FeatureKind.CATEGORICAL}),
    ]
    assert len({base, *others}) == 8


def read(path, **options):
    return read_file(path, TableOptions(target="t", **options))


def write(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (["0", "1"] * 20, ProblemType.BINARY),
        (["no", "yes"] * 20, ProblemType.BINARY),
        ([str(i % 20) for i in range(40)], ProblemType.MULTICLASS),
        ([str(i % 21) for i in range(42)], ProblemType.REGRESSION),
        (["0.5", "1"] * 20, ProblemType.REGRESSION),
        ([f"c{i % 30}" for i in range(60)], ProblemType.MULTICLASS),
    ],
)
def test_the_problem_is_told_by_the_target(tmp_path, values, problem):
    path = write(tmp_path, "x,t\n" + "".join(f"{i},{value}\n" for i, value in enumerate(values)))
    assert read(path).problem is problem


def test_kinds_and_problem_can_be_given(tmp_path):
    path = write(tmp_path, "x\tz\tt\n1\ta\t3\n2\tb\t4\n2\tTrue\t5\n")
    told = read(path, problem=ProblemType.REGRESSION, kinds={"x": ColumnKind.CATEGORICAL})
    assert told.problem is ProblemType.REGRESSION
    assert [feature.kind.value for feature in told.features] == ["categorical", "categorical"]
    assert read(path).problem is ProblemType.MULTICLASS


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is empty"),
        ("a,t\n", "no rows"),
        ("a,t\n1,x\n2,x\n", "1 class"),
        ("a,t\n1,2.5\n2,2.5\n", "same value"),
        ("a,t\n1,x\n2,\n3,\n", "target 't' is missing in 2 of 3 rows"),
        ("a,b\n1,2\n", "no column 't': the columns are a, b"),
        ("t\nx\ny\n", "nothing is left to learn"),
        ("a,t,t\n1,x,x\n", "more than once"),
    ],
)
def test_a_file_that_cannot_be_learnt_from(tmp_path, text, why):
    path = write(tmp_path, text)
    with pytest.raises(DataError, match=why) as caught:
        read(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path / "none.csv")
    with pytest.raises(DataError, match="cannot be read"):
        read(tmp_path)


def test_a_text_that_never_repeats_is_still_a_category(tmp_path):
    path = write(tmp_path, "name,t\nann,0\nbob,1\ncid,0\n")
    assert read(path).features[0].levels == ("ann", "bob", "cid")
