"""Ridge regression on fixed features, a base of bagging and boosting: products, or landmarks of a kernel."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import PolynomialFeatures

from bench.zoo.estimators.bases import Draw, Linear
from bench.zoo.polynomial_cost import MAX_BYTES, n_products

DEGREE = 2
SMALLEST_EIGENVALUE = 1e-10
"""Of the landmarks' kernel matrix, as a share of the largest: directions below it are rounding."""

Expansion = Callable[[np.ndarray], np.ndarray]
"""From rows (n, p) to features (n, q), a row of about unit length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PolynomialBase:
    """Ridge on all products of up to two columns, scaled to mean 0 and one variance."""

    penalty: float = 1.0

    def prepare(self, X: np.ndarray, seed: int) -> Ridge:
        """Make the products of X (n, p); raises MemoryError, before taking any, where they need too much."""
        n_rows, n_columns = X.shape
        products = n_products(n_columns, degree=DEGREE)
        needed = 8 * n_rows * products
        if needed > MAX_BYTES:
            raise MemoryError(
                f"the {products:,} products of {n_columns} encoded columns would take {needed / 1e9:.1f} GB "
                f"on {n_rows:,} rows; limit {MAX_BYTES / 1e9:.1f} GB"
            )
        return Ridge(X, Products.of(X), self.penalty)


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
        return Ridge(X, Landmarks.of(X, self, seed), self.penalty)


@dataclass(frozen=True, slots=True)
class Products:
    """The products that vary over the fit rows, centred, with one variance that adds up to 1."""

    library: PolynomialFeatures
    varying: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, X: np.ndarray) -> Self:
        """Find them for the fit rows X (n, p)."""
        library = PolynomialFeatures(DEGREE, include_bias=False, order="C")
        Z = library.fit_transform(X)
        mean, sd = Z.mean(axis=0), Z.std(axis=0)
        varying = sd > 1e-10 * np.maximum(1.0, np.abs(mean))
        return cls(library, varying, mean[varying], sd[varying] * np.sqrt(max(1, varying.sum())))

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Return (n, q)."""
        return (self.library.transform(X)[:, self.varying] - self.mean) / self.scale


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

    def __init__(self, X: np.ndarray, expand: Expansion, penalty: float) -> None:
        """Expand the fit rows X (n, p)."""
        self.features = expand
        self._penalty = penalty
        self.fit_features = expand(X)
        self._among_rows = self.fit_features.shape[1] > len(X)
        self._gram = self.fit_features @ self.fit_features.T if self._among_rows else np.empty((0, 0))
        self._whole: _System | None = None

    def learn(self, targets: np.ndarray, draw: Draw) -> Linear:
        """Return the model of targets (n, k) on the drawn rows, each counted as often as it is drawn."""
        if draw.rows is None:
            if self._whole is None:
                self._whole = self._system(np.arange(len(self.fit_features)), np.ones(len(self.fit_features)))
            return self._whole.solve(targets)
        rows, counts = np.unique(draw.rows, return_counts=True)
        return self._system(rows, counts.astype(np.float64)).solve(targets[rows])

    def _system(self, rows: np.ndarray, counts: np.ndarray) -> _System:
        Z = self.fit_features if len(rows) == len(self.fit_features) else self.fit_features[rows]
        if not self._among_rows:
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
