"""Seeded folds of our own: stratified for a classification, plain for a regression.

Rows are shuffled, sorted by class and dealt out one by one, so that fold sizes, and each class's share
of them, differ by one row at most. Unlike scikit-learn's `StratifiedKFold` this takes classes of any
size, and its rows do not move with a library's release.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.errors import DataError
from bench.seeds import derive_seed
from bench.tasks import OWN_REPEATS


def deal_folds(
    labels: npt.NDArray[np.int64] | None, n_rows: int, n_folds: int, seed: int
) -> npt.NDArray[np.int16]:
    """Return the fold (n_rows,) of each row; `labels` are the class codes, or None for plain folds.

    Raises DataError where there are fewer rows than folds.
    """
    if n_rows < n_folds:
        raise DataError(
            f"{n_rows} rows cannot be split into {n_folds} folds: bring more rows or ask for fewer folds"
        )
    order = np.random.default_rng(seed).permutation(n_rows)
    if labels is not None:
        order = order[np.argsort(labels[order], kind="stable")]
    folds = np.empty(n_rows, dtype=np.int16)
    folds[order] = np.arange(n_rows) % n_folds
    return folds


def repeated_folds(
    labels: npt.NDArray[np.int64] | None, n_rows: int, n_folds: int, key: str
) -> npt.NDArray[np.int16]:
    """Return the fold of each row in each repeat (OWN_REPEATS, n_rows), seeded by `key` and the repeat."""
    seeds = [derive_seed(key, f"kfold{n_folds}", repeat) for repeat in range(OWN_REPEATS)]
    return np.stack([deal_folds(labels, n_rows, n_folds, seed) for seed in seeds])
