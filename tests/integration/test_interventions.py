"""Interventions in real runs: applied in the worker, planned, resumed, compared."""

from __future__ import annotations

import csv
import io
import json
import re

import numpy as np
import pytest

BEST = """
SELECT e.task, e.problem, e.learner, e.intervention, t.test_score, a.n_test AS n
FROM trials t JOIN evidence e USING (evidence_key) JOIN attempts a USING (evidence_key, attempt)
WHERE t.validation_score IS NOT NULL ORDER BY t.validation_score DESC, t.trial DESC
"""
CHANGES = ["none", "random-labels", "noise-columns:5"]


def log_error(row):
    """As the leaderboard floors it: a rate by half a row, an RMSE not at all."""
    if row["problem"] == "regression":
        return np.log(row["test_score"])
    return np.log((round(row["test_score"] * row["n"]) + 0.5) / (row["n"] + 1))


def test_interventions_are_run_resumed_and_compared(bench):
    tasks = ["iris", "wine", "sk-diabetes", "cpu"]
    learners = ["dummy", "linear", "random-forest"]
    suite = bench.suite("shaken", learners, "trials = 3", tasks=tasks, interventions=CHANGES)
    said = bench("run", suite)
    assert "36 cells: 36 ok" in said
    assert "Change of the error under each intervention, by family" in said
    assert "0 cells to do, 36 done before" in bench("run", suite)

    best = {(row["task"], row["learner"], row["intervention"]): row for row in bench.rows(BEST)}
    told = list(csv.DictReader(io.StringIO(bench("sensitivity", "--by", "learner", "--format", "csv"))))
    assert len(told) == 3 * 2
    for row in told:
        pairs = [[best[task, row["entry"], each] for each in ("none", row["intervention"])] for task in tasks]
        found = [log_error(plain) - log_error(under) for plain, under in pairs]
        np.testing.assert_allclose(float(row["log_error_ratio"]), np.mean(found), atol=1e-9)
        assert int(row["datasets"]) == len(tasks)
    changed = {(row["entry"], row["intervention"]): float(row["log_error_ratio"]) for row in told}
    assert changed["random-forest", "random-labels"] < -0.5, "there was nothing to learn"
    assert changed["dummy", "noise-columns:5"] == 0, "it looks at no feature"

    board = " ".join(bench("leaderboard", "--intervention", "random-labels").split())
    assert "under random-labels" in board
    assert "24 cells under another intervention are left out" in board
    refused = bench("leaderboard", "--intervention", "rotate", code=2)
    assert "no cell of this run is under 'rotate' (there: none, random-labels, noise-columns:5)" in refused


def test_what_a_table_has_not_is_not_applicable_and_no_failure(bench):
    options = {"tasks": ["iris", "digits-8x8"], "interventions": ["permute-pixels"]}
    suite = bench.suite("pixels", ["dummy"], "trials = 1", **options)
    said = bench("run", suite)
    assert re.search(r"2 cells: .*1 ok", said), said
    assert re.search(r"2 cells: .*1 not_applicable", said)
    assert "permute-pixels: the rows of this table are no images" in " ".join(said.split())
    assert "so no change of errors can be shown" in bench("sensitivity", code=2)
    assert "permute-pixels" in bench("list", "interventions")


