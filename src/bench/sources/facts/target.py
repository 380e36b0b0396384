"""D301 to D303 and D501: the target, the folds, and where the rows come from."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from bench.cells import Validation
from bench.datasets import Dataset, Origin, ProblemType
from bench.errors import DataError
from bench.facts import HELD_OUT, LARGEST_SPREAD, SMALLEST_SPREAD, Consequence, Fact
from bench.sources.tables import Content
from bench.splits.rows import Rows, inner_folds, outer_rows
from bench.splits.structure import Structure
from bench.tasks import Split

KEY = "facts"
"""What every draw of the facts is seeded by: nothing of the rows, so that no label can move it."""


def lacking_folds(content: Content, folds: np.ndarray, structure: Structure) -> Fact:
    """Return D301; `folds` (n_rows,) are the outer folds of repeat 0."""
    labels = content.labels
    if labels is None:
        return Fact(code="D301", consequence=Consequence.PASS, text="not judged: there are no classes")
    n_sets, lacking, lone = 0, [], 0
    for where, rows in _sets(content, folds, structure):
        n_sets += 1
        found = len(np.unique(labels[rows]))
        lone += found == 1
        if found < len(content.classes):
            lacking.append(f"{where} ({found} of {len(content.classes)})")
    values = {"sets": n_sets, "lacking": len(lacking), "lone": lone}
    if not lacking:
        text = "every class is in every training, test, fit and validation set"
        return Fact(code="D301", consequence=Consequence.PASS, text=text, values=values)
    alone = f", {lone} of them with one class alone" if lone else ""
    text = f"{len(lacking)} of {n_sets} sets lack a class{alone}: first {lacking[0]}"
    return Fact(code="D301", consequence=Consequence.NOTE, text=text, values=values)


def missing_targets(content: Content) -> Fact:
    """Return D302."""
    n = content.n_unlabelled
    if not n:
        return Fact(
            code="D302", consequence=Consequence.PASS, text="every row has a target", values={"rows": 0}
        )
    text = f"{n:,} of {n + len(content.target):,} rows have no target and are left out"
    return Fact(code="D302", consequence=Consequence.NOTE, text=text, values={"rows": n})


def spread(content: Content, target_sd: float) -> Fact:
    """Return D303; `target_sd` is NaN for a classification."""
    if content.problem is not ProblemType.REGRESSION:
        return Fact(code="D303", consequence=Consequence.PASS, text="not judged: the target is a class")
    if SMALLEST_SPREAD < target_sd < LARGEST_SPREAD:
        text = f"the target's standard deviation is {target_sd:.4g}"
        return Fact(code="D303", consequence=Consequence.PASS, text=text, values={"sd": target_sd})
    text = f"the target's standard deviation is {target_sd:g}: rescale it, errors cannot be computed"
    values = {"sd": target_sd} if math.isfinite(target_sd) else {}
    return Fact(code="D303", consequence=Consequence.EXCLUDE, text=text, values=values)


def origin(dataset: Dataset) -> Fact:
    """Return D501."""
    consequence = Consequence.PASS if dataset.origin is Origin.OBSERVED else Consequence.NOTE
    text = f"the rows are {'of unknown origin' if dataset.origin is Origin.UNKNOWN else dataset.origin}"
    return Fact(code="D501", consequence=consequence, text=text, values={"origin": dataset.origin.value})


def _sets(content: Content, folds: np.ndarray, structure: Structure) -> Iterator[tuple[str, Rows]]:
    """Yield every set of rows of repeat 0 by name; a fold that cannot be split further has two alone."""
    labels = content.target
    last = int(folds.max()) - (structure.time is not None)  # the earliest window is tested by nobody
    for fold in range(last + 1):
        split = Split(repeat=0, fold=fold, train_cap=None, test_cap=None)
        train, test = outer_rows(folds, split, labels, content.problem, KEY, structure)
        yield f"test rows of fold {fold}", test
        yield f"training rows of fold {fold}", train
        try:
            ((fit, held),) = inner_folds(
                labels[train], Validation("holdout", HELD_OUT), content.problem, KEY, structure.of(train)
            )
        except DataError:
            continue  # a plan that needs this part is refused with the reason
        yield f"fit rows of fold {fold}", train[fit]
        yield f"validation rows of fold {fold}", train[held]
