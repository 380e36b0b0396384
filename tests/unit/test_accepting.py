"""A fact leaves a table out of a plan, with the way back in; a page explains each."""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import bench
from bench import facts
from bench.cli.main import bench as command
from bench.config.changes import Changes, changed
from bench.config.fitness import refused
from bench.config.load import load_suite
from bench.config.write import suite_text
from bench.errors import ConfigError, DataError
from bench.facts import ACCEPTABLE, CHECKS, Consequence, Fact
from bench.session import Request, make_plan, outline_plan
from bench.sources.cache import Cache
from bench.sources.catalog import record
from bench.sources.description import FORMAT, ROWS, array_files, splits_file
from bench.sources.facts.pages import page
from bench.sources.outline import outline

SUITE = """
format = 1
name = "mine"
title = "Mine"
learners = ["dummy"]
{accept}

[budget]
trials = 1

[[tasks]]
file = "leak.csv"
target = "y"

[[tasks]]
file = "fine.csv"
target = "y"
"""


@pytest.fixture
def folder(tmp_path):
    rng, n = np.random.default_rng(0), 400
    fine = pd.DataFrame({"a": rng.normal(size=n), "b": rng.normal(size=n)})
    fine["y"] = np.where(fine["a"] + rng.normal(size=n) > 0, "yes", "no")
    fine.to_csv(tmp_path / "fine.csv", index=False)
    fine.assign(code=np.where(fine["y"] == "yes", 7, 3)).to_csv(tmp_path / "leak.csv", index=False)
    return tmp_path


def said(*arguments):
    """What the command prints, its lines joined."""
    done = CliRunner().invoke(command, arguments, prog_name="bench")
    assert done.exit_code == 0, done.output
    return " ".join(done.output.split())


def suite_in(folder, accept=""):
    (folder / "mine.toml").write_text(SUITE.format(accept=accept))
    return load_suite(str(folder / "mine.toml"), ["dummy"], [])


def test_a_leaking_table_is_left_out_and_the_reason_says_how_to_run_it(folder):
    cache, lines = Cache(folder / "cache"), []
    for make in (
        lambda s: make_plan(s, cache, Request(), lines.append),
        lambda s: outline_plan(s, cache, Request()),
    ):
        plan = make(suite_in(folder))
        assert [task.name for task in plan.tasks] == ["fine"]
        (left_out,) = plan.exclusions
        assert left_out.what == "tasks[0] (leak)"
        assert re.fullmatch(
            r"D203: column 'code' alone predicts the target .*; see `bench show D203`; "
            r'accept = \["D203"\] in the suite, or --accept D203, runs it all the same',
            left_out.reason,
        )
        accepted = make(suite_in(folder, 'accept = ["D203"]'))
        assert ([task.name for task in accepted.tasks], accepted.exclusions) == (["leak", "fine"], ())


def test_a_selection_hides_no_table_that_was_left_out(folder):
    """Nor does it name one that it does not select."""
    cache = Cache(folder / "cache")
    for selection, left_out in (("dummy", ["tasks[0] (leak)"]), ("fine", [])):
        plan = make_plan(suite_in(folder), cache, Request(selection=selection), lambda line: None)
        assert [task.name for task in plan.tasks] == ["fine"]
        assert [each.what for each in plan.exclusions] == left_out
    with pytest.raises(DataError, match="D203: column 'code' alone"):
        make_plan(suite_in(folder), cache, Request(selection="leak"), lambda line: None)


def test_the_one_table_that_is_asked_for_is_refused_or_accepted(folder):
    asked = {"target": "y", "learners": ["dummy"], "cache": folder / "cache"}
    with pytest.raises(DataError, match="D203: column 'code' alone"):
        bench.plan(folder / "leak.csv", **asked)
    assert bench.plan(folder / "leak.csv", accept=["D203"], **asked).suite.accept == ("D203",)


def test_a_dry_run_shows_what_is_left_out_and_the_facts_of_the_rest(folder):
    suite_in(folder)
    asked = ["run", str(folder / "mine.toml"), "--dry-run", "--cache", str(folder / "c")]
    text = said(*asked)
    assert "left out: tasks[0] (leak): D203: column 'code' alone predicts the target" in text
    accepted = said(*asked, "--accept", "D203")
    assert "left out" not in accepted
    assert "D203: column 'code' alone predicts the target" in accepted


def test_a_table_of_the_catalogue_that_is_here_is_judged_in_a_dry_run_too(tmp_path, plan):
    fact = Fact(code="D401", consequence=Consequence.EXCLUDE, text="nothing is learnt")
    dataset = replace(outline(record("iris")), facts=(fact,))
    files = {file: np.zeros(dataset.n_rows) for file in array_files(len(dataset.features))}
    files |= {ROWS: np.zeros(dataset.n_rows, np.uint64), splits_file("kfold3"): np.zeros((1, dataset.n_rows))}
    cache = Cache(tmp_path)
    cache.store(dataset, files)
    (tmp_path / "s.toml").write_text(
        'format = 1\nname = "s"\ntitle = "S"\nlearners = ["dummy"]\n[budget]\ntrials = 1\n'
        '[[tasks]]\ndataset = "iris"\n[[tasks]]\ndataset = "zoo"\n'
    )
    suite = load_suite(str(tmp_path / "s.toml"), ["dummy"], ["iris", "zoo"])
    made = outline_plan(suite, cache, Request())
    assert [task.name for task in made.tasks] == ["zoo"]
    assert made.exclusions[0].reason.startswith("D401: nothing is learnt; see `bench show D401`")
    accepting = outline_plan(replace(suite, accept=("D401",)), cache, Request())
    assert [task.name for task in accepting.tasks] == ["iris", "zoo"]


