"""The cache: what goes in comes out, and nothing damaged ever does."""

import hashlib
import io
import pickle
import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets import Grade, Origin, ProblemType
from bench.errors import DataError, PrerequisiteError
from bench.sources.cache import Cache, default_root
from bench.sources.columns import RawColumn
from bench.sources.description import (
    FORMAT,
    ROWS,
    Description,
    array_files,
    parse_description,
    render_description,
)
from bench.sources.tables import Layout, Provenance, assemble


def content(problem=None):
    raw = [
        RawColumn("size", np.array([1.5, np.nan, -0.0, 3.0, 4.0, 5.0])),
        RawColumn("colour", ["red", None, "blue", "red", "naïve 🎈", "blue"]),
        RawColumn("kind", ["a", "b", "a", "b", "b", "a"]),
    ]
    return assemble(raw, Layout(target="kind" if problem is None else "size", problem=problem))


def keep(cache, name="toy", problem=None):
    table = content(problem)
    where = Provenance(
        name=name, openml_id=None, grade=Grade.NONE, origin=Origin.UNKNOWN, licence="unknown", source="a test"
    )
    dataset = table.describe(where)
    arrays = dict(
        zip(array_files(len(table.columns)), [*(c.data for c in table.columns), table.target], strict=True)
    )
    arrays["splits-kfold3.npy"] = np.zeros((2, len(table.target)), np.int16)
    arrays[ROWS] = np.arange(len(table.target), dtype=np.uint64)
    cache.store(dataset, arrays)
    return dataset


def test_what_goes_in_comes_out(tmp_path):
    cache = Cache(tmp_path)
    dataset = keep(cache)
    assert cache.describe("toy") == dataset or np.isnan(dataset.target_sd)
    table = cache.load("toy")
    assert table.dataset.features == dataset.features
    assert table.X["size"].dtype == np.float64
    np.testing.assert_array_equal(table.X["size"], [1.5, np.nan, 0.0, 3.0, 4.0, 5.0])
    assert table.X["colour"].tolist() == ["red", np.nan, "blue", "red", "naïve 🎈", "blue"]
    assert table.X["colour"].cat.categories.tolist() == ["blue", "naïve 🎈", "red"]
    assert table.y.dtype == np.int64
    assert table.y.tolist() == [0, 1, 0, 1, 1, 0]
    assert cache.fold_of_row("toy", "kfold3", 1).tolist() == [0] * 6


def test_a_regression_round_trips(tmp_path):
    cache = Cache(tmp_path)
    keep(cache, problem=ProblemType.REGRESSION)
    table = cache.load("toy")
    assert table.dataset.problem is ProblemType.REGRESSION
    assert table.y.tolist() == [1.5, 0.0, 3.0, 4.0, 5.0]
    assert table.dataset.target_sd == pytest.approx(np.std(table.y))
    assert cache.describe("toy") == table.dataset


def every_file(cache):
    return sorted(path for path in cache.folder("toy").iterdir())


def read_everything(cache):
    cache.describe("toy")
    cache.load("toy")
    cache.fold_of_row("toy", "kfold3")


@pytest.mark.parametrize(
    "file", ["0000.npy", "0001.npy", "target.npy", "rows.npy", "splits-kfold3.npy", "dataset.json"]
)
def test_every_flipped_bit_is_noticed(tmp_path, file):
    cache = Cache(tmp_path)
    keep(cache)
    path = cache.folder("toy") / file
    whole = path.read_bytes()
    drawn = random.Random(file)
    for _ in range(60):
        position, bit = drawn.randrange(len(whole)), drawn.randrange(8)
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 1 << bit]) + whole[position + 1 :])
        with pytest.raises(DataError, match=r"damaged.*: delete .* and run again"):
            read_everything(cache)
    path.write_bytes(whole)
    read_everything(cache)


