"""`bench data`: what is kept is listed, looked through, packed, unpacked and thrown away."""

import hashlib
import json
import resource
import shutil
import stat
import subprocess
import sys
import zipfile
from dataclasses import replace

import pytest
from click.testing import CliRunner

from bench.cli.data import command
from bench.cli.table_portrait import plain, portrait, portrait_text
from bench.errors import BenchError, ConfigError, DataError
from bench.sources.bundles import export_bundle, import_bundle
from bench.sources.cache import Cache
from bench.sources.catalog import record
from bench.sources.convert import convert_record
from bench.sources.description import FORMAT, parse_description, render_description
from bench.sources.shelf import chosen, damages, kept_tables


@pytest.fixture
def cache(tmp_path):
    cache = Cache(tmp_path / "cache")
    for name in ("iris", "zoo", "wine"):  # the licence of wine is not known
        convert_record(record(name), None, cache)
    return cache


@pytest.fixture
def bundle(cache, tmp_path):
    export_bundle(tmp_path / "b.zip", kept_tables(cache), cache)
    return tmp_path / "b.zip"


def data(*arguments, cache):
    result = CliRunner().invoke(command, [*arguments, "--cache", str(cache.root)])
    raised = result.exception
    assert raised is None or isinstance(raised, SystemExit | BenchError), raised
    return result.exit_code, result.output + (str(raised) if isinstance(raised, BenchError) else "")


def rewritten(bundle, change):
    """The bundle with its members changed: a function of (info, content), which yields members."""
    path = bundle.with_name("changed.zip")
    with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(path, "w") as new:
        for info in old.infolist():
            for member, content in change(info, old.read(info)):
                new.writestr(member, content)
    return path


def test_fetch_says_what_is_there_and_fetches_nothing_twice(tmp_path):
    cache = Cache(tmp_path)
    code, out = data("fetch", "iris", "wine", cache=cache)
    assert code == 0
    assert "2 of 2 tables are here" in out
    code, again = data("fetch", "iris", "wine", cache=cache)
    assert code == 0
    assert "converted" not in again


def test_fetch_goes_on_where_one_table_cannot_be_had(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_OPENML_SERVER", "off")
    code, out = data("fetch", "iris", "openml:task/4729", cache=Cache(tmp_path))
    assert code == 5
    assert "1 of 2 tables are here" in out
    assert "not to be had: openml-4729: OpenML is not asked (BENCH_OPENML_SERVER is off)" in out


def test_where_the_disk_is_full_the_rest_is_kept_and_nothing_half_written(tmp_path):
    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    cache = Cache(tmp_path / "cache")
    done = subprocess.run(
        [sys.executable, "-m", "bench", "data", "fetch", "iris", "kr-vs-kp", "--cache", cache.root],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5, done.stderr
    assert "1 of 2 tables are here" in done.stdout
    assert "not to be had: kr-vs-kp: the cache" in done.stderr
    assert "cannot be used (File too large)" in done.stderr
    assert [path.name for path in cache.tables.iterdir()] == [cache.folder("iris").name]


def test_list_and_show(cache):
    code, out = data("list", "--json", cache=cache)
    rows = {row["table"]: row for row in json.loads(out)}
    assert (code, sorted(rows)) == (0, ["iris", "wine", "zoo"])
    assert rows["iris"]["rows"] == "150"
    _, out = data("show", "iris", cache=cache)
    assert "OpenML's own file, byte for byte" in out
    assert "D101: note: 5 of 150 rows" in out
    _, out = data("show", "letter", cache=cache)
    assert "not fetched yet" in out
    _, out = data("show", "openml-31", cache=cache)
    assert "title: credit-g" in out
    with pytest.raises(ConfigError, match="did you mean iris"):
        portrait("irs", cache)


def test_what_a_stranger_wrote_stays_on_its_line(cache):
    hostile = "a\nb\x1b[31m \u202e<script>" + "x" * 300
    assert plain(hostile).startswith("a\\u000ab\\u001b[31m \\u202e<script>xxx")
    assert len(plain(hostile)) == 200
    text = portrait_text({**portrait("iris", cache), "title": hostile})
    assert len(text.splitlines()) == len(
        portrait_text({**portrait("iris", cache), "title": "t"}).splitlines()
    )


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (lambda folder: (folder / "target.npy").write_bytes(b"x"), "target.npy is damaged: its hash differs"),
        (lambda folder: (folder / "0001.npy").unlink(), "0001.npy is missing"),
        (lambda folder: (folder / "more.txt").write_text("x"), "more.txt is no file of this table"),
        (lambda folder: (folder / "dataset.json").write_text("{}"), "dataset.json is damaged"),
        (lambda folder: (folder / "dataset.json").unlink(), "dataset.json is missing"),
    ],
    ids=["byte", "file", "foreign", "description", "none"],
)
def test_verify_names_what_is_damaged(cache, harm, words):
    assert data("verify", cache=cache) == (0, "3 of 3 tables are in order\n")
    harm(cache.folder("zoo"))
    code, out = data("verify", cache=cache)
    assert code == 1  # in the command line 5, as of every DataError
    assert words in out
    assert "then fetch it again" in out
    assert "2 of 3 tables are in order" in out


