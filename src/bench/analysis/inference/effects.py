"""The mean of one number per dataset, with the intervals that the rules decide by.

Few datasets have a t-interval, 32 and more a BCa bootstrap interval of the mean (Efron 1987; Efron &
Tibshirani 1993, chapter 14): with fewer, BCa intervals are too short. The resamples depend on the number of
datasets alone, the values are put in order first, and a set whose mean is below 0 is mirrored: the order of
the datasets changes nothing, and exchanging the two sides gives exactly the mirrored interval.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.intervals import resamples
from bench.errors import DataError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

LARGE = 32
"""From so many values on the bootstrap is as good as the t-interval, and sees skewness."""
_TAILS = np.array([0.025, 0.975, 0.05, 0.95])
_MIRRORED = [1, 0, 3, 2]


class Method(StrEnum):
    """How an interval was had."""

    T = "t"
    BCA = "bca"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """A mean over datasets (or seeds); NaN where there are too few: no mean of none, no interval of one."""

    n: int
    mean: float
    sd: float
    """Between the values, with n - 1."""
    low: float
    """Lower end of the two-sided 95 % interval of the mean."""
    high: float
    low_90: float
    """Lower end of the two-sided 90 % interval, as two one-sided tests at 5 % use it (Schuirmann 1987)."""
    high_90: float
    method: Method


def effect(values: Floats) -> Effect:
    """Return the mean of (N,) finite values with its intervals; raises DataError where one is not finite."""
    return effects(values[None])[0]


def effects(values: Floats) -> list[Effect]:
    """Return the effect of each row of (E, N) finite values, each as if it were alone.

    Values that are all equal have an interval of no width, by t. So has any set that BCa fails on, and
    `method` says so.
    """
    demand_finite(values)
    n = values.shape[1]
    if n == 0:
        return [_effect(n, np.nan, np.nan, np.full(4, np.nan), Method.T) for _ in values]
    ordered = np.sort(values, axis=1)
    facing = np.where(ordered.sum(axis=1) < 0, -1.0, 1.0)
    ordered = np.sort(facing[:, None] * ordered, axis=1)
    level = ordered[:, 0] == ordered[:, -1]
    mean = np.where(level, ordered[:, 0], ordered.mean(axis=1))
    sd = np.where(level, 0.0, ordered.std(axis=1, ddof=1)) if n > 1 else np.full(len(values), np.nan)
    ends = _t_ends(mean, sd, n)
    bootstrapped = np.zeros(len(values), dtype=bool)
    if n >= LARGE:
        bca = _bca_ends(ordered)
        bootstrapped = np.isfinite(bca).all(axis=1) & ~level
        ends[bootstrapped] = bca[bootstrapped]
    back = facing < 0
    ends[back] = -ends[back][:, _MIRRORED]
    methods = [Method.BCA if by else Method.T for by in bootstrapped]
    return [_effect(n, *row) for row in zip(facing * mean, sd, ends, methods, strict=True)]


def demand_finite(values: Floats) -> None:
    """Raise DataError, with the places, where a value is NaN or infinite."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong):
        places = ", ".join(str(place) for place in wrong[:5])
        raise DataError(
            f"{len(wrong)} of {values.size} effects are no finite numbers (at {places}): "
            "decide beforehand what stands in for a missing score, or leave its dataset out"
        )


def _effect(n: int, mean: float, sd: float, ends: Floats, method: Method) -> Effect:
    low, high, low_90, high_90 = (float(end) for end in ends)
    return Effect(
        n=n,
        mean=float(mean),
        sd=float(sd),
        low=low,
        high=high,
        low_90=low_90,
        high_90=high_90,
        method=method,
    )


def _t_ends(mean: Floats, sd: Floats, n: int) -> Floats:
    from scipy.special import stdtrit

    if n < 2:
        return np.full((len(mean), 4), np.nan)
    ends: Floats = mean[:, None] + stdtrit(n - 1, _TAILS) * sd[:, None] / np.sqrt(n)
    return ends


def _bca_ends(values: Floats) -> Floats:
    """Return (E, 4) ends of the BCa intervals of each row's mean; NaN where all resamples lie on one side."""
    from scipy.special import ndtr, ndtri

    n = values.shape[1]
    mean = values.mean(axis=1, keepdims=True)
    draws = np.sort(values @ (resamples(n).T / n), axis=1)
    # Among values with ties many resamples have the very same mean, give or take rounding: half of them
    # count as below.
    rounding = 1e-12 * np.abs(values).max(axis=1, keepdims=True)
    below = ((draws < mean - rounding).mean(axis=1) + (draws <= mean + rounding).mean(axis=1)) / 2
    deviation = values - mean
    deviation /= np.maximum(np.abs(deviation).max(axis=1, keepdims=True), np.finfo(float).tiny)
    with np.errstate(divide="ignore", invalid="ignore"):
        acceleration = (deviation**3).sum(axis=1) / (6 * (deviation**2).sum(axis=1) ** 1.5)
        bias = ndtri(below)[:, None]
        shifted = bias + ndtri(_TAILS)
        quantile = ndtr(bias + shifted / (1 - acceleration[:, None] * shifted))
    return _quantiles(draws, quantile)


def _quantiles(ordered: Floats, probability: Floats) -> Floats:
    """Return the quantiles of each row, at probabilities of its own, by linear interpolation."""
    place = probability * (ordered.shape[1] - 1)
    floor = np.floor(np.nan_to_num(place)).astype(int)
    lower = np.take_along_axis(ordered, floor, axis=1)
    upper = np.take_along_axis(ordered, np.minimum(floor + 1, ordered.shape[1] - 1), axis=1)
    between: Floats = lower + (place - floor) * (upper - lower)
    return between
