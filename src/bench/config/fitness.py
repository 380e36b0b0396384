"""Whether a table can be compared on at all: facts, looked at before any plan, never results."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING

from bench.cells import Cell, Validation
from bench.config.expand import outer_splits
from bench.datasets import Dataset, ProblemType
from bench.errors import DataError
from bench.facts import ACCEPTABLE, LARGEST_SPREAD, SMALLEST_SPREAD, Consequence
from bench.splits.plan import TWINS3
from bench.suites import Suite
from bench.tasks import Split, SplitPlan, Task

if TYPE_CHECKING:
    import numpy as np

    from bench.sources.cache import Cache
    from bench.splits.rows import SplitRows

FEWEST_ROWS = 30

SCARCE_ROWS = 50
"""Where caps leave fewer rows of the rarer class than this in the mean, each set is looked at."""


def unfit(dataset: Dataset, splits: SplitPlan, validation: Validation) -> str | None:
    """Return why no learner could be scored on a table under such splits, or None."""
    if dataset.n_rows < FEWEST_ROWS:
        return f"{dataset.n_rows} rows are too few to compare on: at least {FEWEST_ROWS} are needed"
    if dataset.problem is ProblemType.REGRESSION:
        spread = dataset.target_sd
        if SMALLEST_SPREAD < spread < LARGEST_SPREAD:
            return None
        return (
            f"D303: the target's standard deviation is {spread:g}: rescale it, errors cannot be computed; "
            f"see {page_of('D303')}"
        )
    if dataset.problem is ProblemType.BINARY and dataset.class_rows and not _bound(dataset, splits):
        rarer, needed = min(dataset.class_rows), _rows_needed(splits, validation)
        if rarer < needed:
            return (
                f"D301: the rarer class has {rarer} rows: at least {needed} are needed for each of fit, "
                f"validation and test rows to hold one; see {page_of('D301')}"
            )
    return None


def refused(dataset: Dataset, accept: Collection[str]) -> str | None:
    """Return which facts leave a table out, those aside that a suite accepts, or None."""
    reasons = [
        f"{fact.code}: {fact.text}; see {page_of(fact.code)}"
        for fact in dataset.facts
        if fact.consequence is Consequence.EXCLUDE and fact.code in ACCEPTABLE and fact.code not in accept
    ]
    codes = [reason.partition(":")[0] for reason in reasons]
    if not reasons:
        return None
    way_out = ", ".join(f'"{code}"' for code in codes)
    option = " ".join(f"--accept {code}" for code in codes)
    return f"{'; '.join(reasons)}; accept = [{way_out}] in the suite, or {option}, runs it all the same"


def page_of(code: str) -> str:
    """Return where a fact is explained, as a person finds it."""
    return f"`bench show {code}`"


def unfit_rows(task: Task, suite: Suite, cache: Cache) -> str | None:
    """Return which split of a suite could not be scored where more than the rows' number decides, or None.

    Looked at row by row, with the suite's folds, seeds and caps, where groups, time or twins tie rows
    together, OpenML holds rows out, or caps leave few rows of a class: no count of rows could tell.
    """
    if not _bound(task.dataset, task.splits) and not _caps_bind(task.dataset, suite):
        return None
    from bench.splits.rows import split_rows

    try:
        y, structure = cache.load_target(task.dataset.name)
    except DataError as error:
        return str(error)
    for cell in _cells(task, suite):
        try:
            folds = cache.fold_of_row(task.dataset.name, task.splits.procedure, cell.split.repeat)
            problem = _lacking(task.dataset, y, split_rows(cell, y, folds, structure))
        except DataError as error:
            problem = str(error)
        if problem is not None:
            return (
                f"D301: fold {cell.split.fold} cannot be scored: {problem}; "
                f"{_way_out(task, cell.split)}; see {page_of('D301')}"
            )
    return None


def _bound(dataset: Dataset, splits: SplitPlan) -> bool:
    """Whether more than the number of rows decides which classes a set holds."""
    tied = dataset.group is not None or dataset.time is not None or splits.procedure == TWINS3
    return tied or splits.n_folds == 1


def _caps_bind(dataset: Dataset, suite: Suite) -> bool:
    """Whether the caps may leave too few rows of the rarer class."""
    caps = [cap for cap in (*suite.train_caps, suite.test_cap) if cap is not None]
    if dataset.problem is not ProblemType.BINARY or not dataset.class_rows or not caps:
        return False
    return min(dataset.class_rows) * min(caps) < SCARCE_ROWS * dataset.n_rows


def _cells(task: Task, suite: Suite) -> Iterator[Cell]:
    """Yield a cell for each split and seed; no learner has a part in which rows a cell has."""
    for split, seed in itertools.product(outer_splits(suite, task.splits), suite.seeds):
        yield Cell(
            task=task,
            split=split,
            learner="",
            family="",
            intervention="none",
            seed=seed,
            device=suite.device,
            cores=suite.budget.cores,
            validation=suite.validation,
        )


def _lacking(dataset: Dataset, y: np.ndarray, rows: SplitRows) -> str | None:
    """Return which rows lack a class that they must hold: both for a ranking, any two to fit on."""
    if not dataset.problem.is_classification:
        return None
    sets = {"test": y[rows.test]}
    for fit, validation in rows.folds:
        sets |= {"fit": y[rows.train[fit]], "validation": y[rows.train[validation]]}
        for what, labels in sets.items():
            found = set(labels.tolist())
            if dataset.problem is ProblemType.BINARY and len(found) < 2:
                return f"its {what} rows are all {dataset.classes[found.pop()]!r}"
            if what == "fit" and len(found) < 2:
                return f"its fit rows are all {dataset.classes[found.pop()]!r}"
    return None


def _way_out(task: Task, split: Split) -> str:
    dataset = task.dataset
    if not _bound(dataset, task.splits):
        return f"caps of {split.train_cap} training and {split.test_cap} test rows are too small for it"
    if dataset.group is not None:
        return f"too few groups of {dataset.group!r} hold each class: merge groups, or hold out less"
    if dataset.time is None:
        return "too few different rows hold each class: hold out less"
    return f"{dataset.time!r} leaves too little before or after it: run fewer folds, the latest come first"


def _rows_needed(splits: SplitPlan, validation: Validation) -> int:
    """Rows of a class so that every test fold, and every validation set inside the rest, holds at least one.

    A fold of k (two or more) holds at least floor(rows / k); a hold-out of p per cent at least
    rows - ceil(rows (1 - p)).
    """
    inner = validation.amount if validation.method == "cv" else -(-100 // validation.amount)
    rows = splits.n_folds
    while rows - -(-rows // splits.n_folds) < inner:
        rows += 1
    return rows