def test_only_what_excludes_and_is_not_accepted_refuses(cell):
    found = [
        Fact(code=code, consequence=consequence, text=f"{code} it is")
        for code in ACCEPTABLE
        for consequence in Consequence
    ]
    dataset = replace(cell.task.dataset, facts=tuple(found))
    reason = refused(dataset, ["D401"])
    assert reason.count(" it is") == len(ACCEPTABLE) - 1
    assert 'accept = ["D203", "D402"] in the suite, or --accept D203 --accept D402' in reason
    assert refused(dataset, ACCEPTABLE) is None
    assert refused(cell.task.dataset, ()) is None


@pytest.mark.parametrize("wrong", ['["D101"]', '["d203"]', '["D203", "D203"]', '"D203"', "[3]"])
def test_what_cannot_be_accepted_is_refused(folder, wrong):
    with pytest.raises(ConfigError, match="accept"):
        suite_in(folder, f"accept = {wrong}")


def test_a_suite_that_accepts_reads_back_as_itself(folder):
    suite = suite_in(folder, 'accept = ["D203", "D402"]')
    assert tomllib.loads(suite_text(suite))["accept"] == ["D203", "D402"] == list(suite.accept)
    assert "accept =" not in suite_text(replace(suite, accept=()))


def test_changes_add_to_what_a_suite_accepts(plan):
    suite = replace(plan.suite, accept=("D402",))
    assert changed(suite, Changes(accept=("D203", "D402"))).accept == ("D402", "D203")
    with pytest.raises(ConfigError, match="accept: 'D999' leaves no table out"):
        changed(suite, Changes(accept=("D999",)))


# -- pages ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", CHECKS)
def test_every_fact_has_a_page_with_its_title_and_its_rule(root, code):
    text = page(code)
    assert text == (root / f"docs/facts/{code}.md").read_text("utf-8")
    assert text.startswith(f"# {code}: {CHECKS[code].title}\n")
    assert f"**Rule.** {CHECKS[code].rule}\n" in text
    for part in ("**Looked at.**", "**Why it matters.**", "**What to do.**"):
        assert part in text
    assert (f'`accept = ["{code}"]`' in text) == CHECKS[code].acceptable
    row = f"| [{code}]({code}.md) | {CHECKS[code].title} | {'yes' if CHECKS[code].acceptable else ''} |"
    assert row in (root / "docs/facts/README.md").read_text("utf-8")


def test_kept_facts_are_those_of_these_rules():
    """Facts are stored with a table: a changed rule needs another FORMAT, or old ones would stay."""
    rules = "\n".join(f"{code} {check.rule}" for code, check in CHECKS.items())
    digest = hashlib.sha256(rules.encode()).hexdigest()[:16]
    assert (FORMAT, digest) == (7, "880dffbc60e4f81c")


def test_there_is_no_page_of_anything_else(root):
    pages = {path.stem for path in (root / "docs/facts").iterdir()}
    assert pages == {*CHECKS, "README"}
    with pytest.raises(ConfigError, match=r"no fact 'D999' \(facts: D101"):
        page("D999")


THRESHOLDS = {
    "CONTINUOUS_VALUES": "D101", "NEAR_ROWS": "D103", "NEAR_COLUMNS": "D103", "NEAR_DISTANCE": "D103",
    "NEAR_MOST_COLUMNS": "D103",
    "ID_SHARE": "D202", "ID_ROWS": "D202", "ID_SPAN": "D202", "LOOKED_AT_ROWS": "D203", "LEAK_ERROR": "D203",
    "LEAK_REST_ERROR": "D203", "JUDGED_ROWS": "D401", "JUDGED_MINORITY": "D402", "HELD_OUT": "D401",
    "LEARNT_NOISE": "D401", "CEILING_ERROR": "D402", "SMALLEST_SPREAD": "D303", "LARGEST_SPREAD": "D303",
}  # fmt: skip


def test_rules_state_every_threshold():
    stated = {name for name in vars(facts) if name.isupper() and isinstance(vars(facts)[name], int | float)}
    assert stated == {*THRESHOLDS, "CONTINUOUS_SHARE", "LEARNT_MARGIN"}
    for name, code in THRESHOLDS.items():
        value = getattr(facts, name)
        text = f"{value:,}" if value >= 1000 and value < 1e9 else f"{value:g}"
        assert re.search(rf"(?<![\d.]){re.escape(text)}(?![\d])", CHECKS[code].rule), name
    assert "on more than 10 % of its rows" in CHECKS["D101"].rule
    assert "by 1 % of it" in CHECKS["D401"].rule


def test_a_page_can_be_printed():
    assert said("show", "D203") == " ".join(page("D203").split())
