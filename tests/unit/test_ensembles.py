"""Ensembles agree with a plain search, see no test row, and cost what their members cost."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from functools import partial

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, mean_squared_error, roc_auc_score

from bench.analysis.ensembles import STEPS, CellPredictions, ensembles, greedy_picks
from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.results import Results, results
from bench.analysis.traces import traces
from bench.analysis.views import View, select
from bench.datasets import ProblemType
from bench.scoring.many import Truth, judged, primary_errors
from bench.scoring.metrics import all_metrics, mean_score, score
from bench.scoring.predictions import Prediction, average

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION
CLASSES = {BINARY: 2, MULTICLASS: 4, REGRESSION: 0}
FOLDS = (31, 40, 29)
SD = 1.3


def targets(rng, problem, n):
    return rng.permutation(np.arange(n) % CLASSES[problem]) if CLASSES[problem] else rng.normal(size=n)


def prediction(rng, problem, y, *, kind="probability", sd=False):
    """A prediction that is a little right, coarse enough for ties."""
    k = CLASSES[problem]
    if not k:
        values = (0.5 * y + rng.normal(size=len(y))).round(1).astype("f4")
        return Prediction(kind="value", values=values, sd=np.full(len(y), 0.7, dtype="f4") if sd else None)
    values = rng.integers(1, 9, size=(len(y), k)) + 3.0 * np.eye(k)[y]
    if kind == "decision":
        return Prediction(kind=kind, values=(values - 5).astype("f4"))
    return Prediction(kind=kind, values=(values / values.sum(axis=1, keepdims=True)).astype("f4"))


def fold_score(problem, y, values):
    """The primary score over folds, by scikit-learn, from values in single precision."""
    found = []
    for part in np.split(np.arange(len(y)), np.cumsum(FOLDS)[:-1]):
        match problem:
            case ProblemType.BINARY:
                found.append(1 - roc_auc_score(y[part], values[part, 1]))
            case ProblemType.MULTICLASS:
                found.append(1 - accuracy_score(y[part], values[part].argmax(axis=1)))
            case _:
                found.append(mean_squared_error(y[part], values[part]) / SD**2)
    return math.sqrt(np.mean(found)) if problem is REGRESSION else float(np.mean(found))


def plain_greedy(problem, y, start, candidates):
    """Greedy selection with replacement, step by step; ties to the first, and to the shortest."""
    picked, best, kept = [start], fold_score(problem, y, candidates[start]), [start]
    for _ in range(STEPS - 1):
        mixtures = [
            (sum(candidates[i].astype(float) for i in [*picked, each]) / (len(picked) + 1)).astype("f4")
            for each in range(len(candidates))
        ]
        errors = [fold_score(problem, y, mixed) for mixed in mixtures]
        lowest = min(errors)
        picked.append(next(i for i, error in enumerate(errors) if error <= lowest + 1e-12))
        if lowest < best - 1e-12:
            best, kept = lowest, list(picked)
    return [kept.count(i) for i in range(len(candidates))]


@pytest.mark.parametrize("problem", list(ProblemType))
@pytest.mark.parametrize("seed", range(2))
def test_greedy_selection_agrees_with_a_plain_one_by_scikit_learn(problem, seed):
    rng = np.random.default_rng(seed)
    y = targets(rng, problem, sum(FOLDS))
    made = [prediction(rng, problem, y) for _ in range(6)]
    made.insert(3, made[1])  # a tie in every step
    truth = Truth(problem=problem, y=y, target_sd=SD, fold_rows=FOLDS)
    values = np.stack([judged(problem, each) for each in made])
    start = int(np.argmin(primary_errors(truth, values)))
    picks = greedy_picks(start, values, partial(primary_errors, truth))
    assert picks.tolist() == plain_greedy(problem, y, start, [each.values for each in made])
    assert np.count_nonzero(picks) > 1
    assert picks[3] == 0


@pytest.mark.parametrize("problem", list(ProblemType))
def test_the_error_of_many_is_that_of_each(problem):
    rng = np.random.default_rng(5)
    y = targets(rng, problem, sum(FOLDS))
    kinds = ("probability", "decision") if CLASSES[problem] else ("value",)
    made = [prediction(rng, problem, y, kind=kind) for kind in kinds for _ in range(5)]
    if problem is BINARY:
        zeros = np.column_stack((np.zeros(len(y)), np.where(rng.random(len(y)) < 0.5, -0.0, 0.0)))
        made.append(Prediction(kind="decision", values=zeros.astype("f4")))  # of two signs, and all tied
    found = primary_errors(
        Truth(problem=problem, y=y, target_sd=SD, fold_rows=FOLDS),
        np.stack([judged(problem, each) for each in made]),
    )
    ends = list(zip(np.cumsum(FOLDS), FOLDS, strict=True))
    expected = [
        mean_score(problem, [score(problem, y[e - n : e], part(each, e - n, e), SD) for e, n in ends])
        for each in made
    ]
    np.testing.assert_allclose(found, expected, rtol=1e-15, atol=0)


def part(of, start, end):
    return Prediction(kind=of.kind, values=of.values[start:end])


def test_an_area_that_is_undefined_is_no_number():
    truth = Truth(problem=BINARY, y=np.zeros(3, dtype=int), target_sd=math.nan, fold_rows=(3,))
    assert np.isnan(primary_errors(truth, np.ones((2, 3), dtype="f4"))).all()


class Store:
    """Cells of one split with their trials and predictions, made as a run would."""

    def __init__(self, problem, *, seed=0, budget_s=12.0):
        self.problem, self.budget_s = problem, budget_s
        self.rng = np.random.default_rng(seed)
        self.y = targets(self.rng, problem, sum(FOLDS)), targets(self.rng, problem, 80)
        self.cells, self.trials, self.stored = [], [], {}

    def add(self, learner, *, family="f", n=5, like=None, **of):
        """Add a learner's cell, with predictions of its own or those of another cell."""
        cost_s = of.pop("cost_s", 1.0)
        cell = {
            "cell_id": learner, "evidence_key": learner, "task": "t", "dataset": "d",
            "problem": self.problem.value, "repeat": 0, "fold": 0, "learner": learner, "family": family,
            "intervention": "none", "seed": 0, "device": "cpu1", "status": "ok", "reason": "",
        }  # fmt: skip
        self.cells.append(cell)
        make = partial(prediction, self.rng, self.problem, **of)
        held, tested = {}, {}
        for number in range(n):
            key = (number, 1)
            held[key], tested[key] = (
                (self.stored[like].validation[key], self.stored[like].test[key])
                if like
                else (make(self.y[0]), make(self.y[1]))
            )
            self.trials.append({
                **cell, "validation": "cv3", "attempt": 1, "attempt_budget_s": self.budget_s,
                "attempt_budget_trials": None, "trial": number, "flags": "", "train_score": None,
                "validation_score": fold_score(self.problem, self.y[0], held[key].values),
                "test_score": score(self.problem, self.y[1], tested[key], SD), "test_score_single": None,
                "billed_s": cost_s, "spent_s": cost_s * (number + 1), "unbilled_s": 0.0, "n_test": 80,
                "n_test_minority": 40 if self.problem is BINARY else None,
                "metrics": json.dumps({"test": all_metrics(self.problem, self.y[1], tested[key], SD)}),
            })  # fmt: skip
        self.stored[learner] = CellPredictions(
            problem=self.problem, target_sd=SD, y_validation=self.y[0], y_test=self.y[1], fold_rows=FOLDS,
            validation=held, test=tested,
        )  # fmt: skip

    def traces(self):
        return traces(trials_frame(self.trials), cells_frame(self.cells))

    def show(self, **view) -> Results:
        return results(self.traces(), View(**view), self.stored if view.get("show") == "ensembled" else None)

    def mixtures(self, **view):
        of = self.traces()
        return ensembles(of.cells, select(of, View(show="ensembled", **view)), self.stored)


