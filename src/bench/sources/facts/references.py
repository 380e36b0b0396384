"""D401 and D402: whether there is something to learn, and something left to learn, for two plain models."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import ProblemType
from bench.facts import CEILING_ERROR, LEARNT_MARGIN, LEARNT_NOISE, Consequence, Fact
from bench.scoring.metrics import score
from bench.scoring.predictions import Prediction, predict
from bench.sources.columns import Column
from bench.sources.facts.samples import Sample, grounds, not_judged

Floats = npt.NDArray[np.float64]

TREES = 50
MOST_LEVELS = 50
"""Categories of a column that a linear model tells apart: the most frequent ones."""
MOST_STEPS = 200
RIDGE = 0.1
"""So little that a linear target of a thousand rows is told to four digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """What plain models err by on the held-out rows of a sample."""

    dummy: float
    forest: float
    linear: float
    noise: float
    """How many standard errors the better of the two is below the dummy."""

    @property
    def best(self) -> float:
        """The error of the better of the two."""
        return min(self.forest, self.linear)


def reference_facts(sample: Sample | None) -> tuple[Fact, Fact]:
    """Return D401 and D402."""
    if sample is None:
        return not_judged("D401"), not_judged("D402")
    found = measure(sample)
    values = {"dummy": found.dummy, "forest": found.forest, "linear": found.linear, "noise": found.noise}
    told = f"error {found.best:.4g} on {len(sample.held)} held-out rows, the dummy's {found.dummy:.4g}"
    consequence = grounds(sample.problem, sample.y[sample.held])
    learnt = _is_learnt(found)
    by_rank = not learnt and _is_learnt_by_rank(sample)
    what = "something can be learnt of the target's ranks" if by_rank else "something can be learnt"
    ceiling = found.best <= CEILING_ERROR
    return (
        Fact(code="D401", consequence=Consequence.PASS, text=f"{what}: {told}", values=values)
        if learnt or by_rank
        else Fact(code="D401", consequence=consequence, text=f"nothing is learnt: {told}", values=values),
        Fact(code="D402", consequence=consequence, text=f"nothing is left to learn: {told}", values=values)
        if ceiling
        else Fact(
            code="D402",
            consequence=Consequence.PASS,
            text=f"something is left to learn: {told}",
            values=values,
        ),
    )


def _is_learnt(found: References) -> bool:
    return found.best <= (1 - LEARNT_MARGIN) * found.dummy and found.noise >= LEARNT_NOISE


def _is_learnt_by_rank(sample: Sample) -> bool:
    """Whether a regression's ranks are learnt: a few values of a heavy tail decide its own error."""
    if sample.problem.is_classification:
        return False
    from scipy.stats import rankdata

    return _is_learnt(measure(replace(sample, y=rankdata(sample.y) / len(sample.y))))


def measure(sample: Sample) -> References:
    """Return the errors of the dummy, the forest and the linear model on the held-out rows."""
    y_fit, y_held, problem = sample.y[sample.fit], sample.y[sample.held], sample.problem
    scale = 1.0 if problem.is_classification else float(np.std(sample.y))
    y_held = y_held.astype(np.int64) if problem.is_classification else y_held
    dummy, forest, linear = (
        _dummy(sample, y_fit),
        forest_prediction(sample, sample.columns, sample.y),
        _linear_prediction(sample),
    )
    errors = [score(problem, y_held, prediction, scale) for prediction in (dummy, forest, linear)]
    better = forest if errors[1] <= errors[2] else linear
    return References(
        dummy=errors[0], forest=errors[1], linear=errors[2], noise=_noise(problem, y_held, dummy, better)
    )


def forest_prediction(sample: Sample, columns: Sequence[Column], y: Floats) -> Prediction:
    """Return what a seeded forest on these columns, fitted to `y` (n,), says of the held-out rows."""
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

    X: Any = np.column_stack([_filled(column, sample.fit) for column in columns])
    options: dict[str, Any] = {"n_estimators": TREES, "random_state": 0, "n_jobs": 1}
    model = (
        RandomForestClassifier(**options)
        if sample.problem.is_classification
        else RandomForestRegressor(**options, max_features=1 / 3)
    )
    model.fit(X[sample.fit], y[sample.fit])
    return predict(model, X[sample.held], sample.problem, sample.n_classes)


def _linear_prediction(sample: Sample) -> Prediction:
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression, Ridge

    X: Any = sparse.hstack([sparse.csr_array(part) for part in _encoded(sample)], format="csr")
    model = (
        LogisticRegression(max_iter=MOST_STEPS) if sample.problem.is_classification else Ridge(alpha=RIDGE)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a yardstick that has not converged is one all the same
        model.fit(X[sample.fit], sample.y[sample.fit])
    return predict(model, X[sample.held], sample.problem, sample.n_classes)


def _encoded(sample: Sample) -> Iterator[Floats]:
    """Yield numbers over their SD, and an indicator of each frequent category; as the fit rows have them."""
    yield np.zeros((len(sample.y), 1))  # so that there is always one
    for column in sample.columns:
        if column.data.dtype.kind == "f":
            values = _filled(column, sample.fit)
            sd = float(np.std(values[sample.fit]))
            if np.isfinite(sd) and sd > 0:
                yield ((values - values[sample.fit].mean()) / sd)[:, None]
            continue
        levels, counts = np.unique(column.data[sample.fit], return_counts=True)
        frequent = levels[np.argsort(-counts, kind="stable")[:MOST_LEVELS]]
        yield (column.data[:, None] == frequent[None, :]).astype(np.float64)


def _filled(column: Column, fit: npt.NDArray[np.int64]) -> Floats:
    """Return a column as numbers, the median of the fit rows where one is missing."""
    data = column.data.astype(np.float64)
    missing = np.isnan(data)
    if not missing.any():
        return data
    known = data[fit][~missing[fit]]
    return np.where(missing, float(np.median(known)) if len(known) else 0.0, data)


def _dummy(sample: Sample, y_fit: Floats) -> Prediction:
    n = len(sample.held)
    if not sample.problem.is_classification:
        return Prediction(kind="value", values=np.full(n, y_fit.mean()))
    shares = np.bincount(y_fit.astype(np.int64), minlength=sample.n_classes) / len(y_fit)
    return Prediction(kind="probability", values=np.tile(shares, (n, 1)))


def _noise(problem: ProblemType, y: npt.NDArray[Any], dummy: Prediction, better: Prediction) -> float:
    """Return by how many standard errors a prediction is better than the dummy's.

    Of an AUC as of Mann and Whitney's U without a difference (1947); else of the mean difference of what the
    rows add to the error.
    """
    if problem is ProblemType.BINARY:
        ones = int((y == 1).sum())
        zeros = len(y) - ones
        gain = 0.5 - score(problem, y, better, 1.0)
        return gain / float(np.sqrt((ones + zeros + 1) / (12 * ones * zeros)))
    gains = _losses(problem, y, dummy) - _losses(problem, y, better)
    error = float(np.std(gains)) / np.sqrt(len(gains))
    return float(gains.mean() / error) if error > 0 else 0.0


def _losses(problem: ProblemType, y: Floats, prediction: Prediction) -> Floats:
    if problem is ProblemType.MULTICLASS:
        wrong: Floats = (prediction.values.argmax(axis=1) != y).astype(np.float64)
        return wrong
    return (y - np.asarray(prediction.values, dtype=np.float64)) ** 2
