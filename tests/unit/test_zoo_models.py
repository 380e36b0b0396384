"""Models of the zoo against closed forms, brute force and the libraries used plainly."""

import importlib
import math
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from bench import registry
from bench.datasets import ProblemType
from bench.learners import BuildContext
from bench.zoo.deadlines import Patience, StepClock
from bench.zoo.estimators.forest import Forest
from bench.zoo.estimators.histogram import HistogramModel
from bench.zoo.estimators.lightgbm import LightGBMModel
from bench.zoo.estimators.nearest import NearestClassifier, NearestRegressor
from bench.zoo.estimators.rounds import PATIENCE_ROUNDS, RoundsMonitor, wanted_rounds
from bench.zoo.estimators.xgboost import XGBoostModel


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, X[:, 0] - 2 * X[:, 1] * (X[:, 2] > 0) + 0.3 * rng.normal(size=300)


def test_ridge_is_its_closed_form(rows):
    X, y = rows
    learner = registry.learner("linear")
    config = {"scaling": "standard", "alpha": 7.0}
    context = BuildContext(problem=ProblemType.REGRESSION, n_classes=0, seed=0)
    frame = pd.DataFrame(X, columns=list("abcd"))
    got = learner.build(config, context).fit(frame[:200], y[:200]).predict(frame[200:])
    mean, sd = X[:200].mean(0), X[:200].std(0)
    Z, Zt = (X[:200] - mean) / sd, (X[200:] - mean) / sd
    w = np.linalg.solve(Z.T @ Z + 7.0 * np.eye(4), Z.T @ (y[:200] - y[:200].mean()))
    np.testing.assert_allclose(got, Zt @ w + y[:200].mean(), rtol=1e-10)


@pytest.mark.parametrize("p", [1, 2])
def test_nearest_neighbours_are_found_by_brute_force(rows, p):
    X, y = rows
    labels = (y > 0).astype(int)
    distance = (np.abs(X[200:, None] - X[None, :200]) ** p).sum(-1)
    near = np.argsort(distance, axis=1)[:, :7]
    value = NearestRegressor(7, p=p).fit(X[:200], y[:200]).predict(X[200:])
    np.testing.assert_allclose(value, y[:200][near].mean(1))
    share = NearestClassifier(7, p=p).fit(X[:200], labels[:200]).predict_proba(X[200:])[:, 1]
    np.testing.assert_allclose(share, labels[:200][near].mean(1))


def test_no_more_neighbours_than_rows(rows):
    X, y = rows
    assert NearestRegressor(50).fit(X[:3], y[:3]).predict(X[:1]) == pytest.approx(y[:3].mean())


@pytest.mark.parametrize("classification", [True, False])
def test_a_forest_grown_in_steps_is_the_forest_grown_at_once(rows, classification):
    X, y = rows
    y = (y > 0).astype(int) if classification else y
    library = RandomForestClassifier if classification else RandomForestRegressor
    forest = Forest({"n_estimators": 13}, classification=classification, seed=3).fit(X, y)
    assert len(forest.forest_.estimators_) == 13
    assert not forest.truncated_
    np.testing.assert_array_equal(forest.predict(X), library(13, random_state=3).fit(X, y).predict(X))


def test_a_forest_keeps_what_it_has_grown_by_the_deadline(rows, ticking):
    X, y = rows
    forest = Forest({"n_estimators": 500}, classification=False).fit(X, y, deadline=ticking(60))
    assert forest.truncated_
    assert 10 < len(forest.forest_.estimators_) < 200


@pytest.mark.parametrize("model", [XGBoostModel, LightGBMModel])
@pytest.mark.parametrize("classification", [True, False])
def test_boosting_ends_by_the_validation_rows_and_predicts_at_the_best_round(rows, model, classification):
    X, y = rows
    y = (y > 0).astype(int) if classification else y
    params = {"learning_rate": 0.3}
    fit = model(params, classification=classification).fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    grown = fit.booster_.num_boosted_rounds() if model is XGBoostModel else fit.booster_.current_iteration()
    assert grown == fit.rounds_ + PATIENCE_ROUNDS
    assert not fit.truncated_

    def loss(rounds):
        fit.rounds_ = rounds
        p = fit.predict(X[200:])
        return -np.log(np.where(y[200:], p, 1 - p)).mean() if classification else ((p - y[200:]) ** 2).mean()

    best = fit.rounds_
    losses = [loss(rounds) for rounds in range(1, grown + 1)]
    assert losses[best - 1] == pytest.approx(min(losses), rel=1e-5)


@pytest.mark.parametrize("model", [XGBoostModel, LightGBMModel])
def test_boosting_without_validation_rows_grows_a_fixed_number(rows, model):
    X, y = rows
    fit = model({"learning_rate": 0.2}, classification=False).fit(X, y)
    assert fit.rounds_ == wanted_rounds(0.2, validated=False) == 50


@pytest.mark.parametrize("model", [XGBoostModel, LightGBMModel])
def test_boosting_stops_between_rounds_at_the_deadline(rows, model, ticking):
    X, y = rows
    fit = model({"learning_rate": 0.01}, classification=False).fit(X, y, deadline=ticking(41))
    assert fit.truncated_
    assert 10 < fit.rounds_ < 40
    assert np.isfinite(fit.predict(X)).all()