def test_every_truncation_and_absence_is_noticed(tmp_path):
    cache = Cache(tmp_path)
    keep(cache)
    for path in every_file(cache):
        whole = path.read_bytes()
        for length in {0, 1, len(whole) // 2, len(whole) - 1}:
            path.write_bytes(whole[:length])
            with pytest.raises(DataError, match=path.name):
                read_everything(cache)
        path.unlink()
        with pytest.raises(DataError, match="missing"):
            read_everything(cache)
        path.write_bytes(whole)


HOSTILE = [
    "../../x",
    "/etc/passwd",
    "x" * 300,
    "🎈",
    "CON",
    "a\x00b",
    "..",
    "",
    "a/b",
    "\u202egnp.exe",
    "a\nb",
    "\ud800",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_inside(tmp_path, name):
    cache = Cache(tmp_path)
    folder = cache.folder(name)
    assert folder.parent == tmp_path / f"tables-v{FORMAT}"
    assert folder.name.isascii()
    assert len(folder.name) < 60
    keep(cache, name)
    assert cache.describe(name).name == name
    assert [path.name for path in tmp_path.iterdir()] == [f"tables-v{FORMAT}"]


@given(st.text(max_size=30), st.text(max_size=30))
def test_two_names_never_share_a_folder(a, b):
    cache = Cache()
    assert (cache.folder(a).name.lower() == cache.folder(b).name.lower()) == (a == b)


def test_the_second_to_store_keeps_the_first(tmp_path):
    cache = Cache(tmp_path)
    keep(cache)
    before = [path.stat().st_mtime_ns for path in every_file(cache)]
    keep(cache)
    assert [path.stat().st_mtime_ns for path in every_file(cache)] == before
    assert len(list((tmp_path / f"tables-v{FORMAT}").iterdir())) == 1


def test_what_is_not_there(tmp_path):
    cache = Cache(tmp_path)
    assert cache.describe("toy") is None
    with pytest.raises(DataError, match="not in the cache"):
        cache.load("toy")
    keep(cache)
    with pytest.raises(DataError, match="no splits of 'openml-cv10'"):
        cache.fold_of_row("toy", "openml-cv10")
    with pytest.raises(DataError, match="no repeat 2"):
        cache.fold_of_row("toy", "kfold3", 2)


def test_a_root_that_cannot_be_used_is_one_line(tmp_path):
    (tmp_path / "file").write_text("in the way")
    cache = Cache(tmp_path / "file")
    with pytest.raises(PrerequisiteError, match="BENCH_CACHE") as caught:
        keep(cache)
    assert "\n" not in str(caught.value)


def test_an_object_array_is_never_opened(tmp_path):
    cache = Cache(tmp_path)
    with pytest.raises(ValueError, match="pickle"):
        cache.store(keep(cache), {"0000.npy": np.array([{}], dtype=object)})


def test_the_default_root(monkeypatch, tmp_path):
    monkeypatch.setenv("BENCH_CACHE", str(tmp_path))
    assert default_root() == tmp_path
    monkeypatch.delenv("BENCH_CACHE")
    assert default_root().name == "bench"


@pytest.mark.parametrize("content", [b"no array", pickle.dumps({"a": 1})], ids=["text", "pickle"])
def test_a_file_of_the_right_hash_that_is_no_array_is_one_line(tmp_path, content):
    cache = Cache(tmp_path)
    keep(cache)
    described = parse_description((cache.folder("toy") / "dataset.json").read_bytes())
    (cache.folder("toy") / "target.npy").write_bytes(content)
    files = {**described.files, "target.npy": hashlib.sha256(content).hexdigest()}
    forged = render_description(Description(described.dataset, files))
    (cache.folder("toy") / "dataset.json").write_text(forged)
    with pytest.raises(DataError, match=r"target.npy is no array"):
        cache.load("toy")


def rewritten(cache, file, array):
    """The kept table with one file changed, and its hash with it."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    folder = cache.folder("toy")
    (folder / file).write_bytes(buffer.getvalue())
    described = parse_description((folder / "dataset.json").read_bytes())
    files = {**described.files, file: hashlib.sha256(buffer.getvalue()).hexdigest()}
    (folder / "dataset.json").write_text(render_description(Description(described.dataset, files)))


@pytest.mark.parametrize(
    ("file", "array", "says"),
    [
        ("0000.npy", np.zeros(5), "has the shape"),
        ("0000.npy", np.zeros((6, 2)), "has the shape"),
        ("target.npy", np.zeros(7, np.int32), "has the shape"),
        ("0001.npy", np.full(6, 99, np.int32), "holds categories that 'colour' has not"),
    ],
)
def test_arrays_that_do_not_fit_the_table_are_damage(tmp_path, file, array, says):
    cache = Cache(tmp_path)
    keep(cache)
    rewritten(cache, file, array)
    with pytest.raises(DataError, match=says):
        cache.load("toy")
