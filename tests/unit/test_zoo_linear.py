"""Elastic nets and linear scores against scikit-learn's solvers, taken to their limit."""

import warnings

import numpy as np
import pytest
from scipy.optimize import check_grad
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression

from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators import descent, elastic_net
from bench.zoo.estimators.descent import descend
from bench.zoo.estimators.elastic_net import ElasticNetModel
from bench.zoo.estimators.linear_scores import (
    LogisticModel,
    softmax_loss,
    squared_epsilon_insensitive,
    squared_hinge,
)


def table(n_classes, n_rows=300):
    rng = np.random.default_rng(n_classes)
    X = rng.normal(size=(n_rows, 6))
    X[:, 5] = X[:, 0] + 0.1 * X[:, 5]
    score = X[:, 0] - 2 * X[:, 1] * (X[:, 2] > 0) + 0.5 * rng.normal(size=n_rows)
    return X, np.digitize(score, np.quantile(score, np.arange(1, n_classes) / n_classes))


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(("C", "l1_ratio"), [(0.05, 0.5), (10.0, 0.3), (0.1, 1.0), (1.0, 0.0)])
def test_logistic_regression_is_that_of_saga(n_classes, C, l1_ratio):
    X, y = table(n_classes)
    library = LogisticRegression(C=C, l1_ratio=l1_ratio, solver="saga", tol=1e-9, max_iter=20_000).fit(X, y)
    ours = LogisticModel(C=C, l1_ratio=l1_ratio).fit(X, y)
    np.testing.assert_allclose(ours.predict_proba(X), library.predict_proba(X), atol=3e-3)
    reached = objective(library.coef_.T, library.intercept_, (X, y, C, l1_ratio))
    assert objective(ours.fit_.weights, ours.fit_.intercepts, (X, y, C, l1_ratio)) < reached + 1e-6
    if n_classes == 2:  # with more, several sets of weights say the same
        np.testing.assert_allclose(ours.fit_.weights.T, library.coef_, atol=5e-3)
        assert (ours.fit_.weights.T[library.coef_ == 0] == 0).all(), "what the penalty leaves out is out"
    assert not ours.truncated_


def objective(weights, intercepts, problem):
    X, y, C, l1_ratio = problem
    value, _ = softmax_loss(y)(X @ weights + intercepts)
    size = l1_ratio * np.abs(weights).sum() + (1 - l1_ratio) / 2 * (weights**2).sum()
    return value + size / (C * len(X))


def test_slopes_are_those_of_the_losses():
    rng = np.random.default_rng(0)
    codes = np.array([0, 2, 1, 1, 2])
    signs = np.where(np.arange(3) == codes[:, None], 1.0, -1.0)
    for loss, c in (
        (softmax_loss(codes), 3),
        (softmax_loss(np.minimum(codes, 1)), 1),
        (squared_hinge(signs), 3),
        (squared_epsilon_insensitive(rng.normal(size=5), 0.3), 1),
    ):
        error = check_grad(
            lambda s, loss=loss, c=c: loss(s.reshape(5, c))[0],
            lambda s, loss=loss, c=c: loss(s.reshape(5, c))[1].ravel(),
            rng.normal(size=5 * c),
        )
        assert error < 1e-6


@pytest.mark.parametrize(("n_rows", "l1_ratio"), [(300, 0.5), (300, 1.0), (5, 0.5)])
def test_an_elastic_net_of_numbers_is_the_library_s_to_the_last_bit(n_rows, l1_ratio, ticking):
    X, y = table(40, n_rows=max(n_rows, 60))
    X, y = X[:n_rows], y[:n_rows].astype(float)
    library = ElasticNet(alpha=0.1, l1_ratio=l1_ratio, precompute=n_rows > 6).fit(X, y)
    ours = ElasticNetModel(alpha=0.1, l1_ratio=l1_ratio).fit(X, y, deadline=ticking(1e6))
    np.testing.assert_array_equal(ours.predict(X), library.predict(X))


def test_sweeps_go_on_where_they_were(monkeypatch, ticking):
    X, y = table(40)
    y = y.astype(float)
    at_once = ElasticNetModel(alpha=0.01).fit(X, y)
    assert at_once.net_.n_iter_ > 20
    monkeypatch.setattr(elastic_net, "STEP_SWEEPS", 5)
    in_steps = ElasticNetModel(alpha=0.01).fit(X, y)
    assert not in_steps.truncated_
    np.testing.assert_allclose(in_steps.predict(X), at_once.predict(X), atol=0.05)
    cut = ElasticNetModel(alpha=0.01).fit(X, y, deadline=ticking(4))
    assert cut.truncated_
    monkeypatch.setattr(elastic_net, "MAX_STEPS", 2)
    with pytest.warns(ConvergenceWarning, match="no convergence in 10 sweeps"):
        assert not ElasticNetModel(alpha=0.01).fit(X, y).truncated_


def test_a_descent_keeps_its_lowest_point_at_the_deadline(ticking):
    X, y = table(4)
    full = LogisticModel(C=100.0, l1_ratio=0.5).fit(X, y)
    cut = LogisticModel(C=100.0, l1_ratio=0.5).fit(X, y, deadline=ticking(20))
    assert cut.truncated_
    losses = [softmax_loss(y)(fit.fit_.scores(X))[0] for fit in (full, cut)]
    assert losses[0] < losses[1] < 0.9 * np.log(4)
    with pytest.raises(DeadlinePassed, match="first step"):
        LogisticModel().fit(X, y, deadline=ticking(2))


def test_a_descent_that_has_not_arrived_says_so(monkeypatch):
    monkeypatch.setattr(descent, "MAX_ITERATIONS", 3)
    X, y = table(4)
    with pytest.warns(ConvergenceWarning, match="L-BFGS"):
        assert not LogisticModel(C=100.0).fit(X, y).truncated_
    monkeypatch.undo()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = descend(lambda x: (float((x**2).sum()), 2 * x), np.array([3.0, -4.0]))
    np.testing.assert_allclose(found.point, 0, atol=1e-4)