@pytest.mark.parametrize("problem", list(ProblemType))
def test_test_labels_replaced_by_noise_leave_every_weight(problem):
    store = Store(problem)
    for learner in "abc":
        store.add(learner)
    before = store.mixtures(by="family").mixtures[0]
    noise = targets(np.random.default_rng(99), problem, 80)
    store.stored = {key: replace(cell, y_test=noise) for key, cell in store.stored.items()}
    for row in store.trials:
        row["test_score"], row["metrics"] = 0.123, "{}"
    after = store.mixtures(by="family").mixtures[0]
    assert len(before.weights) > 1
    assert after.weights == before.weights
    assert after.error != before.error


@pytest.mark.parametrize("problem", list(ProblemType))
def test_an_ensemble_is_what_its_weights_say(problem):
    store = Store(problem, seed=3)
    store.add("a", sd=True)
    store.add("b", sd=True)
    mixture = store.mixtures(by="family").mixtures[0]
    total = sum(mixture.weights.values())
    assert total <= STEPS
    members = [(store.stored[key].test[trial, 1], n) for (key, trial), n in mixture.weights.items()]
    mean = sum(n / total * p.values.astype(float) for p, n in members)
    sd = None
    if problem is REGRESSION:
        second = sum(n / total * (p.sd.astype(float) ** 2 + p.values.astype(float) ** 2) for p, n in members)
        sd = np.sqrt(second - mean**2)
    expected = Prediction(kind=members[0][0].kind, values=mean, sd=sd)
    assert mixture.error == pytest.approx(score(problem, store.y[1], expected, SD), rel=1e-6)
    metrics = all_metrics(problem, store.y[1], expected, SD)
    assert mixture.metrics == pytest.approx(metrics, rel=1e-5)
    assert ("log_density" in metrics) == (problem is REGRESSION)


def test_one_member_without_a_distribution_leaves_the_mixture_none():
    store = Store(REGRESSION, seed=3)
    store.add("a", sd=True)
    store.add("b")
    mixture = store.mixtures(by="family").mixtures[0]
    assert {key for key, _ in mixture.weights} == {"a", "b"}
    assert "crps" not in mixture.metrics


