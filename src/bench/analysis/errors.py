"""Errors of entries on tasks, and their log ratios to one reference: what every ranking rests on.

Errors are averaged over a task's splits, floored by what its test rows can resolve, then logged. The ratio
of an entry to the reference does not depend on which other entries there are.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.metrics import PRIMARY, floored, short_title
from bench.analysis.results import Defaults, Results, defaults
from bench.analysis.traces import Traces, numbered
from bench.analysis.views import View
from bench.datasets import ProblemType
from bench.metrics import METRICS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]

_TOO_FEW = "too few rows without a twin among the training rows"
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
    log_error: Floats
    """(E, T) ln(error), floored, over the splits that the reference has as well."""
    n_splits: Floats
    """(E, T) how many those are."""
    n_scored: Ints
    """(E,) tasks with an error of the entry's own; without any it has no mean and no ratio anywhere."""
    n_stood_in: Ints
    """(E,) tasks where some error is a stand-in; none for an entry without any error of its own."""
    notes: tuple[str, ...]
    """What was left out and why, a line each."""


def errors(shown: Results, of: Traces, view: View) -> Errors:
    """Return each entry's errors and log ratios under the view's failure policy.

    `shown` are the results of the same view of the same traces. A task where the reference failed leaves
    the ratios, and a note says so; splits where it has not run yet are left out until it has.

    Nothing stands in for a metric that an entry's models do not offer, whatever the policy: the task is left
    out wherever this entry is compared. An entry that offers it on no task of a problem type is given no
    stand-in for its failures there either.
    """
    (entry, entries), (task, tasks) = pd.factorize(shown.entry), pd.factorize(shown.task)
    grid = _Grid(shape=(len(entries), len(tasks)), place=entry * len(tasks) + task)
    first = np.unique(task, return_index=True)[1]
    reference = defaults(of, view.reference, view).at(shown.slot)
    absent = (shown.missing | shown.not_applicable) & ~_never_offered(shown)
    stand_in = _stand_ins(of, view, reference, shown.slot)
    error = np.where(absent, stand_in, shown.error)
    n_scored = (grid.count(shown.scored) > 0).sum(axis=1)
    mean = grid.mean(error, ~shown.pending)
    paired = ~shown.pending & np.isfinite(reference.error)
    metric = _metrics(view, shown.problem[first])
    log_error, log_reference = _log_errors(grid, error, paired, reference, metric)
    log_ratio = log_reference - log_error
    without = _without_reference(task, len(tasks), reference)
    log_ratio[:, np.logical_or.reduce(without)] = np.nan
    log_ratio[n_scored == 0], mean[n_scored == 0] = np.nan, np.nan
    return Errors(
        entries=tuple(entries),
        tasks=tuple(tasks),
        dataset=shown.dataset[first],
        problem=shown.problem[first],
        mean=mean,
        log_ratio=log_ratio,
        log_error=np.where(np.isnan(log_ratio), np.nan, log_error),
        n_splits=grid.count(paired),
        n_scored=n_scored,
        n_stood_in=np.where(n_scored > 0, (grid.count(absent & np.isfinite(stand_in)) > 0).sum(axis=1), 0),
        notes=(
            *_reference_notes(view, tasks, without),
            *_bare_notes(view, int((absent & np.isnan(stand_in)).sum())),
            *_offer_notes(view, shown),
        ),
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
            return reference.error
        case "dummy":
            return defaults(of, DUMMY, view).at(slot).error
        case "complete-pairs":
            return np.full(len(slot), np.nan)


def _metrics(view: View, problem: Texts) -> Texts:
    """Return the name of what the errors of each problem type are made of."""
    return np.array([view.metric or PRIMARY[ProblemType(each)] for each in problem], dtype=object)


def _never_offered(shown: Results) -> Mask:
    """Return which results are of entries whose models never offer the metric on this problem type."""
    kind = numbered(shown.entry, shown.problem)
    n = int(kind.max(initial=-1)) + 1
    offers = np.bincount(kind[shown.scored], minlength=n) > 0
    lacks = np.bincount(kind[shown.not_offered], minlength=n) > 0
    never: Mask = (lacks & ~offers)[kind]
    return never


def _log_errors(
    grid: _Grid, error: Floats, paired: Mask, reference: Defaults, metric: Texts
) -> tuple[Floats, Floats]:
    """Return ln(error) and ln(error of the reference), means over the paired splits; `metric` is (T,)."""
    n_test, n_minority = grid.sum(reference.n_test, paired), grid.sum(reference.n_test_minority, paired)
    of = np.broadcast_to(metric, grid.shape)
    own, other = (
        floored(grid.mean(values, paired), of, n_test, n_minority) for values in (error, reference.error)
    )
    return np.log(own), np.log(other)


def _without_reference(task: Ints, n_tasks: int, reference: Defaults) -> tuple[Mask, Mask, Mask]:
    """Return (T,) where the reference failed on some split, lacks the metric there, and is not planned."""
    bare = np.isnan(reference.error)
    failed, lacking = (
        np.bincount(task[where], minlength=n_tasks) > 0
        for where in (reference.final & ~reference.valid, reference.valid & bare)
    )
    return failed, lacking & ~failed, np.bincount(task[reference.planned], minlength=n_tasks) == 0


def _reference_notes(view: View, tasks: Texts, without: tuple[Mask, Mask, Mask]) -> list[str]:
    failed, lacking, unplanned = without
    if len(tasks) and unplanned.all():
        advice = (
            "entries are in the order of their ranks; any learner of the run may be the reference instead"
        )
        return [f"no {view.reference} in this run: no ratios; {advice}"]
    causes = (
        (tasks[failed], "failed in its default configuration"),
        (tasks[lacking], f"offers no {view.metric}" if view.metric else f"has {_TOO_FEW}"),
        (tasks[unplanned], "is not planned"),
    )
    return [
        f"No error ratios on {', '.join(where)}: the reference {view.reference} {why} there"
        for where, why in causes
        if len(where)
    ]


def _bare_notes(view: View, n_bare: int) -> list[str]:
    if view.failure_policy != "dummy" or not n_bare:
        return []
    return [f"{n_bare} errors are missing where {DUMMY} has none to stand in: their tasks are left out"]


def _offer_notes(view: View, shown: Results) -> list[str]:
    """Say whose models lack the metric, and that nothing stands in for it."""
    if not shown.not_offered.any():
        return []
    if view.metric is None:
        bare = ", ".join(dict.fromkeys(shown.task[shown.not_offered]))
        return [f"Left out where a test set has {_TOO_FEW}: {bare}"]
    lacking = dict.fromkeys(zip(shown.entry[shown.not_offered], shown.task[shown.not_offered], strict=True))
    counts = Counter(entry for entry, _ in lacking)
    whose = ", ".join(f"{entry} ({n} task{'s' * (n > 1)})" for entry, n in counts.items())
    needs, title = METRICS[view.metric].needs, short_title(view.metric)
    if needs in ("probabilities", "density"):
        return [f"Offers no {needs}, so no {title}, and nothing stands in for it: {whose}"]
    return [f"No {title} where it is undefined on the test rows, and nothing stands in for it: {whose}"]
