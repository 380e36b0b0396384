"""D203: one column alone that tells the target, where all the others together do not."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets import ProblemType
from bench.facts import LEAK_ERROR, LEAK_REST_ERROR, Consequence, Fact
from bench.scoring.metrics import score
from bench.scoring.predictions import Prediction
from bench.sources.columns import Column
from bench.sources.facts.references import forest_prediction
from bench.sources.facts.samples import Sample, grounds, not_judged
from bench.sources.notes import listed

Floats = npt.NDArray[np.float64]


def leaking_columns(sample: Sample | None) -> Fact:
    """Return D203.

    A column is asked alone, cross-fitted, by interpolation between the nearest values that were seen: what is
    a copy of the target, a code of it or a counter in a table sorted by it is told at once, and a feature
    that is merely strong is not, as neighbours bring twice its noise. A regression's target is taken by its
    ranks, so that a few large values do not decide.
    """
    if sample is None:
        return not_judged("D203")
    y = _scale_free(sample)
    errors = {column.feature.name: _alone(column, sample, y) for column in sample.columns}
    found = [name for name, error in errors.items() if error <= LEAK_ERROR]
    least = min(errors.values())
    values: dict[str, float | str] = {"least_error": least}
    if not found:
        text = f"no column alone tells the target: the best errs by {least:.4g}"
        return Fact(code="D203", consequence=Consequence.PASS, text=text, values=values)
    rest = _rest_error(sample, y, found)
    values |= {"rest_error": rest, "columns": listed(found)}
    alone = f"{listed([repr(name) for name in found])} alone {'predicts' if len(found) == 1 else 'predict'}"
    if rest <= LEAK_REST_ERROR:
        text = f"{alone} the target, and so do the others without it (error {rest:.4g})"
        return Fact(code="D203", consequence=Consequence.PASS, text=text, values=values)
    column = "column" if len(found) == 1 else "each of the columns"
    text = f"{column} {alone} the target (error {least:.4g}); without it the others err by {rest:.4g}"
    return Fact(code="D203", consequence=grounds(sample.problem, sample.y), text=text, values=values)


def _scale_free(sample: Sample) -> Floats:
    """Return class codes, or the ranks of a regression's targets over their number."""
    if sample.problem.is_classification:
        return sample.y
    from scipy.stats import rankdata

    ranks: Floats = rankdata(sample.y) / len(sample.y)
    return ranks


def _alone(column: Column, sample: Sample, y: Floats) -> float:
    """Return the cross-fitted error of one column."""
    codes = y.astype(np.int64) if sample.problem.is_classification else None
    wanted = y[:, None] if codes is None else np.eye(sample.n_classes)[codes]
    said = np.empty_like(wanted)
    for fit, held in sample.thirds:
        said[held] = _told(column.data[fit], wanted[fit], column.data[held])
    asked = np.sort(np.concatenate([held for _, held in sample.thirds]))
    return _error(sample.problem, y[asked], said[asked])


def _told(seen: npt.NDArray[Any], wanted: Floats, asked: npt.NDArray[Any]) -> Floats:
    """Return (n, k) what the seen values (m,) with their targets (m, k) say of those asked (n,)."""
    numeric = seen.dtype.kind == "f"
    gone, lost = (np.isnan(values) if numeric else values < 0 for values in (seen, asked))
    said = np.tile(wanted.mean(axis=0), (len(asked), 1))
    if gone.any():
        said[lost] = wanted[gone].mean(axis=0)
    known, place = np.unique(seen[~gone], return_inverse=True)
    if not len(known):
        return said
    sums = np.stack([np.bincount(place, weights=part) for part in wanted[~gone].T], axis=1)
    means = sums / np.bincount(place)[:, None]
    right = np.clip(np.searchsorted(known, asked[~lost]), 0, len(known) - 1)
    if not numeric:
        met = known[right] == asked[~lost]
        said[np.flatnonzero(~lost)[met]] = means[right[met]]
        return said
    left = np.maximum(right - 1, 0)
    gap = known[right] - known[left]
    share = np.clip(np.divide(known[right] - asked[~lost], gap, out=np.zeros(len(gap)), where=gap > 0), 0, 1)
    said[~lost] = share[:, None] * means[left] + (1 - share)[:, None] * means[right]
    return said


def _rest_error(sample: Sample, y: Floats, found: list[str]) -> float:
    """Return the error of a forest on all other columns; 1 where there are none."""
    rest = [column for column in sample.columns if column.feature.name not in found]
    if not rest:
        return 1.0
    said = forest_prediction(sample, rest, y).values
    return _error(sample.problem, y[sample.held], said if said.ndim == 2 else said[:, None])


def _error(problem: ProblemType, y: Floats, said: npt.NDArray[np.floating[Any]]) -> float:
    """Return 1 - AUC, the error rate, or 1 - R2."""
    if problem.is_classification:
        return score(problem, y.astype(np.int64), Prediction(kind="decision", values=said), 1.0)
    return float(np.mean((y - said[:, 0]) ** 2) / np.var(y))
