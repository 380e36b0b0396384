"""From stored predictions to what is sent to OpenML, checked row by row before anything leaves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.datasets import ProblemType
from bench.errors import DataError
from bench.publishing.openml_flows import flow_of, parameters_of
from bench.publishing.openml_runs import Candidate, FoldCell
from bench.sources.openml.uploads import FoldPredictions, Upload

if TYPE_CHECKING:
    from bench.scoring.predictions import Prediction
    from bench.stored import StoredPredictions

SUM_TOLERANCE = 1e-4
"""How far the confidences of a row, in single precision, may be from 1 together."""


def upload_of(
    candidate: Candidate, stored: StoredPredictions, run: Mapping[str, Any], packages: Mapping[str, str]
) -> Upload:
    """Return what is sent for a run, with the test rows of every fold and nothing else.

    Raises DataError where predictions were not kept, or are not what OpenML has to be sent: of other rows, of
    a part of them, after learning from a part of the others; PrerequisiteError where the cache lacks the
    table.
    """
    classes = tuple(candidate.dataset["classes"])
    _check_labels(classes)
    _check_configuration(candidate)
    found = [_fold(candidate, each, stored, len(classes)) for each in candidate.folds]
    probabilities = bool(classes) and all(kind == "probability" for _, kind in found)
    return Upload(
        task_id=candidate.task_id,
        flow=flow_of(candidate, packages),
        parameters=parameters_of(candidate, run),
        classes=classes,
        folds=tuple(fold for fold, _ in found),
        probabilities=probabilities,
        comment=_comment(candidate, decided=bool(classes) and not probabilities),
    )


def _fold(
    candidate: Candidate, each: FoldCell, stored: StoredPredictions, n_classes: int
) -> tuple[FoldPredictions, str]:
    """Return a fold's predictions, and of what kind they are in the store."""
    cell, trial = each.cell, each.trial
    where = f"repeat {cell['repeat']}, fold {cell['fold']}"
    try:
        kept = stored[cell["evidence_key"]]
        prediction = kept.test[trial["trial"], trial["attempt"]]
    except KeyError:
        raise DataError(f"{where}: the predictions of trial {trial['trial']} were not kept") from None
    rows = _rows(each, stored, candidate.dataset["n_rows"], where)
    if len(prediction.values) != len(rows) or not np.isfinite(prediction.values).all():
        raise DataError(f"{where}: {len(prediction.values):,} finite predictions for {len(rows):,} rows")
    truth = kept.y_test
    if ProblemType(cell["problem"]).is_classification:
        confidences = _confidences(prediction, n_classes, where)
        predicted = confidences.argmax(axis=1)
        truth = truth.astype(np.int64)
    else:
        confidences, predicted = np.empty((0, 0), np.float32), prediction.values
    fold = FoldPredictions(
        repeat=cell["repeat"],
        fold=cell["fold"],
        rows=tuple(rows.tolist()),
        predicted=tuple(map(_shortest, predicted)),
        truth=tuple(truth.tolist()),
        confidences=tuple(tuple(map(_shortest, row)) for row in confidences),
    )
    return fold, prediction.kind


def _rows(each: FoldCell, stored: StoredPredictions, n_rows: int, where: str) -> Any:
    """Return the ids of a fold's test rows. Raises DataError where not all of the fold was used."""
    try:
        rows = stored.test_rows(each.cell["evidence_key"])
    except DataError as error:  # of the suite's caps, mostly
        raise DataError(f"{where}: {error}") from error
    cap, n_train = each.cell["train_cap"], n_rows - len(rows)
    if cap is not None and cap < n_train:
        raise DataError(
            f"{where}: learnt from {cap:,} of the task's {n_train:,} training rows ([caps] of the suite)"
        )
    return rows


def _confidences(prediction: Prediction, n_classes: int, where: str) -> Any:
    """Return probabilities (n, n_classes); of decision values, 1 for the largest, as OpenML's clients do."""
    values = prediction.values.astype("<f4")
    if values.ndim != 2 or values.shape[1] != n_classes:
        raise DataError(f"{where}: predictions of shape {values.shape} for {n_classes} classes")
    if prediction.kind == "decision":
        return np.eye(n_classes, dtype=np.float32)[values.argmax(axis=1)]
    sums = values.astype(np.float64).sum(axis=1)
    if values.min() < 0 or np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = sums[np.abs(sums - 1).argmax()]
        raise DataError(
            f"{where}: the confidences of a row are no probabilities (they add up to {worst:.6g})"
        )
    return values


def _check_labels(classes: tuple[str, ...]) -> None:
    """Refuse labels that a file of predictions has no way to hold."""
    for label in classes:
        if label in ("", "?") or not label.isprintable():
            raise DataError(f"the class {label!r} cannot be written into an ARFF file of predictions")


def _check_configuration(candidate: Candidate) -> None:
    """Refuse defaults that differ between folds: they are no one setting."""
    configs = {each.trial["config"] for each in candidate.folds}
    if candidate.show == "default" and len(configs) > 1:
        raise DataError(f"its default configuration is not the same in all folds ({len(configs)} of them)")


def _comment(candidate: Candidate, *, decided: bool) -> str:
    lines = ["Written by bench (inductive-bench) from stored predictions."]
    if decided:
        lines += ["The learner offers no probabilities: its confidence in what it predicts is written as 1."]
    lines += (
        f"repeat {each.cell['repeat']}, fold {each.cell['fold']}: trial {each.trial['trial']} of "
        f"{each.cell['cell_id']}, evidence {each.cell['evidence_key']}, {each.trial['config']}"
        for each in candidate.folds
    )
    return "\n".join(lines)


def _shortest(value: Any) -> float:
    """Return a number whose digits are the fewest that give the same in single precision."""
    return float(str(value))
