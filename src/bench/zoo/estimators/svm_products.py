"""A support vector machine for many features that predicts by products of matrices.

libsvm computes its kernel a pair of rows at a time: with hundreds of features and thousands of support
vectors, a tenth as fast as a product of matrices.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from bench.zoo.estimators.svm import StoppableSVC

BLOCK_VALUES = 2**22
"""About so many values of the kernel are held at a time."""


class ProductSVC(StoppableSVC):
    """The Gaussian machine; its scores are those of scikit-learn, and its classes those of the best score."""

    def decision_function(self, X: np.ndarray) -> np.ndarray:
        """Return scores (m,) for two classes, (m, k) for more: votes, ties broken by the margins."""
        margins = self._margins(X)
        k = len(self.classes_)
        if k == 2:
            return margins[:, 0]
        votes, confidence = np.zeros((2, len(X), k))
        for margin, (i, j) in zip(margins.T, combinations(range(k), 2), strict=True):
            votes[:, i] += margin >= 0
            votes[:, j] += margin < 0
            confidence[:, i] += margin
            confidence[:, j] -= margin
        return votes + confidence / (3 * (np.abs(confidence) + 1))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return classes (m,)."""
        scores = self.decision_function(X)
        chosen = (scores > 0).astype(np.int64) if scores.ndim == 1 else scores.argmax(axis=1)
        return np.asarray(self.classes_[chosen])

    def _margins(self, X: np.ndarray) -> np.ndarray:
        """Return what each pair of classes says (m, k (k - 1) / 2): above 0 for the first one of the pair.

        For two classes above 0 is the second, as scikit-learn has it.
        """
        support, weights = self.support_vectors_, self._weights()
        squares = self.gamma * np.einsum("sd,sd->s", support, support)
        scaled = np.ascontiguousarray(2 * self.gamma * support.T)
        step = max(1, BLOCK_VALUES // len(support))
        margins = np.empty((len(X), weights.shape[1]))
        for start in range(0, len(X), step):
            rows = X[start : start + step].astype(np.float64)
            kernel = rows @ scaled
            kernel -= squares
            kernel -= self.gamma * np.einsum("md,md->m", rows, rows)[:, None]
            np.minimum(kernel, 0, out=kernel)
            margins[start : start + step] = np.exp(kernel, out=kernel) @ weights + self.intercept_
        return margins

    def _weights(self) -> np.ndarray:
        """Return the weight of each support vector for each pair of classes; libsvm keeps k - 1 of each."""
        k, ends = len(self.classes_), np.cumsum(self.n_support_)
        of_class = [slice(end - count, end) for count, end in zip(self.n_support_, ends, strict=True)]
        if k == 2:
            return self.dual_coef_.T
        weights = np.zeros((ends[-1], k * (k - 1) // 2))
        for pair, (i, j) in enumerate(combinations(range(k), 2)):
            weights[of_class[i], pair] = self.dual_coef_[j - 1, of_class[i]]
            weights[of_class[j], pair] = self.dual_coef_[i, of_class[j]]
        return weights
