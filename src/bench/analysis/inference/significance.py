"""p-values: over datasets, within one, corrected for how many there are, and counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.inference.effects import demand_finite

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

LEVEL = 0.05
ENUMERATED = 13
"""Effects other than 0 whose signs are enumerated where some are 0 or tied: 2^13 sums.

Among many effects that are 0, few others are far from normal, however many there are in all.
"""


def wilcoxon(values: Floats) -> float:
    """Return the two-sided p of the signed-rank test that (N,) effects lie evenly about 0.

    Effects of 0 keep their ranks and lose their sign (Pratt 1959); if all are 0, p is 1; of none, NaN.
    """
    from scipy import stats

    demand_finite(values)
    if not len(values):
        return np.nan
    if not values.any():
        return 1.0
    sizes = np.abs(values)
    few = np.count_nonzero(values) <= ENUMERATED
    if few and (sizes.min() == 0 or len(np.unique(sizes)) < len(sizes)):
        return _enumerated(values, stats.rankdata(sizes))
    return float(stats.wilcoxon(values, zero_method="pratt").pvalue)


def _enumerated(values: Floats, ranks: Floats) -> float:
    """Return the exact two-sided p by all signs that effects other than 0 could have.

    With ties the library does the same, one permutation at a time, in seconds.
    """
    ranks, positive = ranks[values != 0], values[values != 0] > 0
    signs = np.arange(2 ** len(ranks))[:, None] >> np.arange(len(ranks)) & 1
    sums, found = signs @ ranks, ranks[positive].sum()
    return min(1.0, 2 * float(min((sums <= found).mean(), (sums >= found).mean())))


def holm(p: Floats) -> Floats:
    """Return p-values adjusted for all of them, family-wise (Holm 1979); NaN stays and does not count."""
    return _adjusted(p, _step_down)


def benjamini_hochberg(p: Floats) -> Floats:
    """Return p-values adjusted for the rate of false discoveries (Benjamini & Hochberg 1995); NaN stays."""
    return _adjusted(p, _step_up)


def replicated(p: Floats, level: float = LEVEL) -> int:
    """Return a lower bound, at confidence 1 - level, on how many of (N,) datasets a claim holds.

    `p` are one-sided p-values within each dataset that the claim does not hold there. The bound is the
    largest u with a partial-conjunction p-value (N - u + 1) p_(u), made monotone, of at most the level
    (Benjamini & Heller 2008; Dror, Baumer, Bogomolov & Reichart 2017): as many as Holm's procedure rejects.
    It holds however the datasets depend on each other. NaN is no evidence: it stays among the N.
    """
    ordered = np.sort(np.where(np.isnan(p), 1.0, p))
    conjunction = np.maximum.accumulate((len(p) - np.arange(len(p))) * ordered)
    return int((conjunction <= level).sum())


@dataclass(frozen=True, slots=True, kw_only=True)
class Within:
    """The mean difference within one dataset, over J splits of the same rows; NaN where J is below 2."""

    n: int
    mean: float
    error: float
    """Standard error of the mean."""
    p: float
    """Two-sided, of no difference."""
    p_above: float
    """One-sided, of no difference above 0: what `replicated` takes."""
    low: float
    """Lower end of the 95 % interval."""
    high: float


def corrected_t(differences: Floats, ratio: float) -> Within:
    """Return the corrected resampled t-test of (J,) differences (Nadeau & Bengio 2003).

    `ratio` is n_test / n_train of a split: 1 / (k - 1) in k-fold cross-validation. Splits share training
    rows, so the variance of their mean is not s2 / J; it is taken as s2 (1 / J + ratio). Differences that
    are all equal have no error: p is 1 if they are 0, and 0 otherwise.
    """
    from scipy.special import stdtr, stdtrit

    demand_finite(differences)
    n = len(differences)
    mean = float(differences.mean()) if n else np.nan
    if n < 2:
        return Within(n=n, mean=mean, error=np.nan, p=np.nan, p_above=np.nan, low=np.nan, high=np.nan)
    constant = bool((differences == differences[0]).all())
    error = 0.0 if constant else float(np.sqrt(differences.var(ddof=1) * (1 / n + ratio)))
    t = mean / error if error else np.copysign(np.inf, mean) if mean else 0.0
    reach = float(stdtrit(n - 1, 0.975)) * error
    return Within(
        n=n,
        mean=mean,
        error=error,
        p=min(1.0, 2 * float(stdtr(n - 1, -abs(t)))),
        p_above=float(stdtr(n - 1, -t)),
        low=mean - reach,
        high=mean + reach,
    )


def _adjusted(p: Floats, adjust: Callable[[Floats, int], Floats]) -> Floats:
    """Return p-values adjusted in ascending order; what is NaN stays, and does not count.

    Own code, since the library's, which tests compare it with, collects garbage for a fifth of a second.
    """
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known], kind="stable")]
    adjusted = np.full(len(p), np.nan)
    adjusted[order] = np.minimum(adjust(p[order], len(order)), 1.0)
    return adjusted


def _step_down(ascending: Floats, n: int) -> Floats:
    """Holm 1979."""
    factors = n - np.arange(n)
    found: Floats = np.maximum.accumulate(factors * ascending)
    return found


def _step_up(ascending: Floats, n: int) -> Floats:
    """Benjamini and Hochberg 1995."""
    scaled = ascending * n / np.arange(1, n + 1)
    found: Floats = np.minimum.accumulate(scaled[::-1])[::-1]
    return found
