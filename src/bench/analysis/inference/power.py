"""What a rule can find: how probable its verdicts are at a true mean, a spread and a number of units.

Effects are taken as normal and the t-interval as the rule's. The signed-rank test, which superiority asks
for as well, is left out: it takes next to nothing where effects are normal. The whole rule, and heavy tails,
are in docs/operating-characteristics.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from bench.errors import ConfigError
from bench.verdicts import Rule

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

POWER = 0.8
"""How probable a verdict is where one says that it can be had."""
MOST_UNITS = 10_000
_POINTS = (np.arange(500) + 0.5) / 500
"""Probabilities at which the sample SD's distribution is averaged over."""


class Chances(NamedTuple):
    """Probabilities of the two decisions; what is left is inconclusive."""

    supported: float
    refuted: float


def chances(n: int, mean: float, sd: float, margin: float, rule: Rule) -> Chances:
    """Return how probable each decision is for n units whose effects have this true mean and SD.

    Given the sample's SD, each decision is a range of the sample's mean, whose distribution is normal; what
    is returned is the average over the sample's SD (for one bound, the noncentral t-distribution).
    """
    from scipy.special import gammaincinv, ndtr, stdtrit

    if n < 2 or not np.isfinite(sd):
        return Chances(0.0, 0.0)
    df = n - 1
    error = sd / np.sqrt(n)
    drawn = error * np.sqrt(2 * gammaincinv(df / 2, _POINTS) / df)
    reach, reach_90 = stdtrit(df, 0.975) * drawn, stdtrit(df, 0.95) * drawn
    least = max(error, 1e-300)

    def above(bound: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(ndtr((mean - bound) / least).mean())

    def below(bound: Floats) -> float:
        with np.errstate(over="ignore"):
            return float(ndtr((bound - mean) / least).mean())

    match rule:
        case Rule.SUPERIORITY | Rule.INTERACTION | Rule.SHAPE:
            return Chances(above(np.maximum(reach, margin)), below(margin - reach))
        case Rule.EQUIVALENCE:
            half = np.maximum(margin - reach_90, 0.0)
            return Chances(1 - above(half) - below(-half), above(margin + reach) + below(-margin - reach))
        case Rule.AT_MOST:
            return Chances(below(margin - reach), above(margin + reach))
        case Rule.UNIVERSAL | Rule.IMPOSSIBLE:
            raise ConfigError(f'the rule "{rule}" counts exceptions: it has no mean to be found')


def detectable(n: int, sd: float, margin: float, rule: Rule) -> float:
    """Return the true mean from which on the rule supports its claim with probability 0.8, at n units.

    Superiority, interaction and shape: the smallest such mean. Equivalence and at-most: the largest; for
    equivalence NaN where not even a mean of 0 is supported so often. NaN also for fewer than two units.
    """
    from scipy.optimize import brentq

    if n < 2 or not np.isfinite(sd):
        return np.nan
    if sd == 0:
        return margin

    def gain(mean: float) -> float:
        return chances(n, mean, sd, margin, rule).supported - POWER

    far = 10 * abs(margin) + 100 * sd
    rises = rule not in (Rule.EQUIVALENCE, Rule.AT_MOST)
    low, high = (0.0, far) if rises else (0.0 if rule is Rule.EQUIVALENCE else -far, abs(margin))
    if rule is Rule.EQUIVALENCE and gain(0.0) < 0:
        return np.nan
    return float(brentq(gain, low, high))


def units_needed(mean: float, sd: float, margin: float, rule: Rule) -> int | None:
    """Return how many units decide, one way or the other, with probability 0.8 at a true mean and SD.

    None where more than 10,000 would be needed: the mean lies at the margin.
    """

    def decides(n: int) -> bool:
        return sum(chances(n, mean, sd, margin, rule)) >= POWER

    high = 2
    while not decides(high):
        high *= 2
        if high > MOST_UNITS:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle, high)
    return high


def detectable_loss(n: int, sd: float, threshold: float, level: float) -> float:
    """Return the smallest true mean that is seen to lie above a threshold with probability 0.8, at n units.

    Seen means that the 95 % interval lies above the threshold, and that a two-sided test at `level` finds
    the mean above 0. NaN where that many units can give the signed-rank test no such p, or have no spread
    to go by.
    """
    from scipy.optimize import brentq
    from scipy.special import gammaincinv, ndtr, stdtrit

    if n < 2 or not np.isfinite(sd) or 2.0 ** (1 - n) > level:
        return np.nan
    if sd == 0:
        return threshold
    df, error = n - 1, sd / np.sqrt(n)
    drawn = error * np.sqrt(2 * gammaincinv(df / 2, _POINTS) / df)
    least = np.maximum(threshold + stdtrit(df, 0.975) * drawn, stdtrit(df, 1 - level / 2) * drawn)

    def gain(mean: float) -> float:
        return float(ndtr((mean - least) / error).mean()) - POWER

    return float(brentq(gain, 0.0, float(least.max()) + 10 * error))
