"""Folds of whole groups: rows that share a patient, a shop or a machine are never parted.

Groups are dealt greedily, the large ones first, each to the fold that it unbalances least in rows and in
classes, as scikit-learn's `StratifiedGroupKFold` does. Unlike it, a fold that lacks a class gets a group with
that class before there are too few of them left, so that with two classes, each in at least as many groups
as there are folds, every fold holds both; with more classes, as far as greed gets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.seeds import derive_seed
from bench.tasks import OWN_REPEATS


def deal_groups(
    groups: npt.NDArray[np.integer],
    labels: npt.NDArray[np.int64] | None,
    shares: Sequence[float],
    seed: int,
) -> npt.NDArray[np.int16]:
    """Return the fold (n_rows,) of each row; `shares` are the folds' parts of the rows, which sum to 1.

    `groups` are codes, `labels` the class codes, or None for folds of equal size alone.
    Raises DataError where there are fewer groups than folds.
    """
    _, codes = np.unique(groups, return_inverse=True)
    n_groups = int(codes.max(initial=-1)) + 1
    if n_groups < len(shares):
        raise DataError(f"{n_groups} groups cannot be dealt to {len(shares)} folds")
    contents = list(contents_of(codes, labels))
    totals = np.bincount(np.zeros(len(codes), dtype=np.int64) if labels is None else labels + 1)
    totals[0] = len(codes)
    dealer = Dealer(totals.tolist(), contents, shares)
    fold_of_group = np.empty(n_groups, dtype=np.int16)
    order = np.random.default_rng(seed).permutation(n_groups).tolist()
    order.sort(key=lambda group: (-len(contents[group]), -contents[group][0][1]))
    for group in order:
        fold_of_group[group] = dealer.deal(contents[group])
    return fold_of_group[codes]


def repeated_groups(
    groups: npt.NDArray[np.integer], labels: npt.NDArray[np.int64] | None, n_folds: int, key: str
) -> npt.NDArray[np.int16]:
    """Return the fold of each row in each repeat (OWN_REPEATS, n_rows), seeded by `key` and the repeat."""
    shares = [1 / n_folds] * n_folds
    seeds = [derive_seed(key, f"group{n_folds}", repeat) for repeat in range(OWN_REPEATS)]
    return np.stack([deal_groups(groups, labels, shares, seed) for seed in seeds])


def contents_of(
    codes: npt.NDArray[np.int64], labels: npt.NDArray[np.int64] | None
) -> Iterator[list[tuple[int, int]]]:
    """Yield what each group holds: (0, its rows), then (class + 1, rows of the class) for its classes."""
    sizes = np.bincount(codes).tolist()
    if labels is None:
        yield from ([(0, size)] for size in sizes)
        return
    n_classes = int(labels.max(initial=0)) + 1
    pairs, counts = np.unique(codes * n_classes + labels, return_counts=True)
    first = np.searchsorted(pairs // n_classes, np.arange(len(sizes) + 1)).tolist()
    kinds, amounts = (pairs % n_classes + 1).tolist(), counts.tolist()
    for group, size in enumerate(sizes):
        inside = slice(first[group], first[group + 1])
        yield [(0, size), *zip(kinds[inside], amounts[inside], strict=True)]


class Dealer:
    """Where the groups dealt so far lie. Kind 0 is a row of any class, kind c + 1 a row of class c."""

    def __init__(
        self, totals: Sequence[int], contents: Sequence[list[tuple[int, int]]], shares: Sequence[float]
    ) -> None:
        """Begin with empty folds: `totals` are the rows of each kind, `contents` the groups to come."""
        self._held = [[0] * len(totals) for _ in shares]
        self._shares = shares
        self._weights = [1 / max(total, 1) ** 2 for total in totals]
        self._lacking = [len(shares)] * len(totals)
        self._left = [0] * len(totals)
        """Groups with each kind that are not dealt yet."""
        for content in contents:
            for kind, _ in content:
                self._left[kind] += 1

    def deal(self, content: list[tuple[int, int]]) -> int:
        """Place a group and return its fold."""
        urgent = [kind for kind, _ in content if 0 < self._lacking[kind] >= self._left[kind]]
        fold = min(range(len(self._held)), key=lambda fold: self._cost(fold, content, urgent))
        held = self._held[fold]
        for kind, rows in content:
            self._lacking[kind] -= held[kind] == 0
            self._left[kind] -= 1
            held[kind] += rows
        return fold

    def _cost(self, fold: int, content: list[tuple[int, int]], urgent: list[int]) -> tuple[int, float]:
        """How badly a fold needs what it lacks, then what its shares of the kinds, squared, grow by."""
        held = self._held[fold]
        growth = sum((2 * held[kind] + rows) * rows * self._weights[kind] for kind, rows in content)
        return -sum(held[kind] == 0 for kind in urgent), growth / self._shares[fold]
