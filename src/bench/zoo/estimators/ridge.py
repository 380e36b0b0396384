"""Ridge regression on fixed features, a base of bagging and boosting: products, or landmarks of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.metrics.pairwise import rbf_kernel

from bench.budgets import Deadline
from bench.zoo.estimators.bases import Draw, Linear
from bench.zoo.estimators.polynomial import Products, require_s
from bench.zoo.polynomial_cost import gram_s, system_s

DEGREE = 2
SMALLEST_EIGENVALUE = 1e-10
"""Of the landmarks' kernel matrix, as a share of the largest: directions below it are rounding."""

Expansion = Callable[[np.ndarray], np.ndarray]
"""From rows (n, p) to features (n, q)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolynomialBase:
    """Ridge on all products of up to two columns, scaled to mean 0 and SD 1.

    `penalty` is that of products divided by the root of their number: of rows of about unit length.
    """

    penalty: float = 1.0

    def prepare(self, X: np.ndarray, seed: int) -> Ridge:
        """Make the products of X (n, p); raises MemoryError, before taking any, where they need too much."""
        products, Z = Products.of(X, degree=DEGREE)
        return Ridge(products, Z, self.penalty * max(1, Z.shape[1]))


@dataclass(frozen=True, slots=True, kw_only=True)
class NystroemBase:
    """Ridge on a Gaussian kernel seen from `landmarks` fit rows (Williams and Seeger, 2001).

    `width` is the kernel's length scale as a share of the typical distance: exp(-d^2 / (2 width^2 D^2)),
    where D^2 is the sum of the columns' variances.
    """

    landmarks: int = 200
    width: float = 1.0
    penalty: float = 0.01

    def prepare(self, X: np.ndarray, seed: int) -> Ridge:
        """Draw the landmarks among the rows of X (n, p)."""
        landmarks = Landmarks.of(X, self, seed)
        return Ridge(landmarks, landmarks(X), self.penalty)


@dataclass(frozen=True, slots=True)
class Landmarks:
    """A Gaussian kernel's feature space, spanned by some of the fit rows."""

    rows: np.ndarray
    gamma: float
    whitening: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray, base: NystroemBase, seed: int) -> Self:
        """Draw them among the fit rows X (n, p)."""
        chosen = np.random.default_rng(seed).permutation(len(X))[: base.landmarks]
        rows = X[np.sort(chosen)]
        spread = max(float(X.var(axis=0).sum()), float(np.finfo(float).tiny))
        gamma = 1 / (2 * base.width**2 * spread)
        values, vectors = np.linalg.eigh(rbf_kernel(rows, gamma=gamma))
        kept = values > SMALLEST_EIGENVALUE * values[-1]
        return cls(rows, gamma, vectors[:, kept] / np.sqrt(values[kept]))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return (n, q), q at most the number of landmarks."""
        return np.asarray(rbf_kernel(X, self.rows, gamma=self.gamma) @ self.whitening)


class Ridge:
    """Least squares with a free intercept: sum of squared errors + penalty |weights|^2.

    What does not change between rounds is computed once: the features, their inner products, and the factor
    of the system for all rows.
    """

    def __init__(self, features: Expansion, fit_features: np.ndarray, penalty: float) -> None:
        """Take an expansion and what it makes of the fit rows, (n, q)."""
        self.features = features
        self.fit_features = fit_features
        self._penalty = penalty
        self._among_rows = fit_features.shape[1] > len(fit_features)
        self._gram: np.ndarray | None = None
        self._begun = False
        self._whole: _System | None = None

    def learn(self, targets: np.ndarray, draw: Draw) -> Linear:
        """Return the model of targets (n, k) on the drawn rows, each counted as often as it is drawn.

        Raises DeadlinePassed before the first system, where it cannot end in the time left. What later ones
        take is then known from the first.
        """
        if not self._begun:
            self._begin(draw.deadline)
        if draw.rows is None:
            if self._whole is None:
                self._whole = self._system(np.arange(len(self.fit_features)), np.ones(len(self.fit_features)))
            return self._whole.solve(targets)
        rows, counts = np.unique(draw.rows, return_counts=True)
        return self._system(rows, counts.astype(np.float64)).solve(targets[rows])

    def _begin(self, deadline: Deadline) -> None:
        size = self.fit_features.shape
        require_s(deadline, gram_s(*size) + system_s(*size), f"to solve for {size[1]:,} features")
        if self._among_rows:
            self._gram = self.fit_features @ self.fit_features.T
        self._begun = True

    def _system(self, rows: np.ndarray, counts: np.ndarray) -> _System:
        Z = self.fit_features if len(rows) == len(self.fit_features) else self.fit_features[rows]
        if self._gram is None:
            return _System.among_features(Z, counts, self._penalty)
        return _System.among_rows(Z, self._gram[np.ix_(rows, rows)], counts, self._penalty)


@dataclass(frozen=True, slots=True)
class _System:
    """The factorised equations of one set of rows."""

    Z: np.ndarray
    counts: np.ndarray
    mean: np.ndarray
    factor: tuple[np.ndarray, bool]
    dual: bool

    @classmethod
    def among_features(cls, Z: np.ndarray, counts: np.ndarray, penalty: float) -> Self:
        """(Z'CZ + penalty I) weights = Z'C targets, all centred; C holds the counts."""
        mean = counts @ Z / counts.sum()
        matrix = (Z * counts[:, None]).T @ Z - counts.sum() * np.outer(mean, mean)
        matrix.flat[:: len(matrix) + 1] += penalty
        return cls(Z, counts, mean, cho_factor(matrix, lower=True, overwrite_a=True), False)

    @classmethod
    def among_rows(cls, Z: np.ndarray, gram: np.ndarray, counts: np.ndarray, penalty: float) -> Self:
        """(ZZ' + penalty / C) a = targets, all centred, and weights = Z'a: the same, cheaper for few rows."""
        share = counts / counts.sum()
        means = gram @ share
        matrix = gram - means[:, None] - means + share @ means
        matrix.flat[:: len(matrix) + 1] += penalty / counts
        return cls(Z, counts, share @ Z, cho_factor(matrix, lower=True, overwrite_a=True), True)

    def solve(self, targets: np.ndarray) -> Linear:
        """Return the model of targets (n, k)."""
        centre = self.counts @ targets / self.counts.sum()
        centred = targets - centre
        if self.dual:
            a = cho_solve(self.factor, centred)
            weights = self.Z.T @ a - np.outer(self.mean, a.sum(axis=0))
        else:
            pulled = centred * self.counts[:, None]
            weights = cho_solve(self.factor, self.Z.T @ pulled - np.outer(self.mean, pulled.sum(axis=0)))
        return Linear(weights, centre - self.mean @ weights)
