"""What is made of a file nobody vouches for: formats, kinds, rows, and the notes that say so."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from bench.datasets import ColumnKind, FeatureKind, ProblemType
from bench.errors import DataError, PrerequisiteError
from bench.sources.file import column_names, read_file
from bench.sources.notes import listed, shortened
from bench.sources.requests import TableOptions
from bench.sources.tables import fingerprint

N = 40


def texts(columns, separator=","):
    """A file's text: columns by name, and a target `t` of two classes."""
    columns = {**columns, "t": ["x", "y"] * (N // 2)} if "t" not in columns else columns
    rows = zip(*columns.values(), strict=True)
    lines = [separator.join(map(str, row)) for row in (columns, *rows)]
    return "\n".join(lines) + "\n"


@pytest.fixture
def read(tmp_path):
    def read(content, name="own.csv", target="t", **options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(path, TableOptions(target=target, **options))

    return read


def refused(read, *arguments, error=DataError, **options):
    with pytest.raises(error) as caught:
        read(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def kinds(content):
    return {feature.name: feature.kind for feature in content.features}


def data(content, name):
    return next(column.data for column in content.columns if column.feature.name == name)


def note_on(content, name):
    (note,) = [note for note in content.notes if name in note]
    return note


numbers = [round(0.5 + i / 3, 3) for i in range(N)]
colours = ["red", "blue", "green", "red"] * (N // 4)


# -- formats ----------------------------------------------------------------------------------------


def formats():
    frame = pd.DataFrame({"a": numbers, "c": colours, "t": ["x", "y"] * (N // 2)})
    csv = frame.to_csv(index=False).encode()
    arff = "@relation r\n@attribute a numeric\n@attribute c {blue,green,red}\n@attribute t {x,y}\n@data\n"
    arff = (arff + "\n".join(csv.decode().splitlines()[1:])).encode()
    zipped, parquet = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("folder/", "")
        archive.writestr("folder/own.arff", arff)
        archive.writestr("__MACOSX/own.arff", b"junk")
    frame.to_parquet(parquet)
    return {
        "own.csv": csv,
        "own.CSV.gz": gzip.compress(csv),
        "crlf.csv": csv.replace(b"\n", b"\r\n"),
        "bom.csv": b"\xef\xbb\xbf" + csv,
        "utf16.csv": csv.decode().encode("utf-16"),
        "own.tsv": csv.replace(b",", b"\t"),
        "semicolons": csv.replace(b",", b";"),
        "commas.csv": csv.replace(b",", b";").replace(b".", b","),
        "own.arff": arff,
        "no-suffix": b"% by hand\n\n" + arff.replace(b"@relation", b"@RELATION"),
        "own.arff.gz": gzip.compress(arff),
        "own.zip": zipped.getvalue(),
        "own.parquet": parquet.getvalue(),
        "looks-like.csv": parquet.getvalue(),
        "packed.parquet.gz": gzip.compress(parquet.getvalue()),
    }


@pytest.mark.parametrize("name", formats())
def test_one_table_however_it_is_written(read, tmp_path, name):
    content = read(formats()[name], name)
    plain = read(formats()["own.csv"])
    assert fingerprint(content) == fingerprint(plain)
    assert column_names(tmp_path / name) == ["a", "c", "t"]


def test_values_may_hold_line_ends_quotes_and_separators(read):
    rows = "".join(f'"{i},{i}\r\n""x""",{i % 2}\r\n' for i in range(4))
    content = read(f"a,t\r\n{rows}")
    assert content.features[0].levels == tuple(f'{i},{i}\r\n"x"' for i in range(4))


def test_a_parquet_file_without_pyarrow_is_one_line_with_what_to_do(read, monkeypatch):
    parquet = formats()["own.parquet"]
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    why = refused(read, parquet, "own.parquet", error=PrerequisiteError)
    assert "pip install 'inductive-bench[parquet]'" in why


def excel():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("xl/workbook.xml", "")
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "why"),
    [
        (b"", "own.csv", "it is empty"),
        (b" \r\n \n", "own.csv", "it is empty"),
        (b"\xef\xbb\xbf", "own.csv", "it is empty"),
        (b"a,t\n", "own.csv", "no rows"),
        (b"@relation r\n@attribute a numeric\n@data\n", "own.arff", "0 rows"),
        (b"a,t\n1,x\n2,y,z\n", "own.csv", "line 3 holds 3 values, not 2: a value that holds a comma"),
        (b'a,t\n"1\n2",x\n2\n', "own.csv", "line 4 holds 1 values, not 2"),
        (b"a,t\n1,\xe9\n", "own.csv", "byte 6 (0xe9, in line 2) is not UTF-8"),
        (b"a,t\n1,\x00\n", "own.csv", "byte 6 is a NUL"),
        (b"\x7fELF\x02\x01\x01\x00\x00", "own.csv", "is a NUL"),
        (b"\xff\xfea\x00,\x00t\x00\xff\xdf", "own.csv", "begins as UTF-16"),
        (b"\x1f\x8bjunk", "own.csv.gz", "cannot be unpacked"),
        (b"PK\x03\x04junk", "own.zip", "cannot be unpacked"),
        (excel(), "own.xlsx", "Excel workbook: save the sheet as CSV"),
        (b"PAR1junkPAR1", "own.parquet", "cannot be read as Parquet"),
        (b"not parquet", "own.parquet", "cannot be read as Parquet"),
        (b"not arff", "own.arff", "no attribute of an ARFF file"),
        (b"1,2,2\n3,4,5\n", "own.csv", "holds numbers, some twice, and no names"),
        (b"a,a,t\n1,2,x\n", "own.csv", "column 'a' occurs more than once"),
    ],
)
def test_a_file_that_is_no_table_is_one_line(read, tmp_path, content, name, why):
    text = refused(read, content, name)
    assert why in text
    assert text.startswith(str(tmp_path / name))


def test_a_file_that_cannot_be_opened_is_one_line(tmp_path):
    for path, why in ((tmp_path, "Is a directory"), (tmp_path / "none.csv", "No such file")):
        with pytest.raises(DataError, match=f"cannot be read: {why}"):
            read_file(path, TableOptions(target="t"))


def test_columns_without_a_name_are_called_by_their_place(read):
    content = read(texts({"": numbers, "b": numbers, " ": colours}))
    assert list(kinds(content)) == ["column 1", "b", "column 3"]
    content = read(texts({"": range(N), "b": numbers}))
    assert list(kinds(content)) == ["b"], "the row numbers that R and pandas write"


# -- kinds ------------------------------------------------------------------------------------------


def test_what_is_plain_needs_no_note(read):
    content = read(texts({"a": numbers, "c": colours, "flag": ["True", "False"] * (N // 2)}))
    assert kinds(content) == {
        "a": FeatureKind.NUMERIC,
        "c": FeatureKind.CATEGORICAL,
        "flag": FeatureKind.CATEGORICAL,
    }
    assert content.notes == ()


def test_dates_are_days(read):
    day = dt.date(2024, 2, 28)
    iso = [str(day + dt.timedelta(days=i)) for i in range(N)]
    content = read(texts({"a": iso, "b": [f"1/{1 + i % 12}/2024" for i in range(N)]}))
    assert data(content, "a").tolist() == [19781.0 + i for i in range(N)]
    assert set(kinds(content).values()) == {FeatureKind.NUMERIC}
    assert "read as dates, in days since 1970-01-01 UTC: a, b" in content.notes
    assert note_on(content, "month first").endswith(": b")


def test_a_declared_date_takes_what_is_none_as_missing_but_not_most_of_it(read):
    texts_ = ["20240131"] * (N - 1) + ["soon"]
    content = read(texts({"a": texts_, "b": numbers}), kinds={"a": ColumnKind.DATE})
    assert np.isnan(data(content, "a")[-1])
    assert data(content, "a")[0] == 19753
    assert "a ('soon')" in note_on(content, "being none of")
    why = refused(read, texts({"a": colours}), kinds={"a": ColumnKind.DATE})
    assert "column 'a' is to be a date, but holds 'blue', 'green', 'red'" in why


def test_free_text_and_names_are_left_out_and_can_be_kept(read):
    story = [f"{i} - it was a dark and stormy night; the rain fell in torrents" for i in range(N)]
    table = texts({"name": [f"name {i}" for i in range(N)], "story": story, "a": numbers})
    content = read(table)
    assert list(kinds(content)) == ["a"]
    assert "nearly all values differ" in note_on(content, ": name")
    assert "free text (declare it categorical to keep it)" in note_on(content, ": story")
    kept = read(table, kinds=dict.fromkeys(("name", "story"), ColumnKind.CATEGORICAL))
    assert {len(feature.levels) for feature in kept.features} == {N, 0}
    assert kept.notes == ()


def test_long_text_of_many_values_is_free_text(read):
    long = [f"{i % 150} " + "word " * 12 for i in range(300)]
    short = [f"code {i % 150}" for i in range(300)]
    content = read(texts({"long": long, "short": short, "t": ["x", "y"] * 150}))
    assert list(kinds(content)) == ["short"]
    assert content.notes == ("left out, free text (declare it categorical to keep it): long",)


@pytest.mark.parametrize("name", ["id", "ID", "customer_id", "userId", "Unnamed: 0", "row", "patient id"])
def test_row_numbers_are_left_out_by_name_and_value(read, name):
    content = read(texts({name: range(N), "a": numbers}))
    assert list(kinds(content)) == ["a"]
    assert "a number of its own for each row" in content.notes[0]
    declared = read(texts({name: range(N), "a": numbers}), kinds={name: ColumnKind.NUMERIC})
    assert list(kinds(declared)) == [name, "a"]


@pytest.mark.parametrize(
    ("name", "values"),
    [("id", [i // 2 for i in range(N)]), ("humid", range(N)), ("paid", range(N)), ("id", numbers)],
)
def test_what_only_looks_like_a_row_number_stays(read, name, values):
    assert name in kinds(read(texts({name: values, "a": numbers})))


def test_columns_that_say_nothing_are_left_out_in_one_short_line(read):
    same = {f"same{i}": ["1"] * N for i in range(40)}
    content = read(texts({"empty": [""] * N, **same, "a": numbers, "part": ["", "1"] * (N // 2)}))
    assert list(kinds(content)) == ["a", "part"], "what is missing in places may tell something"
    assert content.notes == (
        "left out, empty or the same in every row: empty, same0, same1, same2, same3 and 36 more",
    )


def test_sameness_is_judged_by_what_is_kept(read):
    beyond = [10**25 + i for i in range(N)]
    content = read(texts({"beyond": beyond, "form": ["1.0", "1"] * (N // 2), "a": numbers}))
    assert list(kinds(content)) == ["a"]
    assert content.notes == ("left out, empty or the same in every row: beyond, form",)


def test_nothing_left_says_why(read):
    why = refused(read, texts({"name": [f"name {i}" for i in range(N)], "same": ["1"] * N}))
    assert "nothing is left to learn 't' from" in why
    assert ": name" in why
    assert ": same" in why


def test_placeholders_among_numbers_are_missing_and_said(read):
    column = ["-" if i % 4 == 0 else numbers[i] for i in range(N)]
    content = read(texts({"a": column, "b": numbers}))
    assert np.isnan(data(content, "a")).sum() == N // 4
    assert "a ('-')" in note_on(content, "being none of")
    mostly = ["-" if i % 4 else i for i in range(N)]
    assert kinds(read(texts({"a": mostly, "b": numbers})))["a"] is FeatureKind.CATEGORICAL
    codes = [f"V{i}" if i % 4 == 0 else i % 12 for i in range(N)]
    assert kinds(read(texts({"a": codes, "b": numbers})))["a"] is FeatureKind.CATEGORICAL


def test_a_declared_number_that_is_mostly_text_is_refused(read):
    why = refused(read, texts({"a": colours}), kinds={"a": ColumnKind.NUMERIC})
    assert "column 'a' is to be numeric, but holds 'blue', 'green', 'red'" in why


def test_infinite_numbers_are_missing_and_said(read):
    content = read(texts({"a": ["inf", "-inf", *numbers[2:]], "b": numbers}))
    assert np.isnan(data(content, "a")).sum() == 2
    assert note_on(content, "infinite").endswith(": a (2)")


def test_decimal_commas_are_read_and_said(read):
    comma = [f"{1000 + i}.000,{i}".replace("10", "1", 1) for i in range(N)]
    content = read(texts({"a": [f"{i},5" for i in range(N)], "b": comma, "c": ["1.234"] * N}, ";"))
    assert data(content, "a")[3] == 3.5
    assert note_on(content, "decimal commas or").endswith(": a, b")
    table = texts({"a": [f"{i},5" for i in range(N)], "c": [f"1.{234 + i}" for i in range(N)]}, ";")
    assert note_on(read(table), "beside decimal commas").endswith(": c")
    target = texts({"a": numbers, "t": [f'"{i},5"' for i in range(N)]})
    assert read(target).target[3] == 3.5


def test_leading_zeros_are_said_and_kept_where_declared(read):
    codes = [f"0{1000 + i % 8}" for i in range(N)]
    assert "begin with a zero" in read(texts({"zip": codes, "a": numbers})).notes[0]
    content = read(texts({"zip": codes, "a": numbers}), kinds={"zip": ColumnKind.CATEGORICAL})
    assert content.features[0].levels[0] == "01000"


def test_a_category_of_many_levels_stays(read):
    content = read(texts({"c": [f"level {i % 700}" for i in range(1400)], "t": ["x", "y"] * 700}))
    assert len(content.features[0].levels) == 700
    assert content.notes == ()


def test_an_ignored_column_is_gone_whatever_it_holds(read):
    frame = pd.DataFrame({"a": numbers, "l": [[1]] * N, "t": ["x", "y"] * (N // 2)})
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    assert "holds a ndarray" in refused(read, buffer.getvalue(), "own.parquet")
    content = read(buffer.getvalue(), "own.parquet", kinds={"l": ColumnKind.IGNORE})
    assert list(kinds(content)) == ["a"]


# -- targets, groups, times -------------------------------------------------------------------------


def test_rows_without_a_target_are_left_out_unless_they_are_most(read):
    target = ["" if i % 3 == 0 else i % 2 for i in range(N)]
    content = read(texts({"a": numbers, "t": target}))
    assert len(content.target) == len(content.columns[0].data) == N - 14
    assert content.columns[0].data[0] == numbers[1]
    assert "rows without a target are left out (14 of 40)" in content.notes
    most = [i % 2 if i % 3 == 0 else "" for i in range(N)]
    assert "missing in 26 of 40 rows" in refused(read, texts({"a": numbers, "t": most}))


@pytest.mark.parametrize(
    ("values", "problem", "note"),
    [
        ([i % 2 for i in range(N)], ProblemType.BINARY, ""),
        ([i % 3 for i in range(N)], ProblemType.MULTICLASS, 'problem = "regression" reads them as numbers'),
        ([i % 30 for i in range(N)], ProblemType.REGRESSION, 'problem = "multiclass" reads them as classes'),
        (numbers, ProblemType.REGRESSION, ""),
        (colours, ProblemType.MULTICLASS, ""),
        (["inf", *numbers[1:]], ProblemType.REGRESSION, "infinite"),
    ],
)
def test_the_target_is_read_and_a_doubt_is_said(read, values, problem, note):
    content = read(texts({"a": numbers, "t": values}))
    assert content.problem is problem
    assert note in " ".join(content.notes)
    assert bool(content.notes) == bool(note)


def test_a_target_of_names_is_refused(read):
    why = refused(read, texts({"a": numbers, "t": [f"name {i}" for i in range(N)]}))
    assert "holds 40 different values in 40 rows, such as 'name 0': they are no classes" in why


def test_huge_numbers_work_or_are_said_at_the_end(read):
    content = read(texts({"a": [i * 1e300 for i in range(N)], "t": [i * 1e300 for i in range(N)]}))
    from bench.sources.keeping import own_provenance

    dataset = content.describe(own_provenance("own", "a test"))
    assert dataset.target_sd == pytest.approx(1e300 * np.std(np.arange(N)))


def test_a_wrong_name_gets_a_hint_and_ten_columns_at_most(read):
    table = texts({f"column_{i}": numbers for i in range(30)})
    why = refused(read, table, target="colum_7")
    assert "there is no column 'colum_7': did you mean 'column_" in why
    assert why.endswith("column_9 and 21 more")
    assert "its only column is" in refused(read, b"a b t\n1 2 3\n", target="t")
    for options in ({"group": "g"}, {"time": "g"}, {"kinds": {"g": ColumnKind.NUMERIC}}):
        assert "there is no column 'g'" in refused(read, table, **options)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"group": "a", "time": "b"}, "give group or time, not both"),
        ({"group": "t"}, "cannot be the target and the group too"),
        ({"time": "t"}, "cannot be the target and the time too"),
        ({"kinds": {"t": ColumnKind.NUMERIC}}, "is the target, so it cannot be numeric; problem says"),
        ({"group": "a", "kinds": {"a": ColumnKind.IGNORE}}, "is the group, so it cannot be ignore"),
        ({"time": "a", "kinds": {"a": ColumnKind.CATEGORICAL}}, "is the time, so it cannot be categorical"),
    ],
)
def test_a_column_has_one_role(read, options, why):
    assert why in refused(read, texts({"a": numbers, "b": numbers}), **options)


def test_group_and_time_are_read_and_are_no_features(read):
    table = texts({"a": numbers, "g": [f"p{i // 4}" for i in range(N)], "d": ["31.12.2024"] * 20 + [""] * 20})
    content = read(table, group="g")
    assert list(kinds(content)) == ["a", "d"]
    assert content.group.name == "g"
    names = sorted({f"p{i // 4}" for i in range(N)})
    assert [names[code] for code in content.group.values] == [f"p{i // 4}" for i in range(N)]
    content = read(table, time="d")
    assert set(content.time.values) == {20088.0}
    assert len(content.target) == N // 2
    assert any("have no place in time" in note for note in content.notes)
    why = refused(read, table, time="g")
    assert "column 'g' is to be a date, but holds 'p0', 'p1', 'p2' and 7 more" in why


# -- notes ------------------------------------------------------------------------------------------


def test_lists_are_short():
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdef")) == "a, b, c, d, e, f"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"
    assert shortened("x\ny") == "x y"
    assert len(shortened("x" * 300)) <= 40


def test_the_names_of_columns_are_those_that_reading_gives(tmp_path):
    path = tmp_path / "gap.csv"
    path.write_text("a,,c\n1,2,3\n")
    assert column_names(path) == ["a", "column 2", "c"]
    path.write_text('"a"x,b\n1,2\n')
    with pytest.raises(DataError, match="its first line cannot be read"):
        column_names(path)
    frame = pd.DataFrame({"x": [1.0, 2.0], "y": [0, 1]}, index=pd.Index([5, 6], name="key"))
    frame.to_parquet(tmp_path / "kept.parquet")
    assert column_names(tmp_path / "kept.parquet") == ["x", "y"]
