"""The scores of a prediction: the primary error, and every other metric that it offers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from scipy.special import ndtr

from bench.datasets import ProblemType
from bench.scoring.predictions import Prediction, finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.floating[Any]]
    Codes: TypeAlias = NDArray[np.integer[Any]]

ECE_BINS = 15


def score(problem: ProblemType, y: NDArray[Any], prediction: Prediction, target_sd: float) -> float:
    """Return the primary error, lower is better.

    Binary: 1 - AUC. Multiclass: the error rate of the largest column, ties to the lowest class.
    Regression: RMSE over `target_sd`, the SD of the whole table's target (ignored otherwise).
    y (n,) holds class codes or values.
    Raises ValueError where the error is undefined: no rows, a number that is not finite, one class alone
    in a binary y, a target that does not vary.
    """
    _check(y, prediction)
    if problem is ProblemType.MULTICLASS:
        return _error_rate(y, prediction.values)
    if problem is ProblemType.REGRESSION:
        if not target_sd > 0:
            raise ValueError(
                f"RMSE / SD is undefined: the SD of the target is {target_sd}, it must be above 0"
            )
        return _rmse(y, prediction.values) / target_sd
    auc = _auc(y, prediction.values[:, 1])
    if auc is None:
        raise ValueError(
            f"AUC is undefined: all {len(y)} rows are of class {y[0]}; stratify the split, or use more rows"
        )
    return 1.0 - auc


def all_metrics(
    problem: ProblemType, y: NDArray[Any], prediction: Prediction, target_sd: float
) -> dict[str, float]:
    """Return every metric of `bench.metrics` that the prediction offers, each in its own direction.

    A metric that is undefined on these rows (AUC with one class in y, R2 of a constant y) is left out.
    Raises ValueError for no rows and for a number that is not finite.
    """
    _check(y, prediction)
    if problem.is_classification:
        found = _label_metrics(y, prediction.values)
        if problem is ProblemType.BINARY:
            found["auc"] = _auc(y, prediction.values[:, 1])
        if prediction.kind == "probability":
            found |= _probability_metrics(y, prediction.values)
    else:
        found = _value_metrics(y, prediction.values, target_sd)
        if prediction.sd is not None and (prediction.sd > 0).all():
            found |= _density_metrics(y, prediction.values, prediction.sd)
    return {name: float(value) for name, value in found.items() if value is not None}


def mean_score(problem: ProblemType, fold_scores: Sequence[float]) -> float:
    """Return the primary error over folds: their mean; for a regression the root of the mean square."""
    scores = np.asarray(fold_scores, dtype=float)
    if problem is ProblemType.REGRESSION:
        return math.sqrt(float(np.mean(scores**2)))
    return float(scores.mean())


def _check(y: NDArray[Any], prediction: Prediction) -> None:
    if len(y) == 0 or len(y) != len(prediction.values):
        raise ValueError(f"{len(prediction.values)} predictions cannot be scored on {len(y)} rows")
    if not finite(prediction):
        raise ValueError("the predictions hold a number that is not finite; ask `finite` before scoring")


def _auc(y: Codes, positive: Floats) -> float | None:
    """Return the chance that a row of class 1 is ranked above one of class 0, ties counted half."""
    _, level = np.unique(positive, return_inverse=True)
    ones = np.bincount(level, weights=y == 1)
    zeros = np.bincount(level, weights=y != 1)
    n_pairs = ones.sum() * zeros.sum()
    if n_pairs == 0:
        return None
    below = np.cumsum(zeros) - zeros
    return float(ones @ (below + zeros / 2) / n_pairs)


def _error_rate(y: Codes, values: Floats) -> float:
    return float(np.mean(values.argmax(axis=1) != y))


def _rmse(y: Floats, values: Floats) -> float:
    return math.sqrt(float(np.mean((y - values) ** 2)))


def _label_metrics(y: Codes, values: Floats) -> dict[str, float | None]:
    right = values.argmax(axis=1) == y
    rows = np.bincount(y)
    recalls = np.bincount(y, weights=right)[rows > 0] / rows[rows > 0]
    return {"error_rate": _error_rate(y, values), "balanced_accuracy": recalls.mean()}


def _probability_metrics(y: Codes, probabilities: Floats) -> dict[str, float | None]:
    """Return log loss, Brier score and calibration error.

    A probability is kept `eps` away from 0 and 1 in the log loss. The Brier score (1950) is the sum of
    squares over classes, and with two classes half of that, its usual form.
    """
    n, n_classes = probabilities.shape
    eps = np.finfo(float).eps
    truth = np.clip(probabilities[np.arange(n), y], eps, 1 - eps)
    squares = ((probabilities - np.eye(n_classes)[y]) ** 2).sum(axis=1)
    brier = squares.mean() / (2 if n_classes == 2 else 1)
    return {"log_loss": -np.log(truth).mean(), "brier": brier, "ece": _ece(y, probabilities)}


def _ece(y: Codes, probabilities: Floats) -> float:
    """Return the gap between confidence and accuracy of the top label (Guo et al. 2017), bins (a, b]."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    bins = np.clip(np.ceil(confidence * ECE_BINS).astype(int) - 1, 0, ECE_BINS - 1)
    gaps = np.bincount(bins, weights=confidence - right, minlength=ECE_BINS)
    return float(np.abs(gaps).sum() / len(y))


def _value_metrics(y: Floats, values: Floats, target_sd: float) -> dict[str, float | None]:
    rmse = _rmse(y, values)
    variance = float(np.var(y))
    return {
        "rmse": rmse,
        "nrmse": rmse / target_sd if target_sd > 0 else None,
        "mae": np.abs(y - values).mean(),
        "r2": 1 - rmse**2 / variance if variance > 0 else None,
    }


def _density_metrics(y: Floats, mean: Floats, sd: Floats) -> dict[str, float | None]:
    """Return the log density and the CRPS of Gaussians (closed form: Gneiting & Raftery 2007, eq. 21)."""
    z = (y - mean) / sd
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    crps = sd * (z * (2 * ndtr(z) - 1) + 2 * density - 1 / math.sqrt(math.pi))
    log_density = -(z**2) / 2 - np.log(sd) - math.log(2 * math.pi) / 2
    return {"log_density": log_density.mean(), "crps": crps.mean()}
