"""Scores agree with scikit-learn, with numerical integration, and with a by-hand calibration error."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import integrate, stats
from sklearn import metrics as sk

from bench.datasets import ProblemType
from bench.metrics import METRICS
from bench.scoring.metrics import all_metrics, mean_score, score
from bench.scoring.predictions import Prediction

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION


def probabilities(n: int, n_classes: int, seed: int, levels: int | None = None) -> Prediction:
    rng = np.random.default_rng(seed)
    values = rng.dirichlet(np.ones(n_classes), n)
    if levels is not None:
        first = np.round(values[:, :1] * levels) / levels
        values = np.hstack((first, 1 - first))
    return Prediction(kind="probability", values=values)


@pytest.mark.parametrize("levels", [None, 7, 1])
def test_auc_agrees_with_scikit_learn_with_and_without_ties(levels):
    y = np.random.default_rng(1).integers(2, size=501)
    prediction = probabilities(501, 2, seed=2, levels=levels)
    expected = sk.roc_auc_score(y, prediction.values[:, 1])
    assert score(BINARY, y, prediction, math.nan) == pytest.approx(1 - expected, abs=1e-12)


def test_binary_metrics_agree_with_scikit_learn():
    y = np.random.default_rng(3).integers(2, size=400)
    prediction = probabilities(400, 2, seed=4)
    label, positive = prediction.values.argmax(axis=1), prediction.values[:, 1]
    found = all_metrics(BINARY, y, prediction, math.nan)
    expected = {
        "auc": sk.roc_auc_score(y, positive),
        "error_rate": 1 - sk.accuracy_score(y, label),
        "balanced_accuracy": sk.balanced_accuracy_score(y, label),
        "log_loss": sk.log_loss(y, prediction.values),
        "brier": sk.brier_score_loss(y, positive),
    }
    assert found == pytest.approx({**expected, "ece": found["ece"]}, abs=1e-12)


def test_multiclass_metrics_agree_with_scikit_learn():
    y = np.random.default_rng(5).integers(4, size=300)
    prediction = probabilities(300, 4, seed=6)
    label = prediction.values.argmax(axis=1)
    found = all_metrics(MULTICLASS, y, prediction, math.nan)
    expected = {
        "error_rate": 1 - sk.accuracy_score(y, label),
        "balanced_accuracy": sk.balanced_accuracy_score(y, label),
        "log_loss": sk.log_loss(y, prediction.values, labels=range(4)),
        "brier": np.mean(np.sum((prediction.values - np.eye(4)[y]) ** 2, axis=1)),
    }
    assert found == pytest.approx({**expected, "ece": found["ece"]}, abs=1e-12)
    assert score(MULTICLASS, y, prediction, math.nan) == found["error_rate"]


def test_a_certain_and_wrong_probability_has_the_log_loss_of_scikit_learn():
    y = np.array([0, 1, 1])
    prediction = Prediction(kind="probability", values=np.array([[1.0, 0.0], [1.0, 0.0], [0.5, 0.5]]))
    found = all_metrics(BINARY, y, prediction, math.nan)["log_loss"]
    assert found == pytest.approx(sk.log_loss(y, prediction.values), rel=1e-12)


def test_calibration_error_agrees_with_a_loop_over_fifteen_bins():
    y = np.random.default_rng(7).integers(3, size=2_000)
    values = probabilities(2_000, 3, seed=8).values
    values[:3] = np.eye(3)
    values[3:600], y[3:600] = [0.6, 0.4, 0.0], 0  # on the upper edge of a bin, to which it belongs
    confidence, label = values.max(axis=1), values.argmax(axis=1)
    expected = 0.0
    for i in range(15):
        inside = (confidence > i / 15) & (confidence <= (i + 1) / 15)
        if inside.any():
            gap = abs(confidence[inside].mean() - (label == y)[inside].mean())
            expected += inside.mean() * gap
    found = all_metrics(MULTICLASS, y, Prediction(kind="probability", values=values), math.nan)["ece"]
    assert found == pytest.approx(expected, abs=1e-12)


def test_regression_metrics_agree_with_scikit_learn():
    rng = np.random.default_rng(9)
    y, values = rng.normal(size=200), rng.normal(size=200)
    found = all_metrics(REGRESSION, y, Prediction(kind="value", values=values), 2.5)
    rmse = sk.root_mean_squared_error(y, values)
    expected = {
        "rmse": rmse,
        "nrmse": rmse / 2.5,
        "mae": sk.mean_absolute_error(y, values),
        "r2": sk.r2_score(y, values),
    }
    assert found == pytest.approx(expected, abs=1e-12)
    assert score(REGRESSION, y, Prediction(kind="value", values=values), 2.5) == found["nrmse"]


@pytest.mark.parametrize(("mean", "sd", "y"), [(0.0, 1.0, 0.3), (2.0, 0.1, 1.5), (-1.0, 3.0, 8.0)])
def test_densities_agree_with_numerical_integration(mean, sd, y):
    prediction = Prediction(kind="value", values=np.array([mean]), sd=np.array([sd]))
    found = all_metrics(REGRESSION, np.array([y]), prediction, 1.0)
    below = integrate.quad(lambda x: stats.norm.cdf(x, mean, sd) ** 2, mean - 12 * sd, y, epsabs=1e-12)[0]
    above = integrate.quad(
        lambda x: stats.norm.sf(x, mean, sd) ** 2, y, max(y, mean) + 12 * sd, epsabs=1e-12
    )[0]
    assert found["crps"] == pytest.approx(below + above, abs=1e-8)
    assert found["log_density"] == pytest.approx(stats.norm.logpdf(y, mean, sd), abs=1e-12)


def test_every_metric_in_the_catalogue_is_computed_and_no_other():
    y = np.array([0, 1, 1, 0])
    density = Prediction(kind="value", values=np.arange(4.0), sd=np.ones(4))
    binary = all_metrics(BINARY, y, probabilities(4, 2, seed=0), math.nan)
    assert binary.keys() | all_metrics(REGRESSION, y * 1.5, density, 1.0).keys() == METRICS.keys()


def test_decision_values_offer_no_probability_metric():
    prediction = Prediction(kind="decision", values=np.array([[1.0, -1.0], [-2.0, 2.0], [0.5, -0.5]]))
    found = all_metrics(BINARY, np.array([0, 1, 1]), prediction, math.nan)
    assert found.keys() == {"auc", "error_rate", "balanced_accuracy"}


def test_ties_between_classes_go_to_the_lowest():
    prediction = Prediction(kind="probability", values=np.full((2, 4), 0.25))
    assert score(MULTICLASS, np.array([0, 3]), prediction, math.nan) == 0.5


def test_what_is_undefined_is_left_out_of_all_metrics_and_refused_as_a_score():
    one_class = np.ones(3, dtype=int)
    prediction = probabilities(3, 2, seed=0)
    assert "auc" not in all_metrics(BINARY, one_class, prediction, math.nan)
    with pytest.raises(ValueError, match="all 3 rows are of class 1"):
        score(BINARY, one_class, prediction, math.nan)
    values = Prediction(kind="value", values=np.arange(3.0), sd=np.zeros(3))
    assert all_metrics(REGRESSION, np.ones(3), values, 0.0).keys() == {"rmse", "mae"}
    with pytest.raises(ValueError, match="SD of the target is 0"):
        score(REGRESSION, np.ones(3), values, 0.0)


@pytest.mark.parametrize("y", [np.array([]), np.array([0, 1])])
def test_rows_that_do_not_match_are_refused(y):
    with pytest.raises(ValueError, match="cannot be scored"):
        score(REGRESSION, y, Prediction(kind="value", values=np.ones(3)), 1.0)


def test_a_number_that_is_not_finite_is_refused():
    prediction = Prediction(kind="value", values=np.array([1.0, math.nan]))
    for scored in (score, all_metrics):
        with pytest.raises(ValueError, match="not finite"):
            scored(REGRESSION, np.array([0.0, 1.0]), prediction, 1.0)


def test_scores_over_folds_are_means_and_of_a_regression_the_root_of_the_mean_square():
    assert mean_score(BINARY, [0.1, 0.3]) == pytest.approx(0.2)
    assert mean_score(REGRESSION, [3.0, 4.0]) == pytest.approx(math.sqrt(12.5))
