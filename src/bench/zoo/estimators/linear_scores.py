"""Linear scores X W + b under a convex loss and a penalty, fitted by L-BFGS that ends at the deadline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import log_softmax
from sklearn.base import BaseEstimator

from bench.budgets import Deadline
from bench.zoo.estimators.descent import descend

ScoreLoss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""From scores (n, c) to the mean loss and its slopes (n, c)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Penalty:
    """What is added to the mean loss: ridge / 2 * |W|_2^2 + lasso * |W|_1. Intercepts are free."""

    ridge: float
    lasso: float = 0.0


@dataclass(frozen=True, slots=True)
class LinearFit:
    """Weights (p, c), intercepts (c,), and whether the deadline ended the search for them."""

    weights: np.ndarray
    intercepts: np.ndarray
    truncated: bool

    def scores(self, X: np.ndarray) -> np.ndarray:
        """Return scores (n, c)."""
        return X @ self.weights.astype(X.dtype, copy=False) + self.intercepts


def fit_linear(
    X: np.ndarray, n_scores: int, loss: ScoreLoss, penalty: Penalty, *, deadline: Deadline | None = None
) -> LinearFit:
    """Return the weights of the least mean loss plus penalty on X (n, p).

    With an L1 part they are a difference of two vectors that are bounded by zero (Schmidt, Fung and
    Rosales, 2007), so that the loss is smooth and zeros are exact. Products with X are in its precision:
    one in single precision is never copied into double.
    Raises DeadlinePassed where the deadline left no time to get anywhere.
    """
    size = X.shape[1] * n_scores
    parts = 2 if penalty.lasso > 0 else 1

    def unpack(point: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flat = point[:size] - point[size : 2 * size] if parts == 2 else point[:size]
        return flat.reshape(-1, n_scores), point[parts * size :]

    def objective(point: np.ndarray) -> tuple[float, np.ndarray]:
        weights, intercepts = unpack(point)
        value, by_score = loss(X @ weights.astype(X.dtype, copy=False) + intercepts)
        slope = (X.T @ by_score.astype(X.dtype, copy=False) + penalty.ridge * weights).ravel()
        value += 0.5 * penalty.ridge * float((weights**2).sum())
        if parts == 1:
            return value, np.concatenate([slope, by_score.sum(axis=0)])
        value += penalty.lasso * float(point[: 2 * size].sum())
        by_parts = (penalty.lasso + slope, penalty.lasso - slope, by_score.sum(axis=0))
        return value, np.concatenate(by_parts)

    bounds = [(0.0, None)] * (2 * size) + [(None, None)] * n_scores if parts == 2 else None
    start = np.zeros(parts * size + n_scores)
    found = descend(objective, start, deadline=deadline, bounds=bounds)
    return LinearFit(*unpack(found.point), truncated=found.truncated)


def softmax_loss(codes: np.ndarray) -> ScoreLoss:
    """Return the log loss of class codes (n,): of one score (two classes) or one score a class (more)."""
    n_rows, n_classes = len(codes), int(codes.max()) + 1
    truth = np.eye(n_classes)[codes]

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = class_log_probabilities(scores)
        slopes = (np.exp(log_p) - truth)[:, -scores.shape[1] :]
        return -float(log_p[np.arange(n_rows), codes].mean()), slopes / n_rows

    return loss


def class_log_probabilities(scores: np.ndarray) -> np.ndarray:
    """Return (n, k); a single score is that of the second class against the first."""
    logits = np.column_stack([np.zeros(len(scores)), scores]) if scores.shape[1] == 1 else scores
    return np.asarray(log_softmax(logits, axis=1))


def squared_hinge(signs: np.ndarray) -> ScoreLoss:
    """Return the squared hinge loss, summed over classes, of signs +-1 (n, c)."""

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        short = np.maximum(1.0 - signs * scores, 0.0)
        return float((short**2).sum()) / len(signs), -2.0 * signs * short / len(signs)

    return loss


def squared_epsilon_insensitive(values: np.ndarray, epsilon: float) -> ScoreLoss:
    """Return the squared loss of values (n,) beyond a distance of epsilon."""

    def loss(scores: np.ndarray) -> tuple[float, np.ndarray]:
        off = scores - values[:, None]
        beyond = np.sign(off) * np.maximum(np.abs(off) - epsilon, 0.0)
        return float((beyond**2).sum()) / len(values), 2.0 * beyond / len(values)

    return loss


class LogisticModel(BaseEstimator):
    """Logistic (two classes) or softmax regression (more) with an elastic-net penalty.

    Minimises C * sum(log loss) + l1_ratio * |W|_1 + (1 - l1_ratio) / 2 * |W|_2^2, the objective of
    scikit-learn's LogisticRegression, whose solver for it, SAGA, takes ten times as long on 1,500 rows
    and seldom converges. After `fit`: `fit_`, `truncated_`.
    """

    def __init__(self, C: float = 1.0, l1_ratio: float = 0.0) -> None:
        self.C = C
        self.l1_ratio = l1_ratio

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p) and class codes y (n,)."""
        n_classes = int(y.max()) + 1
        scale = 1.0 / (self.C * len(X))
        penalty = Penalty(ridge=(1 - self.l1_ratio) * scale, lasso=self.l1_ratio * scale)
        n_scores = 1 if n_classes == 2 else n_classes
        self.fit_ = fit_linear(X, n_scores, softmax_loss(y), penalty, deadline=deadline)
        self.truncated_ = self.fit_.truncated
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return np.exp(class_log_probabilities(self.fit_.scores(X)))