@pytest.mark.parametrize("model", [XGBoostModel, LightGBMModel])
def test_categories_are_split_as_sets(model):
    """Codes whose order says nothing: one native split parts even from odd, an ordinal one cannot."""
    codes = np.repeat(np.arange(12.0), 40)
    y = codes % 2
    one_split = {
        "max_depth": 1,
        "num_leaves": 2,
        "learning_rate": 1.0,
        "min_data_per_group": 1,
        "cat_smooth": 1.0,
    }
    one_split |= {"max_cat_to_onehot": 1}
    if model is XGBoostModel:
        one_split = {"max_depth": 1, "learning_rate": 1.0, "max_cat_to_onehot": 1}
    X = codes.reshape(-1, 1)
    native = model(one_split, classification=False).fit(X, y, categorical=(0,))
    native.rounds_ = 1
    ordinal = model(one_split, classification=False).fit(X, y)
    ordinal.rounds_ = 1
    assert ((native.predict(X) > 0.5) == (y > 0.5)).all()
    assert ((ordinal.predict(X) > 0.5) == (y > 0.5)).mean() < 0.7


def test_patience_waits_from_the_best_step():
    patience = Patience(2)
    losses = [3.0, 2.0, 2.0, math.nan, 1.0]
    assert [patience.improved(i, loss) for i, loss in enumerate(losses[:4])] == [True, True, False, False]
    assert not patience.over(2)
    assert patience.over(3)


def test_a_step_clock_foretells_the_dearest_step():
    class Manual:
        left_s = 10.0

        def remaining_s(self):
            return self.left_s

    deadline = Manual()
    clock = StepClock(deadline)
    for left_s in (9.0, 6.0, 5.5):
        deadline.left_s = left_s
        clock.step()
    assert clock.step_s == 3.0
    assert clock.affords_step()
    deadline.left_s = 3.0
    assert not clock.affords_step()
    assert StepClock(None).affords(1e9)


def test_a_monitor_without_losses_runs_on_and_counts():
    monitor = RoundsMonitor(None, 1000)
    assert not any(monitor.stop(None) for _ in range(200))
    assert monitor.best_rounds == 200


@pytest.mark.parametrize("library", [XGBoostModel, LightGBMModel, HistogramModel])
@pytest.mark.parametrize("validated", [False, True])
def test_a_model_with_every_wanted_round_is_whole_however_little_time_is_left(
    rows, library, validated, ticking
):
    X, y = rows
    module = importlib.import_module(library.__module__)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "wanted_rounds", lambda rate, *, validated: 10)
        validation = (X[200:], y[200:]) if validated else None
        fits = [
            library({"learning_rate": 0.01}, classification=False).fit(
                X[:200], y[:200], validation=validation, deadline=ticking(left_s)
            )
            for left_s in range(15, 30)
        ]
    assert {fit.truncated_ for fit in fits} == {False, True}
    for fit in fits:
        assert fit.truncated_ == (fit.rounds_ < 10)


def test_a_monitor_truncates_before_the_last_wanted_round_and_not_after_it(ticking):
    deadline = ticking(1e6)
    monitor = RoundsMonitor(deadline, 3)
    assert not monitor.stop(None)
    deadline.left_s = 0.0
    monitor.stop(None)
    assert monitor.truncated
    monitor.stop(None)
    assert not monitor.truncated


@pytest.mark.parametrize("classes", [2, 4, 0])
def test_an_svm_that_converges_in_time_is_the_unlimited_one_and_a_late_one_is_usable(classes):
    from sklearn.svm import SVC, SVR

    from bench.zoo.estimators.svm import StoppableSVC, StoppableSVR

    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 5))
    signal = X[:, 0] * X[:, 1] + rng.normal(size=500) * 0.5
    y = np.digitize(signal, np.quantile(signal, np.linspace(0, 1, classes + 1)[1:-1])) if classes else signal
    ours, library = (StoppableSVC, SVC) if classes else (StoppableSVR, SVR)
    output = "decision_function" if classes else "predict"
    hard = {"C": 300.0, "gamma": 0.05}
    expected = getattr(library(**hard).fit(X, y), output)(X)
    assert np.max(library(**hard).fit(X, y).n_iter_) > 1000, "the short fit does not suffice"

    in_time = ours(**hard).fit(X, y, deadline=Countdown(60.0))
    assert not in_time.truncated_
    np.testing.assert_array_equal(getattr(in_time, output)(X), expected)
    np.testing.assert_array_equal(getattr(ours(**hard).fit(X, y), output)(X), expected)
    assert in_time.get_params() == ours(**hard).get_params()

    late = ours(**hard).fit(X, y, deadline=Countdown(0.001))
    assert late.truncated_
    assert np.isfinite(getattr(late, output)(X)).all()


class Countdown:
    """A deadline so many CPU seconds from now."""

    def __init__(self, seconds):
        self.end_s = time.process_time() + seconds

    def remaining_s(self):
        return self.end_s - time.process_time()
