"""Whether a table can be compared on at all: facts, looked at before any plan, never results."""

from __future__ import annotations

from bench.cells import Validation
from bench.datasets import Dataset, ProblemType
from bench.tasks import SplitPlan

FEWEST_ROWS = 30
SMALLEST_SPREAD = 1e-100
"""A target with a smaller SD cannot be squared in double precision."""
LARGEST_SPREAD = 1e100


def unfit(dataset: Dataset, splits: SplitPlan, validation: Validation) -> str | None:
    """Return why no learner could be scored on a table under such splits, or None."""
    if dataset.n_rows < FEWEST_ROWS:
        return f"{dataset.n_rows} rows are too few to compare on: at least {FEWEST_ROWS} are needed"
    if dataset.problem is ProblemType.REGRESSION:
        spread = dataset.target_sd
        if SMALLEST_SPREAD < spread < LARGEST_SPREAD:
            return None
        return f"the target's standard deviation is {spread:g}: rescale it, errors cannot be computed"
    if dataset.problem is ProblemType.BINARY and dataset.class_rows:
        rarer, needed = min(dataset.class_rows), _rows_needed(splits, validation)
        if rarer < needed:
            return (
                f"the rarer class has {rarer} rows: at least {needed} are needed for each of fit, "
                "validation and test rows to hold one"
            )
    return None


def _rows_needed(splits: SplitPlan, validation: Validation) -> int:
    """Rows of a class so that every test fold, and every validation set inside the rest, holds at least one.

    A fold of k holds at least floor(rows / k); a hold-out of p per cent at least rows - ceil(rows (1 - p)).
    """
    inner = validation.amount if validation.method == "cv" else -(-100 // validation.amount)
    rows = splits.n_folds
    while rows - -(-rows // splits.n_folds) < inner:
        rows += 1
    return rows
