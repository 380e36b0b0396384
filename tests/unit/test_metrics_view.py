"""Errors of any metric: which way they point, their floors, and who offers none."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.leaderboard import leaderboard
from bench.analysis.metrics import as_error, floored, problems_with
from bench.analysis.views import View
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.metrics import METRICS
from bench.scoring.metrics import all_metrics
from bench.scoring.predictions import Prediction

PERFECT = {
    "auc": 0.9,
    "error_rate": 0.1,
    "balanced_accuracy": 0.9,
    "log_loss": 0.3,
    "brier": 0.1,
    "ece": 0.05,
}
VALUES = {"rmse": 3.0, "nrmse": 0.5, "mae": 2.0, "r2": 0.75}
DENSITY = {"log_density": -2.0, "crps": 1.5}
LABELS = {name: PERFECT[name] for name in ("auc", "error_rate", "balanced_accuracy")}


def run(results, problem="binary"):
    """Frames of one task, or of (learner, task) to metrics; None for a cell that failed."""
    cells, trials = [], []
    for (learner, task), metrics in results.items():
        cells.append({
            "cell_id": f"{task}/{learner}", "evidence_key": f"{task}/{learner}", "task": task,
            "dataset": task, "problem": problem, "repeat": 0, "fold": 0, "learner": learner,
            "family": learner, "intervention": "none", "seed": 0, "device": "cpu1",
            "status": "ok" if metrics is not None else "crash", "reason": "",
        })  # fmt: skip
        if metrics is not None:
            trials.append({
                **cells[-1], "validation": "holdout25", "attempt": 1, "attempt_budget_s": 4.0,
                "attempt_budget_trials": None, "trial": 0, "flags": "", "validation_score": 0.5,
                "test_score": 0.4, "train_score": None, "test_score_single": None, "billed_s": 1.0,
                "spent_s": 1.0, "unbilled_s": 0.1, "n_test": 100,
                "n_test_minority": 20 if problem == "binary" else None,
                "metrics": json.dumps({"train": {"ece": 0.77}, "test": metrics}),
            })  # fmt: skip
    return trials_frame(trials), cells_frame(cells)


def rows(frames, **view):
    board = leaderboard(*frames, View(**view))
    return {row.entry: row for row in board.rows}, board.notes


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_an_error_is_lower_where_the_metric_is_better(metric):
    low, high = as_error(metric, {metric: 0.2}), as_error(metric, {metric: 0.4})
    assert (low > high) == METRICS[metric].higher_is_better
    assert math.isnan(as_error(metric, {}))


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_problem_types_have_just_the_metrics_that_are_computed_for_them(metric):
    rng = np.random.default_rng(0)
    having = set()
    for problem, k in ((ProblemType.BINARY, 2), (ProblemType.MULTICLASS, 3), (ProblemType.REGRESSION, 0)):
        y = rng.integers(0, k, 30) if k else rng.normal(size=30)
        found = (
            Prediction(kind="probability", values=rng.dirichlet(np.ones(k), 30))
            if k
            else Prediction(kind="value", values=rng.normal(size=30), sd=np.ones(30))
        )
        if metric in all_metrics(problem, y, found, 1.0):
            having.add(problem)
    assert having == set(problems_with(metric))


def floor(error, metric, *, n=9.0, n_minority=math.nan):
    counts = (np.array([n]), np.array([n_minority]))
    return float(floored(np.array([error]), np.array([metric], dtype=object), *counts)[0])


def test_floors():
    assert floor(0.0, "error_rate") == pytest.approx(0.5 / 10)
    assert floor(1 / 3, "error_rate") == pytest.approx(3.5 / 10)
    assert floor(0.1, "auc", n_minority=4.0) == pytest.approx(0.1 + 1 / 8)
    assert floor(0.0, "balanced_accuracy") == pytest.approx(0.5 / 10)
    assert floor(1 / 8, "balanced_accuracy", n_minority=4.0) == pytest.approx(1.5 / 9), "one row of the rarer"
    for metric in ("log_loss", "brier", "ece"):
        assert floor(0.2, metric) == pytest.approx(0.2 + 1 / 18)
    for metric in ("rmse", "nrmse", "mae", "r2", "crps"):
        assert floor(0.7, metric) == 0.7
        assert floor(0.0, metric) > 0
    assert all(math.isfinite(math.log(floor(0.0, name, n_minority=4.0))) for name in METRICS)


@pytest.mark.parametrize(
    ("metric", "primary"), [("auc", "binary"), ("error_rate", "multiclass"), ("nrmse", "regression")]
)
def test_the_metric_behind_the_primary_score_gives_the_same_leaderboard(metric, primary):
    name = {"auc": PERFECT, "error_rate": PERFECT, "nrmse": VALUES}[metric]
    frames = run(
        {
            (learner, task): {**name, metric: 0.1 + i / 10}
            for i, learner in enumerate(("random-forest", "a"))
            for task in "tuv"
        },
        primary,
    )
    frames[0]["test_score"] = [as_error(metric, json.loads(m)["test"]) for m in frames[0]["metrics"]]
    assert [r.overall for r in rows(frames)[0].values()] == [
        r.overall for r in rows(frames, metric=metric)[0].values()
    ]
    assert rows(frames)[0]["a"].overall.mean != 0


@pytest.mark.parametrize("policy", ["fallback", "dummy", "complete-pairs"])
def test_nothing_stands_in_for_a_metric_that_is_not_offered(policy):
    results = {("random-forest", "t"): PERFECT, ("random-forest", "u"): PERFECT, ("dummy", "t"): PERFECT}
    results |= {("dummy", "u"): PERFECT, ("svm", "t"): LABELS, ("svm", "u"): None}
    results |= {("net", "t"): PERFECT, ("net", "u"): None}
    found, notes = rows(run(results), metric="log_loss", failure_policy=policy)
    assert (found["svm"].overall.n, found["svm"].n_tasks, found["svm"].n_failed) == (0, 0, 1)
    assert math.isnan(found["svm"].mean_rank)
    assert found["svm"].n_stood_in == 0, "it crashed on u, and would have had none there either"
    assert found["net"].n_stood_in == (policy != "complete-pairs"), "its failure is stood in for as ever"
    assert "Offers no probabilities, so no log loss, and nothing stands in for it: svm (1 task)" in notes
    assert found["svm"].median_s == 0.5, "of what it ran all the same, and of a crash at once"
    assert rows(run(results), metric="error_rate", failure_policy=policy)[0]["svm"].n_tasks == 1


def test_an_entry_that_offers_a_metric_elsewhere_is_left_out_where_it_does_not():
    results = {(learner, task): PERFECT for learner in ("random-forest", "a") for task in "tu"}
    results["a", "u"] = LABELS
    found, _ = rows(run(results), metric="brier")
    assert (found["a"].overall.n, found["random-forest"].overall.n, found["a"].n_tasks) == (1, 2, 1)


def test_a_reference_without_the_metric_leaves_ranks_and_says_so():
    found, notes = rows(
        run({("random-forest", "t"): VALUES, ("gp", "t"): VALUES | DENSITY}, "regression"), metric="crps"
    )
    assert (found["gp"].overall.n, found["gp"].mean_rank) == (0, 1.0)
    assert "No error ratios on t: the reference random-forest offers no crps there" in notes


def test_tasks_without_the_metric_are_left_out_and_counted():
    binary = run({("random-forest", "t"): PERFECT, ("a", "t"): PERFECT})
    regression = run({("random-forest", "v"): VALUES, ("a", "v"): VALUES}, "regression")
    both = [type(b)(np.vstack([b, r]), columns=b.columns) for b, r in zip(binary, regression, strict=True)]
    frames = trials_frame(both[0]), cells_frame(both[1])
    board = leaderboard(*frames, View(metric="log_loss"))
    assert (board.n_tasks, board.datasets["binary"], board.datasets["regression"]) == (1, 1, 0)
    assert (
        "Left out: 1 of 2 tasks, which have no log loss: it is of binary and multiclass ones" in board.notes
    )


@pytest.mark.parametrize(
    ("metric", "text"),
    [
        ("log_density", "no ratio of it means anything: read it in the density columns"),
        (
            "crps",
            r"no task of this run has crps \(continuous ranked probability score\): it is of regression",
        ),
        ("accuracy", 'no metric "accuracy"'),
    ],
)
def test_a_metric_that_makes_no_error_here_is_refused_in_one_line(metric, text):
    with pytest.raises(ConfigError, match=text) as raised:
        rows(run({("random-forest", "t"): PERFECT}), metric=metric)
    assert "\n" not in str(raised.value)


def test_densities_are_of_targets_over_their_sd():
    rng = np.random.default_rng(1)
    y, mean, sd = rng.normal(size=40), rng.normal(size=40), rng.uniform(0.5, 2.0, size=40)
    boards = []
    for unit in (1.0, 1000.0):
        found = Prediction(kind="value", values=unit * mean, sd=unit * sd)
        metrics = all_metrics(ProblemType.REGRESSION, unit * y, found, unit * 0.9)
        boards.append(rows(run({("gp", "t"): metrics}, "regression"))[0]["gp"].density)
    assert boards[0].crps == pytest.approx(boards[1].crps, rel=1e-12)
    assert boards[0].log_density == pytest.approx(boards[1].log_density, rel=1e-12)
    assert boards[0].n == 1


def test_trials_without_recorded_metrics_have_a_leaderboard_all_the_same():
    trials, cells = run({("random-forest", "t"): PERFECT, ("a", "t"): PERFECT})
    bare = trials_frame(trials.drop(columns="metrics"))
    found = {row.entry: row for row in leaderboard(bare, cells, View()).rows}
    assert found["a"].overall.n == 1
    assert found["a"].calibration.n == 0


@pytest.mark.parametrize("policy", ["fallback", "dummy"])
def test_nothing_stands_in_for_an_entry_without_any_error_of_its_own(policy):
    results = {(learner, task): PERFECT for learner in ("random-forest", "dummy") for task in "tu"}
    results |= {("svm", "t"): None, ("svm", "u"): None, ("net", "t"): PERFECT, ("net", "u"): None}
    found, _ = rows(run(results), failure_policy=policy)
    assert (found["svm"].n_stood_in, found["svm"].n_tasks, found["svm"].overall.n) == (0, 0, 0)
    assert found["net"].n_stood_in == 1
