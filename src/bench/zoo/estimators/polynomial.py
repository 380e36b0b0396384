"""Linear models on all products of features up to a degree."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from sklearn.base import BaseEstimator
from sklearn.linear_model import Ridge
from sklearn.preprocessing import PolynomialFeatures
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators.linear_scores import LinearFit, LogisticModel, class_log_probabilities
from bench.zoo.polynomial_cost import (
    FASTEST,
    MAX_BYTES,
    expansion_s,
    gram_s,
    n_products,
    product_bytes,
    system_s,
)

CHUNK_BYTES = 64 * 1024**2
"""The products of so many rows at a time are made to predict."""
JITTER = 1e-10
"""Times the mean of the diagonal, added to the rows' inner products: centred rows have no full rank."""


@dataclass(frozen=True, slots=True)
class Products:
    """The products that vary over the fit rows, each scaled to mean 0 and SD 1 there.

    A feature beyond what the fit rows held is taken for the nearest that they held: a polynomial says
    nothing out there, and its powers would say it loudly.
    """

    lowest: np.ndarray
    highest: np.ndarray
    library: PolynomialFeatures
    varying: np.ndarray
    mean: np.ndarray
    sd: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, *, degree: int, interaction_only: bool = False) -> tuple[Self, np.ndarray]:
        """Find those of the fit rows X (n, p); return them and what they are there, shape (n, q).

        Raises MemoryError, before making any, where they need too much memory.
        """
        count_products(X, degree=degree, interaction_only=interaction_only)
        library = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False, order="C")
        Z = library.fit_transform(X)
        mean, sd = Z.mean(axis=0), Z.std(axis=0)
        varying = sd > 1e-10 * np.maximum(1.0, np.abs(mean))
        found = cls(X.min(axis=0), X.max(axis=0), library, varying, mean[varying], sd[varying])
        return found, found._scaled(Z)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return the products of X (n, p), shape (n, q)."""
        return self._scaled(self.library.transform(np.clip(X, self.lowest, self.highest)))

    def _scaled(self, products: np.ndarray) -> np.ndarray:
        if not self.varying.all():
            products = products[:, self.varying]
        products -= self.mean
        products /= self.sd
        return products


def count_products(X: np.ndarray, *, degree: int, interaction_only: bool = False) -> int:
    """Return how many products there are of X (n, p); raise MemoryError where they need too much memory."""
    n_rows, n_columns = X.shape
    products = n_products(n_columns, degree=degree, interaction_only=interaction_only)
    needed = product_bytes(n_rows, products)
    if needed > MAX_BYTES:
        raise MemoryError(
            f"the {products:,} products of degree {degree} of {n_columns} encoded columns would "
            f"take {needed / 1e9:.1f} GB on {n_rows:,} rows; limit {MAX_BYTES / 1e9:.1f} GB"
        )
    return products


def require_s(deadline: Deadline | None, needed_s: float, what: str) -> None:
    """Raise DeadlinePassed where something foretold to take so long cannot end in time on any core."""
    left_s = math.inf if deadline is None else deadline.remaining_s()
    least_s = FASTEST * needed_s
    if left_s <= least_s:
        raise DeadlinePassed(f"{max(0.0, left_s):.2g} s are left, {what} would take at least {least_s:.2g} s")


class PolynomialModel(BaseEstimator):
    """Ridge (Hoerl and Kennard, 1970) or L2-penalised logistic regression on products of features.

    With more products q than rows n either is solved among the rows, n x n, which is the same model: its
    weights are combinations of rows (Schoelkopf, Herbrich and Smola, 2001).
    `penalty` times q is ridge's alpha, or 1 / C: so the functions that are likely have the same size however
    many products there are. After `fit`: `products_`, `fit_`, `truncated_`.
    """

    def __init__(
        self,
        degree: int = 2,
        *,
        interaction_only: bool = False,
        penalty: float = 0.1,
        classification: bool = True,
    ) -> None:
        self.degree = degree
        self.interaction_only = interaction_only
        self.penalty = penalty
        self.classification = classification

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p).

        Raises MemoryError, before taking any, where the products need too much; DeadlinePassed where
        the products and the factorisation cannot end in the time left, before the one and before the other.
        """
        n_rows = len(X)
        most = count_products(X, degree=self.degree, interaction_only=self.interaction_only)
        needed_s = expansion_s(n_rows, most) + self._solve_s(n_rows, most)
        require_s(deadline, needed_s, f"to make {most:,} products of {n_rows:,} rows and solve for them")
        self.products_, Z = Products.of(X, degree=self.degree, interaction_only=self.interaction_only)
        require_s(
            deadline, self._solve_s(*Z.shape), f"to solve for {Z.shape[1]:,} products of {n_rows:,} rows"
        )
        self.fit_ = self._logistic(Z, y, deadline) if self.classification else self._ridge(Z, y)
        self.truncated_ = self.fit_.truncated
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        scores = self._scores(X)
        return class_log_probabilities(scores).argmax(axis=1) if self.classification else scores[:, 0]

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return np.exp(class_log_probabilities(self._scores(X)))

    def _solve_s(self, n_rows: int, products: int) -> float:
        """Return the seconds that nothing can cut: logistic regression among the features polls."""
        if self.classification and products <= n_rows:
            return 0.0
        return gram_s(n_rows, products) + system_s(n_rows, products)

    def _ridge(self, Z: np.ndarray, y: np.ndarray) -> LinearFit:
        library = Ridge(alpha=self.penalty * Z.shape[1], copy_X=False).fit(
            Z, y
        )  # among the rows where they are fewer
        return LinearFit(library.coef_[:, None], np.atleast_1d(library.intercept_), truncated=False)

    def _logistic(self, Z: np.ndarray, y: np.ndarray, deadline: Deadline | None) -> LinearFit:
        model: Any = LogisticModel(C=1.0 / (self.penalty * Z.shape[1]))
        n_rows, n_features = Z.shape
        if n_features <= n_rows:
            return model.fit(Z, y, deadline=deadline).fit_
        inner = Z @ Z.T
        inner.flat[:: n_rows + 1] += JITTER * np.trace(inner) / n_rows
        rows = cholesky(inner, lower=True, overwrite_a=True)
        fit = model.fit(rows, y, deadline=deadline).fit_
        weights = Z.T @ solve_triangular(rows, fit.weights, lower=True, trans="T")
        return LinearFit(weights, fit.intercepts, truncated=fit.truncated)

    def _scores(self, X: np.ndarray) -> np.ndarray:
        chunk = max(1, CHUNK_BYTES // (8 * self.products_.library.n_output_features_))
        parts = [
            self.fit_.scores(self.products_(X[start : start + chunk])) for start in range(0, len(X), chunk)
        ]
        return np.concatenate(parts)
