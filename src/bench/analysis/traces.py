"""The trials of each planned cell as one stream, whatever attempts they came from.

Columns are arrays from here on: a leaderboard is drawn again and again while a run is going on.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from bench.cells import CellStatus
from bench.errors import ConfigError
from bench.interventions import NONE
from bench.trials import TrialStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]

_FINAL = [status.value for status in CellStatus if status is not CellStatus.INTERRUPTED]
_FAILED = [status.value for status in CellStatus if status.failed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cells:
    """The planned cells without an intervention, numbered from 0 in the order of the plan."""

    evidence_key: Texts
    task: Texts
    dataset: Texts
    problem: Texts
    learner: Texts
    family: Texts
    device: Texts
    slot: Ints
    """Numbers (task, repeat, fold, seed): what cells of different learners share where they are compared."""
    final: Mask
    """Whether nothing more is to come."""
    failed: Mask
    not_applicable: Mask
    budget_s: Floats
    """What the latest attempt was allowed; infinite for no limit, NaN without a trial."""
    budget_trials: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Trials of all attempts, sorted by (cell, trial, attempt)."""

    cell: Ints
    trial: Ints
    attempt: Ints
    ok: Mask
    truncated: Mask
    attempt_budget_s: Floats
    """What the trial's attempt was allowed; infinite for no limit."""
    spent_s: Floats
    validation_score: Floats
    test_score: Floats
    n_test: Floats
    n_test_minority: Floats
    line: Ints
    """Its row in the trials frame, for what is read of few rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Traces:
    """Cells and their trials."""

    cells: Cells
    rows: Rows
    metrics: pd.Series[str]
    """Of each row of the trials frame: JSON, part (`train`, `validation`, `test`) to metric to value."""


def traces(trials: pd.DataFrame, cells: pd.DataFrame, intervention: str = NONE) -> Traces:
    """Return the trials of the cells under an intervention, of every attempt: a view says which stand.

    Evidence under another key (other data, versions or learners) is not of these cells and is left out.
    Raises ConfigError where two cells of one learner share a slot, since no view could tell which of them
    counts, and ValueError where a trial stands twice in one attempt.
    """
    cells = cells[(cells["intervention"] == intervention).to_numpy()]
    code, keys = pd.factorize(trials["evidence_key"])
    cell = pd.Index(cells["evidence_key"]).get_indexer(pd.Index(keys))[code]
    trial, attempt = trials["trial"].to_numpy(), trials["attempt"].to_numpy()
    order = np.lexsort((attempt, trial, cell))
    order = order[np.searchsorted(cell[order], 0) :]
    by_attempt = order[np.argsort(attempt[order], kind="stable")]
    budgets = {}
    for name in ("budget_s", "budget_trials"):
        budgets[name] = np.full(len(cells), np.nan)
        limit = _limit(trials[f"attempt_{name}"])
        budgets[name][cell[by_attempt]] = limit[by_attempt]  # the latest one stays
    again = _repeats(cell[order], trial[order])
    if (again & (np.diff(attempt[order], prepend=0) == 0)).any():
        raise ValueError("trials: one trial of a cell stands twice in one attempt")
    return Traces(cells=_cells(cells, budgets), rows=_rows(trials, cell, order), metrics=trials["metrics"])


def of_cells(of: Traces, kept: Mask) -> Traces:
    """Return the traces of some of the cells; slots keep their numbers."""
    number = np.cumsum(kept) - 1
    rows = taken(of.rows, kept[of.rows.cell])
    return Traces(
        cells=Cells(**{name: getattr(of.cells, name)[kept] for name in Cells.__slots__}),
        rows=replace(rows, cell=number[rows.cell]),
        metrics=of.metrics,
    )


def current(rows: Rows, limit_s: Floats) -> Rows:
    """Return one row for each trial: the latest of an attempt that was allowed just the limit of its cell.

    `limit_s` has the seconds of each cell. Where no attempt was allowed just that, the latest attempt's row
    stands. So a larger run that went on with a cell does not change what is seen at the smaller budget.
    """
    first = np.flatnonzero(~_repeats(rows.cell, rows.trial))
    n = len(rows.cell)
    if len(first) == n:
        return rows
    own = np.where(rows.attempt_budget_s == limit_s[rows.cell], np.arange(n), -1)
    latest_own = np.maximum.reduceat(own, first)
    chosen = np.where(latest_own >= 0, latest_own, np.append(first[1:], n) - 1)
    return taken(rows, chosen)


def taken(rows: Rows, which: Ints | Mask) -> Rows:
    """Return some of the rows, by position or mask."""
    return Rows(**{name: getattr(rows, name)[which] for name in Rows.__slots__})


def numbered(*columns: Any) -> Ints:
    """Return a number for each row of the columns, equal where all of them are, in order of appearance."""
    numbers = np.zeros(len(columns[0]), dtype=np.intp)
    for column in columns:
        codes, values = pd.factorize(column)
        numbers = pd.factorize(numbers * len(values) + codes)[0]
    return numbers


def _cells(cells: pd.DataFrame, budgets: dict[str, Floats]) -> Cells:
    names = ("evidence_key", "task", "dataset", "problem", "learner", "family", "device")
    texts = {name: cells[name].to_numpy(dtype=object) for name in names}
    slot = numbered(texts["task"], *(cells[name].to_numpy() for name in ("repeat", "fold", "seed")))
    place = numbered(slot, texts["learner"])
    if len(cells) and place.max() + 1 < len(place):
        twice = cells["cell_id"].to_numpy()[place == np.bincount(place).argmax()]
        raise ConfigError(
            f"{' and '.join(twice)} are one learner on one split and seed: "
            "select one device, one validation and one training-set size"
        )
    status = cells["status"]
    return Cells(
        **texts,
        slot=slot,
        final=status.isin(_FINAL).to_numpy(),
        failed=status.isin(_FAILED).to_numpy(),
        not_applicable=(status == CellStatus.NOT_APPLICABLE.value).to_numpy(),
        budget_s=budgets["budget_s"],
        budget_trials=budgets["budget_trials"],
    )


def _rows(trials: pd.DataFrame, cell: Ints, order: Ints) -> Rows:
    status = trials["status"].take(order)
    names = ("trial", "attempt", "spent_s", "validation_score", "test_score", "n_test", "n_test_minority")
    columns = {name: trials[name].to_numpy()[order] for name in names}
    scored = np.isfinite(columns["validation_score"])
    return Rows(
        **columns,
        cell=cell[order],
        line=order,
        ok=(status == TrialStatus.OK.value).to_numpy() & scored,
        truncated=(status == TrialStatus.TRUNCATED.value).to_numpy() & scored,
        attempt_budget_s=_limit(trials["attempt_budget_s"])[order],
    )


def _limit(budget: pd.Series[float]) -> Floats:
    limit = budget.to_numpy(dtype=float)
    return np.where(np.isnan(limit), np.inf, limit)


def _repeats(cell: Ints, trial: Ints) -> Mask:
    """Return whether each row is of the same trial as the one before it."""
    repeats = np.zeros(len(cell), dtype=bool)
    repeats[1:] = (np.diff(cell) == 0) & (np.diff(trial) == 0)
    return repeats
