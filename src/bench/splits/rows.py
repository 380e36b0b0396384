"""From a split to row ids: training and test rows, and the validation inside the training rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bench.cells import Cell, Validation
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.seeds import derive_seed
from bench.splits.grouped import deal_groups
from bench.splits.kfold import deal_folds
from bench.splits.structure import INDEPENDENT, Structure
from bench.splits.timed import latest, windows
from bench.splits.twins import deal_twins
from bench.tasks import Split

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class SplitRows:
    """Which rows a cell has, whatever its learner."""

    train: Rows
    """Sorted row ids."""
    test: Rows
    """Sorted row ids."""
    folds: tuple[tuple[Rows, Rows], ...]
    """Sorted (fit, validation) positions into `train`, one pair for each model."""


def split_rows(
    cell: Cell,
    y: npt.NDArray[np.generic],
    fold_of_row: npt.NDArray[np.int16],
    structure: Structure = INDEPENDENT,
) -> SplitRows:
    """Return the rows of a cell, from its table's target, stored folds and structure, all (n_rows,).

    Raises DataError where one of the sets would be empty.
    """
    problem, task = cell.task.problem, cell.task.name
    train, test = outer_rows(fold_of_row, cell.split, y, problem, f"{task}/s{cell.seed}", structure)
    folds = inner_folds(y[train], cell.validation, problem, cell.split_key, structure.of(train))
    return SplitRows(train, test, tuple(folds))


def outer_rows(
    fold_of_row: npt.NDArray[np.int16],
    split: Split,
    y: npt.NDArray[np.generic],
    problem: ProblemType,
    key: str,
    structure: Structure = INDEPENDENT,
) -> tuple[Rows, Rows]:
    """Return sorted (training, test) row ids of a split, cut to its caps.

    A train cap keeps the classes' shares among the training labels, and at least one row of each class
    where it is large enough; of rows in time it keeps the latest. A larger cap contains a smaller one. A test
    cap never looks at a label, so that test labels influence nothing. All depend on `key`, the repeat and
    the fold alone.
    Raises DataError where the fold holds no row, or all rows.
    """
    later = structure.time is not None
    is_test = fold_of_row == split.fold
    train = np.flatnonzero(fold_of_row > split.fold if later else ~is_test)
    test = np.flatnonzero(is_test)
    if not len(train) or not len(test):
        raise DataError(
            f"split {split}: {len(train)} training and {len(test)} test rows, so nothing can be measured"
        )
    where = (key, split.repeat, split.fold)
    if split.train_cap is not None and split.train_cap < len(train):
        if structure.time is not None:
            order = np.argsort(structure.time[train], kind="stable")[::-1]
        else:
            labels = y[train] if problem.is_classification else None
            order = _order(labels, len(train), derive_seed(*where, "train-cap"))
        train = np.sort(train[order[: split.train_cap]])
    if split.test_cap is not None and split.test_cap < len(test):
        test = np.sort(test[_order(None, len(test), derive_seed(*where, "test-cap"))[: split.test_cap]])
    return train, test


def inner_folds(
    y_train: npt.NDArray[np.generic],
    validation: Validation,
    problem: ProblemType,
    key: str,
    structure: Structure = INDEPENDENT,
) -> list[tuple[Rows, Rows]]:
    """Return the sorted (fit, validation) positions into the training rows, one pair for each model.

    Stratified for a classification; a class with a single row stays among the fit rows of a hold-out. Groups
    and twins stay whole, and in time what validates is later than what is fitted on; `structure` is that of
    the training rows.
    Raises DataError where there are too few rows, groups or times.
    """
    labels = y_train.astype(np.int64) if problem.is_classification else None
    n_folds = validation.amount if validation.method == "cv" else 1
    if structure.time is not None:
        return _inner_windows(structure.time, validation)
    seed, held_out = derive_seed(key, "inner"), validation.amount / 100
    if structure.group is not None or structure.twins is not None:
        shares = (1 - held_out, held_out) if n_folds == 1 else (1 / n_folds,) * n_folds
        folds = _dealt(structure, labels, shares, seed)
        held = (1,) if n_folds == 1 else range(n_folds)
        return [_parted(folds == k) for k in held]
    if validation.method == "cv":
        folds = deal_folds(labels, len(y_train), n_folds, seed)
        return [_parted(folds == k) for k in range(n_folds)]
    return [_hold_out(labels, len(y_train), validation, seed)]


def _dealt(
    structure: Structure, labels: npt.NDArray[np.int64] | None, shares: Sequence[float], seed: int
) -> npt.NDArray[np.int16]:
    if structure.group is not None:
        return deal_groups(structure.group, labels, shares, seed)
    if structure.twins is None:
        raise TypeError("nothing ties these rows together")
    return deal_twins(structure.twins, labels, shares, seed)


def _hold_out(
    labels: npt.NDArray[np.int64] | None, n_rows: int, validation: Validation, seed: int
) -> tuple[Rows, Rows]:
    n_validation = round(n_rows * validation.amount / 100)
    if not 0 < n_validation < n_rows:
        raise DataError(
            f"{validation}: {n_rows} training rows leave nothing to fit on or nothing to validate on"
        )
    order = _order(labels, n_rows, seed)
    return np.sort(order[: n_rows - n_validation]), np.sort(order[n_rows - n_validation :])


def _inner_windows(time: npt.NDArray[np.float64], validation: Validation) -> list[tuple[Rows, Rows]]:
    """Return the latest rows as validation; under cross-validation, each window after all before it."""
    if validation.method == "holdout":
        return [_parted(latest(time, validation.amount / 100))]
    window = windows(time, validation.amount)
    return [(np.flatnonzero(window > k), np.flatnonzero(window == k)) for k in range(validation.amount)]


def _parted(held_out: npt.NDArray[np.bool_]) -> tuple[Rows, Rows]:
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


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
