"""Learners from outside, in real processes: by import path, by entry point, broken, and as the page says."""

from __future__ import annotations

import dataclasses
import importlib.util
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

TOY = Path(__file__).parent / "plugin" / "toy"
SLOW_TO_IMPORT = """
import time

end = time.process_time() + 0.6
while time.process_time() < end:
    pass

from sklearn.linear_model import Ridge
from bench.spaces import Float
from bench.zoo.wrapped import wrap

LEARNER = wrap("slow-to-import", regressor=Ridge(), space={"alpha": Float(low=0.1, high=10.0)})
"""
TRIALS = "SELECT e.learner, t.* FROM trials t JOIN evidence e USING (evidence_key) ORDER BY e.rowid, trial"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def test_an_import_path_is_run_and_its_import_is_not_billed(bench):
    (bench.folder / "own_learner.py").write_text(SLOW_TO_IMPORT)
    out = bench("run", bench.suite("own", ["dummy", "own_learner:LEARNER"], "trials = 3"))
    trials = bench.rows(TRIALS)
    own = [trial for trial in trials if trial["learner"] == "slow-to-import"]
    assert [trial["status"] for trial in own] == ["ok"] * 3
    assert max(trial["billed_s"] for trial in own) < 0.4
    assert "slow-to-import" in out


def test_it_is_run_again_when_its_code_changes_and_only_then(bench):
    module = bench.folder / "own_learner.py"
    suite = bench.suite("own", ["dummy", "own_learner:LEARNER"], "trials = 2")
    keys = []
    for code in (SLOW_TO_IMPORT, SLOW_TO_IMPORT, SLOW_TO_IMPORT.replace("0.6", "0.0")):
        module.write_text(code)
        bench("run", suite)
        keys.append({row["evidence_key"] for row in bench.rows(TRIALS)})
    assert len(keys[0]) == 2
    assert keys[1] == keys[0]
    assert len(keys[2] - keys[1]) == 1


