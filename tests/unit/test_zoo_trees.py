"""Histogram gradient boosting and extra-trees against the library used plainly."""

import numpy as np
import pytest
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
)

from bench.zoo.estimators import histogram
from bench.zoo.estimators.forest import Forest
from bench.zoo.estimators.histogram import HistogramModel
from bench.zoo.estimators.rounds import PATIENCE_ROUNDS


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    X[rng.random(X.shape) < 0.1] = np.nan
    values = np.nan_to_num(X)
    return X, values[:, 0] - 2 * values[:, 1] * (values[:, 2] > 0) + 0.3 * rng.normal(size=300)


def targets(y, n_classes):
    return y if not n_classes else np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


@pytest.mark.parametrize("n_classes", [0, 2, 3])
def test_the_best_rounds_are_the_library_s_own_to_the_last_bit(rows, n_classes, ticking):
    X, y = rows[0], targets(rows[1], n_classes)
    params = {"learning_rate": 0.2, "max_leaf_nodes": 8, "max_features": 0.7}
    fit = HistogramModel(params, classification=n_classes > 0, seed=5)
    fit.fit(X[:200], y[:200], validation=(X[200:], y[200:]), deadline=ticking(1e6))
    assert not fit.truncated_
    assert fit.booster_.n_iter_ == fit.rounds_ + PATIENCE_ROUNDS

    library = HistGradientBoostingClassifier if n_classes else HistGradientBoostingRegressor
    plain = library(**params, max_iter=fit.rounds_, early_stopping=False, random_state=5).fit(
        X[:200], y[:200]
    )
    output = "predict_proba" if n_classes else "predict"
    np.testing.assert_array_equal(getattr(fit, output)(X), getattr(plain, output)(X))
    np.testing.assert_array_equal(fit.predict(X), plain.predict(X))


@pytest.mark.parametrize("classification", [True, False])
def test_the_validation_rows_choose_the_rounds(rows, classification):
    X, y = rows[0], targets(rows[1], 2 * classification)
    fit = HistogramModel({"learning_rate": 0.3}, classification=classification)
    fit.fit(X[:200], y[:200], validation=(X[200:], y[200:]))
    stages = (
        fit.booster_.staged_predict_proba(X[200:]) if classification else fit.booster_.staged_predict(X[200:])
    )
    truth = y[200:]
    losses = [
        -np.log(p[np.arange(100), truth]).mean() if classification else ((p - truth) ** 2).mean()
        for p in stages
    ]
    assert losses[fit.rounds_ - 1] == pytest.approx(min(losses), rel=1e-9)
    assert 1 < fit.rounds_ < len(losses)


def test_boosting_stops_between_rounds_at_the_deadline(rows, ticking):
    X, y = rows
    for validation in (None, (X[200:], y[200:])):
        fit = HistogramModel({"learning_rate": 0.01}, classification=False)
        fit.fit(X[:200], y[:200], validation=validation, deadline=ticking(41))
        assert fit.truncated_
        assert 10 < fit.rounds_ < 40
        assert np.isfinite(fit.predict(X)).all()


def test_without_validation_rows_a_fixed_number_grows(rows):
    fit = HistogramModel({"learning_rate": 0.2}, classification=False).fit(*rows)
    assert fit.rounds_ == fit.booster_.n_iter_ == 50


def test_a_library_that_does_not_ask_is_noticed(rows, monkeypatch):
    base = histogram._WatchedRegressor.__mro__[2]
    monkeypatch.setattr(histogram, "_WatchedRegressor", type("Renamed", (base,), {"asked": 0}))
    with pytest.raises(RuntimeError, match="asked 0 times in 100 rounds"):
        HistogramModel(classification=False).fit(*rows)


def test_categories_are_split_as_sets_up_to_the_bins():
    """Codes whose order says nothing: one native split parts even from odd, an ordinal one cannot."""
    for levels, native in ((12, True), (300, False)):
        codes = np.repeat(np.arange(float(levels)), 40)
        one_split = {"max_leaf_nodes": 2, "learning_rate": 1.0, "min_samples_leaf": 1, "max_bins": 255}
        fit = HistogramModel(one_split, classification=False).fit(codes[:, None], codes % 2, categorical=(0,))
        fit.rounds_ = 1
        right = ((fit.predict(codes[:, None]) > 0.5) == (codes % 2 > 0.5)).mean()
        assert (right == 1) == native
        assert np.isfinite(fit.predict(np.array([[np.nan], [-1.0], [1e6]]))).all()


def test_a_column_without_values_harms_nothing(rows):
    X, y = rows
    empty = np.full((300, 2), np.nan)
    with_empty = HistogramModel(classification=False).fit(np.hstack([X, empty]), y, categorical=(5,))
    expected = HistogramModel(classification=False).fit(X, y).predict(X)
    np.testing.assert_array_equal(with_empty.predict(np.hstack([X, empty])), expected)


@pytest.mark.parametrize("classification", [True, False])
def test_extra_trees_grown_in_steps_are_those_grown_at_once(rows, classification, ticking):
    X, y = rows[0], targets(rows[1], 2 * classification)
    library = ExtraTreesClassifier if classification else ExtraTreesRegressor
    params = {"n_estimators": 13, "bootstrap": False}
    forest = Forest(params, splits="extra", classification=classification, seed=3).fit(X, y)
    assert not forest.truncated_
    np.testing.assert_array_equal(forest.predict(X), library(**params, random_state=3).fit(X, y).predict(X))
    cut = Forest({"n_estimators": 500}, splits="extra", classification=classification)
    assert cut.fit(X, y, deadline=ticking(60)).truncated_
