"""A view says which trials count: those of a budget, by learner or by family. It never runs anything.

At budget b count a cell's valid trials that ended by b, and:

- trial 0, the default, has until `DEFAULT_FACTOR` times b, as it has in a run;
- every trial of an attempt that was allowed just b counts, and a truncated trial at no other budget;
- a family whose m learners apply to a split shows each of them as at budget b/m, and the best validated of
  them all is its incumbent; of its defaults only that of the member declared first may take more than b/m.
  What an attempt at b itself was cut to is no member's at b/m.

So a view at b shows what a run at b would have, and a family never more than that, but for what a run at
b/m really took to stop. Without a budget, b is what each cell's latest attempt was allowed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from bench.analysis.traces import Cells, Rows, Traces, current, numbered
from bench.budgets import DEFAULT_FACTOR

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which trials count, whose they are, and what stands in for a missing error."""

    budget_s: float | None = None
    """Billed seconds per cell; None for what each was allowed."""
    budget_trials: int | None = None
    by: Literal["learner", "family"] = "learner"
    failure_policy: Literal["fallback", "dummy", "complete-pairs"] = "fallback"
    """An entry without an error is given the reference's default error, or the dummy's, or the task is
    left out wherever this entry is compared."""
    show: Literal["tuned", "default", "ensembled"] = "tuned"
    """The best validated trial, the default configuration, or an ensemble of the entry's trials."""
    metric: str | None = None
    """The test metric that errors are made of; None for each problem type's primary score."""
    reference: str = "random-forest"
    """The learner whose default configuration every error is compared with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a view shows, a row per (entry, slot). Exactly one of the last four columns holds in a row."""

    entry: Texts
    slot: Ints
    task: Texts
    dataset: Texts
    problem: Texts
    test_score: Floats
    """Of the incumbent; NaN unless scored."""
    used_s: Floats
    """Billed seconds shown, of all members together."""
    n_trials: Ints
    """Valid trials shown, of all members together."""
    n_failed: Ints
    """Members' cells that failed."""
    out_of_reach: Mask
    """Missing, though a member has a default: it took more than this budget allows."""
    scored: Mask
    missing: Mask
    """No error, and none to come."""
    not_applicable: Mask
    """Past the limits of every member."""
    pending: Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """A learner's trial 0 by slot; NaN where it has no valid one."""

    planned: Mask
    final: Mask
    """Whether the learner's cell is at its end."""
    test_score: Floats
    n_test: Floats
    n_test_minority: Floats

    def at(self, slot: Ints) -> Defaults:
        """Return the same for each of the slots given."""
        return Defaults(**{name: getattr(self, name)[slot] for name in self.__slots__})


def results(of: Traces, view: View) -> Results:
    """Return what the view shows of each entry on each slot."""
    cells = of.cells
    entry = cells.family if view.by == "family" else cells.learner
    group = numbered(entry, cells.slot)
    first = np.unique(group, return_index=True)[1]
    n = len(first)
    limit_s, limit_trials = limits(cells, view, group)
    rows = current(of.rows, limit_s)
    reach_s = np.where(_leading(cells, group), DEFAULT_FACTOR * limit_s, limit_s)
    counts, shown = _counting(rows, limit_s, reach_s, limit_trials)
    chosen = incumbents(rows, counts, group, numbered(cells.learner))
    score = np.full(n, np.nan)
    score[group[rows.cell[chosen]]] = rows.test_score[chosen]
    scored = np.isfinite(score)
    outside = ~scored & _all_of_each(group, cells.not_applicable, n)
    missing = ~scored & ~outside & _all_of_each(group, cells.final, n)
    return Results(
        entry=entry[first],
        slot=cells.slot[first],
        task=cells.task[first],
        dataset=cells.dataset[first],
        problem=cells.problem[first],
        test_score=score,
        used_s=_used_s(rows, shown, group, n),
        n_trials=np.bincount(group[rows.cell[counts]], minlength=n),
        n_failed=np.bincount(group[cells.failed], minlength=n),
        out_of_reach=missing & _any_of_each(group, rows.cell[_dearer_defaults(rows, limit_s)], n),
        scored=scored,
        missing=missing,
        not_applicable=outside,
        pending=~(scored | missing | outside),
    )


def limits(cells: Cells, view: View, group: Ints) -> tuple[Floats, Floats]:
    """Return the seconds and the trials that each cell shows: its entry's budget, shared among members.

    `group` numbers the (entry, slot) of each cell.
    """
    seconds = _seconds(cells, view)
    trials = (
        cells.budget_trials if view.budget_trials is None else np.full(len(group), float(view.budget_trials))
    )
    members = np.maximum(
        np.bincount(group[~cells.not_applicable], minlength=group.max(initial=-1) + 1)[group], 1
    )
    return seconds / members, np.where(members > 1, np.maximum(np.floor(trials / members), 1), trials)


