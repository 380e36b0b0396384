"""The training rows that a table's target is looked at in: no test row of repeat 0, fold 0 is among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.cells import Validation
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.facts import HELD_OUT, JUDGED_MINORITY, JUDGED_ROWS, LOOKED_AT_ROWS, Consequence, Fact
from bench.sources.columns import Column
from bench.sources.facts.target import KEY
from bench.sources.tables import Content
from bench.splits.rows import Rows, inner_folds, outer_rows
from bench.splits.structure import Structure
from bench.tasks import Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """At most `LOOKED_AT_ROWS` training rows, a quarter of them held out.

    Numbers are over the largest of their column, values over the largest of the target: no square or
    difference of them leaves double precision, and no error that is relative changes.
    """

    columns: tuple[Column, ...]
    """Of the sampled rows alone."""
    y: npt.NDArray[np.float64]
    """(n,) values, or class codes as numbers."""
    problem: ProblemType
    n_classes: int
    fit: Rows
    held: Rows
    thirds: tuple[tuple[Rows, Rows], ...]
    """(fit, held) positions of a cross-validation that keeps to groups, time and twins; the earliest rows in
    time are never held."""


def draw(content: Content, folds: npt.NDArray[np.int16], structure: Structure) -> Sample | None:
    """Return the sample, or None where nothing can be scored on it.

    Its draws are seeded by a word: neither a label of a test row nor one of any other moves a seed.
    """
    split = Split(repeat=0, fold=0, train_cap=LOOKED_AT_ROWS, test_cap=None)
    rows, _ = outer_rows(folds, split, content.target, content.problem, KEY, structure)
    y = content.target[rows].astype(np.float64)
    y = y if content.problem.is_classification else _scaled(y)
    try:
        within = structure.of(rows)
        ((fit, held),) = inner_folds(y, Validation("holdout", HELD_OUT), content.problem, KEY, within)
        thirds = tuple(inner_folds(y, Validation("cv", 3), content.problem, KEY, within))
    except DataError:
        return None
    if any(np.std(y[part]) == 0 for part in (fit, held)):
        return None
    columns = tuple(Column(column.feature, _scaled(column.data[rows])) for column in content.columns)
    return Sample(
        columns=columns,
        y=y,
        problem=content.problem,
        n_classes=len(content.classes),
        fit=fit,
        held=held,
        thirds=thirds,
    )


def _scaled(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return numbers over the largest of them, if that is not 0; codes as they are."""
    if data.dtype.kind != "f":
        return data
    largest = float(np.abs(data[~np.isnan(data)]).max(initial=0.0))
    return data / largest if largest > 0 else data


def grounds(problem: ProblemType, y: npt.NDArray[np.float64]) -> Consequence:
    """Return what an error on rows with these targets is grounds for: `exclude`, or a note if few."""
    few = len(y) < JUDGED_ROWS
    if problem is ProblemType.BINARY:
        few |= min((y == 1).sum(), (y != 1).sum()) < JUDGED_MINORITY
    return Consequence.NOTE if few else Consequence.EXCLUDE


def not_judged(code: str) -> Fact:
    """Return the fact of a check that has too little to look at."""
    text = "not judged: too few training rows, or one class alone, to score anything on"
    return Fact(code=code, consequence=Consequence.PASS, text=text)
