"""Training-set sizes in a real run: planned, run, resumed, ranked and drawn as curves."""

from __future__ import annotations

import csv
import io
import json

import numpy as np
import pytest

from bench.analysis.intervals import bootstrap_means

TASKS = ["iris", "wine", "sk-diabetes"]
BEST = """
SELECT e.task, e.problem, e.learner, e.train_cap, t.test_score, a.n_test AS n, a.n_train AS n_train
FROM trials t JOIN evidence e USING (evidence_key) JOIN attempts a USING (evidence_key, attempt)
WHERE t.validation_score IS NOT NULL ORDER BY t.validation_score DESC, t.trial DESC
"""
DEFAULTS = """
SELECT e.task, e.learner, t.billed_s, a.n_train AS n_train
FROM trials t JOIN evidence e USING (evidence_key) JOIN attempts a USING (evidence_key, attempt)
WHERE t.trial = 0
"""


def log_error(row):
    """As the leaderboard floors it: a rate by half a row, an RMSE not at all."""
    if row["problem"] == "regression":
        return np.log(row["test_score"])
    return np.log((round(row["test_score"] * row["n"]) + 0.5) / (row["n"] + 1))


def records(text):
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def suite(bench):
    options = {"tasks": TASKS, "rows": '[40, 80, 1000, "full"]'}
    return bench.suite("sizes", ["dummy", "linear", "random-forest"], "trials = 2", **options)


def test_sizes_are_run_ranked_and_drawn(bench, suite):
    said = " ".join(bench("run", suite, "--executor", "inline").split())
    assert "27 cells: 27 ok" in said
    assert "left out: tasks[0] (iris) at 1,000 training rows: it has about 135" in said
    assert "This is at all training rows; `bench leaderboard --run" in said
    assert "Learning and cost curves by family, tuned" in said
    assert "0 cells to do, 27 done before" in bench("run", suite, "--executor", "inline")

    best = {(row["task"], row["learner"], row["train_cap"]): row for row in bench.rows(BEST)}
    assert len(best) == 27
    defaults = bench.rows(DEFAULTS)
    drawn = records(bench("curves", "--format", "csv"))
    assert [row["entry"] for row in drawn] == ["dummy", "linear", "random-forest"]
    for row in drawn:
        slopes, costs = [], []
        for task in sorted(TASKS):
            found = [best[task, row["entry"], cap] for cap in (40, 80, None)]
            n = [each["n_train"] for each in found]
            assert n[:2] == [40, 80]
            assert 80 < n[2] < 1000
            slopes.append(-np.polyfit(np.log(n), [log_error(each) for each in found], 1)[0])
            spent = [d for d in defaults if (d["task"], d["learner"]) == (task, row["entry"])]
            lines = np.log([d["n_train"] for d in spent]), np.log([d["billed_s"] for d in spent])
            costs.append(np.polyfit(*lines, 1)[0])
        for name, values in (("error", slopes), ("time", costs)):
            np.testing.assert_allclose(float(row[f"{name}_exponent"]), np.mean(values), atol=1e-9)
            (low,), (high,) = bootstrap_means(np.array([values]))
            assert float(row[f"{name}_exponent_low"]) == pytest.approx(low, abs=1e-9)
            assert float(row[f"{name}_exponent_high"]) == pytest.approx(high, abs=1e-9)
        errors = [np.mean([log_error(best[task, row["entry"], cap]) for task in TASKS]) for cap in (40, None)]
        np.testing.assert_allclose(float(row["error_at_40"]), np.exp(errors[0]))
        np.testing.assert_allclose(float(row["error_at_full"]), np.exp(errors[1]))

    shown = " ".join(bench("leaderboard").split())
    places = [shown.index(f", {size} training rows. Budget") for size in ("40", "80", "all")]
    assert places == sorted(places)
    assert "3 tables are not at every size" in shown
    sizes = [row["train_rows"] for row in records(bench("leaderboard", "--format", "csv"))]
    assert sizes == [size for size in ("40", "80", "full") for _ in range(3)]
    boards = json.loads(bench("leaderboard", "--format", "json"))
    assert [board["rows"][0]["train_rows"] for board in boards] == [40, 80, "full"]
    alone = records(bench("leaderboard", "--format", "csv", "--train-rows", "80"))
    assert {row["train_rows"] for row in alone} == {"80"}
    refused = bench("leaderboard", "--train-rows", "1000", code=2)
    assert "no cell of this run is at 1000 training rows (there: 40, 80, full)" in refused
    assert "/r0f0-t300/" in bench("show", "linear", "--code", "--task", "wine"), "of the largest size"
    assert "/r0f0-n40-t300/" in bench("show", "wine/r0f0-n40-t300/linear", "--code")


def test_one_size_of_several_can_be_run_alone(bench, suite):
    said = " ".join(bench("run", suite, "--executor", "inline", "-k", "n40 and iris").split())
    assert "3 cells: 3 ok" in said
    assert "Learning and cost curves" not in said
    assert "training rows. Budget" not in said, "there is no other size to tell it from"
    assert 'a suite needs `[caps] train_rows = [250, 1000, "full"]`' in bench("curves", code=2)