def incumbents(rows: Rows, counts: Mask, group: Ints, declared: Ints) -> Ints:
    """Return the best validated of the counting rows of each group, as positions in `rows`.

    Ties go to the earliest declared learner, then to the earliest trial. `group` and `declared` number
    the entry and the learner of each cell. Nothing that a trial scored on test rows is looked at here:
    the caller joins that to the rows that were chosen.
    """
    counting = np.flatnonzero(counts)
    cell, trial, validated = rows.cell[counting], rows.trial[counting], rows.validation_score[counting]
    best = _first_lowest(cell, trial, validated)
    members = cell[best]
    return counting[best[_first_lowest(group[members], declared[members], validated[best])]]


def defaults(of: Traces, learner: str, view: View) -> Defaults:
    """Return what a learner's default configuration did on every slot, whatever it took.

    It is a yardstick and no entry: it is the same at every budget, but for a default that was cut at the
    view's own.
    """
    cells, rows = of.cells, current(of.rows, _seconds(of.cells, view))
    n_slots = int(cells.slot.max(initial=-1)) + 1
    own = cells.learner == learner
    planned, final = np.zeros(n_slots, dtype=bool), np.zeros(n_slots, dtype=bool)
    planned[cells.slot[own]] = True
    final[cells.slot[own]] = cells.final[own]
    found = np.flatnonzero((rows.trial == 0) & (rows.ok | rows.truncated) & own[rows.cell])
    columns = {}
    for name in ("test_score", "n_test", "n_test_minority"):
        columns[name] = np.full(n_slots, np.nan)
        columns[name][cells.slot[rows.cell[found]]] = getattr(rows, name)[found]
    return Defaults(planned=planned, final=final, **columns)


def _leading(cells: Cells, group: Ints) -> Mask:
    """Return which cells are the first declared member, of those that apply, of their entry.

    Its default alone may take more than its share: were it so for each of m copies of a learner, they
    would have up to m times what the learner has for defaults.
    """
    leading = np.zeros(len(group), dtype=bool)
    applies = np.flatnonzero(~cells.not_applicable)
    leading[applies[np.unique(group[applies], return_index=True)[1]]] = True
    return leading


def _counting(rows: Rows, limit_s: Floats, reach_s: Floats, limit_trials: Floats) -> tuple[Mask, Mask]:
    """Return which rows count, and which ones, valid or not, are shown and paid for.

    `reach_s` is what each cell's default may take.
    """
    limit = limit_s[rows.cell]
    own = rows.attempt_budget_s == limit
    within = rows.spent_s <= np.where(rows.trial == 0, reach_s[rows.cell], limit)
    shown = (own | within) & (rows.trial < limit_trials[rows.cell])
    counts: Mask = shown & (rows.ok | (rows.truncated & own))
    return counts, shown


def _dearer_defaults(rows: Rows, limit_s: Floats) -> Mask:
    """Return which rows are valid defaults of attempts that were allowed more than the limit."""
    allowed_more = rows.attempt_budget_s > limit_s[rows.cell]
    dearer: Mask = (rows.trial == 0) & (rows.ok | rows.truncated) & allowed_more
    return dearer


def _seconds(cells: Cells, view: View) -> Floats:
    """Return the budget of each cell before it is shared."""
    return cells.budget_s if view.budget_s is None else np.full(len(cells.task), view.budget_s)


def _first_lowest(group: Ints, order: Ints, values: Floats) -> Ints:
    """Return the positions of each group's lowest value, ties to the lowest order."""
    lowest = np.full(int(group.max(initial=-1)) + 1, np.inf)
    np.minimum.at(lowest, group, values)
    tied = np.flatnonzero(values == lowest[group])
    ranked = tied[np.lexsort((order[tied], group[tied]))]
    first: Ints = ranked[np.diff(group[ranked], prepend=-1) != 0]
    return first


def _used_s(rows: Rows, shown: Mask, group: Ints, n: int) -> Floats:
    """Return (n,) what the cells of each group spent by the last of their rows that are shown."""
    used_s = np.zeros(len(group))
    np.maximum.at(used_s, rows.cell[shown], rows.spent_s[shown])
    return np.bincount(group, used_s, n).astype(float)


def _any_of_each(group: Ints, cells: Ints, n: int) -> Mask:
    """Return (n,) whether any of the cells given is of a group."""
    found: Mask = np.bincount(group[cells], minlength=n) > 0
    return found


def _all_of_each(group: Ints, holds: Mask, n: int) -> Mask:
    """Return (n,) whether something holds for every cell of a group."""
    hold: Mask = np.bincount(group[~holds], minlength=n) == 0
    return hold
