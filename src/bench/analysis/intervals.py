"""Bootstrap intervals of means over datasets."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.seeds import derive_seed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

RESAMPLES = 10_000
COVERAGE = 0.95
TAILS = ((1 - COVERAGE) / 2, (1 + COVERAGE) / 2)
"""The quantiles at the ends of an interval."""


def bootstrap_means(values: Floats) -> tuple[Floats, Floats]:
    """Return the low and high ends, (E,) each, of a 95 % percentile interval of each row's mean.

    `values` is (E, N), a column per dataset, NaN where a row has none; every row sees the same 10,000
    resamples of the columns, which depend on N alone. A row of fewer than two values has no interval
    (NaN). Method: Efron & Tibshirani 1993, chapter 13.
    """
    n_rows, n = values.shape
    known = np.isfinite(values)
    low, high = np.full(n_rows, np.nan), np.full(n_rows, np.nan)
    wide = known.sum(axis=1) >= 2
    if wide.any():
        weights = resamples(n).T
        sums = np.where(known, values, 0.0)[wide] @ weights
        counts = np.full_like(sums, n) if known[wide].all() else known[wide].astype(float) @ weights
        means = np.divide(sums, counts, out=np.full(sums.shape, np.nan), where=counts > 0)
        quantiles = np.quantile if (counts > 0).all() else np.nanquantile
        low[wide], high[wide] = quantiles(means, TAILS, axis=1)
    return low, high


@lru_cache(maxsize=4)
def resamples(n: int) -> Floats:
    """Return (RESAMPLES, n) how often each of n datasets is drawn: multinomial weights.

    Kept from one drawing of a live leaderboard to the next.
    """
    rng = np.random.default_rng(derive_seed("bootstrap over datasets", n))
    drawn = rng.integers(n, size=(RESAMPLES, n)) + n * np.arange(RESAMPLES)[:, None]
    return np.bincount(drawn.ravel(), minlength=RESAMPLES * n).reshape(RESAMPLES, n).astype(float)
