"""Nearest neighbours that ask for no more neighbours than there are rows."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor


class _Nearest(BaseEstimator):
    """scikit-learn's estimator with `n_neighbors` cut to the number of fit rows."""

    _library: type[Any]

    def __init__(self, n_neighbors: int = 5, weights: str = "uniform", p: float = 2) -> None:
        self.n_neighbors = n_neighbors
        self.weights = weights
        self.p = p

    def fit(self, X: np.ndarray, y: np.ndarray) -> Self:
        """Store the rows."""
        n_neighbors = min(self.n_neighbors, len(X))
        self.neighbors_ = self._library(n_neighbors, weights=self.weights, p=self.p, n_jobs=1).fit(X, y)
        return self


class NearestClassifier(_Nearest):
    """The share of each class among the nearest rows."""

    _library = KNeighborsClassifier

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return shares (n, k)."""
        return np.asarray(self.neighbors_.predict_proba(X))


class NearestRegressor(_Nearest):
    """The mean of the nearest rows."""

    _library = KNeighborsRegressor

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,)."""
        return np.asarray(self.neighbors_.predict(X))
