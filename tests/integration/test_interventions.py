"""Interventions in real runs: applied in the worker, planned, resumed, compared."""

from __future__ import annotations

import csv
import io
import re

import numpy as np

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