@pytest.mark.parametrize("problem", list(ProblemType))
def test_three_copies_of_a_learner_are_that_learner_at_a_third_of_the_budget(problem):
    store = Store(problem)
    store.add("a", family="lone", n=12)
    for copy in "xyz":
        store.add(copy, family="copies", n=12, like="a")
    for budget_s in (3.0, 6.0, 12.0):
        copies = store.show(show="ensembled", by="family", budget_s=budget_s)
        alone = store.show(show="ensembled", budget_s=budget_s / 3)
        assert copies.error[copies.entry == "copies"][0] == alone.error[alone.entry == "a"][0]
        if budget_s == 12.0:
            assert copies.used_s.tolist() == [12.0, 12.0]


def test_seconds_and_trials_are_those_of_the_tuned_view():
    store = Store(BINARY)
    store.add("a")
    store.add("b", cost_s=2.0)
    tuned, ensembled = (store.show(by="family", show=show) for show in ("tuned", "ensembled"))
    assert tuned.error[0] != ensembled.error[0]
    assert tuned.used_s.tolist() == ensembled.used_s.tolist() == [11.0]
    assert tuned.n_trials.tolist() == ensembled.n_trials.tolist()


def test_an_ensemble_that_is_no_better_on_the_validation_rows_is_the_incumbent():
    store = Store(REGRESSION)
    store.add("a", n=1)
    store.add("b", n=4, like=None)
    perfect = Prediction(kind="value", values=store.y[0].astype("f4"))
    store.stored["a"] = replace(store.stored["a"], validation={(0, 1): perfect})
    store.trials[0]["validation_score"] = 0.0
    assert store.mixtures(by="family").mixtures == (None,)
    tuned, ensembled = (store.show(by="family", show=show) for show in ("tuned", "ensembled"))
    assert tuned.error[0] == ensembled.error[0] == store.trials[0]["test_score"]


def test_a_trial_counts_in_an_ensemble_where_it_counts_in_the_view():
    store = Store(BINARY)
    store.add("a", n=10)
    for limit in (1, 2, 5):
        found = store.mixtures(budget_trials=limit).mixtures[0]
        assert found is None or max(trial for _, trial in found.weights) < limit
    assert store.mixtures(budget_trials=1).mixtures == (None,)
    assert store.mixtures(budget_trials=5).mixtures[0] is not None


def test_kinds_do_not_mix_and_that_is_said():
    store = Store(MULTICLASS, seed=1)
    store.add("a")
    store.add("b", kind="decision")
    best = min(store.trials, key=lambda row: row["validation_score"])["learner"]
    found = store.mixtures(by="family")
    assert {key for key, _ in found.mixtures[0].weights} == {best}
    assert len(found.notes) == 1
    assert found.notes[0].startswith("5 trials take no part in ensembles: decision values and probabilities")
    has_probabilities = "log_loss" in found.mixtures[0].metrics
    assert has_probabilities == (best == "a")


def test_predictions_that_are_not_stored_take_no_part_and_without_the_best_one_it_stands_alone():
    store = Store(BINARY)
    store.add("a", n=6)
    order = sorted(range(6), key=lambda number: store.trials[number]["validation_score"])
    held = store.stored["a"].validation
    store.stored["a"] = replace(
        store.stored["a"], validation={key: p for key, p in held.items() if key[0] in order[:2]}
    )
    assert {trial for _, trial in store.mixtures().mixtures[0].weights} == set(order[:2])
    store.stored["a"] = replace(store.stored["a"], validation={(order[1], 1): held[order[1], 1]})
    found = store.show(show="ensembled")
    assert found.error[0] == store.trials[order[0]]["test_score"]
    assert found.notes == (
        "1 of 1 results are no ensembles: the predictions of their best validated trial are not stored",
    )
    store.stored = {}
    assert store.show(show="ensembled").error[0] == found.error[0]


def test_predictions_of_another_attempt_at_a_trial_are_not_its_own():
    store = Store(BINARY)
    store.add("a")
    later = {(number, 2): p for (number, _), p in store.stored["a"].validation.items()}
    store.stored["a"] = replace(store.stored["a"], validation=later, test=later)
    assert store.mixtures().mixtures == (None,)


def test_a_view_of_ensembles_without_predictions_is_refused():
    store = Store(BINARY)
    store.add("a")
    with pytest.raises(ValueError, match="needs the stored predictions"):
        results(store.traces(), View(show="ensembled"))


def test_weights_are_as_good_as_copies():
    rng = np.random.default_rng(0)
    a, b = (Prediction(kind="value", values=rng.normal(size=9), sd=rng.uniform(1, 2, 9)) for _ in range(2))
    weighted, copies = average([a, b], [2, 1]), average([a, a, b])
    np.testing.assert_allclose(weighted.values, copies.values, rtol=1e-14)
    np.testing.assert_allclose(weighted.sd, copies.sd, rtol=1e-14)
    for weights in ([0, 0], [2, -1]):
        with pytest.raises(ValueError, match="weights must be"):
            average([a, b], weights)
