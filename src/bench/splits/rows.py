"""From a split to row ids: training and test rows, and the validation inside the training rows."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.cells import Validation
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.seeds import derive_seed
from bench.splits.kfold import deal_folds
from bench.tasks import Split

Rows = npt.NDArray[np.int64]


def outer_rows(
    fold_of_row: npt.NDArray[np.int16],
    split: Split,
    y: npt.NDArray[np.generic],
    problem: ProblemType,
    key: str,
) -> tuple[Rows, Rows]:
    """Return sorted (training, test) row ids of a split, cut to its caps.

    A train cap keeps the classes' shares among the training labels, and at least one row of each class
    where it is large enough; a larger cap contains a smaller one. A test cap never looks at a label, so
    that test labels influence nothing. Both depend on `key`, the repeat and the fold alone.
    Raises DataError where the fold holds no row, or all rows.
    """
    is_test = fold_of_row == split.fold
    train, test = np.flatnonzero(~is_test), np.flatnonzero(is_test)
    if not len(train) or not len(test):
        raise DataError(
            f"split {split}: {len(train)} training and {len(test)} test rows, so nothing can be measured"
        )
    where = (key, split.repeat, split.fold)
    if split.train_cap is not None and split.train_cap < len(train):
        labels = y[train] if problem.is_classification else None
        train = np.sort(
            train[_order(labels, len(train), derive_seed(*where, "train-cap"))[: split.train_cap]]
        )
    if split.test_cap is not None and split.test_cap < len(test):
        test = np.sort(test[_order(None, len(test), derive_seed(*where, "test-cap"))[: split.test_cap]])
    return train, test


def inner_folds(
    y_train: npt.NDArray[np.generic], validation: Validation, problem: ProblemType, key: str
) -> list[tuple[Rows, Rows]]:
    """Return the sorted (fit, validation) positions into the training rows, one pair for each model.

    Stratified for a classification; a class with a single row stays among the fit rows of a hold-out.
    Raises DataError where there are too few rows.
    """
    n_rows = len(y_train)
    labels = y_train.astype(np.int64) if problem.is_classification else None
    if validation.method == "cv":
        folds = deal_folds(labels, n_rows, validation.amount, derive_seed(key, "inner"))
        return [(np.flatnonzero(folds != k), np.flatnonzero(folds == k)) for k in range(validation.amount)]
    n_validation = round(n_rows * validation.amount / 100)
    if not 0 < n_validation < n_rows:
        raise DataError(
            f"{validation}: {n_rows} training rows leave nothing to fit on or nothing to validate on"
        )
    order = _order(labels, n_rows, derive_seed(key, "inner"))
    return [(np.sort(order[: n_rows - n_validation]), np.sort(order[n_rows - n_validation :]))]


def _order(labels: npt.NDArray[np.generic] | None, n_rows: int, seed: int) -> Rows:
    """Return a random order of the rows; every prefix holds the classes in their shares, rounded up."""
    order: Rows = np.random.default_rng(seed).permutation(n_rows)
    if labels is None:
        return order
    by_class = order[np.argsort(labels[order], kind="stable")]
    _, first, sizes = np.unique(labels[by_class], return_index=True, return_counts=True)
    quantile = np.empty(n_rows)
    quantile[by_class] = (np.arange(n_rows) - np.repeat(first, sizes)) / np.repeat(sizes, sizes)
    return order[np.argsort(quantile[order], kind="stable")]