def test_a_file_of_the_user_s_takes_the_place_of_no_library(bench):
    (bench.folder / "own_learner.py").write_text(SLOW_TO_IMPORT.replace("0.6", "0.0"))
    (bench.folder / "sklearn.py").write_text("1 / 0")
    suite = bench.suite("own", ["own_learner:LEARNER"], "trials = 1")
    # As the installed command, -P puts no current folder on the path.
    command = [sys.executable, "-P", "-m", "bench", "run", suite]
    done = subprocess.run(
        command, cwd=bench.folder, env=bench.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert [trial["status"] for trial in bench.rows(TRIALS)] == ["ok"]


@pytest.mark.parametrize(
    ("learners", "text"),
    [
        (["absent:LEARNER"], "learners[0]: absent:LEARNER: there is no module 'absent'"),
        (
            ["dummy", "own_learner:OTHER"],
            "learners[1]: own_learner:OTHER: own_learner has no attribute 'OTHER'",
        ),
        (
            ["own_learner:LEARNER", "own_learner:SAME"],
            'is called "slow-to-import", and so is own_learner:LEARNER',
        ),
        (["own_learner:TAKEN"], "its name 'linear' is that of another learner"),
    ],
)
def test_what_is_wrong_with_an_import_path_is_said_with_the_suite_s_errors(bench, learners, text):
    same = "SAME = wrap('slow-to-import', regressor=Ridge())\nTAKEN = wrap('linear', regressor=Ridge())\n"
    (bench.folder / "own_learner.py").write_text(SLOW_TO_IMPORT.replace("0.6", "0.0") + same)
    assert text in bench("validate", bench.suite("own", learners, "trials = 1"), code=2)


def test_a_broken_package_is_listed_and_breaks_nothing_else(bench):
    broken = bench.folder / "site"
    install(TOY, broken, "toy-broken = bench_toy:BROKEN\ntoy-leaves = bench_leaves:LEARNER")
    (broken / "bench_leaves.py").write_text("print('bye')\nraise SystemExit(0)")
    with_broken = dataclasses.replace(bench, path=broken)
    listed = with_broken("list", "learners")
    assert re.search(
        r"toy-broken .*bench-toy: learner 'toy-broken' \(bench_toy:BROKEN\) cannot be used: .* lacks name",
        listed,
    )
    assert re.search(r"toy-leaves .*importing bench_leaves failed: SystemExit: 0", listed)
    with_broken("run", bench.suite("fine", ["dummy"], "trials = 1"))
    out = with_broken("run", bench.suite("not-fine", ["toy-broken"], "trials = 1"), code=5)
    assert "cannot be used" in out


def install(source, site, entries):
    """Put a package's module and its metadata where pip would put them."""
    info = site / "bench_toy-1.0.dist-info"
    info.mkdir(parents=True)
    shutil.copy(source / "bench_toy.py", site)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bench-toy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[bench.learners]\n{entries}\n")


@pytest.mark.slow
def test_a_package_is_installed_run_and_keeps_the_contract(bench):
    toy, site = bench.folder / "toy", bench.folder / "site"
    shutil.copytree(TOY, toy)
    if importlib.util.find_spec("hatchling") is not None:
        python(
            bench, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", site, toy
        )
    else:
        install(TOY, site, "toy-bayes = bench_toy:LEARNER")
    with_toy = dataclasses.replace(bench, path=site)
    assert "toy-bayes" in with_toy("list", "learners")
    with_toy("run", bench.suite("toys", ["dummy", "toy-bayes"], "trials = 3"))
    trials = [trial for trial in bench.rows(TRIALS) if trial["learner"] == "toy-bayes"]
    assert [trial["status"] for trial in trials] == ["ok"] * 3
    out = python(with_toy, "-m", "pytest", "-q", "-p", "no:cacheprovider", toy / "test_bench_toy.py")
    assert re.search(r"\d\d passed", out)


def python(bench, *arguments):
    command = [sys.executable, *map(str, arguments)]
    done = subprocess.run(
        command, cwd=bench.folder, env=bench.environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def blocks(root):
    """The code of the page: language, name of its file (or empty), text."""
    page = (root / "docs" / "learners.md").read_text()
    found = []
    for language, text in BLOCK.findall(page):
        named = re.match(r"# (\S+\.(?:py|toml))\n", text)
        found.append((language, named[1] if named else "", text))
    assert len(found) == page.count("```") / 2
    return found


def test_the_page_s_code_runs_as_it_is_printed(bench, blocks):
    bench = dataclasses.replace(bench, path=Path())
    for language, name, text in blocks:
        if name:
            (bench.folder / name).write_text(text)
        if language == "python":
            source = bench.folder / (name or "unnamed.py")
            source.write_text(text)
            python(bench, source)
        elif language == "sh":
            for line in text.splitlines():
                run(bench, line)
        else:
            assert tomllib.loads(text)
    learners = {row["learner"] for row in bench.rows(TRIALS)}
    assert learners == {"dummy", "linear", "bayes"}


def run(bench, line):
    """Run a line of the page."""
    program, *arguments = line.split()
    assert program in ("bench", "pytest"), line
    if program == "bench":
        bench(*arguments)
    else:
        python(bench, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments)


def test_the_page_s_other_learner_can_be_named_too(bench, blocks):
    for _, name, text in blocks:
        if name.endswith(".py"):
            (bench.folder / name).write_text(text)
    bench(
        "run", bench.suite("others", ["my_boosting:LEARNER", "my_own:LEARNER"], "seconds = 1.0\ntrials = 4")
    )
    ends = bench.rows("SELECT e.learner, a.status FROM attempts a JOIN evidence e USING (evidence_key)")
    assert {(end["learner"], end["status"]) for end in ends} == {("stages", "ok"), ("few-neighbours", "ok")}


def test_the_page_s_package_is_the_one_that_is_installed(blocks):
    (page,) = (text for _, name, text in blocks if name == "pyproject.toml")
    assert page.partition("\n")[2] == (TOY / "pyproject.toml").read_text()
