"""What the trials of a claim say of each of its sides: an error for each task, split, seed and size.

A side is judged as a family is: its learners share one budget, and the best validated of their trials stands
for it. Cells are looked at through the same views as a leaderboard's. What sides are compared on is numbered
once, so that everything after is arithmetic on arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.bound import budget_bound
from bench.analysis.metrics import PRIMARY
from bench.analysis.results import Results, results
from bench.analysis.traces import Traces, numbered, traces
from bench.analysis.views import Tested, View
from bench.claims import Show, Side
from bench.datasets import ProblemType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.analysis.ensembles import CellPredictions

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

OTHER_METRIC: Mapping[ProblemType, str] = {
    ProblemType.BINARY: "error_rate",
    ProblemType.MULTICLASS: "balanced_accuracy",
    ProblemType.REGRESSION: "mae",
}
"""The metric that a verdict is looked at with beside the primary one."""


DUMMY = Side(name="dummy", learners=("dummy",), show="default")
"""What knows the class frequencies or the mean alone: chance."""
SLOT = ["task", "repeat", "fold", "seed", "train_cap"]
"""What two sides must share to be compared."""


class State(IntEnum):
    """How a side stands on a slot."""

    ABSENT = 0
    """No cell of it is part of the claim there."""
    PENDING = 1
    MISSING = 2
    """It failed, and something may stand in."""
    NOT_APPLICABLE = 3
    NOT_OFFERED = 4
    SCORED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How evidence is looked at."""

    budget_s: float | None = None
    """A smaller budget than what was run; None for the claim's own."""
    budget_trials: int | None = None
    show: Show | Literal["ensembled"] | None = None
    """For every side alike, where a side's own is not to count; ensembles need stored predictions."""
    rows: Tested = "all"
    metric: Literal["primary", "other"] = "primary"

    @property
    def at_budget(self) -> Asked:
        """The same budget, and the primary metric of the default configuration on all rows."""
        return Asked(budget_s=self.budget_s, budget_trials=self.budget_trials)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slots:
    """What sides are compared on: (task, repeat, fold, seed, training-set size), numbered from 0."""

    task: Ints
    """(S,) number of the task of each; the others likewise."""
    dataset: Ints
    problem: Ints
    split: Ints
    """Number of the (task, repeat, fold)."""
    seed: Ints
    """The seed itself."""
    train_cap: Floats
    """Training rows at most; infinite for all."""
    tasks: tuple[str, ...]
    """The names behind the numbers."""
    datasets: tuple[str, ...]
    problems: tuple[str, ...]

    @property
    def n(self) -> int:
        """How many there are."""
        return len(self.task)


@dataclass(frozen=True, slots=True, kw_only=True)
class SideResults:
    """What a side did on each of S slots."""

    state: Ints
    error: Floats
    """NaN unless scored."""
    train_error: Floats
    """Of the default configuration."""
    bound: Mask
    """Whether its search was bound by its budget."""
    n_train: Floats
    n_test: Floats
    n_minority: Floats


