"""How much an effect differs between datasets, and what to expect of the next one.

A mean may be far from 0 for certain while the next dataset is a coin's flip: the interval that says so is
the prediction interval, not that of the mean.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.inference.effects import demand_finite, effect

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

_ROUNDS = 200
"""Newton's steps to tau; it may have to grow from the smallest variance, which each step about doubles."""


class Model(StrEnum):
    """What is known of the noise within datasets."""

    RANDOM_EFFECTS = "random effects"
    """A standard error for each dataset."""
    PLAIN = "plain"
    """None: the spread between datasets holds the noise within them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The effect over datasets and on a new one; NaN where there are too few datasets to say."""

    model: Model
    n: int
    mean: float
    low: float
    """Lower end of the 95 % interval of the mean."""
    high: float
    tau: float
    """SD of the true effects between datasets; of the plain model, of the effects as measured."""
    i2: float
    """Share of the variance that lies between datasets, in [0, 1]; NaN in the plain model."""
    new_low: float
    """Lower end of the 95 % prediction interval for the true effect on a new dataset, in the plain model for
    the effect as it would be measured there."""
    new_high: float
    p_above: float
    """Probability that the effect on a new dataset is above 0."""


def spread(values: Floats, errors: Floats | None = None) -> Spread:
    """Return how (N,) effects differ, given their standard errors (N,) where there are any.

    Where one of these is 0 or unknown (one split, or splits that agree to the last row) no weight can be
    given to it, and the plain model is used; `model` says so.
    """
    if errors is None or not (np.isfinite(errors) & (errors > 0)).all():
        return plain(values)
    return random_effects(values, errors)


def random_effects(values: Floats, errors: Floats) -> Spread:
    """Return a random-effects meta-analysis of (N,) effects with standard errors (N,), all above 0.

    Tau by Paule & Mandel 1982, the interval of the mean by Hartung & Knapp 2001 with N - 1 degrees of
    freedom, that of a new dataset by Higgins, Thompson & Spiegelhalter 2009 with N - 2. Standard errors
    of few splits are themselves uncertain, which none of these accounts for.
    """
    from statsmodels.stats.meta_analysis import combine_effects

    demand_finite(values)
    n = len(values)
    if n < 2:
        return plain(values)
    with np.errstate(divide="ignore"):  # I2 of effects that are all equal
        fit = combine_effects(values, errors**2, method_re="iterated", use_t=True, maxiter=_ROUNDS)
    _, _, _, (low, high) = fit.conf_int()
    mean, tau, error = float(fit.mean_effect_re), float(np.sqrt(fit.tau2)), float(fit.sd_eff_w_re_hksj)
    new_low, new_high, p_above = _next(mean, np.hypot(tau, error), n - 2)
    return Spread(
        model=Model.RANDOM_EFFECTS,
        n=n,
        mean=mean,
        low=float(low),
        high=float(high),
        tau=tau,
        i2=max(float(fit.i2), 0.0),
        new_low=new_low,
        new_high=new_high,
        p_above=p_above,
    )


def plain(values: Floats) -> Spread:
    """Return the spread of (N,) effects without standard errors.

    A new value lies within mean +- t(N - 1) sd sqrt(1 + 1 / N) (Hahn & Meeker 1991, chapter 4).
    """
    found = effect(values)
    new_low, new_high, p_above = _next(found.mean, found.sd * np.sqrt(1 + 1 / max(found.n, 1)), found.n - 1)
    return Spread(
        model=Model.PLAIN,
        n=found.n,
        mean=found.mean,
        low=found.low,
        high=found.high,
        tau=found.sd,
        i2=np.nan,
        new_low=new_low,
        new_high=new_high,
        p_above=p_above,
    )


def _next(mean: float, scale: float, df: int) -> tuple[float, float, float]:
    """Return both ends of 95 % of a t-distribution, and its share above 0."""
    from scipy.special import stdtr, stdtrit

    if df < 1:
        return np.nan, np.nan, np.nan
    reach = float(stdtrit(df, 0.975) * scale)
    above = float(stdtr(df, mean / scale)) if scale > 0 else float(np.heaviside(mean, 0.5))
    return mean - reach, mean + reach, above
