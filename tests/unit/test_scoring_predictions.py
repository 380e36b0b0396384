"""Predictions have one shape, whatever the estimator offers."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import SVC

from bench.datasets import ProblemType
from bench.scoring.predictions import Prediction, average, finite, predict, prediction_hash, to_float32

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION


@pytest.fixture
def X() -> pd.DataFrame:  # noqa: N802
    return pd.DataFrame(np.random.default_rng(0).normal(size=(90, 3)), columns=list("abc"))


def test_probabilities_follow_the_class_codes_and_an_unseen_class_has_none(X):
    y = np.random.default_rng(1).choice([0, 2, 3], size=90)
    model = LogisticRegression().fit(X, y)
    found = predict(model, X, MULTICLASS, 5)
    assert found.kind == "probability"
    np.testing.assert_array_equal(found.values[:, [0, 2, 3]], model.predict_proba(X))
    assert not found.values[:, [1, 4]].any()


def test_a_binary_decision_is_the_second_column_and_its_negative_the_first(X):
    y = (X["a"] > 0).to_numpy().astype(int)
    model = SVC().fit(X, y)
    found = predict(model, X, BINARY, 2)
    assert found.kind == "decision"
    np.testing.assert_array_equal(
        found.values, np.column_stack((-model.decision_function(X), model.decision_function(X)))
    )


def test_decision_values_of_an_unseen_class_are_finite_and_never_the_largest(X):
    y = np.random.default_rng(2).choice([1, 2, 4], size=90)
    model = SVC().fit(X, y)
    found = predict(model, X, MULTICLASS, 5)
    assert finite(found)
    np.testing.assert_array_equal(found.values.argmax(axis=1), model.predict(X))
    assert (found.values[:, [0, 3]] < found.values[:, [1, 2, 4]].min(axis=1, keepdims=True)).all()


def test_two_seen_classes_of_many_keep_their_places(X):
    y = np.where(X["a"] > 0, 3, 1)
    model = SVC().fit(X, y)
    np.testing.assert_array_equal(predict(model, X, MULTICLASS, 4).values.argmax(axis=1), model.predict(X))


def test_a_wrong_number_of_columns_is_refused(X):
    class Wrong:
        classes_ = np.arange(3)

        def predict_proba(self, X):
            return np.ones((len(X), 2)) / 2

    with pytest.raises(ValueError, match=r"shape \(90, 2\) for 3 classes"):
        predict(Wrong(), X, MULTICLASS, 3)


def test_a_regression_is_a_column_of_values_or_a_distribution(X):
    class Gaussian:
        def predict_distribution(self, X):
            return np.arange(len(X)), np.full((len(X), 1), 2.0)

    model = Ridge().fit(X, X[["a"]])
    found = predict(model, X, REGRESSION, 0)
    assert found.sd is None
    np.testing.assert_array_equal(found.values, model.predict(X).ravel())
    distribution = predict(Gaussian(), X, REGRESSION, 0)
    assert distribution.sd is not None
    assert distribution.values.shape == distribution.sd.shape == (90,)


def test_the_average_of_distributions_is_the_mixture_that_samples_have():
    rng = np.random.default_rng(3)
    means, sds = np.array([-1.0, 0.5, 4.0]), np.array([0.5, 2.0, 1.0])
    parts = [
        Prediction(kind="value", values=np.array([m]), sd=np.array([s]))
        for m, s in zip(means, sds, strict=True)
    ]
    samples = rng.normal(means, sds, size=(400_000, 3)).ravel()
    mixture = average(parts)
    assert mixture.sd is not None
    assert mixture.values[0] == pytest.approx(samples.mean(), abs=0.02)
    assert mixture.sd[0] == pytest.approx(samples.std(), abs=0.02)


def test_the_average_of_one_is_itself_and_a_missing_sd_makes_no_sd():
    one = Prediction(kind="value", values=np.array([1.0, 3.0]), sd=np.array([0.5, 2.0]))
    other = Prediction(kind="value", values=np.array([3.0, 5.0]))
    assert prediction_hash(average([one])) == prediction_hash(one)
    assert average([one, other]).sd is None
    np.testing.assert_array_equal(average([one, other]).values, [2.0, 4.0])


def test_kinds_are_never_averaged_together():
    parts = [Prediction(kind=kind, values=np.eye(2)) for kind in ("probability", "decision")]
    for wrong in (parts, []):
        with pytest.raises(ValueError, match="of one kind"):
            average(wrong)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_is_seen_wherever_it_stands(bad):
    values, sd = np.ones(3), np.ones(3)
    assert finite(Prediction(kind="value", values=values, sd=sd))
    assert not finite(Prediction(kind="value", values=values, sd=np.array([1.0, bad, 1.0])))
    assert not finite(Prediction(kind="value", values=np.array([bad, 1.0, 1.0]), sd=sd))


def test_the_hash_is_of_single_precision_bytes_row_by_row():
    values = np.random.default_rng(4).random((6, 3))
    expected = hashlib.sha256(values.astype(np.float32).tobytes()).hexdigest()[:16]
    for layout in (values, np.asfortranarray(values), values + 1e-12):
        assert prediction_hash(Prediction(kind="probability", values=layout)) == expected
    first, second = (Prediction(kind="value", values=np.array([v])) for v in (1.0, 2.0))
    assert prediction_hash(first, second) != prediction_hash(second, first)
    assert to_float32(first).values.dtype == np.float32
