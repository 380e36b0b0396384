"""A support vector machine on features that approximate a Gaussian kernel, for tables of many rows."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.kernel_approximation import Nystroem
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline, NoDeadline
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators.linear_scores import (
    Penalty,
    fit_linear,
    squared_epsilon_insensitive,
    squared_hinge,
)

CHUNK_ROWS = 2000
"""Rows whose features are made at a time, between two looks at the clock."""


class NystroemMachine(BaseEstimator):
    """Linear SVM on Nystroem features (Williams and Seeger, 2001) of rows drawn by the seed.

    The losses are the squared hinge (one class against the rest) and the squared epsilon-insensitive one,
    as in LIBLINEAR (Fan et al., 2008), minimised by L-BFGS in a fifth of the time. The intercept has no
    penalty here, while LIBLINEAR's has one: the minima differ a little.
    `gamma` as in scikit-learn's SVC. After `fit`: `features_`, `fit_`, `truncated_`.
    """

    def __init__(
        self,
        *,
        n_landmarks: int = 500,
        gamma: float | str = "scale",
        C: float = 1.0,
        epsilon: float = 0.1,
        classification: bool = True,
        seed: int = 0,
    ) -> None:
        self.n_landmarks = n_landmarks
        self.gamma = gamma
        self.C = C
        self.epsilon = epsilon
        self.classification = classification
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p) and class codes or values y (n,)."""
        deadline = deadline if deadline is not None else NoDeadline()
        variance = X.var()
        gamma = (
            1.0 / (X.shape[1] * variance if variance > 0 else 1.0) if self.gamma == "scale" else self.gamma
        )
        landmarks = min(self.n_landmarks, len(X))
        self.features_ = Nystroem(gamma=gamma, n_components=landmarks, random_state=self.seed).fit(X)
        Z = self._features(X, deadline)
        n_classes = int(y.max()) + 1 if self.classification else 0
        if self.classification:
            signs = np.where(np.arange(n_classes) == y[:, None], 1.0, -1.0)
            loss = squared_hinge(signs[:, 1:] if n_classes == 2 else signs)
        else:
            loss = squared_epsilon_insensitive(y, self.epsilon)
        penalty = Penalty(ridge=1.0 / (self.C * len(X)))
        self.fit_ = fit_linear(Z, n_classes if n_classes > 2 else 1, loss, penalty, deadline=deadline)
        self.truncated_ = self.fit_.truncated
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        scores = self._scores(X)
        if not self.classification:
            return scores[:, 0]
        return scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(int)

    @available_if(lambda self: self.classification)
    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return distances (n,) for two classes, (n, k) for more."""
        scores = self._scores(X)
        return scores if scores.shape[1] > 1 else scores[:, 0]

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return self.fit_.scores(self._features(X, NoDeadline()))

    def _features(self, X: np.ndarray, deadline: Deadline) -> np.ndarray:
        Z = np.empty((len(X), self.features_.n_components))
        for start in range(0, len(X), CHUNK_ROWS):
            if deadline.remaining_s() <= 0:
                raise DeadlinePassed("the deadline passed while kernel features were made")
            rows = slice(start, start + CHUNK_ROWS)
            Z[rows] = self.features_.transform(X[rows])
        return Z