class Evidence:
    """The trials and cells of a claim, and what was asked of them so far."""

    def __init__(
        self,
        trials: pd.DataFrame,
        cells: pd.DataFrame,
        seeds: tuple[int, ...],
        *,
        traits: pd.DataFrame | None = None,
        stored: Mapping[str, CellPredictions] | None = None,
    ) -> None:
        """Take the frames that `trials_frame` and `cells_frame` return, the cells being those of a claim.

        `seeds` are those of its contrasts; cells of another seed are there for a control. Trials of other
        cells are left out. `traits` has the `n_rows` and `categorical` (share of columns) of datasets by
        name, `stored` the predictions that a view of ensembles needs.
        """
        trials = trials[trials["evidence_key"].isin(cells["evidence_key"]).to_numpy()]
        self.trials, self.cells, self.seeds, self._stored = trials, cells, seeds, stored
        none = pd.DataFrame({"n_rows": [], "categorical": []}, index=pd.Index([], dtype=str))
        self.traits = none if traits is None else traits
        self.slots, self._slot = _slots(cells)
        self.memo: dict[object, Any] = {}
        """What was made of the evidence already, by what it depends on."""
        cell = pd.Index(cells["evidence_key"]).get_indexer(pd.Index(trials["evidence_key"]))
        self._trials_of_cell = _rows_by(cell, len(cells))
        tested = numbered(self._slot, cells["intervention"].to_numpy())
        self._test_rows = {
            name: _shared(tested, _of_cells(cell, trials[name].to_numpy(float), len(cells)))
            for name in ("n_test", "n_test_minority")
        }
        """Of each cell: the same for all learners on a slot under an intervention, be it that some failed."""
        default = (trials["trial"] == 0).to_numpy()
        score = np.where(default, trials["train_score"].to_numpy(float), np.nan)
        self._train_error = _of_cells(cell, score, len(cells))
        self._learner = cells["learner"].to_numpy(dtype=object)
        self._intervention = cells["intervention"].to_numpy(dtype=object)

    def trials_of(self, learner: str) -> pd.DataFrame:
        """Return the trials of a learner."""
        return self._trials(np.flatnonzero(self._learner == learner))

    def of_side(self, side: Side, intervention: str, asked: Asked) -> SideResults:
        """Return a side's results under an intervention."""
        key = (side.learners, side.share, asked.show or side.show, intervention, asked)
        if key not in self.memo:
            self.memo[key] = self._results(side, intervention, asked)
        found: SideResults = self.memo[key]
        return found

    def _cells_of(self, learners: tuple[str, ...], intervention: str) -> Ints:
        mine = np.isin(self._learner, learners) & (self._intervention == intervention)
        return np.flatnonzero(mine)

    def _trials(self, cells: Ints) -> pd.DataFrame:
        order, starts = self._trials_of_cell
        parts = [order[starts[i] : starts[i + 1]] for i in cells]
        return self.trials.take(np.concatenate(parts) if parts else np.empty(0, dtype=np.intp))

    def _results(self, side: Side, intervention: str, asked: Asked) -> SideResults:
        found = _blank(self.slots.n)
        cells = self._cells_of(side.learners, intervention)
        cap, problem = self.slots.train_cap[self._slot[cells]], self.slots.problem[self._slot[cells]]
        for metric, problems in _metrics(asked):
            known = [self.slots.problems.index(each) for each in problems if each in self.slots.problems]
            for size in np.unique(cap):
                part = cells[(cap == size) & np.isin(problem, known)]
                if len(part):
                    self._fill(found, side, part, _view(side, asked, metric))
        return found

    def _fill(self, found: SideResults, side: Side, part: Ints, view: View) -> None:
        """Put the results of some cells, which have one size and one metric, where their slots are."""
        cells = self.cells.take(part).assign(family=side.name)
        of = traces(self._trials(part), cells, self._intervention[part[0]])
        shown = results(of, view, self._stored)
        first = part[np.unique(of.cells.slot, return_index=True)[1][shown.slot]]
        place = self._slot[first]
        found.state[place] = np.where(_unfinished(of), int(State.PENDING), _states(shown))
        found.error[place] = shown.error
        found.train_error[place] = self._train_error[first]
        found.bound[place] = _bound(of, view)
        found.n_train[place] = cells["n_train"].to_numpy(float)[np.searchsorted(part, first)]
        counts = _counts(shown, view, {name: each[first] for name, each in self._test_rows.items()})
        found.n_test[place], found.n_minority[place] = counts


def metric_of(problem: str, asked: Asked) -> str:
    """Return the name of the metric that errors of a problem type are made of."""
    return (PRIMARY if asked.metric == "primary" else OTHER_METRIC)[ProblemType(problem)]


