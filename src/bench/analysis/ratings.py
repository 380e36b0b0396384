"""One number for an entry among others: Elo, win rate, improvability.

They depend on which other entries are in the table: add a weak one, and those that beat it rise. So they
decide no claim; a mean log error ratio does, which knows of no third entry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.bradley_terry import log_strengths
from bench.analysis.contest import Contest, outcomes
from bench.analysis.intervals import TAILS, resamples

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

SCALE = 400 / math.log(10)
"""Elo points of a log strength: 400 more are ten to one."""
ANCHOR = 1000.0
"""The Elo rating of the reference; without it among the entries, the mean of all."""
RESAMPLES = 2_000
_AT_ONCE = 250
"""Resamples that are solved together, for the sake of memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rating:
    """What an entry is worth among those it met; NaN where it met nobody."""

    elo: float = math.nan
    """Bradley-Terry by maximum likelihood, ties half a win."""
    low: float = math.nan
    """Ends of its 95 % bootstrap interval over datasets, against the mean of all entries; NaN with fewer
    than two datasets, and for an entry that won everything or lost everything: its true rating has no bound,
    and no resample could say so."""
    high: float = math.nan
    win_rate: float = math.nan
    """The share of the others that it beats on a dataset, ties half, mean over datasets."""
    improvability: float = math.nan
    """Mean over datasets of 1 - the best entry's error / its own: what share of it another showed to be
    avoidable."""
    n: int = 0
    """Datasets where it met another entry."""


NOT_RATED = Rating()


def ratings(contest: Contest) -> tuple[Rating, ...]:
    """Return the rating of each entry."""
    won = outcomes(contest.log_ratio)
    n = np.isfinite(won).any(axis=1).sum(axis=-1)
    elo, low, high = _elo(won, n)
    if contest.anchor is not None:
        shift = ANCHOR - elo[contest.entries.index(contest.anchor)]
        elo, low, high = elo + shift, low + shift, high + shift
    columns = (elo, low, high, _win_rates(won), _improvabilities(contest.log_ratio))
    return tuple(
        Rating(elo=e, low=lo, high=hi, win_rate=wins, improvability=rest, n=int(k))
        for e, lo, hi, wins, rest, k in zip(*(column.tolist() for column in columns), n, strict=True)
    )


def _elo(won: Floats, n: NDArray[np.intp]) -> tuple[Floats, Floats, Floats]:
    """Return (E,) Elo ratings around a mean of 1000, and the low and high ends of their intervals."""
    n_entries, _, n_datasets = won.shape
    rated = n > 0
    low, high = np.full(n_entries, np.nan), np.full(n_entries, np.nan)
    if not rated.any():
        return low, low, high
    flat = np.where(np.isfinite(won), won, 0.0).reshape(n_entries**2, n_datasets)
    wins = flat.sum(axis=1).reshape(n_entries, n_entries)
    point = log_strengths(wins)
    wide = (n >= 2) & (wins.sum(axis=1) > 0) & (wins.sum(axis=0) > 0)
    if wide.any():
        low[wide], high[wide] = np.nanquantile(_resampled(flat, point)[:, wide], TAILS, axis=0)
    centre = point[rated].mean()
    of_rated = np.where(rated, point, np.nan)
    elo, low, high = ANCHOR + SCALE * (np.stack((of_rated, low, high)) - centre)
    return elo, low, high


def _resampled(flat: Floats, point: Floats) -> Floats:
    """Return (RESAMPLES, E) log strengths, a row for each resample of the datasets; NaN where it met nobody.

    `flat` is (E * E, N): outcomes, 0 where two entries did not meet.
    """
    n_entries, found = len(point), []
    drawn = resamples(flat.shape[1])[:RESAMPLES]
    for first in range(0, len(drawn), _AT_ONCE):
        wins = (drawn[first : first + _AT_ONCE] @ flat.T).reshape(-1, n_entries, n_entries)
        strength = log_strengths(wins, start=point)
        strength[(wins.sum(axis=2) + wins.sum(axis=1)) == 0] = np.nan
        found.append(strength)
    return np.concatenate(found)


def _win_rates(won: Floats) -> Floats:
    met = np.isfinite(won)
    n_others = met.sum(axis=1)
    share = np.divide(np.where(met, won, 0.0).sum(axis=1), n_others, where=n_others > 0, out=_nan(n_others))
    return _means(share)


def _improvabilities(log_ratio: Floats) -> Floats:
    """Return the means of 1 - best error / own error; log ratios have floored errors, so none is 0."""
    best = np.where(np.isfinite(log_ratio), log_ratio, -np.inf).max(axis=0, initial=-np.inf)
    return _means(-np.expm1(log_ratio - best))


def _means(values: Floats) -> Floats:
    """Return the mean of each row of (E, N) values over what is there; NaN for nothing."""
    n = np.isfinite(values).sum(axis=1)
    means: Floats = np.divide(np.nansum(values, axis=1), n, where=n > 0, out=_nan(n))
    return means


def _nan(like: NDArray[np.intp]) -> Floats:
    return np.full(like.shape, np.nan)
