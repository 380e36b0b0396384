"""What the trials of a claim say of each of its sides: an error for each task, split and seed.

A side is judged as a family is: its learners share one budget, and the best validated of their trials stands
for it. Cells are looked at through the same views as a leaderboard's.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from bench.analysis.bound import budget_bound
from bench.analysis.metrics import PRIMARY, problems_with
from bench.analysis.results import Results, results
from bench.analysis.traces import Traces, traces
from bench.analysis.views import Tested, View
from bench.claims import Show, Side
from bench.datasets import ProblemType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.analysis.ensembles import CellPredictions

    Mask: TypeAlias = NDArray[np.bool_]

T = TypeVar("T")
SLOT = ["task", "repeat", "fold", "seed", "train_cap"]
"""What two sides must share to be compared."""
_TESTED = [*SLOT, "intervention"]
"""What has the same test rows, whichever learner it is of."""
OTHER_METRIC: Mapping[ProblemType, str] = {
    ProblemType.BINARY: "error_rate",
    ProblemType.MULTICLASS: "balanced_accuracy",
    ProblemType.REGRESSION: "mae",
}
"""The metric that a verdict is looked at with beside the primary one."""


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
        """The same budget, and nothing else out of the ordinary."""
        return Asked(budget_s=self.budget_s, budget_trials=self.budget_trials)


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
        self._of_learner = dict(tuple(trials.groupby("learner", sort=False)))
        self._seen: dict[Hashable, Any] = {}
        self._n_test = _test_rows(trials, cells)

    def trials_of(self, learners: tuple[str, ...]) -> pd.DataFrame:
        """Return the trials of these learners."""
        found = [self._of_learner[name] for name in learners if name in self._of_learner]
        if len(found) == 1:
            return found[0]
        return pd.concat(found, ignore_index=True) if found else self.trials.iloc[:0]

    def of_side(self, side: Side, intervention: str, asked: Asked) -> pd.DataFrame:
        """Return a side's results under an intervention, a row for each task, split, seed and size.

        Columns: those of `SLOT`, dataset, problem, error (NaN unless `state` is `scored`), train_error (of
        the default configuration), state (`scored`, `missing`, `not_offered`, `not_applicable` or `pending`),
        bound, n_train, n_test, n_minority.
        """
        key = (side.learners, asked.show or side.show, intervention, asked)
        return self.once(key, lambda: self._results(side, intervention, asked))

    def once(self, key: Hashable, make: Callable[[], T]) -> T:
        """Return what is made of the evidence, made anew only where nothing has this key yet."""
        if key not in self._seen:
            self._seen[key] = make()
        found: T = self._seen[key]
        return found

    def _results(self, side: Side, intervention: str, asked: Asked) -> pd.DataFrame:
        mine = self.cells["learner"].isin(side.learners) & (self.cells["intervention"] == intervention)
        cells = self.cells[mine.to_numpy()].assign(family=side.name)
        trials = self.trials_of(side.learners)
        views = [
            (cells[cells["problem"].isin([each.value for each in problems]).to_numpy()], metric)
            for problems, metric in _metrics(asked)
        ]
        found = [
            self._of_size(trials, part[(part["train_cap"] == cap).to_numpy()], side, asked, metric)
            for part, metric in views
            for cap in dict.fromkeys(part["train_cap"])
        ]
        return pd.concat(found, ignore_index=True) if found else _empty()

    def _of_size(
        self, trials: pd.DataFrame, cells: pd.DataFrame, side: Side, asked: Asked, metric: str | None
    ) -> pd.DataFrame:
        cells = cells.reset_index(drop=True)
        view = View(
            by="family",
            show=asked.show or side.show,
            budget_s=asked.budget_s,
            budget_trials=asked.budget_trials,
            metric=metric,
            rows=asked.rows,
        )
        intervention = str(cells["intervention"].iloc[0])
        of = traces(trials, cells, intervention)
        shown = results(of, view, self._stored)
        first = np.unique(of.cells.slot, return_index=True)[1][shown.slot]
        found = cells.loc[first, [*_TESTED, "dataset", "problem", "n_train", "evidence_key"]]
        found = found.reset_index(drop=True)
        found = found.assign(
            error=shown.error,
            train_error=_train_errors(trials, found),
            state=_states(shown),
            bound=_bound(of, view),
        )
        return self._with_test_rows(found, shown, view).drop(columns=["evidence_key", "intervention"])

    def _with_test_rows(self, found: pd.DataFrame, shown: Results, view: View) -> pd.DataFrame:
        if view.rows == "all":
            counts = found.merge(self._n_test, on=_TESTED, how="left")
            n_test, n_minority = (counts[name].to_numpy() for name in ("n_test", "n_test_minority"))
        else:
            n_test, n_minority = (
                np.array([metrics.get(name, np.nan) for metrics in shown.metrics], dtype=float)
                for name in ("n_rows", "n_minority")
            )
        return found.assign(n_test=n_test, n_minority=n_minority)


def metric_of(problem: str, asked: Asked) -> str:
    """Return the name of the metric that errors of a problem type are made of."""
    return (PRIMARY if asked.metric == "primary" else OTHER_METRIC)[ProblemType(problem)]


def _test_rows(trials: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """Return how many test rows there are, of any learner that has been scored on them."""
    known = trials[trials["n_test"].notna()].drop_duplicates("evidence_key", keep="last")
    counts = cells[[*_TESTED, "evidence_key"]].merge(
        known[["evidence_key", "n_test", "n_test_minority"]], on="evidence_key"
    )
    return counts.drop(columns="evidence_key").drop_duplicates(_TESTED)


def _metrics(asked: Asked) -> list[tuple[list[ProblemType], str | None]]:
    if asked.metric == "primary":
        return [(list(ProblemType), None)]
    return [([problem], name) for problem, name in OTHER_METRIC.items() if problem in problems_with(name)]


def _states(shown: Results) -> NDArray[Any]:
    return np.select(
        [shown.scored, shown.missing, shown.not_offered, shown.not_applicable],
        ["scored", "missing", "not_offered", "not_applicable"],
        "pending",
    )


def _train_errors(trials: pd.DataFrame, found: pd.DataFrame) -> NDArray[Any]:
    """Return the training error of the default configuration of each first cell; NaN where it has none."""
    defaults = trials[(trials["trial"] == 0).to_numpy()].drop_duplicates("evidence_key", keep="last")
    return defaults.set_index("evidence_key")["train_score"].reindex(found["evidence_key"]).to_numpy(float)


def _bound(of: Traces, view: View) -> Mask:
    """Return which results are bound by their budget; defaults never are."""
    if view.show == "default":
        return np.zeros(len(np.unique(of.cells.slot)), dtype=bool)
    return budget_bound(of, view)


def _empty() -> pd.DataFrame:
    texts = dict.fromkeys(("task", "dataset", "problem", "state"), "str")
    numbers = dict.fromkeys(("train_cap", "error", "train_error", "n_train", "n_test", "n_minority"), "float")
    kinds = {**texts, **numbers, **dict.fromkeys(("repeat", "fold", "seed"), "int"), "bound": "bool"}
    return pd.DataFrame({name: pd.Series([], dtype=kind) for name, kind in kinds.items()})
