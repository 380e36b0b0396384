"""Training labels as a smoother of them makes them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.alterations.rows import Rows
from bench.alterations.scaled import scaled_numbers

MOST_ANCHORS = 10_000
"""Of more training rows, so many are drawn, and each row is averaged over these and itself."""
PAIRS_ROWS = 1000
"""Rows drawn to find the median distance."""
BLOCK_BYTES = 64 * 1024**2


def with_smooth_target(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Average the labels over near training rows by a Gaussian kernel (Grinsztajn et al., 2022).

    Its length scale is so many per cent of the median distance between two training rows, by their scaled
    numbers; categories have no part in it. A number becomes the average, a class the one with the largest
    share, the first of equal ones.
    """
    numbers = scaled_numbers(rows.X, rows.X[:1])[0]  # test rows have no part in it
    anchors = np.sort(generator.permutation(len(numbers))[:MOST_ANCHORS])
    length = amount / 100 * _median_distance(numbers, generator)
    if not rows.problem.is_classification:
        return replace(rows, y=_smoothed(numbers, rows.y[:, None], anchors, length)[:, 0])
    classes, codes = np.unique(rows.y, return_inverse=True)
    shares = _smoothed(numbers, np.eye(len(classes))[codes], anchors, length)
    return replace(rows, y=classes[shares.argmax(axis=1)])


def _median_distance(X: np.ndarray, generator: np.random.Generator) -> float:
    """Return the median distance of pairs of rows that differ; 1 where none do."""
    some = X[np.sort(generator.permutation(len(X))[:PAIRS_ROWS])]
    squared = _squared_distances(some, some)[np.triu_indices(len(some), 1)]
    apart = squared[squared > 1e-12]
    return float(np.sqrt(np.median(apart))) if len(apart) else 1.0


def _smoothed(X: np.ndarray, values: np.ndarray, anchors: np.ndarray, length: float) -> np.ndarray:
    """Return (n, k) averages of values (n, k), in blocks of rows: over the anchors and the row itself."""
    smooth = np.empty(values.shape, dtype=np.float64)
    is_anchor = np.zeros(len(X), dtype=bool)
    is_anchor[anchors] = True
    near, near_values = X[anchors], values[anchors].astype(np.float64)
    step = max(1, BLOCK_BYTES // (8 * len(anchors)))
    for start in range(0, len(X), step):
        block = slice(start, start + step)
        weights = np.exp(_squared_distances(X[block], near) / (-2 * length**2))
        own = np.where(is_anchor[block], 0.0, 1.0)[:, None]
        smooth[block] = (weights @ near_values + own * values[block]) / (
            weights.sum(axis=1, keepdims=True) + own
        )
    return smooth


def _squared_distances(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Return (a, b); rounding makes none of them negative."""
    squared = (A**2).sum(axis=1)[:, None] + (B**2).sum(axis=1) - 2 * A @ B.T
    return np.asarray(np.maximum(squared, 0.0))
