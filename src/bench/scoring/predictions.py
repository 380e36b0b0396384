"""What a fitted model says of some rows, in one shape for every learner."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

from bench.datasets import ProblemType
from bench.orders import Predictions

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    FloatArray: TypeAlias = NDArray[np.floating[Any]]

Kind: TypeAlias = Literal["probability", "decision", "value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Predictions of n rows."""

    kind: Kind
    values: FloatArray
    """(n, n_classes) probabilities or decision values of a classification, (n,) values of a regression."""
    sd: FloatArray | None = None
    """(n,) standard deviations of a Gaussian predictive distribution, where a regression offers one."""

    @property
    def arrays(self) -> tuple[FloatArray, ...]:
        """The arrays that hold it."""
        return (self.values,) if self.sd is None else (self.values, self.sd)


def predict(estimator: Any, X: pd.DataFrame, problem: ProblemType, n_classes: int) -> Prediction:
    """Return what a fitted estimator predicts of X (n, d).

    A classifier is asked for probabilities, else for decision values; a regressor for
    `predict_distribution(X) -> (mean, sd)` where it has that, else for values. Columns follow the class
    codes 0 to n_classes - 1: a class that was not seen in fitting has probability 0, or a decision value
    1 below the lowest of its row.
    Raises ValueError where the estimator's output does not match its `classes_`.
    """
    if problem.is_classification:
        seen = np.asarray(estimator.classes_).astype(int)
        if hasattr(estimator, "predict_proba"):
            probabilities = _columns(estimator.predict_proba(X), seen)
            return Prediction(kind="probability", values=_aligned(probabilities, seen, n_classes, 0.0))
        decision = _columns(_both_signs(estimator.decision_function(X)), seen)
        unseen = decision.min(axis=1) - 1.0
        return Prediction(kind="decision", values=_aligned(decision, seen, n_classes, unseen))
    if hasattr(estimator, "predict_distribution"):
        mean, sd = (np.asarray(part, dtype=float).reshape(-1) for part in estimator.predict_distribution(X))
        return Prediction(kind="value", values=mean, sd=sd)
    return Prediction(kind="value", values=np.asarray(estimator.predict(X), dtype=float).reshape(-1))


def average(predictions: Sequence[Prediction], weights: Sequence[float] | None = None) -> Prediction:
    """Return the prediction of the models together: a mixture of them, an even one without weights.

    Probabilities, decision values and means are averaged, in double precision. The SD is that of the
    mixture of Gaussians, by the law of total variance; there is none where one of the models has none.
    Raises ValueError for no prediction, for more than one kind, and for weights that add up to nothing.
    """
    kinds = {prediction.kind for prediction in predictions}
    if len(kinds) != 1:
        raise ValueError(
            f"only predictions of one kind can be averaged, not {sorted(kinds) or 'none at all'}"
        )
    if weights is not None and not (min(weights) >= 0 and sum(weights) > 0):
        raise ValueError(f"weights must be at least 0 and add up to more than 0, not {list(weights)}")
    values = np.stack([prediction.values for prediction in predictions], dtype=np.float64)
    mean = _mean(values, weights)
    sds = [prediction.sd for prediction in predictions if prediction.sd is not None]
    if len(sds) < len(predictions):
        return replace(predictions[0], values=mean, sd=None)
    variance = _mean(np.stack(sds, dtype=np.float64) ** 2 + (values - mean) ** 2, weights)
    return replace(predictions[0], values=mean, sd=np.sqrt(variance))


def finite(prediction: Prediction) -> bool:
    """Return whether every number of it is finite."""
    return all(bool(np.isfinite(array).all()) for array in prediction.arrays)


def to_float32(prediction: Prediction) -> Prediction:
    """Return the prediction in single precision, as it is hashed and stored."""
    sd = None if prediction.sd is None else prediction.sd.astype("<f4")
    return replace(prediction, values=prediction.values.astype("<f4"), sd=sd)


def prediction_hash(*predictions: Prediction) -> str:
    """Return the first 16 hex digits of SHA-256 over the float32 bytes, row by row, in the order given."""
    digest = hashlib.sha256()
    for prediction in predictions:
        for array in to_float32(prediction).arrays:
            digest.update(array.tobytes(order="C"))
    return digest.hexdigest()[:16]


def stored_predictions(stored: Predictions) -> tuple[Prediction, Prediction]:
    """Return the (validation, test) predictions of a trial from its stored bytes; they share its memory."""
    content = np.frombuffer(stored.content, dtype="<f4")
    n_validation = math.prod(stored.validation_shape)
    parts = (
        (content[:n_validation], stored.validation_shape),
        (content[n_validation:], stored.test_shape),
    )
    validation, test = (_of_table(stored.kind, values.reshape(shape)) for values, shape in parts)
    return validation, test


def _of_table(kind: str, table: FloatArray) -> Prediction:
    match kind:
        case "distribution":
            return Prediction(kind="value", values=table[:, 0], sd=table[:, 1])
        case "probability" | "decision" | "value":
            return Prediction(kind=kind, values=table)
        case _:
            raise ValueError(f"no prediction is of kind {kind!r}")


def _mean(values: FloatArray, weights: Sequence[float] | None) -> FloatArray:
    mean: FloatArray = values.mean(axis=0) if weights is None else np.average(values, axis=0, weights=weights)
    return mean


def _both_signs(decision: FloatArray) -> FloatArray:
    decision = np.asarray(decision, dtype=float)
    return np.column_stack((-decision, decision)) if decision.ndim == 1 else decision


def _columns(values: FloatArray, seen: NDArray[np.int_]) -> FloatArray:
    values = np.asarray(values, dtype=float)
    if values.ndim != 2 or values.shape[1] != len(seen):
        raise ValueError(
            f"the estimator returned predictions of shape {values.shape} for {len(seen)} classes; "
            "it must return one column for each of its classes_"
        )
    return values


def _aligned(
    values: FloatArray, seen: NDArray[np.int_], n_classes: int, unseen: FloatArray | float
) -> FloatArray:
    if len(seen) == n_classes:
        return values
    aligned = np.empty((len(values), n_classes))
    aligned[:] = np.reshape(unseen, (-1, 1))
    aligned[:, seen] = values
    return aligned
