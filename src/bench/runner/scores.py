"""Scoring a candidate on the rows that its search did not see, and on those it was fitted on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from bench.datasets import ProblemType
from bench.orders import Predictions
from bench.scoring.metrics import all_metrics, mean_score, score
from bench.scoring.predictions import Prediction, average, finite, predict, prediction_hash, to_float32
from bench.search.search import Candidate, TrainingData
from bench.trials import TrialStatus

if TYPE_CHECKING:
    import pandas as pd

SCORED_FIT_ROWS = 5_000
"""Rows that a training score is of, at most."""
FEWEST_WITHOUT_TWINS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """What a candidate scored; all empty where it has no model."""

    status: TrialStatus | None = None
    """Set where scoring changed how the trial ended."""
    test: float | None = None
    test_single: float | None = None
    train: float | None = None
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    prediction_hash: str | None = None
    predictions: Predictions | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TestRows:
    """The rows that only the runner sees."""

    X: pd.DataFrame
    y: np.ndarray
    twinless: np.ndarray
    """(n,) whether no training row has the same features."""


def score_rows(candidate: Candidate, training: TrainingData, tested: TestRows) -> Scores:
    """Return a candidate's scores: its models averaged on the test rows, each on its own fit rows.

    The metrics hold a part more, `test_without_twins`: see `_without_twins`.
    """
    problem, classes, sd = training.problem, training.n_classes, training.target_sd
    y_test = tested.y
    singles = [predict(model, tested.X, problem, classes) for model in candidate.models]
    test = average(singles)
    if not finite(test):
        return Scores(status=TrialStatus.NAN)
    validation = [
        all_metrics(problem, training.y[held], prediction, sd)
        for (_, held), prediction in zip(training.folds, candidate.validation, strict=True)
    ]
    shown = [scored_fit_rows(fit) for fit, _ in training.folds]
    fitted = [
        (training.y[fit], predict(model, training.X.iloc[fit], problem, classes))
        for fit, model in zip(shown, candidate.models, strict=True)
    ]
    train = [all_metrics(problem, y, prediction, sd) for y, prediction in fitted]
    whole = all_metrics(problem, y_test, test, sd)
    return Scores(
        test=score(problem, y_test, test, sd),
        test_single=mean_score(problem, [score(problem, y_test, single, sd) for single in singles]),
        train=mean_score(problem, [score(problem, y, prediction, sd) for y, prediction in fitted]),
        metrics={
            "train": _mean(train),
            "validation": _mean(validation),
            "test": whole,
            **_without_twins(training, tested, test, whole),
        },
        prediction_hash=prediction_hash(*candidate.validation, test),
        predictions=_pack(candidate.validation, test),
    )


def scored_fit_rows(fit: np.ndarray) -> np.ndarray:
    """Return the positions, of those that a model is fitted on, whose rows its training score is of.

    Of many rows 5,000, evenly spaced: a nearest neighbour that is asked for all of its own 45,000 takes
    minutes to say what a ninth of them tells.
    """
    if len(fit) <= SCORED_FIT_ROWS:
        return fit
    spaced: np.ndarray = fit[np.linspace(0, len(fit) - 1, SCORED_FIT_ROWS).round().astype(np.intp)]
    return spaced


def _without_twins(
    training: TrainingData, tested: TestRows, test: Prediction, whole: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Return the part `test_without_twins`: the test rows whose features no training row has.

    Beside every metric it holds the primary error as `test_score`, as `n_rows` how many such rows there are,
    and with two classes as `n_minority` those of the rarer one. There is no such part where they are fewer
    than `FEWEST_WITHOUT_TWINS`, or lack a class that the test rows have: what they scored would not compare.
    """
    problem, sd, mask = training.problem, training.target_sd, tested.twinless
    y = tested.y[mask]
    if len(y) < FEWEST_WITHOUT_TWINS:
        return {}
    if problem.is_classification and len(np.unique(y)) < len(np.unique(tested.y)):
        return {}
    kept = replace(test, values=test.values[mask], sd=None if test.sd is None else test.sd[mask])
    metrics = dict(whole) if mask.all() else all_metrics(problem, y, kept, sd)
    counts = {"n_rows": float(len(y))}
    if problem is ProblemType.BINARY:
        counts["n_minority"] = float(min((y == 1).sum(), (y != 1).sum()))
    return {"test_without_twins": {**metrics, "test_score": score(problem, y, kept, sd), **counts}}


def _mean(folds: list[dict[str, float]]) -> dict[str, float]:
    """The mean over folds of each metric that every fold has."""
    names = set.intersection(*(set(fold) for fold in folds))
    return {name: float(np.mean([fold[name] for fold in folds])) for name in sorted(names)}


def _pack(validation: tuple[Prediction, ...], test: Prediction) -> Predictions:
    held_out, tested = np.concatenate([_table(p) for p in validation]), _table(test)
    kind = test.kind if test.sd is None else "distribution"
    return Predictions(kind, held_out.shape, tested.shape, held_out.tobytes() + tested.tobytes())


def _table(prediction: Prediction) -> np.ndarray:
    """The prediction as one float32 array: (n, classes), (n,), or (n, 2) with mean and SD."""
    single = to_float32(prediction)
    if single.sd is None:
        return single.values
    return np.column_stack([single.values, single.sd])
