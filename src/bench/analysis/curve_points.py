"""What entries did at one training-set size: the points that curves are drawn through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.metrics import PRIMARY, floored
from bench.analysis.results import Results, results
from bench.analysis.sizes import of_size
from bench.analysis.traces import Traces, traces
from bench.analysis.views import View, select
from bench.datasets import ProblemType
from bench.interventions import NONE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """E entries on T tasks at one size; both are numbered alike at every size of a run."""

    entries: tuple[str, ...]
    """In the order of the plan."""
    dataset: Texts
    """(T,) the dataset of each task; tasks are sorted by name."""
    problem: Texts
    planned: Mask
    """(E, T) whether the entry is run there at this size."""
    n: Floats
    """(T,) the training rows, their mean over splits; NaN where that is not recorded."""
    log_error: Floats
    """(E, T) ln of the mean error over splits, floored; NaN unless every split has one."""
    log_s: Floats
    """(E, T) ln of the default's mean billed seconds over splits; NaN unless every split has a whole fit."""
    why: Texts
    """(E, T) why there is no error; empty where there is one."""
    why_no_time: Texts
    """(E, T) why there is no time though there is an error; else empty."""


def points(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Points:
    """Return what the entries of a run did at the view's size; `cells` are of all sizes, one intervention.

    Raises ConfigError as `of_size`.
    """
    entry_of = "family" if view.by == "family" else "learner"
    entries = tuple(dict.fromkeys(cells[entry_of]))
    tasks = cells.drop_duplicates("task").sort_values("task")
    here = of_size(cells, view.train_rows)
    of = traces(trials, here, view.intervention or NONE)
    shown = results(of, view)
    row = pd.Index(entries).get_indexer(pd.Index(shown.entry))
    column = pd.Index(tasks["task"]).get_indexer(pd.Index(shown.task))
    grid = _Grid(shape=(len(entries), len(tasks)), place=row * len(tasks) + column)
    problem = tasks["problem"].to_numpy(dtype=object)
    log_error = _log_errors(grid, of, shown, problem)
    log_s = np.log(grid.mean(_default_s(trials, of, view, len(shown.slot))))
    why = np.where(np.isfinite(log_error), "", _reasons(grid, shown))
    no_time = np.isfinite(log_error) & ~np.isfinite(log_s)
    return Points(
        entries=entries,
        dataset=tasks["dataset"].to_numpy(dtype=object),
        problem=problem,
        planned=grid.count(np.ones(len(row), dtype=bool)) > 0,
        n=_train_rows(here, tasks["task"]),
        log_error=log_error,
        log_s=log_s,
        why=why.astype(object),
        why_no_time=np.where(no_time, "the default was cut short or failed", "").astype(object),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Entries by tasks, to sum over splits on."""

    shape: tuple[int, int]
    place: Ints
    """Of each result, in the flat grid."""

    def count(self, where: Mask) -> Floats:
        return self.sum(where.astype(float))

    def sum(self, values: Floats) -> Floats:
        n = self.shape[0] * self.shape[1]
        return np.bincount(self.place, values, n).reshape(self.shape).astype(float)

    def mean(self, values: Floats) -> Floats:
        """Return means over splits; NaN where any has no value, and where there is no split."""
        n = self.count(np.ones(len(values), dtype=bool))
        means: Floats = np.divide(self.sum(values), n, out=np.full(self.shape, np.nan), where=n > 0)
        return means


def _log_errors(grid: _Grid, of: Traces, shown: Results, problem: Texts) -> Floats:
    n_slots = int(of.cells.slot.max(initial=-1)) + 1
    counts = {}
    for name in ("n_test", "n_test_minority"):
        by_slot, known = np.full(n_slots, np.nan), getattr(of.rows, name)
        there = np.isfinite(known)
        by_slot[of.cells.slot[of.rows.cell[there]]] = known[there]
        counts[name] = grid.sum(by_slot[shown.slot])
    metric = np.array([PRIMARY[ProblemType(each)] for each in problem], dtype=object)
    mean = grid.mean(np.where(shown.scored, shown.error, np.nan))
    of_each = np.broadcast_to(metric, grid.shape)
    log_error: Floats = np.log(floored(mean, of_each, counts["n_test"], counts["n_test_minority"]))
    return log_error


def _default_s(trials: pd.DataFrame, of: Traces, view: View, n: int) -> Floats:
    """Return (n,) the billed seconds of each result's default configuration; NaN without a whole fit of it.

    Of a family it is the default of its first learner that applies.
    """
    picked = select(of, view)
    rows = picked.rows
    own = np.flatnonzero((rows.trial == 0) & rows.ok & picked.leading[rows.cell])
    billed = trials["billed_s"].to_numpy()[rows.line[own]]
    seconds = np.full(n, np.nan)
    seconds[picked.group[rows.cell[own]]] = np.where(billed > 0, billed, np.nan)
    return seconds


def _reasons(grid: _Grid, shown: Results) -> Texts:
    """Return (E, T) why an error may be missing, the worst reason of any split."""
    reasons = np.full(grid.shape, "not planned", dtype=object)
    causes = (
        (shown.scored, "no error can be logged"),
        (shown.pending, "still to come"),
        (shown.not_applicable, "not applicable"),
        (shown.missing, "failed"),
    )
    for holds, reason in causes:
        reasons[grid.count(holds) > 0] = reason
    return reasons


def _train_rows(cells: pd.DataFrame, tasks: pd.Series[str]) -> Floats:
    """Return (T,) the training rows of each task, means over its splits; NaN where none is recorded."""
    by_split = cells.groupby(["task", "repeat", "fold", "seed"])["n_train"].max()
    means: Floats = by_split.groupby("task").mean().reindex(tasks).to_numpy(dtype=float)
    return means
