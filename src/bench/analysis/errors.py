"""Errors of entries on tasks, and their log ratios to one reference: what every ranking rests on.

Errors are averaged over a task's splits, floored by what its test rows can resolve, then logged. The ratio
of an entry to the reference does not depend on which other entries there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.traces import Traces
from bench.analysis.views import Defaults, Results, View, defaults
from bench.datasets import ProblemType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]

DUMMY = "dummy"
"""The learner whose default error the `dummy` failure policy gives."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Errors:
    """What E entries did on T tasks."""

    entries: tuple[str, ...]
    """In the order of the plan."""
    tasks: tuple[str, ...]
    dataset: Texts
    """(T,) the dataset of each task."""
    problem: Texts
    mean: Floats
    """(E, T) mean error over splits, stand-ins for missing ones included; NaN where there is none."""
    log_ratio: Floats
    """(E, T) ln(error of the reference / error): above 0 is better than the reference."""
    n_scored: Ints
    """(E,) tasks with an error of the entry's own; without any it has no mean and no ratio anywhere."""
    n_stood_in: Ints
    """(E,) tasks where some error is a stand-in."""
    notes: tuple[str, ...]
    """What was left out and why, a line each."""


def errors(shown: Results, of: Traces, view: View) -> Errors:
    """Return each entry's errors and log ratios under the view's failure policy.

    `shown` are the results of the same view of the same traces. A task where the reference failed leaves
    the ratios, and a note says so; splits where it has not run yet are left out until it has.
    """
    (entry, entries), (task, tasks) = pd.factorize(shown.entry), pd.factorize(shown.task)
    grid = _Grid(shape=(len(entries), len(tasks)), place=entry * len(tasks) + task)
    first = np.unique(task, return_index=True)[1]
    reference = defaults(of, view.reference, view).at(shown.slot)
    absent = shown.missing | shown.not_applicable
    stand_in = _stand_ins(of, view, reference, shown.slot)
    error = np.where(absent, stand_in, shown.test_score)
    n_scored = (grid.count(shown.scored) > 0).sum(axis=1)
    mean = grid.mean(error, shown.scored | absent)
    log_ratio = _log_ratios(grid, error, shown.scored | absent, reference, shown.problem[first])
    failed, unplanned = _without_reference(task, len(tasks), reference)
    log_ratio[:, failed | unplanned] = np.nan
    log_ratio[n_scored == 0], mean[n_scored == 0] = np.nan, np.nan
    return Errors(
        entries=tuple(entries),
        tasks=tuple(tasks),
        dataset=shown.dataset[first],
        problem=shown.problem[first],
        mean=mean,
        log_ratio=log_ratio,
        n_scored=n_scored,
        n_stood_in=(grid.count(absent & np.isfinite(stand_in)) > 0).sum(axis=1),
        notes=(
            *_reference_notes(view, tasks, failed, unplanned),
            *_bare_notes(view, int((absent & np.isnan(stand_in)).sum())),
        ),
    )


def floored(error: Floats, problem: Texts, n_test: Floats, n_minority: Floats) -> Floats:
    """Return errors that can be logged.

    An error rate of k in n becomes (k + 1/2) / (n + 1); 1 - AUC grows by 1 / (2 x the rows of the rarer
    class); an RMSE stays, but for the smallest positive number instead of 0. The counts are those of
    all the test rows that an error is the mean of.
    """
    rate = (error * n_test + 0.5) / (n_test + 1)
    auc = error + 0.5 / np.maximum(n_minority, 1)
    rmse = np.maximum(error, np.finfo(float).tiny)
    return np.select(
        [problem == ProblemType.MULTICLASS.value, problem == ProblemType.BINARY.value], [rate, auc], rmse
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Grid:
    """Entries by tasks, to sum over splits on."""

    shape: tuple[int, int]
    place: Ints
    """Of each result, in the flat grid."""

    def sum(self, values: Floats, where: Mask) -> Floats:
        n = self.shape[0] * self.shape[1]
        return np.bincount(self.place[where], values[where], n).reshape(self.shape).astype(float)

    def count(self, where: Mask) -> Floats:
        return self.sum(np.ones(len(where)), where)

    def mean(self, values: Floats, where: Mask) -> Floats:
        n = self.count(where)
        means: Floats = np.divide(self.sum(values, where), n, out=np.full(self.shape, np.nan), where=n > 0)
        return means


def _stand_ins(of: Traces, view: View, reference: Defaults, slot: Ints) -> Floats:
    """Return what each result is given if its own error is missing; NaN for nothing."""
    match view.failure_policy:
        case "fallback":
            return reference.test_score
        case "dummy":
            return defaults(of, DUMMY, view).at(slot).test_score
        case "complete-pairs":
            return np.full(len(slot), np.nan)


def _log_ratios(grid: _Grid, error: Floats, known: Mask, reference: Defaults, problem: Texts) -> Floats:
    """Return ln(reference / error) of the means over the splits that have both."""
    paired = known & np.isfinite(reference.test_score)
    n_test, n_minority = grid.sum(reference.n_test, paired), grid.sum(reference.n_test_minority, paired)
    what = np.broadcast_to(problem, grid.shape)
    own, other = (
        floored(grid.mean(values, paired), what, n_test, n_minority)
        for values in (error, reference.test_score)
    )
    return np.log(other) - np.log(own)


def _without_reference(task: Ints, n_tasks: int, reference: Defaults) -> tuple[Mask, Mask]:
    """Return (T,) where the reference failed on some split, and where it is not in the plan."""
    failed = np.bincount(task[reference.final & np.isnan(reference.test_score)], minlength=n_tasks) > 0
    return failed, np.bincount(task[reference.planned], minlength=n_tasks) == 0


def _reference_notes(view: View, tasks: Texts, failed: Mask, unplanned: Mask) -> list[str]:
    if len(tasks) and unplanned.all():
        advice = (
            "entries are in the order of their ranks; any learner of the run may be the reference instead"
        )
        return [f"no {view.reference} in this run: no ratios; {advice}"]
    causes = ((tasks[failed], "failed in its default configuration"), (tasks[unplanned], "is not planned"))
    return [
        f"No error ratios on {', '.join(where)}: the reference {view.reference} {why} there"
        for where, why in causes
        if len(where)
    ]


def _bare_notes(view: View, n_bare: int) -> list[str]:
    if view.failure_policy != "dummy" or not n_bare:
        return []
    return [f"{n_bare} errors are missing where {DUMMY} has none to stand in: their tasks are left out"]
