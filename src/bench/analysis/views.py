"""A view says which trials count: those of a budget, by learner or by family. It never runs anything.

At budget b count a cell's valid trials that ended by b, and:

- trial 0, the default, has until `DEFAULT_FACTOR` times b, as it has in a run;
- every trial of an attempt that was allowed just b counts, and a truncated trial at no other budget;
- a family whose m learners apply to a split shows each of them as at budget b/m, and the best validated of
  them all is its incumbent; of its defaults only that of the member declared first may take more than b/m.
  What an attempt at b itself was cut to is no member's at b/m.

So a view at b shows what a run at b would have, and a family never more than that, but for what a run at
b/m really took to stop. Without a budget, b is what each cell's latest attempt was allowed.

The view of defaults shows of these trials the default of each learner, and of a family that of the member
declared first of those that apply: so whatever it shows, the tuned view has seen as well.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

import numpy as np

from bench.analysis.sizes import TrainRows, is_size
from bench.analysis.traces import Cells, Rows, Traces, current, numbered, of_cells
from bench.budgets import DEFAULT_FACTOR
from bench.errors import ConfigError
from bench.suites import FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

By: TypeAlias = Literal["learner", "family"]
Show: TypeAlias = Literal["tuned", "default", "ensembled"]
Tested: TypeAlias = Literal["all", "without-twins"]
FailurePolicy: TypeAlias = Literal["fallback", "dummy", "complete-pairs"]
CHOICES = {
    "by": get_args(By),
    "show": get_args(Show),
    "rows": get_args(Tested),
    "failure_policy": get_args(FailurePolicy),
}
"""The fields of a view that are one of a few words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which trials count, whose they are, and what stands in for a missing error."""

    budget_s: float | None = None
    """Billed seconds per cell; None for what each was allowed."""
    budget_trials: int | None = None
    by: By = "learner"
    failure_policy: FailurePolicy = "fallback"
    """An entry without an error is given the reference's default error, or the dummy's, or the task is
    left out wherever this entry is compared."""
    show: Show = "tuned"
    """The best validated trial, the default configuration, or an ensemble of the entry's trials."""
    metric: str | None = None
    """The test metric that errors are made of; None for each problem type's primary score."""
    rows: Tested = "all"
    """Which test rows count: all, or those whose features no training row of their split has."""
    intervention: str | None = None
    """Under which intervention the cells are that are compared; None for none."""
    train_rows: TrainRows | None = None
    """Of which training-set size the cells are, `full` for no cap; None where there is one alone."""
    reference: str = "random-forest"
    """The learner whose default configuration every error is compared with."""
    only: tuple[str, ...] = ()
    """The learners, or by family the families, that are shown and compared; none for all."""

    def __post_init__(self) -> None:
        """Raise ConfigError for a choice that there is not."""
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ConfigError(f"{name}: {getattr(self, name)!r} is none of {', '.join(choices)}")
        if not (self.train_rows in (None, FULL) or is_size(self.train_rows)):
            raise ConfigError(f"train_rows: {self.train_rows!r} is neither a number of rows nor {FULL!r}")
        if self.show == "ensembled" and self.rows != "all":
            raise ConfigError("ensembles are scored on all test rows: show tuned or default without twins")

    @property
    def part(self) -> str:
        """The part of a trial's metrics that errors are of."""
        return "test" if self.rows == "all" else "test_without_twins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The trials that a view is about. Nothing here has looked at a test row."""

    rows: Rows
    """One for each trial."""
    group: Ints
    """Numbers the (entry, slot) of each cell, from 0."""
    first: Ints
    """The first cell of each group."""
    leading: Mask
    """Which cells are the first declared member, of those that apply, of their entry."""
    counts: Mask
    """Which rows count."""
    shown: Mask
    """Which rows are paid for, valid or not."""
    chosen: Ints
    """The incumbent of each group that has one, as positions in the rows."""
    dearer: Mask
    """Which rows are valid defaults of attempts that were allowed more than the cell shows."""


def select(of: Traces, view: View) -> Selection:
    """Return the trials that count in a view, and the best validated one of each entry on each slot."""
    cells = of.cells
    group = numbered(cells.family if view.by == "family" else cells.learner, cells.slot)
    limit_s, limit_trials = limits(cells, view, group)
    rows = current(of.rows, limit_s)
    leading = _leading(cells, group)
    reach_s = np.where(leading, DEFAULT_FACTOR * limit_s, limit_s)
    counts, shown = _counting(rows, limit_s, reach_s, limit_trials)
    dearer = _dearer_defaults(rows, limit_s)
    if view.show == "default":
        own = (rows.trial == 0) & leading[rows.cell]
        counts, shown, dearer = counts & own, shown & own, dearer & own
    return Selection(
        rows=rows,
        group=group,
        first=np.unique(group, return_index=True)[1],
        leading=leading,
        counts=counts,
        shown=shown,
        chosen=incumbents(rows, counts, group, numbered(cells.learner)),
        dearer=dearer,
    )


def narrowed(of: Traces, view: View) -> Traces:
    """Return the traces of the entries that a view is narrowed to; slots keep their numbers.

    Raises ConfigError for a name that is no entry.
    """
    if not view.only:
        return of
    entry = of.cells.family if view.by == "family" else of.cells.learner
    there = list(dict.fromkeys(entry))
    unknown = [name for name in view.only if name not in there]
    if unknown:
        from bench.config.problems import did_you_mean

        several = "families" if view.by == "family" else "learners"
        raise ConfigError(
            *(
                f"only: {name!r} is no {view.by} of this run{did_you_mean(str(name), there)} "
                f"({several}: {', '.join(there)})"
                for name in unknown
            )
        )
    return of_cells(of, np.isin(entry, view.only))


def limits(cells: Cells, view: View, group: Ints) -> tuple[Floats, Floats]:
    """Return the seconds and the trials that each cell shows: its entry's budget, shared among members.

    `group` numbers the (entry, slot) of each cell.
    """
    shared_s = seconds(cells, view)
    trials = (
        cells.budget_trials if view.budget_trials is None else np.full(len(group), float(view.budget_trials))
    )
    members = np.maximum(
        np.bincount(group[~cells.not_applicable], minlength=group.max(initial=-1) + 1)[group], 1
    )
    return shared_s / members, np.where(members > 1, np.maximum(np.floor(trials / members), 1), trials)


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


def seconds(cells: Cells, view: View) -> Floats:
    """Return the budget of each cell before it is shared."""
    return cells.budget_s if view.budget_s is None else np.full(len(cells.task), view.budget_s)


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


def _first_lowest(group: Ints, order: Ints, values: Floats) -> Ints:
    """Return the positions of each group's lowest value, ties to the lowest order."""
    lowest = np.full(int(group.max(initial=-1)) + 1, np.inf)
    np.minimum.at(lowest, group, values)
    tied = np.flatnonzero(values == lowest[group])
    ranked = tied[np.lexsort((order[tied], group[tied]))]
    first: Ints = ranked[np.diff(group[ranked], prepend=-1) != 0]
    return first
