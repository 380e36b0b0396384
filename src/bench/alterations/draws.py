"""Changes of which rows of a table a cell learns from and is tested on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from bench.alterations.importances import importances
from bench.alterations.scaled import numeric_columns
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.interventions import Intervention, Part, rows_left
from bench.seeds import derive_seed
from bench.splits.rows import SplitRows

if TYPE_CHECKING:
    from bench.sources.cache import Table

FEWEST_ROWS = 20
"""Training rows, and test rows, without which nothing is measured."""


@dataclass(frozen=True, slots=True)
class _Draw:
    """Which rows of a table a cell has, to be drawn anew."""

    rows: SplitRows
    table: Table
    amount: int
    generator: np.random.Generator


def redrawn(drawn: SplitRows, table: Table, intervention: Intervention, key: str) -> SplitRows:
    """Return which rows a cell has under an intervention: some of those it has without, its folds among them.

    What is drawn depends on the kind of intervention and on `key`, (task, split, seed), alone. Raises
    DataError where too few are left, or none of a class that must be there.
    """
    if intervention.kind.part is not Part.ROWS:
        return drawn
    generator = np.random.default_rng(derive_seed("intervention", intervention.kind.name, key))
    found = DRAWS[intervention.kind.name](_Draw(drawn, table, intervention.amount or 0, generator))
    lacking = _lacking(found, table)
    if lacking is not None:
        raise DataError(
            f"{intervention} on {key}: {lacking}; leave this table out, or ask for another amount"
        )
    return found


def _subsampled(draw: _Draw) -> SplitRows:
    """Keep so many per cent of the rows of each class in each part of each fold, a part of one as one.

    More per cent contain fewer.
    """
    rows = draw.rows
    strata = np.zeros((len(rows.train), 1 + len(rows.folds)), dtype=np.int64)
    if draw.table.dataset.problem.is_classification:
        strata[:, 0] = draw.table.y[rows.train]
    for number, (fit, validation) in enumerate(rows.folds, start=1):
        strata[fit, number], strata[validation, number] = 1, 2
    order = draw.generator.permutation(len(rows.train))
    _, stratum = np.unique(strata, axis=0, return_inverse=True)
    kept = [members[: rows_left(len(members), draw.amount)] for members in _members(stratum, order)]
    return _only(rows, np.sort(np.concatenate(kept)))


def _members(stratum: np.ndarray, order: np.ndarray) -> list[np.ndarray]:
    """Return the positions in each stratum, in this order."""
    return [order[stratum[order] == number] for number in range(stratum.max() + 1)]


def _beyond(draw: _Draw) -> SplitRows:
    """Learn from the rows up to a quantile of one number, and test on those above it.

    The number is the one that training rows tell most by; the quantile is theirs, with so many per cent of
    them above. A row that lacks the number is learnt from, and is not tested.
    """
    rows, table = draw.rows, draw.table
    X, X_test = table.rows(rows.train), table.rows(rows.test)
    useful = importances(X, table.y[rows.train], table.dataset.problem, draw.generator)
    names = numeric_columns(X)
    name = max(names, key=lambda each: useful[X.columns.get_loc(each)])
    values, tested = X[name].to_numpy(np.float64), X_test[name].to_numpy(np.float64)
    there = values[~np.isnan(values)]
    if not len(there):
        raise DataError(f"outside-range: all training rows lack the column {name!r}")
    limit = np.quantile(there, 1 - draw.amount / 100, method="lower")
    inside = _only(rows, np.flatnonzero(~(values > limit)))
    return SplitRows(inside.train, rows.test[tested > limit], inside.folds)


DRAWS: Mapping[str, Callable[[_Draw], SplitRows]] = MappingProxyType(
    {"subsample": _subsampled, "outside-range": _beyond}
)
"""By kind."""


def _only(rows: SplitRows, kept: np.ndarray) -> SplitRows:
    """Return the rows with these positions among the training rows (sorted) alone."""
    place = np.full(len(rows.train), -1)
    place[kept] = np.arange(len(kept))

    def left(positions: np.ndarray) -> np.ndarray:
        return np.asarray(place[positions][place[positions] >= 0])

    folds = tuple((left(fit), left(validation)) for fit, validation in rows.folds)
    return SplitRows(rows.train[kept], rows.test, folds)


def _lacking(rows: SplitRows, table: Table) -> str | None:
    """Return what is missing so that models can be fitted and scored, or None."""
    for what, found in (("training", rows.train), ("test", rows.test)):
        if len(found) < FEWEST_ROWS:
            return f"{len(found)} {what} rows are left, at least {FEWEST_ROWS} are needed"
    sets = [("test", rows.test)]
    for fit, validation in rows.folds:
        sets += [("fit", rows.train[fit]), ("validation", rows.train[validation])]
    for what, found in sets:
        if not len(found):
            return f"no {what} row is left"
        if _one_class(what, table.dataset.problem, table.y[found]):
            return f"the {what} rows that are left are of one class"
    return None


def _one_class(what: str, problem: ProblemType, y: np.ndarray) -> bool:
    """Whether a set has one class alone and must not: a ranking needs both, and a fit any two."""
    must = problem is ProblemType.BINARY or (what == "fit" and problem.is_classification)
    return must and len(np.unique(y)) < 2
