"""The report as a person meets it: a real browser, no network, a keyboard, a phone, paper."""

from __future__ import annotations

import csv
import io
import os
import re
import shutil
from dataclasses import replace
from urllib.parse import unquote

import numpy as np
import pytest
from claim_worlds import World as ClaimWorld
from claim_worlds import advantages, claim
from store_worlds import World, stored, tables

from bench.analysis.columns import error_change
from bench.analysis.tables import sheet
from bench.analysis.views import View
from bench.boards import board, board_of, recorded
from bench.claims import Source
from bench.datasets import ProblemType
from bench.judgements import Judgement
from bench.registrations import UNREGISTERED
from bench.reporting.cards import cards
from bench.reporting.contents import report
from bench.reporting.folder import PAGE, folder
from bench.reporting.panels import axes
from bench.reporting.writing import write
from bench.sources.cache import Cache
from bench.store.query import find_run

pytest.importorskip("pyarrow", reason="reports hold Parquet")
sync_api = pytest.importorskip("playwright.sync_api", reason="a browser is driven by playwright")

IMAGE = "<img src=x onerror=\"document.title='run'\">"
HOSTILE = (IMAGE, "=cmd()", "\N{RIGHT-TO-LEFT OVERRIDE}turned", "y" * 300)
QUIET = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--disable-quic")  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="module")
def browser():
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("no Chromium on this machine: `apt-get install chromium`")
        pytest.skip("no Chromium on this machine: `apt-get install chromium` and these tests run")
    with sync_api.sync_playwright() as driver:
        found = driver.chromium.launch(executable_path=path, args=list(QUIET))
        yield found
        found.close()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    world = World(
        tables=tables(14) | dict.fromkeys(HOSTILE, ProblemType.BINARY),
        failing=frozenset({("table-01", "mlp")}),
    )
    found = stored(world, tmp_path_factory.mktemp("results"))
    yield found
    found.close()


@pytest.fixture(scope="module")
def address(store, tmp_path_factory):
    target = tmp_path_factory.mktemp("report") / "r"
    of_run = report(store, (), (), "small", Cache(tmp_path_factory.mktemp("cache")))
    write(folder(replace(of_run, cards=cards((judged(),)), judgements=(judged(),))), target)
    return (target / PAGE).as_uri()


def judged():
    """A verdict on a claim with names as long as they get."""
    said = claim(
        title=f"Planted {IMAGE}",
        statement=f"Alpha is better than mlp{{{'dropout=0,' * 12}}}.",
        sources=(Source(cite="Somebody 2020", says="so it is"),),
    )
    found = ClaimWorld(errors=advantages({"alpha": 0.5, "beta": 0.2})).verdict(said)
    return Judgement(
        verdict=found, registration=UNREGISTERED, first_evidence=None, first_commit=None, view="",
        exploratory=None, n_cells=3, n_done=3, left_out={}, notes=("x" * 300,),
    )  # fmt: skip


class Opened:
    """A page, with all that it asked for and complained of."""

    def __init__(self, page, address):
        self.page, self.asked, self.said = page, [], []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.goto(address)

    def rows(self):
        return self.page.evaluate(
            "[...document.querySelectorAll('section.run table')][0].rows.length && "
            "[...[...document.querySelectorAll('section.run table')][0].tBodies[0].rows]"
            ".map(row => [...row.cells].map(cell => cell.textContent))"
        )

    def column(self, heading):
        heads = self.page.locator("section.run table").first.locator("thead th").all_inner_texts()
        at = [head.strip(" \N{UPWARDS ARROW}\N{DOWNWARDS ARROW}") for head in heads].index(heading)
        return [row[at] for row in self.rows()]


@pytest.fixture
def opened(browser, address):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    found = Opened(context.new_page(), address)
    yield found
    context.close()
    assert found.said == []
    assert [each for each in found.asked if not each.startswith(("file:", "blob:", "data:"))] == []


def shown(store, **view):
    return [list(line) for line in sheet(board(store, find_run(store, None), View(**view))).lines]


def test_the_page_shows_what_the_store_says(opened, store):
    assert opened.rows() == shown(store, by="family")
    opened.page.select_option("select[name=by]", "learner")
    assert opened.rows() == shown(store, by="learner")
    opened.page.select_option("select[name=failures]", "dummy")
    assert opened.rows() == shown(store, by="learner", failure_policy="dummy")
    opened.page.select_option("select[name=show]", "default")
    assert opened.rows() == shown(store, by="learner", failure_policy="dummy", show="default")
    assert opened.page.is_disabled("input[name=at]")


def test_the_slider_replays_smaller_budgets_by_keyboard(opened, store):
    seconds = axes(find_run(store, None))["seconds"]
    slider = opened.page.locator("input[name=at]")
    slider.focus()
    opened.page.keyboard.press("ArrowLeft")
    opened.page.keyboard.press("ArrowLeft")
    assert opened.page.inner_text("output") == f"{seconds[-3]:g} s"
    assert slider.get_attribute("aria-valuetext") == f"{seconds[-3]:g} seconds"
    assert opened.rows() == shown(store, by="family", budget_s=seconds[-3])
    assert "replayed" in opened.page.inner_text(".view-title")
    opened.page.select_option("select[name=axis]", "trials")
    slider.focus()
    opened.page.keyboard.press("Home")
    assert opened.rows() == shown(store, by="family", budget_trials=1)


