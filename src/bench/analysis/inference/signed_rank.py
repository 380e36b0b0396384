"""The Bayesian signed-rank test: a companion of the verdict that never decides it.

It says how probable it is that one side is better, that the other is, or that they are practically equal on
two typical datasets. Where datasets differ by more than the region of equivalence it hardly ever declares
equivalence of the mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np

from bench.analysis.inference.effects import demand_finite
from bench.errors import ConfigError
from bench.seeds import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

SAMPLES = 20_000
"""Monte Carlo error of a probability: 0.0035 at most."""
PRIOR = 0.5
"""Weight of the prior, one more dataset without any effect."""


class Posterior(NamedTuple):
    """Probabilities that add up to 1."""

    left: float
    """The effect lies below the region of practical equivalence."""
    rope: float
    """It lies within."""
    right: float
    """It lies above."""


def signed_rank(values: Floats, rope: float) -> Posterior:
    """Return the posterior of (N,) effects with the region [-rope, rope], rope above 0; NaN where N is 0.

    A Dirichlet process with one atom a dataset and one at 0; each draw of its weights puts the mean of two
    datasets left, within or right, and the largest of the three wins it (Benavoli, Mangili, Corani,
    Zaffalon & Ruggeri 2014; Benavoli, Corani, Demšar & Zaffalon 2017). The draws are seeded by N, and the
    values put in order and faced upwards: their order changes nothing, and their signs exchange the sides.
    """
    demand_finite(values)
    if not 0 < rope < np.inf:
        raise ConfigError(f"the region of practical equivalence is {rope}: give a margin above 0")
    if not len(values):
        return Posterior(np.nan, np.nan, np.nan)
    ordered = np.sort(values)
    if ordered.sum() < 0:
        right, middle, left = _shares(np.sort(-ordered), rope)
    else:
        left, middle, right = _shares(ordered, rope)
    return Posterior(left, middle, right)


def _shares(values: Floats, rope: float) -> tuple[float, float, float]:
    atoms = np.concatenate(([0.0], values))
    sums = atoms[:, None] + atoms
    strength = np.concatenate(([PRIOR], np.ones(len(values))))
    rng = np.random.default_rng(derive_seed("Bayesian signed-rank test", len(values)))
    weights = rng.dirichlet(strength, SAMPLES)
    right = ((weights @ np.heaviside(sums - 2 * rope, 0.5)) * weights).sum(axis=1)
    left = ((weights @ np.heaviside(-sums - 2 * rope, 0.5)) * weights).sum(axis=1)
    winner = np.argmax((left, 1 - left - right, right), axis=0)
    shares = np.bincount(winner, minlength=3) / SAMPLES
    return float(shares[0]), float(shares[1]), float(shares[2])