def test_evict_takes_what_is_named_and_no_more(cache):
    code, out = data("evict", "zoo", cache=cache)
    assert (code, "zoo: 0.0 MB freed" in out) == (0, True)
    assert [kept.name for kept in kept_tables(cache)] == ["iris", "wine"]
    with pytest.raises(ConfigError, match="did you mean iris"):
        chosen(["iri"], cache)
    assert data("evict", cache=cache)[0] == 2
    assert data("evict", "--all", cache=cache)[0] == 0
    assert kept_tables(cache) == []


def test_a_bundle_is_the_same_bytes_and_holds_no_unknown_licence(cache, bundle, tmp_path):
    packed = export_bundle(tmp_path / "again.zip", kept_tables(cache), cache)
    assert (tmp_path / "again.zip").read_bytes() == bundle.read_bytes()
    assert packed.names == ("iris", "zoo")
    assert "its licence is not known" in packed.left_out["wine"]
    code, out = data("export", str(tmp_path / "w.zip"), "wine", cache=cache)
    assert code == 1
    assert "no table can go into a bundle" in out
    assert not (tmp_path / "w.zip").exists()


def test_a_bundle_brings_its_tables_to_another_machine(cache, bundle, tmp_path):
    other = Cache(tmp_path / "other")
    assert import_bundle(bundle, other) == {"iris": "taken", "zoo": "taken"}
    assert other.describe("iris") == cache.describe("iris")
    assert other.load("zoo").X.equals(cache.load("zoo").X)
    assert import_bundle(bundle, other) == {"iris": "already here", "zoo": "already here"}
    (other.folder("zoo") / "target.npy").write_bytes(b"x")
    assert import_bundle(bundle, other) == {"iris": "already here", "zoo": "taken"}
    assert not any(damages(kept) and list(damages(kept)) for kept in kept_tables(other))


def link(info, content):
    changed = zipfile.ZipInfo(info.filename)
    changed.external_attr = (stat.S_IFLNK | 0o777) << 16
    yield changed, b"/etc/passwd"


def forged(change):
    """Return what changes a table's description and its hash, so that only its meaning is wrong."""

    def forge(info, content):
        if info.filename.endswith("dataset.json"):
            described = json.loads(content)["content"]
            change(described)
            text = json.dumps(described, separators=(",", ":"))
            digest = hashlib.sha256(text.encode()).hexdigest()
            content = f'{{"format":{FORMAT},"sha256":"{digest}","content":{text}}}\n'.encode()
        yield info, content

    return forge


A_COLUMN = {"name": "more", "kind": "numeric", "levels": [], "n_missing": 0}
HOSTILE = {
    "nothing": lambda info, content: [],
    "no dataset": forged(lambda described: described.pop("dataset")),
    "less known": forged(lambda described: described["dataset"].pop("image")),
    "more known": forged(lambda described: described["dataset"].update(colour="red")),
    "wrong type": forged(lambda described: described["dataset"].update(licence=5)),
    "text for a list": forged(lambda described: described["dataset"].update(classes="abc", class_rows=[])),
    "items": forged(lambda described: described["dataset"].update(notes=[1])),
    "classes": forged(lambda described: described["dataset"]["classes"].append("another")),
    "columns": forged(lambda described: described["dataset"]["features"].append(A_COLUMN)),
    "hashes": forged(lambda described: described["files"].update({"target.npy": 7})),
    "outside": lambda info, content: [(f"../{info.filename}", content)],
    "absolute": lambda info, content: [("/etc/x.npy", content)],
    "foreign": lambda info, content: [(info, content), ("tables-v7/iris/run.sh", b"x")],
    "link": link,
    "unlisted": lambda info, content: [(info, content), (info.filename.replace("target", "extra"), content)],
    "packed": lambda info, content: [(replaced(info, zipfile.ZIP_DEFLATED), content)],
    "version": lambda info, content: [(info.filename.replace("tables-v7", "tables-v1"), content)],
    "folder": lambda info, content: [(info.filename.replace("iris-", "isis-"), content)],
    "content": lambda info, content: [
        (info, content[:-1] + b"?" if info.filename.endswith("npy") else content)
    ],
    "description": lambda info, content: [(info, content.replace(b"class", b"klass"))],
}