def test_a_filter_computes_anew_what_it_can_and_says_what_it_cannot(opened, store):
    of = recorded(store, find_run(store, None))
    contest = board_of(of, View(by="family")).contest
    kinds = dict(zip(of.cells["dataset"], of.cells["problem"], strict=True))
    kept = np.array([kinds[name] == "regression" for name in contest.datasets])
    opened.page.select_option("select[name=problem]", "regression")
    means = dict(zip(contest.entries, contest.log_ratio[:, kept].mean(axis=1), strict=True))
    best_first = sorted(means, key=lambda entry: -means[entry])
    assert opened.column("family") == best_first
    for entry, told in zip(best_first, opened.column("all"), strict=True):
        whole = re.match(r"([+-]?\d+|>\d+) %", told)[1]
        assert abs(int(whole) - int(error_change(means[entry]))) <= 1, entry  # of thousandths
    assert set(opened.column("tasks")) == {str(kept.sum())}
    status = opened.page.inner_text(".status")
    assert f"{kept.sum()} of {len(kept)} tables are kept" in status
    assert "all tables together" in status
    grey = opened.page.locator("section.run table").first.locator("td.grey")
    assert grey.count()
    assert grey.first.get_attribute("title") == "of all tables together"
    opened.page.click("button[name=reset]")
    assert opened.rows() == shown(store, by="family")
    assert opened.page.inner_text(".status") == ""


def test_another_metric_is_that_of_the_command_line(opened, store):
    opened.page.select_option("select[name=metric]", "log_loss")
    assert opened.rows() == shown(store, by="family", metric="log_loss")
    assert opened.page.is_disabled("select[name=failures]")
    assert "bench leaderboard --metric" in opened.page.inner_text(".status")
    opened.page.fill("input[name=table]", "TABLE-0")
    n = sum(name.startswith("table-0") for name in board(
        store, find_run(store, None), View(by="family", metric="log_loss")
    ).contest.datasets)  # fmt: skip
    assert set(opened.column("tasks")) == {str(n)}


def test_searching_hides_rows_and_says_that_tiers_are_of_all(opened, store):
    opened.page.fill("input[name=find]", "boost")
    assert opened.column("family") == ["boosted-trees"]
    assert "tiers and ranks are among all 5" in opened.page.inner_text(".status")


def test_sorting_by_a_column_with_the_keyboard(opened, store):
    button = opened.page.locator("section.run table").first.locator("thead button", has_text="rank")
    button.focus()
    opened.page.keyboard.press("Enter")
    ranks = [float(rank) for rank in opened.column("rank")]
    assert ranks == sorted(ranks)
    opened.page.keyboard.press("Enter")
    ranks = [float(rank) for rank in opened.column("rank")]
    assert ranks == sorted(ranks, reverse=True)
    sorted_by = opened.page.locator("section.run table").first.locator("th[aria-sort]")
    assert sorted_by.get_attribute("aria-sort") == "descending"
    assert opened.page.evaluate("document.activeElement.textContent") == "rank"


def test_a_link_restores_the_view(opened, browser, store):
    opened.page.select_option("select[name=by]", "learner")
    opened.page.select_option("select[name=problem]", "binary")
    opened.page.fill("input[name=find]", "l")
    opened.page.locator("section.run table").first.locator("thead button", has_text="seconds").click()
    link, rows = opened.page.url, opened.rows()
    assert "by=learner" in unquote(link)
    context = browser.new_context(offline=True)
    again = Opened(context.new_page(), link)
    assert again.rows() == rows
    assert again.page.input_value("select[name=problem]") == "binary"
    wrong = Opened(context.new_page(), link.replace("by=learner", "by=nonsense"))
    assert wrong.rows()
    assert again.said == wrong.said == []
    context.close()


def test_the_view_is_saved_as_csv(opened, store):
    with opened.page.expect_download() as saved:
        opened.page.click("button[name=csv]")
    with open(saved.value.path(), newline="", encoding="utf-8") as file:  # noqa: PTH123 - a download's path
        rows = list(csv.reader(io.StringIO(file.read())))
    assert rows[1:] == shown(store, by="family")


def test_hostile_names_run_nothing(opened):
    assert opened.page.title().startswith("bench report")
    assert opened.page.locator("img").count() == 0
    assert opened.page.get_by_text("=cmd()").count()


def test_nothing_is_wider_than_a_phone(browser, address):
    context = browser.new_context(offline=True, viewport={"width": 360, "height": 740}, has_touch=True)
    page = Opened(context.new_page(), address).page
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    context.close()


def test_it_reads_without_scripts(browser, address, store):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page = context.new_page()
    page.goto(address)
    text = page.inner_text("body")
    for line in (*shown(store, by="family"), *shown(store, by="learner")):
        assert line[1] in text
    assert not page.is_visible("form.controls")
    context.close()


def test_it_prints(opened):
    assert len(opened.page.pdf(format="A4")) > 20_000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_an_accessibility_checker_finds_nothing_serious(browser, address, scheme):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe-core checks access")
    context = browser.new_context(offline=True, color_scheme=scheme, bypass_csp=True)
    page = context.new_page()
    page.goto(address)
    page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    found = axe.Axe().run(page).response["violations"]
    told = [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"][:3]
            if each["impact"] in ("serious", "critical")]  # fmt: skip
    context.close()
    assert told == []
