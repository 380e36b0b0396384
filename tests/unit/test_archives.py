"""Files out of archives: the wanted one, and nothing that an archive's maker may have thought of."""

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import tarfile
import zipfile

import pytest

from bench.errors import DataError
from bench.sources import archives, unpacking
from bench.sources.archives import extract, read_member

NEEDS_DPKG = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="Debian's dpkg-deb is not here")
FILES = {"p/data.csv": b"a,b\n1,2\n", "p/more.csv.gz": gzip.compress(b"more"), "p/last": b"last"}


def make_zip(folder, files):
    with zipfile.ZipFile(folder / "p-1-py3-none-any.whl", "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return folder / "p-1-py3-none-any.whl"


def make_tar(folder, files):
    with tarfile.open(folder / "p-1.tgz", "w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return folder / "p-1.tgz"


def make_deb(folder, files):
    tree = folder / "tree"
    for name, data in files.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_bytes(data)
    (tree / "DEBIAN").mkdir()
    control = "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: a test\n"
    (tree / "DEBIAN" / "control").write_text(control)
    tree.chmod(0o755)
    (tree / "DEBIAN").chmod(0o755)
    path = folder / "p_1_all.deb"
    subprocess.run(["dpkg-deb", "--build", str(tree), str(path)], check=True, capture_output=True)
    return path


KINDS = pytest.mark.parametrize("make", [make_zip, make_tar, pytest.param(make_deb, marks=NEEDS_DPKG)])


@KINDS
def test_the_wanted_files_come_out_and_no_others(tmp_path, make):
    archive = make(tmp_path, FILES)
    assert read_member(archive, "p/data.csv") == FILES["p/data.csv"]
    assert read_member(archive, "p/more.csv.gz") == FILES["p/more.csv.gz"]
    out = tmp_path / "out"
    out.mkdir()
    paths = extract(archive, ["p/more.csv.gz", "p/data.csv"], out)
    assert [path.read_bytes() for path in paths] == [b"more", FILES["p/data.csv"]]
    assert sorted(out.iterdir()) == sorted(paths)


@KINDS
def test_what_is_absent_is_named(tmp_path, make):
    archive = make(tmp_path, FILES)
    with pytest.raises(DataError, match=r"^p[-_]1\S+ has no p/other$"):
        read_member(archive, "p/other")
    with pytest.raises(DataError, match="has no p/other"):
        extract(archive, ["p/last", "p/other"], tmp_path)


@pytest.mark.parametrize("make", [make_zip, make_tar])
@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "p/../../evil"])
def test_a_name_that_leads_out_is_refused(tmp_path, make, name):
    folder = tmp_path / "inside"
    folder.mkdir()
    archive = make(folder, {name: b"evil", "p/data.csv": b"data"})
    for wanted in (name, "p/data.csv"):
        with pytest.raises(DataError, match=r"was refused: it holds .*, which leads out of it"):
            extract(archive, [wanted], folder)
        with pytest.raises(DataError, match="was refused"):
            read_member(archive, wanted)
    assert list(tmp_path.iterdir()) == [folder]
    assert [path.name for path in folder.iterdir()] == [archive.name]


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_in_a_tarball_only_a_plain_file_is_read(tmp_path, kind):
    (tmp_path / "secret").write_text("secret")
    with tarfile.open(tmp_path / "p-1.tar.gz", "w:gz") as archive:
        entry = tarfile.TarInfo("p/data.csv")
        entry.type, entry.linkname = kind, str(tmp_path / "secret")
        archive.addfile(entry)
    with pytest.raises(DataError, match=r"was refused: its p/data\.csv is no plain file"):
        read_member(tmp_path / "p-1.tar.gz", "p/data.csv")


def test_in_a_wheel_only_a_plain_file_is_read(tmp_path):
    link = zipfile.ZipInfo("p/data.csv")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "p.whl", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match="is no plain file"):
        read_member(tmp_path / "p.whl", "p/data.csv")


@NEEDS_DPKG
def test_in_a_debian_package_only_a_plain_file_is_read(tmp_path):
    (tmp_path / "tree/p").mkdir(parents=True)
    (tmp_path / "tree/p/link").symlink_to("/etc/passwd")
    archive = make_deb(tmp_path, FILES)
    assert read_member(archive, "p/last") == b"last"
    with pytest.raises(DataError, match="its p/link is no plain file"):
        read_member(archive, "p/link")


@KINDS
def test_a_bomb_is_one_line(tmp_path, make, monkeypatch):
    monkeypatch.setattr(unpacking, "LIMIT_BYTES", 3 << 20)
    files = {"p/zeros": bytes(4 << 20), "p/small.gz": gzip.compress(bytes(4 << 20)), "p/fits": bytes(3 << 20)}
    archive = make(tmp_path, files)
    assert len(read_member(archive, "p/fits")) == 3 << 20
    assert len(read_member(archive, "p/small.gz")) < 5000
    with pytest.raises(DataError, match=r"^p/zeros unpacks to more than 3 MiB, which is not read$"):
        read_member(archive, "p/zeros")
    with pytest.raises(DataError, match=r"p/small\.gz unpacks to more than 3 MiB"):
        extract(archive, ["p/small.gz"], tmp_path)


@pytest.mark.parametrize("pack", [gzip.compress, lzma.compress, bz2.compress])
def test_what_is_packed_twice_is_measured_too(monkeypatch, pack):
    monkeypatch.setattr(unpacking, "LIMIT_BYTES", 3 << 20)
    assert unpacking.inflated(io.BytesIO(pack(b"text"))).read() == b"text"
    with pytest.raises(DataError, match="more than 3 MiB"):
        list(unpacking.blocks(unpacking.inflated(io.BytesIO(pack(bytes(4 << 20)))), "it"))


def test_a_file_of_ones_own_that_unpacks_to_too_much_is_one_line(monkeypatch):
    monkeypatch.setattr(unpacking, "LIMIT_BYTES", 3 << 20)
    zeros = bytes(4 << 20)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.csv", zeros)
    for data in (gzip.compress(zeros), held.getvalue()):
        with pytest.raises(DataError, match="it unpacks to more than 3 MiB"):
            unpacking.unpack(data, "zeros.csv.gz")


@KINDS
def test_a_damaged_archive_is_a_reason(tmp_path, make):
    archive = make(tmp_path, {"p/data": bytes(range(256)) * 4000})
    whole = archive.read_bytes()
    for damaged in (b"", whole[:50], whole[: len(whole) // 2], b"x" * 5000):
        archive.write_bytes(damaged)
        with pytest.raises(DataError, match=r"cannot be unpacked|has no p/data"):
            read_member(archive, "p/data")


@NEEDS_DPKG
def test_the_rest_of_a_debian_package_is_not_waited_for(tmp_path, monkeypatch):
    archive = make_deb(tmp_path, {"p/a": b"first", "p/b": bytes(30 << 20)})
    started = []

    class Watched(subprocess.Popen):
        def __init__(self, *arguments, **options):
            super().__init__(*arguments, **options)
            started.append(self)

    monkeypatch.setattr(archives.subprocess, "Popen", Watched)
    assert read_member(archive, "p/a") == b"first"
    assert [child.poll() is not None for child in started] == [True]