def _slots(cells: pd.DataFrame) -> tuple[Slots, Ints]:
    """Return the slots of cells, and the number of that of each."""
    columns = {name: cells[name].to_numpy() for name in ("task", "repeat", "fold", "seed", "train_cap")}
    slot = numbered(*columns.values())
    first = np.unique(slot, return_index=True)[1]
    split = numbered(*(columns[name] for name in ("task", "repeat", "fold")))
    (task, tasks), (dataset, datasets), (problem, problems) = (
        pd.factorize(cells[name].to_numpy(dtype=object)) for name in ("task", "dataset", "problem")
    )
    slots = Slots(
        task=task[first],
        dataset=dataset[first],
        problem=problem[first],
        split=split[first],
        seed=columns["seed"][first],
        train_cap=columns["train_cap"][first].astype(float),
        tasks=tuple(tasks),
        datasets=tuple(datasets),
        problems=tuple(problems),
    )
    return slots, slot


def _rows_by(cell: Ints, n: int) -> tuple[Ints, Ints]:
    """Return the rows of each cell, one cell after the other, and where each cell's begin."""
    order = np.argsort(cell, kind="stable")
    return order, np.searchsorted(cell[order], np.arange(n + 1))


def _of_cells(cell: Ints, values: Floats, n: int) -> Floats:
    """Return the last finite value of each cell; NaN without one."""
    found = np.full(n, np.nan)
    known = np.isfinite(values) & (cell >= 0)
    found[cell[known]] = values[known]
    return found


def _shared(group: Ints, values: Floats) -> Floats:
    """Return the largest finite value of each one's group; NaN without one."""
    largest = np.full(int(group.max(initial=-1)) + 1, np.nan)
    np.fmax.at(largest, group, values)
    return largest[group]


def _blank(n: int) -> SideResults:
    return SideResults(
        state=np.zeros(n, dtype=np.intp),
        error=np.full(n, np.nan),
        train_error=np.full(n, np.nan),
        bound=np.zeros(n, dtype=bool),
        n_train=np.full(n, np.nan),
        n_test=np.full(n, np.nan),
        n_minority=np.full(n, np.nan),
    )


def _metrics(asked: Asked) -> list[tuple[str | None, tuple[str, ...]]]:
    """Return which metric, None for the primary one, is looked at for which problem types."""
    if asked.metric == "primary":
        return [(None, tuple(each.value for each in ProblemType))]
    return [(name, (problem.value,)) for problem, name in OTHER_METRIC.items()]


def _view(side: Side, asked: Asked, metric: str | None) -> View:
    trials = asked.budget_trials
    return View(
        by="family",
        show=asked.show or side.show,
        budget_s=None if asked.budget_s is None else asked.budget_s * side.share,
        budget_trials=None if trials is None else max(1, round(trials * side.share)),
        metric=metric,
        rows=asked.rows,
    )


def _states(shown: Results) -> NDArray[Any]:
    masks = (shown.scored, shown.missing, shown.not_offered, shown.not_applicable)
    states = (State.SCORED, State.MISSING, State.NOT_OFFERED, State.NOT_APPLICABLE)
    return np.select(masks, [int(each) for each in states], int(State.PENDING))


def _unfinished(of: Traces) -> Mask:
    """Return of which slots some cell of the side is still to run, be it that others have a result."""
    waiting: Mask = np.bincount(of.cells.slot[~of.cells.final], minlength=len(np.unique(of.cells.slot))) > 0
    return waiting


def _bound(of: Traces, view: View) -> Mask:
    """Return which results are bound by their budget; defaults never are."""
    if view.show == "default":
        return np.zeros(len(np.unique(of.cells.slot)), dtype=bool)
    return budget_bound(of, view)


def _counts(shown: Results, view: View, recorded: Mapping[str, Floats]) -> tuple[Floats, Floats]:
    """Return how many test rows errors are of, and how many of them of the rarer of two classes."""
    if view.rows == "all":
        return recorded["n_test"], recorded["n_test_minority"]
    n_test, n_minority = (
        np.array([metrics.get(name, np.nan) for metrics in shown.metrics], dtype=float)
        for name in ("n_rows", "n_minority")
    )
    return n_test, n_minority
