"""Ridge regression on class targets, its penalty chosen by the error of rows left out one at a time.

One eigendecomposition serves every penalty: with Z'Z = V D V' and B = Z V, the hat matrix for a penalty is
B (D + penalty)^-1 B', and the residual of a row left out is its residual over one minus the diagonal
(Allen, 1974; Golub, Heath and Wahba, 1979).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Self

import numpy as np
from scipy.linalg import eigh
from sklearn.base import BaseEstimator

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.image_features_cost import eigen_s
from bench.zoo.polynomial_cost import FASTEST

PENALTIES = 10.0 ** np.arange(-5, 3.5, 0.5)
"""Times the mean eigenvalue of as many directions as there are rows or features."""
ROUNDING = 1e-10
"""Of the largest eigenvalue: below it a direction is rounding."""
BLOCK_VALUES = 2**22


class LooRidge(BaseEstimator):
    """Targets +1 for a row's class and -1 for the others, a free intercept.

    After `fit`: `weights_` (q, c), `intercepts_` (c,), `penalty_`; c is 1 for two classes, else their number.
    """

    def fit(self, Z: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on features (n, q) and class codes (n,). Raises DeadlinePassed where time is short."""
        n_classes = int(y.max()) + 1
        targets = np.where(y[:, None] == np.arange(n_classes), 1.0, -1.0)
        targets = targets[:, 1:] if n_classes == 2 else targets
        system = _Spectrum(Z, targets - targets.mean(axis=0), StepClock(deadline))
        errors = system.left_out()
        self.penalty_ = float(system.penalties[np.argmin(errors)])
        self.weights_ = system.weights(self.penalty_).astype(Z.dtype)
        self.intercepts_ = targets.mean(axis=0) - system.mean @ self.weights_
        return self

    def decision_function(self, Z: np.ndarray) -> np.ndarray:
        """Return scores (m,) for two classes, (m, k) for more."""
        scores = Z @ self.weights_ + self.intercepts_
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, Z: np.ndarray) -> np.ndarray:
        """Return class codes (m,)."""
        scores = self.decision_function(Z)
        return (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)


class _Spectrum:
    """The eigendecomposition of centred Z'Z, or of ZZ' where that is smaller; Z is never copied whole."""

    def __init__(self, Z: np.ndarray, targets: np.ndarray, clock: StepClock) -> None:
        n, q = Z.shape
        self._Z, self._targets, self._clock = Z, targets, clock
        self.mean = Z.mean(axis=0, dtype=np.float64)
        self._among_rows = n < q
        gram = self._rows_gram() if self._among_rows else self._features_gram()
        self._require(FASTEST * eigen_s(len(gram)))
        values, vectors = eigh(gram, overwrite_a=True, check_finite=False)
        clock.step()
        kept = values > ROUNDING * max(values[-1], np.finfo(float).tiny)
        self._values, self._vectors = values[kept], np.ascontiguousarray(vectors[:, kept])
        level = float(self._values.sum()) / min(n, q)
        self.penalties = PENALTIES * (level if level > 0 else 1.0)
        self._pulled = sum(block.T @ targets[rows] for rows, block in self._rotated())

    def left_out(self) -> np.ndarray:
        """Return the mean squared error of rows left out, for each penalty."""
        n = len(self._Z)
        shrunk = 1 / (self._values[:, None] + self.penalties)
        errors = np.zeros(len(self.penalties))
        for rows, block in self._rotated():
            leverage = 1 / n + block**2 @ shrunk
            for i, share in enumerate(shrunk.T):
                residuals = self._targets[rows] - block @ (share[:, None] * self._pulled)
                errors[i] += ((residuals / np.maximum(1 - leverage[:, i : i + 1], 1e-8)) ** 2).sum()
        return errors / n

    def weights(self, penalty: float) -> np.ndarray:
        """Return the weights (q, c) for a penalty."""
        solved = self._pulled / (self._values + penalty)[:, None]
        if not self._among_rows:
            return self._vectors @ solved
        among = self._vectors @ (solved / np.sqrt(self._values)[:, None])
        return sum(block.T @ among[rows] for rows, block in self._centred())

    def _rotated(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield B = Z V by blocks of rows; among rows it is U sqrt(D), with ZZ' = U D U'."""
        if self._among_rows:
            yield slice(None), self._vectors * np.sqrt(self._values)
            return
        for rows, block in self._centred():
            yield rows, block @ self._vectors

    def _centred(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield Z less its mean by blocks of rows, in double precision, while there is time."""
        n, q = self._Z.shape
        size = max(1, BLOCK_VALUES // q)
        for start in range(0, n, size):
            self._require(self._clock.step_s if start else 0.0)
            rows = slice(start, start + size)
            yield rows, self._Z[rows] - self.mean
            if start + size < n:
                self._clock.step()

    def _features_gram(self) -> np.ndarray:
        gram = np.zeros((self._Z.shape[1],) * 2)
        for _, block in self._centred():
            gram += block.T @ block
        return gram

    def _rows_gram(self) -> np.ndarray:
        self._require(0.0)
        centred = self._Z - self.mean
        return centred @ centred.T

    def _require(self, needed_s: float) -> None:
        if not self._clock.affords(needed_s):
            raise DeadlinePassed("the deadline passed before the ridge regression was solved")
