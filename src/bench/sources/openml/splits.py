"""From the rows of OpenML's split files to the fold of each row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

from bench.datasets import OfficialSplits
from bench.errors import DataError

if TYPE_CHECKING:
    Rows: TypeAlias = npt.NDArray[np.int64]

MOST_FOLDS = 1000
"""More folds than that, as leaving one out makes, are no benchmark on a budget."""
TRAINED = -1
"""The fold of a row that no fold of its repeat tests."""

SplitRows: TypeAlias = "Mapping[tuple[int, int], tuple[Rows, Rows]]"
"""Training and test row ids by (repeat, fold)."""


@dataclass(frozen=True, slots=True)
class FetchedSplits:
    """The splits of a task, as a split file gives them."""

    official: OfficialSplits
    folds: npt.NDArray[np.int16]
    """(repeats, n_rows): the fold that tests a row, or `TRAINED`."""


def fetched_splits(task_id: int, rows: SplitRows, n_rows: int) -> FetchedSplits:
    """Return the splits of a task on a table of so many rows.

    Raises DataError where a fold does not learn from every row that it does not test, or a row is tested
    twice in one repeat: bench draws the one from the other.
    """
    where = f"OpenML task {task_id}"
    n_repeats = 1 + max((repeat for repeat, _ in rows), default=-1)
    n_folds = 1 + max((fold for _, fold in rows), default=-1)
    # Counted first: a single fold may claim to be the billionth.
    if n_repeats * n_folds != len(rows) or not rows or min(map(min, rows)) < 0:
        raise DataError(f"{where}: its split file names {len(rows)} folds, not the same in every repeat")
    if n_folds > MOST_FOLDS:
        raise DataError(f"{where}: has {n_folds:,} folds, and at most {MOST_FOLDS:,} are run")
    folds = np.full((n_repeats, n_rows), TRAINED, dtype=np.int16)
    for (repeat, fold), (train, test) in rows.items():
        if not len(test) or test.min() < 0 or test.max() >= n_rows:
            raise DataError(f"{where}: repeat {repeat}, fold {fold} tests rows that its table does not have")
        if (folds[repeat, test] != TRAINED).any() or len(np.unique(test)) < len(test):
            raise DataError(f"{where}: repeat {repeat} tests a row twice, which is not supported")
        folds[repeat, test] = fold
        if not np.array_equal(np.sort(train), np.setdiff1d(np.arange(n_rows), test)):
            raise DataError(
                f"{where}: repeat {repeat}, fold {fold} learns from {len(train):,} rows and tests "
                f"{len(test):,} of {n_rows:,}: folds that leave rows out are not supported"
            )
    return FetchedSplits(OfficialSplits(openml_task_id=task_id, procedure=_procedure(folds, n_folds)), folds)


def _procedure(folds: npt.NDArray[np.int16], n_folds: int) -> str:
    """Return what such splits are called: by folds and repeats, or by the share that is tested."""
    n_repeats, n_rows = folds.shape
    repeated = f"x{n_repeats}" if n_repeats > 1 else ""
    if n_folds == 1:
        tested = 100 * int((folds[0] != TRAINED).sum()) / n_rows
        return f"openml-holdout{min(max(round(tested), 1), 99)}{repeated}"
    return f"openml-cv{n_folds}{repeated}"
