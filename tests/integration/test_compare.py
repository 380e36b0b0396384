"""A library's quality from one version to the next, as its maintainer's build would ask: real processes."""

from __future__ import annotations

import json
import random

import pytest

MINE = """
import bench
from sklearn.linear_model import Ridge

mine = bench.wrap("mine", regressor=Ridge(alpha={alpha}))
"""
SUITE = """
format = 1
name = "ours"
title = "Ours"
learners = ["linear", "mine:mine"]
validation = "holdout"
folds = 2

[budget]
trials = 1

"""


@pytest.fixture
def project(bench):
    """A project with a learner of its own, and a suite of four tables in two folds."""
    draw = random.Random(0).gauss
    tasks = []
    for table in range(4):
        rows = [(draw(0, 1), draw(0, 1), draw(0, 1)) for _ in range(150)]
        lines = [f"{a},{b},{c},{a - 2 * b + c + draw(0, 0.3 + table / 10)}" for a, b, c in rows]
        (bench.folder / f"t{table}.csv").write_text("\n".join(["a,b,c,y", *lines]) + "\n")
        tasks.append(f'[[tasks]]\nfile = "t{table}.csv"\ntarget = "y"\n')
    (bench.folder / "ours.toml").write_text(SUITE + "\n".join(tasks))
    write(bench, alpha=1.0)
    return bench


def run(project, *arguments):
    """Fit in the process itself: what is compared is what it predicts, not what it costs."""
    return project("run", "ours.toml", "--executor", "inline", *arguments)


def write(bench, alpha):
    (bench.folder / "mine.py").write_text(MINE.format(alpha=alpha))


def test_a_build_keeps_a_baseline_and_is_told_of_a_loss(project):
    run(project, "--results", "before")
    project("baseline", "save", "--file", "baseline.json.gz", "--results", "before")
    told = project("compare", "baseline.json.gz", "--results", "before", code=2)
    assert "is compared with itself: run the suite again" in told

    run(project, "--results", "same")
    said = project("compare", "baseline.json.gz", "--results", "same", "--strict")
    assert said.startswith("NOT WORSE: 2.")
    assert said.count("8 of 8") == 2

    write(project, alpha=60.0)
    run(project, "--results", "worse")
    said = project("compare", "baseline.json.gz", "worse", code=4)
    assert said.startswith("WORSE: mine. Not worse: 1.")
    found = json.loads(project("compare", "baseline.json.gz", "worse", "--format", "json", code=4))
    answers = {each["learner"]: each for each in found["answers"]}
    assert (answers["linear"]["n_identical"], answers["mine"]["n_identical"]) == (8, 0)
    assert answers["mine"]["low"] > 0.02
    assert "Learners whose declaration, version or search space has changed: mine" in found["notes"]
    assert project("compare", "baseline.json.gz", "worse", "--fail-on", "r2:-90%").startswith("NOT WORSE: 2.")
    assert "fit_s:+900%" in project("compare", "before", "worse", "--fail-on", "fit_s:+900%")


def test_a_store_that_goes_on_with_what_it_has_measures_nothing_new(project):
    run(project)
    (first,) = (row["run_id"] for row in project.rows("SELECT run_id FROM runs"))
    assert "0 cells to do" in run(project)
    assert "both runs have the very same fits" in project("compare", first, code=2)
    run(project, "--fresh")
    assert project("compare", first).startswith("NOT WORSE: 2.")