def test_a_rotation_is_compared_with_scaled_features_and_its_controls_do_not_notice(bench):
    tasks, learners = ["wine", "sk-diabetes"], ["linear", "tree", "knn", "dummy"]
    asked = ["none", "scaled-features", "rotate-features"]
    suite = bench.suite("turned", learners, "trials = 3", tasks=tasks, interventions=asked)
    said = " ".join(bench("run", suite).split())
    assert "24 cells: 24 ok" in said
    assert "rotate-features: against the same cells under scaled-features." in said
    best = {(row["task"], row["learner"], row["intervention"]): row for row in bench.rows(BEST)}
    told = list(csv.DictReader(io.StringIO(bench("sensitivity", "--by", "learner", "--format", "csv"))))
    against = {"scaled-features": "none", "rotate-features": "scaled-features"}
    for row in told:
        assert row["reference"] == against[row["intervention"]]
        pairs = [
            [best[task, row["entry"], each] for each in (row["reference"], row["intervention"])]
            for task in tasks
        ]
        found = [log_error(plain) - log_error(under) for plain, under in pairs]
        np.testing.assert_allclose(float(row["log_error_ratio"]), np.mean(found), atol=1e-9)
    changed = {row["entry"]: float(row["log_error_ratio"]) for row in told[1::2]}
    assert abs(changed["tree"]) > 0.01
    for control in ("linear", "knn", "dummy"):
        assert abs(changed[control]) < 1e-6

    configs = bench.rows("SELECT e.intervention, t.config FROM trials t JOIN evidence e USING (evidence_key)")
    scalings = {(row["intervention"] == "none", json.loads(row["config"]).get("scaling")) for row in configs}
    assert (False, "none") in scalings
    assert (True, "none") not in scalings
    assert not {(False, each) for each in ("standard", "robust", "quantile")} & scalings
    shown = bench("show", "linear", "--task", "wine", "--code")
    assert "r0f0-n400-t300/linear/none/s0" in shown
    refused = bench("show", "wine/r0f0-n400-t300/linear/rotate-features", "--code", code=2)
    assert "on features alone that were scaled for it (rotate-features)" in refused


@pytest.mark.slow
def test_what_a_rotation_is_compared_with_may_be_left_out_by_hand_and_that_is_said(bench):
    asked = ["none", "random-labels", "scaled-features", "rotate-features"]
    suite = bench.suite("part", ["dummy"], "trials = 1", tasks=["iris", "wine"], interventions=asked)
    said = " ".join(bench("run", suite, "-k", "not scaled-features").split())
    assert (
        "rotate-features is not shown: this run has no cells under scaled-features, which it is compared with"
        in said
    )
    assert "random-labels" in said


@pytest.mark.slow
def test_test_images_change_and_no_validation_score_does(bench):
    asked = ["none", "translate:2", "crop:70", "occlude:30", "rotate-images:40", "blur:10"]
    suite = bench.suite("shown", ["knn", "dummy"], "trials = 3", tasks=["digits-8x8"], interventions=asked)
    assert "12 cells: 12 ok" in bench("run", suite)
    query = """SELECT e.learner, e.intervention, t.trial, t.config, t.validation_score, t.train_score,
    t.test_score FROM trials t JOIN evidence e USING (evidence_key)"""
    found = {(row["learner"], row["intervention"], row["trial"]): row for row in bench.rows(query)}
    for (learner, intervention, trial), row in found.items():
        plain = found[learner, "none", trial]
        assert row["config"] == plain["config"]
        assert row["validation_score"] == plain["validation_score"]
        assert row["train_score"] == plain["train_score"]
        if learner == "dummy":
            assert row["test_score"] == plain["test_score"]
        elif intervention != "none":
            assert row["test_score"] > plain["test_score"]


@pytest.mark.slow
def test_which_rows_there_are_is_counted_and_too_few_are_a_failure_with_a_reason(bench):
    asked = ["none", "subsample:20", "outside-range:30"]
    options = {"tasks": ["sk-diabetes", "iris"], "interventions": asked}
    suite = bench.suite("fewer", ["linear"], "trials = 2", **options)
    said = " ".join(bench("run", suite, code=1).split())
    assert "outside-range:30 on iris/r0f0-n400-t300/s0:" in said
    assert "test rows are left, at least 20 are needed" in said
    query = """SELECT e.task, e.intervention, a.n_train, a.n_test
    FROM attempts a JOIN evidence e USING (evidence_key) WHERE a.n_test IS NOT NULL"""
    rows = {(row["task"], row["intervention"]): row for row in bench.rows(query)}
    plain, fewer, beyond = (rows["sk-diabetes", each] for each in asked)
    assert abs(fewer["n_train"] - 0.2 * plain["n_train"]) <= 2
    assert fewer["n_test"] == plain["n_test"]
    assert abs(beyond["n_train"] - 0.7 * plain["n_train"]) <= 0.05 * plain["n_train"]
    assert 20 <= beyond["n_test"] < plain["n_test"]