def replaced(info, compression):
    changed = zipfile.ZipInfo(info.filename)
    changed.compress_type = compression
    return changed


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("case", HOSTILE)
def test_a_bundle_that_is_not_one_leaves_nothing_behind(bundle, tmp_path, case):
    other = Cache(tmp_path / "other")
    with pytest.raises(DataError, match=r"bundle|damaged|version"):
        import_bundle(rewritten(bundle, HOSTILE[case]), other)
    assert kept_tables(other) == []
    assert not other.tables.exists() or not list(other.tables.iterdir())
    assert not (tmp_path.parent / "tables-v7").exists()


def test_what_is_no_zip_at_all_is_one_line(tmp_path):
    (tmp_path / "b.zip").write_bytes(b"x" * 100)
    with pytest.raises(DataError, match="is no bundle of bench"):
        import_bundle(tmp_path / "b.zip", Cache(tmp_path / "c"))


@pytest.mark.parametrize(
    "url", ["openml.org", "http://", "http://127.0.0.1:port/x", "http://[::1", "ftp://x/y"]
)
def test_an_address_that_is_none_is_one_line(tmp_path, monkeypatch, url):
    monkeypatch.setenv("BENCH_OPENML_SERVER", url)
    code, out = data("fetch", "openml:task/59", cache=Cache(tmp_path))
    assert code == 1
    assert f"BENCH_OPENML_SERVER is {url!r}: give the URL of an API" in out


def test_what_is_called_by_a_wrong_name_is_one_line(tmp_path, cache):
    _, out = data("fetch", "irsi", cache=cache)
    assert 'irsi: no suite and no table is called that - did you mean "iris"?' in out
    _, out = data("verify", "irsi", "irsi", cache=cache)
    assert out.count("irsi: is not in the cache") == 1
    (tmp_path / "file").write_text("")
    _, out = data("list", cache=Cache(tmp_path / "file"))
    assert "cannot be read: Not a directory" in out


def patched(bundle, find, value):
    """The bundle with bytes of its last directory entry changed."""
    data = bytearray(bundle.read_bytes())
    at = data.rindex(b"PK\x01\x02") + find
    data[at : at + len(value)] = value
    path = bundle.with_name("patched.zip")
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    ("at", "value"), [(8, b"\x01\x00"), (8, b"\x20\x00"), (6, b"\x63\x00"), (16, b"\x00\x00\x00\x00")],
    ids=["encrypted", "patched data", "version", "checksum"],
)  # fmt: skip
def test_a_zip_of_a_strange_kind_is_one_line(bundle, tmp_path, at, value):
    with pytest.raises(DataError, match="is no bundle of bench"):
        import_bundle(patched(bundle, at, value), Cache(tmp_path / "other"))
    assert all(not list(damages(kept)) for kept in kept_tables(Cache(tmp_path / "other")))


def test_a_copied_folder_smuggles_no_table_into_a_bundle(cache, tmp_path):
    shutil.copytree(cache.folder("wine"), cache.tables / "wine-backup")
    packed = export_bundle(tmp_path / "c.zip", kept_tables(cache), cache)
    assert packed.names == ("iris", "zoo")
    assert set(packed.left_out) == {"wine", "wine-backup"}
    code, out = data("export", str(tmp_path / "d.zip"), "iris", "wine", cache=cache)
    assert code == 5
    assert "1 tables in" in out


def test_a_licence_cannot_steer_the_terminal(cache):
    described = parse_description((cache.folder("iris") / "dataset.json").read_bytes())
    licence = "\x1b]0;owned\x07\nzoo  forged"
    renamed = replace(described, dataset=replace(described.dataset, licence=licence))
    (cache.folder("iris") / "dataset.json").write_text(render_description(renamed))
    _, out = data("list", cache=cache)
    assert "\x1b" not in out
    assert len(out.splitlines()) == 3


def test_a_table_of_the_catalogue_that_is_another_is_not_used(cache):
    described = parse_description((cache.folder("iris") / "dataset.json").read_bytes())
    other = replace(described, dataset=replace(described.dataset, fingerprint="0" * 64))
    (cache.folder("iris") / "dataset.json").write_text(render_description(other))
    code, out = data("fetch", "iris", cache=cache)
    assert code == 5
    assert "is not the one of the catalogue (its fingerprint differs): `bench data evict iris`" in out


def test_a_task_is_fetched_by_the_name_that_it_is_kept_under(tmp_path, monkeypatch):
    monkeypatch.setenv("BENCH_OPENML_SERVER", "off")
    _, out = data("fetch", "openml-4729", cache=Cache(tmp_path))
    assert "not to be had: openml-4729: OpenML is not asked" in out
