"""Which results are bound by their budget: whose incumbent still gained in the last half of it.

A search that has come to rest says what its entry can do; one that is still gaining says how far it came, and
so does one that had nothing yet at half of its budget. The decision is made on validation scores alone, as
the search is; no test score has a part in it.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.traces import Cells, Traces, current, taken
from bench.analysis.views import Selection, View, limits, select
from bench.datasets import ProblemType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

RATE_MARGIN = 0.01
"""An error rate (several classes) that falls by no more than one point has come to rest: on the few hundred
rows that validate, less is a row or two."""
RATIO_MARGIN = math.log(1.05)
"""1 - AUC and the RMSE have no such unit: a fall of more than 5 %, which is also what a leaderboard counts as
a win rather than a tie, is a gain, however small the error."""
_ROUNDING = 1e-9
"""Validation scores are quotients of row counts: a difference of just the margin is not more than it."""


def budget_bound(of: Traces, view: View) -> Mask:
    """Return which results of a view, a row per (entry, slot) as `results` has them, are budget-bound.

    The incumbent at the view's budget is compared with that at half of it, in seconds and in trials. At half
    counts what a replay counts, and of defaults those that had ended: there a default has no second half, or
    one that took longer than the first would be compared with itself. A result without an incumbent at half
    of its budget is bound: its search has hardly begun. One without an incumbent at the full budget is a
    failure and no more. A family's halves are of its members' shares.
    """
    picked = select(of, view)
    now = _validated(picked)
    before = _validated(select(_ended_by_half(of, view, picked.group), _halved(view)))
    multiclass = of.cells.problem[picked.first] == ProblemType.MULTICLASS.value
    gained = np.where(
        multiclass,
        before - now > RATE_MARGIN + _ROUNDING,
        before > now * math.exp(RATIO_MARGIN) * (1 + _ROUNDING),
    )
    bound: Mask = np.isfinite(now) & (np.isnan(before) | gained)
    return bound


def _validated(picked: Selection) -> Floats:
    """Return the validation score of each result's incumbent; NaN without one."""
    scores = np.full(len(picked.first), np.nan)
    cell = picked.rows.cell[picked.chosen]
    scores[picked.group[cell]] = picked.rows.validation_score[picked.chosen]
    return scores


def _ended_by_half(of: Traces, view: View, group: Ints) -> Traces:
    """Return the cells with half of what each was allowed, and the trials less the defaults that took longer.

    `group` numbers the (entry, slot) of each cell.
    """
    cells = _halved_cells(of.cells)
    limit_s, _ = limits(cells, _halved(view), group)
    rows = current(of.rows, limit_s)
    late = (rows.trial == 0) & (rows.spent_s > limit_s[rows.cell])
    return dataclasses.replace(of, cells=cells, rows=taken(rows, ~late))


def _halved(view: View) -> View:
    return dataclasses.replace(
        view,
        budget_s=None if view.budget_s is None else view.budget_s / 2,
        budget_trials=None if view.budget_trials is None else max(1, view.budget_trials // 2),
    )


def _halved_cells(cells: Cells) -> Cells:
    """Return the cells as if each had been allowed half, for a view that takes what each was allowed."""
    return dataclasses.replace(
        cells,
        budget_s=cells.budget_s / 2,
        budget_trials=np.maximum(np.floor(cells.budget_trials / 2), 1),
    )
