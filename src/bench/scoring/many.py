"""The primary error of many predictions of the same rows at once: what a search over mixtures needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.datasets import ProblemType
from bench.scoring.predictions import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Singles: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What predictions of some rows are scored against."""

    problem: ProblemType
    y: NDArray[Any]
    """(n,) class codes or values."""
    target_sd: float
    """The SD of the whole table's target; ignored for a classification."""
    fold_rows: tuple[int, ...]
    """How many rows each fold has, in the order in which they follow one another; they add up to n."""


def judged(problem: ProblemType, prediction: Prediction) -> Singles:
    """Return, in single precision, what the primary error looks at.

    (n,) scores of class 1 or values, or (n, n_classes).
    """
    values = prediction.values[:, 1] if problem is ProblemType.BINARY else prediction.values
    single: Singles = values.astype(np.float32, copy=False)
    return single


def primary_errors(truth: Truth, values: Singles) -> Floats:
    """Return (C,) what `mean_score` makes of `score` on each fold, for C predictions of the same rows.

    `values` is (C, n) or (C, n, n_classes), as `judged` returns them. NaN where an error is undefined.
    """
    ends = np.cumsum(truth.fold_rows)
    folds = [slice(end - rows, end) for end, rows in zip(ends, truth.fold_rows, strict=True)]
    errors = np.array([_errors(truth, truth.y[fold], values[:, fold]) for fold in folds])
    if truth.problem is ProblemType.REGRESSION:
        roots: Floats = np.sqrt(np.mean(errors**2, axis=0))
        return roots
    means: Floats = errors.mean(axis=0)
    return means


def _errors(truth: Truth, y: NDArray[Any], values: Singles) -> Floats:
    match truth.problem:
        case ProblemType.BINARY:
            return 1.0 - _aucs(y, values)
        case ProblemType.MULTICLASS:
            wrong: Floats = np.mean(values.argmax(axis=2) != y, axis=1)
            return wrong
        case ProblemType.REGRESSION:
            rmse: Floats = np.sqrt(np.mean((y - values) ** 2, axis=1)) / truth.target_sd
            return rmse


def _aucs(y: NDArray[Any], positive: Singles) -> Floats:
    """Return (C,) areas under the ROC curve, ties counted half.

    The bits of a single are an integer of the same order (once negative ones are flipped), so that the label
    fits below it and one fast sort of integers ranks both. Rows of class 0 first among equals makes every tie
    a win, rows of class 1 first a loss: the area is the mean of the two.
    """
    ones = (y == 1).astype(np.int64)
    n_ones = int(ones.sum())
    bits = (positive + np.float32(0.0)).view(np.int32).astype(np.int64)  # -0 becomes 0
    keys = np.where(bits < 0, bits ^ 0x7FFFFFFF, bits) << 1
    place = np.arange(len(y), dtype=np.float64)
    last = (np.sort(keys | ones, axis=1) & 1) @ place
    first = place.sum() - (np.sort(keys | (1 - ones), axis=1) & 1) @ place
    n_pairs = n_ones * (len(y) - n_ones)
    above = (last + first) / 2 - n_ones * (n_ones - 1) / 2
    areas: Floats = np.divide(above, n_pairs, out=np.full(len(positive), np.nan), where=n_pairs > 0)
    return areas
