"""The leaderboard: a pure function of trials, planned cells and a view."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

import numpy as np

from bench.analysis.bound import budget_bound
from bench.analysis.contest import NO_CONTEST, TIE, Contest
from bench.analysis.errors import DUMMY, Errors, errors
from bench.analysis.intervals import bootstrap_means
from bench.analysis.lone import NO_SPREAD, Spread, spreads
from bench.analysis.metrics import checked, problems_with, short_title
from bench.analysis.provenance import budget_label, is_replay, narrow_notes, run_notes
from bench.analysis.qualities import Calibration, Density, calibrations, densities
from bench.analysis.ratings import NOT_RATED, Rating, ratings
from bench.analysis.results import Results, results
from bench.analysis.sizes import of_size
from bench.analysis.tiers import MIN_DATASETS, compare_pairs, tiers
from bench.analysis.traces import Cells, numbered, traces
from bench.analysis.views import View, narrowed
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.interventions import NONE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bench.analysis.ensembles import CellPredictions

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]

FEW_TRIALS = 5
"""An entry whose median result shows fewer trials than this was hardly searched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean log error ratio over datasets; above 0 is better than the reference."""

    mean: float
    """NaN without a dataset."""
    low: float
    """Ends of the 95 % bootstrap interval; NaN with fewer than two datasets."""
    high: float
    n: int
    """Datasets it is a mean over, those with stand-ins included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One entry: a learner or a family."""

    entry: str
    tier: int | None
    """From 1; entries of one tier cannot be told apart. None without an error ratio."""
    overall: Estimate
    classification: Estimate
    regression: Estimate
    error: Spread = NO_SPREAD
    """On the test rows of the one task, where there is one alone."""
    mean_rank: float
    """Mean over tasks of its error's rank among all entries that have one there: 1 is best, ties share."""
    wins: int
    """Tasks where it beat the reference by more than a tie."""
    ties: int
    losses: int
    n_tasks: int
    """Tasks with an error of its own."""
    n_stood_in: int
    """Tasks where another's error stands in for a missing one."""
    n_failed: int
    """Cells that failed; of a family, its members' cells."""
    n_not_applicable: int
    """Splits past its limits; of a family, past those of every member."""
    n_bound: int | None = None
    """Splits that are budget-bound, see `bench.analysis.bound`; None for defaults alone."""
    median_s: float
    """Billed seconds of the median result; of a family, all its members together."""
    median_trials: float
    calibration: Calibration
    density: Density
    rating: Rating = NOT_RATED
    """Among the entries of the table; `Leaderboard.rated` makes it."""

    @property
    def defaults_only(self) -> bool:
        """Whether this is a tour of defaults rather than evidence of what the entry can do."""
        return self.median_trials < FEW_TRIALS


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaderboard:
    """The rows, best first, and what a reader must know of them."""

    view: View
    budget: str
    """What a cell was allowed to show, in words."""
    replay: bool
    """Whether the view is smaller than what was run."""
    n_tasks: int
    """Tasks in the plan."""
    task: str | None = None
    """The one task, where there is one alone; its errors are shown, and tiers need more tables."""
    problem: ProblemType | None = None
    """Of that task."""
    datasets: Mapping[str, int]
    """Problem type to the number of datasets with an error ratio."""
    rows: tuple[Row, ...]
    notes: tuple[str, ...]
    """What was left out and what limits the evidence, a line each."""
    contest: Contest = field(default=NO_CONTEST, repr=False, compare=False)
    """What ratings and the matrix of pairs are made of."""

    def rated(self) -> Leaderboard:
        """Return the same with the rating of each row: 2,000 resamples, which a live one has no use for."""
        found = dict(zip(self.contest.entries, ratings(self.contest), strict=True))
        return replace(
            self, rows=tuple(replace(row, rating=found.get(row.entry, row.rating)) for row in self.rows)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each entry with every number in full: log error ratios, not per cent."""
        from bench.analysis.tables import to_frame

        return to_frame(self)

    def __str__(self) -> str:
        from bench.analysis.tables import text

        return text(self)

    def _repr_html_(self) -> str:
        from bench.analysis.tables import html

        return html(self)


def leaderboard(
    trials: pd.DataFrame,
    cells: pd.DataFrame,
    view: View,
    stored: Mapping[str, CellPredictions] | None = None,
) -> Leaderboard:
    """Return the leaderboard of the frames (`trials_frame`, `cells_frame`) under a view.

    It may be asked for while a run is going on: what has no error yet is left out, and a note says so.
    A view of ensembles needs the `stored` predictions of the cells, by evidence key.
    Raises ConfigError where two cells of one learner stand for the same split and seed, where the cells are
    of several training-set sizes and the view names none of them, for a metric that is none, can be no
    error, or that no task here has, and where the view is narrowed to a name that is no entry here.
    """
    cells, left_out = _with_metric(of_size(cells, view.train_rows), view)
    of = traces(trials, cells, view.intervention or NONE)
    own = narrowed(of, view)
    shown = results(own, view, stored)
    found = errors(shown, of, view)
    problem, ratios = by_dataset(found, found.log_ratio)
    bound = None if view.show == "default" else budget_bound(own, view)
    rows = _with_bound(_rows(found, shown, ratios, problem), shown, bound)
    compared = problem[np.isfinite(ratios).any(axis=0)]
    return Leaderboard(
        view=view,
        budget=budget_label(own.cells, view),
        replay=is_replay(own.cells, view),
        n_tasks=len(found.tasks),
        task=str(found.tasks[0]) if len(found.tasks) == 1 else None,
        problem=ProblemType(found.problem[0]) if len(found.tasks) == 1 else None,
        datasets={problem.value: int((compared == problem.value).sum()) for problem in ProblemType},
        rows=rows,
        notes=(
            *narrow_notes(of.cells, view),
            *left_out,
            *found.notes,
            *shown.notes,
            *run_notes(cells, own.cells, shown, view),
            *_cautions(rows, view, len(compared)),
        ),
        contest=_contest(rows, found, ratios, _holder(of.cells, view)),
    )


def _with_metric(cells: pd.DataFrame, view: View) -> tuple[pd.DataFrame, list[str]]:
    """Return the cells of the problem types that have the view's metric, and what is said of the others."""
    if view.metric is None:
        return cells, []
    title = short_title(checked(view.metric).name)
    problems = [problem.value for problem in problems_with(view.metric)]
    has = cells["problem"].isin(problems)
    if len(cells) and not has.any():
        raise ConfigError(
            f"no task of this run has {view.metric} ({title}): it is of {' and '.join(problems)} tasks"
        )
    n, n_all = cells.loc[~has, "task"].nunique(), cells["task"].nunique()
    note = f"Left out: {n} of {n_all} tasks, which have no {title}: it is of {' and '.join(problems)} ones"
    return cells[has].reset_index(drop=True), [note] if n else []


class OfTasks(Protocol):
    """What is known of T tasks."""

    @property
    def dataset(self) -> Texts:
        """(T,) the dataset of each."""

    @property
    def problem(self) -> Texts:
        """(T,) its problem type."""


def by_dataset(found: OfTasks, ratios: Floats) -> tuple[Texts, Floats]:
    """Return (N,) problem types and (E, N) log ratios of datasets: means over the tasks (E, T) of each.

    Tasks of one dataset share its rows: it is datasets that are drawn, in a resample and in the world.
    """
    number, first = _numbered(found)
    member = (number[:, None] == np.arange(len(first))).astype(float)
    known = np.isfinite(ratios)
    n = known @ member
    sums = np.where(known, ratios, 0.0) @ member
    return found.problem[first], np.divide(sums, n, out=np.full(n.shape, np.nan), where=n > 0)


def _numbered(found: OfTasks) -> tuple[Ints, Ints]:
    """Return (T,) the number of each task's dataset, and (N,) the first task of each dataset."""
    number = numbered(found.dataset, found.problem)
    return number, np.unique(number, return_index=True)[1]


def _contest(rows: tuple[Row, ...], found: Errors, ratios: Floats, anchor: str | None) -> Contest:
    """Return the entries with a ratio (E, N), in the order of the rows."""
    entries = tuple(row.entry for row in rows if row.overall.n)
    place = [found.entries.index(entry) for entry in entries]
    met = np.isfinite(ratios).any(axis=0)
    return Contest(
        entries=entries,
        log_ratio=ratios[place][:, met],
        datasets=tuple(map(str, found.dataset[_numbered(found)[1]][met])),
        anchor=anchor if anchor in entries else None,
    )


def _holder(cells: Cells, view: View) -> str | None:
    """Return the entry that is the reference, or the family that has it; None where it is not in the run."""
    held = (cells.family if view.by == "family" else cells.learner)[cells.learner == view.reference]
    return str(held[0]) if len(held) else None


def _rows(found: Errors, shown: Results, ratios: Floats, problem: Texts) -> tuple[Row, ...]:
    regression = problem == ProblemType.REGRESSION.value
    overall = estimates(ratios)
    ranks = _mean_ranks(found.mean)
    columns: dict[str, list[Any]] = {
        "entry": list(found.entries),
        "overall": overall,
        "classification": estimates(ratios[:, ~regression]),
        "regression": estimates(ratios[:, regression]),
        "error": spreads(shown, found.entries),
        "mean_rank": ranks.tolist(),
        "wins": (found.log_ratio >= TIE).sum(axis=1).tolist(),
        "ties": (np.abs(found.log_ratio) < TIE).sum(axis=1).tolist(),
        "losses": (found.log_ratio <= -TIE).sum(axis=1).tolist(),
        "n_tasks": found.n_scored.tolist(),
        "n_stood_in": found.n_stood_in.tolist(),
        "calibration": calibrations(shown, found.entries),
        "density": densities(shown, found.entries),
        **_totals(shown, found.entries),
    }
    ranking = sorted(range(len(overall)), key=lambda i: _standing(overall[i].mean, float(ranks[i])))
    placed = [i for i in ranking if overall[i].n]
    tier = dict(zip(placed, tiers(compare_pairs(ratios), placed), strict=True))
    return tuple(
        Row(tier=tier.get(i), **{name: values[i] for name, values in columns.items()}) for i in ranking
    )


def _with_bound(rows: tuple[Row, ...], shown: Results, bound: Mask | None) -> tuple[Row, ...]:
    """Return the rows with how many of each entry's results are budget-bound."""
    if bound is None:
        return rows
    return tuple(replace(row, n_bound=int(bound[shown.entry == row.entry].sum())) for row in rows)


def estimates(ratios: Floats) -> list[Estimate]:
    """Return the mean of each entry's log ratios (E, N) over datasets, with its bootstrap interval."""
    n = np.isfinite(ratios).sum(axis=1)
    mean = np.divide(np.nansum(ratios, axis=1), n, out=np.full(len(n), np.nan), where=n > 0)
    low, high = bootstrap_means(ratios)
    columns = (mean.tolist(), low.tolist(), high.tolist(), n.tolist())
    return [Estimate(mean=m, low=lo, high=hi, n=k) for m, lo, hi, k in zip(*columns, strict=True)]


def _mean_ranks(mean: Floats) -> Floats:
    """Return (E,) ranks averaged over tasks, from (E, T) errors; NaN for an entry without any."""
    lower = (mean[None, :, :] < mean[:, None, :]).sum(axis=1)
    equal = (mean[None, :, :] == mean[:, None, :]).sum(axis=1)
    known = np.isfinite(mean)
    n = known.sum(axis=1)
    sums = np.where(known, lower + (equal + 1) / 2, 0.0).sum(axis=1)
    mean_ranks: Floats = np.divide(sums, n, out=np.full(len(n), np.nan), where=n > 0)
    return mean_ranks


def _standing(mean: float, rank: float) -> tuple[bool, float, float]:
    """Return what entries are sorted by: those without a ratio last, by rank, then in the plan's order."""
    return math.isnan(mean), 0.0 if math.isnan(mean) else -mean, math.inf if math.isnan(rank) else rank


def _totals(shown: Results, entries: tuple[str, ...]) -> dict[str, list[Any]]:
    done = ~(shown.pending | shown.not_applicable)
    totals: dict[str, list[Any]] = {
        "n_failed": [],
        "n_not_applicable": [],
        "median_s": [],
        "median_trials": [],
    }
    for name in entries:
        own = shown.entry == name
        totals["n_failed"].append(int(shown.n_failed[own].sum()))
        totals["n_not_applicable"].append(int(shown.not_applicable[own].sum()))
        totals["median_s"].append(_median(shown.used_s[own & done]))
        totals["median_trials"].append(_median(shown.n_trials[own & done]))
    return totals


def _median(values: NDArray[Any]) -> float:
    return float(np.median(values)) if len(values) else math.nan


def _cautions(rows: tuple[Row, ...], view: View, n_datasets: int) -> list[str]:
    cautions = []
    if n_datasets == 1:
        cautions.append(
            "One table: the order may be luck; where ranges over splits overlap much, prefer neither"
        )
    elif 0 < n_datasets < MIN_DATASETS:
        cautions.append(
            f"Fewer than {MIN_DATASETS} datasets: nothing can be told apart, so all share one tier"
        )
    if view.show != "default" and any(row.defaults_only for row in rows):
        cautions.append(
            f"defaults only: under {FEW_TRIALS} trials in the median result; a tour, not evidence"
        )
    if any(row.n_bound for row in rows):
        cautions.append(
            "bound: splits where the validated error still fell in the last half of the budget, by more than "
            "a point of the error rate or 5 % of another error, or where half of it had shown none: more "
            "budget may well show less error"
        )
    if any(row.n_stood_in for row in rows):
        whose = DUMMY if view.failure_policy == "dummy" else f"default {view.reference}"
        cautions.append(f"stood in: tasks where an error is missing and that of the {whose} is taken instead")
    return cautions
