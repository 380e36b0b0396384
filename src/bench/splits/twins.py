"""Folds that keep twins together: rows that are equal in every feature.

Most rows have no twin. So the twins are dealt first, as groups are, and then all other rows of each class
at once, to where the class falls short: a table of 50,000 rows takes some milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.seeds import derive_seed
from bench.splits.grouped import Dealer, contents_of
from bench.tasks import OWN_REPEATS


def twin_codes(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int32]:
    """Return codes (n_rows,) from 0 that are the same for rows of the same hash, and for no others."""
    return np.unique(hashes, return_inverse=True)[1].astype(np.int32)


def deal_twins(
    twins: npt.NDArray[np.int32], labels: npt.NDArray[np.int64] | None, shares: Sequence[float], seed: int
) -> npt.NDArray[np.int16]:
    """Return the fold (n_rows,) of each row; `shares` are the folds' parts of the rows, which sum to 1.

    `twins` are codes, the same for rows that are not to be parted; `labels` the class codes, or None for
    folds of equal size alone. Folds hold the classes in their shares as far as the twins let them.
    Raises DataError where there are fewer different rows than folds.
    """
    _, codes, sizes = np.unique(twins, return_inverse=True, return_counts=True)
    if len(sizes) < len(shares):
        raise DataError(f"{len(sizes)} different rows cannot be dealt to {len(shares)} folds")
    rng = np.random.default_rng(seed)
    folds = np.full(len(codes), -1, dtype=np.int16)
    several = sizes[codes] > 1
    folds[several] = _dealt_whole(codes, labels, several, shares, rng)
    kinds = np.zeros(len(codes), dtype=np.int64) if labels is None else labels
    order = rng.permutation(len(codes))
    alone = order[~several[order]]
    _fill(folds, kinds, alone, shares)
    return folds


def repeated_twins(
    twins: npt.NDArray[np.int32], labels: npt.NDArray[np.int64] | None, n_folds: int, key: str
) -> npt.NDArray[np.int16]:
    """Return the fold of each row in each repeat (OWN_REPEATS, n_rows), seeded by `key` and the repeat."""
    shares = [1 / n_folds] * n_folds
    seeds = [derive_seed(key, f"twins{n_folds}", repeat) for repeat in range(OWN_REPEATS)]
    return np.stack([deal_twins(twins, labels, shares, seed) for seed in seeds])


def _dealt_whole(
    codes: npt.NDArray[np.int64],
    labels: npt.NDArray[np.int64] | None,
    several: npt.NDArray[np.bool_],
    shares: Sequence[float],
    rng: np.random.Generator,
) -> npt.NDArray[np.int16]:
    """Return the folds of the rows that have twins, in row order: the most numerous are dealt first."""
    inside = np.unique(codes[several], return_inverse=True)[1]
    totals = np.bincount(np.zeros(len(codes), dtype=np.int64) if labels is None else labels + 1)
    totals[0] = len(codes)
    contents = list(contents_of(inside, None if labels is None else labels[several]))
    dealer = Dealer(totals.tolist(), contents, shares)
    order = rng.permutation(len(contents)).tolist()
    order.sort(key=lambda group: -contents[group][0][1])
    fold_of_group = np.empty(len(contents), dtype=np.int16)
    for group in order:
        fold_of_group[group] = dealer.deal(contents[group])
    return fold_of_group[inside]


def _fill(
    folds: npt.NDArray[np.int16],
    kinds: npt.NDArray[np.int64],
    alone: npt.NDArray[np.int64],
    shares: Sequence[float],
) -> None:
    """Deal the rows that are alone, in this order, class by class, to the folds that lack the class most."""
    share = np.asarray(shares)
    held = np.bincount(folds[folds >= 0], minlength=len(shares)).astype(np.float64)
    for kind in np.unique(kinds[alone]).tolist():
        rows = alone[kinds[alone] == kind]
        here = np.bincount(folds[(kinds == kind) & (folds >= 0)], minlength=len(shares))
        wanted = share * int((kinds == kind).sum())
        counts = _counts(wanted - here, len(rows), share * len(folds) - held)
        folds[rows] = np.repeat(np.arange(len(shares)), counts)
        held += counts


def _counts(
    lacking: npt.NDArray[np.float64], n: int, behind: npt.NDArray[np.float64]
) -> npt.NDArray[np.int64]:
    """Return how many of n rows each fold gets, as near to what it lacks as can be.

    What a fold has too much is taken from the others alike; rows left by rounding go where most of a row was
    cut off, and among equals to the fold that is furthest behind in rows of any class.
    """
    wanted = np.maximum(lacking, 0)
    while wanted.sum() - n > 1e-9:
        open_to = wanted > 0
        wanted = np.maximum(wanted - open_to * (wanted.sum() - n) / open_to.sum(), 0)
    counts = np.floor(wanted + 1e-9).astype(np.int64)
    left = n - int(counts.sum())
    order = np.lexsort((-behind, -np.round(wanted - counts, 6)))
    counts[order[:left]] += 1
    return counts
