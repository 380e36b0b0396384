"""A site of reports: what was written is what is put on it, the newest first, in a feed that others read."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from datetime import datetime

import pytest
from store_worlds import World, stored, tables

from bench.cli.main import main
from bench.errors import DataError, PrerequisiteError
from bench.publishing.site import read, site
from bench.reporting.contents import report
from bench.reporting.folder import folder
from bench.reporting.writing import sums, verified, write
from bench.sources.cache import Cache

pytest.importorskip("pyarrow", reason="reports hold Parquet")

ATOM = "{http://www.w3.org/2005/Atom}"
ODD = "b & <c>"


@pytest.fixture(scope="module")
def reports(tmp_path_factory):
    """Two reports, the one that sorts first being the older."""
    top = tmp_path_factory.mktemp("reports")
    for name, year in (("a", "2025"), (ODD, "2026")):
        store = stored(World(tables=tables(3)), tmp_path_factory.mktemp("results"))
        store._db.execute("UPDATE runs SET started_at = ?", (f"{year}-05-06T07:08:09.000+00:00",))
        write(folder(report(store, (), (), "small", Cache(tmp_path_factory.mktemp("c")))), top / name)
        store.close()
    return top


def test_a_site_holds_every_report_and_the_newest_as_latest(reports):
    made = site(read(reports), title="Ours <b>", url="https://example.org/bench")
    for name in ("a", ODD):
        own = verified(reports / name)
        assert {each: made[f"{name}/{each}"] for each in own} == own
    assert made["latest/index.html"] == made[f"{ODD}/index.html"]
    index = made["index.html"].decode()
    links = re.findall(r'<h2><a href="([^"]*)">', index)
    assert links == ["b%20%26%20%3Cc%3E/index.html", "a/index.html"]
    assert "Ours &lt;b&gt;" in index
    assert "<b>" not in index
    assert made["SHA256SUMS"] == sums({name: made[name] for name in made if name != "SHA256SUMS"})
    assert made == site(read(reports), title="Ours <b>", url="https://example.org/bench")


@pytest.mark.parametrize("url", ["https://example.org/bench/", ""])
def test_the_feed_is_atom(reports, url):
    feed = ET.fromstring(site(read(reports), title="Ours", url=url)["feed.xml"])  # noqa: S314 - our own
    assert feed.tag == f"{ATOM}feed"
    for needed in ("title", "id", "updated"):
        assert feed.findtext(f"{ATOM}{needed}")
    entries = feed.findall(f"{ATOM}entry")
    assert len({each.findtext(f"{ATOM}id") for each in entries}) == 2
    dates = [datetime.fromisoformat(each.findtext(f"{ATOM}updated")) for each in entries]
    assert dates == sorted(dates, reverse=True)
    assert feed.findtext(f"{ATOM}updated") == entries[0].findtext(f"{ATOM}updated")
    links = [each.find(f"{ATOM}link").get("href") for each in entries]
    assert all(link.startswith(url) and link.endswith("/index.html") for link in links)


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda folder: (folder / "index.html").write_text("other"), "index.html: is not as it was written"),
        (lambda folder: (folder / "report.json").write_text("{"), "report.json: is not as it was written"),
        (lambda folder: (folder / "citation.bib").unlink(), "citation.bib: is missing"),
        (lambda folder: (folder / "more.txt").write_text("x"), "more.txt: is not in SHA256SUMS"),
        (lambda folder: (folder / "SHA256SUMS").unlink(), "SHA256SUMS: cannot be read"),
    ],
)
def test_what_is_not_as_it_was_written_is_not_published(reports, tmp_path, harm, told):
    target = tmp_path / "reports" / "a"
    write(verified(reports / "a"), target)
    harm(target)
    with pytest.raises(DataError, match=re.escape(told)):
        read(tmp_path / "reports")


@pytest.mark.parametrize(
    ("summary", "told"),
    [(b'{"format": 99}', "of a newer bench"), (b"[]", "is no summary"), (b"no json", "is no summary")],
)
def test_what_is_no_summary_is_said(reports, tmp_path, summary, told):
    files = {**verified(reports / "a"), "report.json": summary}
    files.pop("SHA256SUMS")
    write(files | {"SHA256SUMS": sums(files)}, tmp_path / "reports" / "a")
    with pytest.raises(DataError, match=told):
        read(tmp_path / "reports")


def test_without_a_report_there_is_no_site(tmp_path):
    with pytest.raises(PrerequisiteError, match="holds no report; `bench report -o"):
        read(tmp_path)


def call(monkeypatch, *arguments):
    monkeypatch.setattr("sys.argv", ["bench", "publish", *map(str, arguments)])
    with pytest.raises(SystemExit) as left:
        main()
    return left.value.code


def test_the_command_line_writes_nothing_unless_told_to(reports, tmp_path, monkeypatch, capsys):
    target = tmp_path / "site"
    asked = ("site", "--reports", reports, "-o", target)
    assert call(monkeypatch, *asked) == 0
    assert "would hold" in capsys.readouterr().out
    assert not target.exists()
    assert call(monkeypatch, *asked, "--apply") == 0
    assert (target / "latest" / "index.html").is_file()
    (target / "SHA256SUMS").unlink()
    assert call(monkeypatch, *asked) == 5
    assert "holds files of something else" in capsys.readouterr().err


def test_a_report_is_put_among_the_published(tmp_path, monkeypatch, capsys):
    store = stored(World(tables=tables(3)), tmp_path / "results")
    store.close()
    asked = (
        "--results",
        tmp_path / "results",
        "--cache",
        tmp_path / "cache",
        "--reports",
        tmp_path / "reports",
    )
    assert call(monkeypatch, "folder", "mine", *asked) == 0
    assert "would hold" in capsys.readouterr().out
    assert not (tmp_path / "reports").exists()
    assert call(monkeypatch, "folder", "mine", *asked, "--apply") == 0
    assert [each.name for each in read(tmp_path / "reports")] == ["mine"]
    assert call(monkeypatch, "folder", "..", *asked, "--apply") == 2
    assert "is no name for a report" in capsys.readouterr().err
