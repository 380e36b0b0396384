"""Errors of two sides, averaged within groups of slots, floored and logged: arithmetic on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.claims.evidence import Asked, SideResults, Slots, metric_of
from bench.analysis.inference.significance import corrected_t
from bench.analysis.metrics import floored
from bench.claims import Scale

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """The errors of two sides, averaged within G groups."""

    first: Ints
    """(G,) a slot of each group."""
    errors: tuple[Floats, Floats]
    n_test: Floats
    """Test rows of the group's slots together; of the rarer of two classes likewise."""
    n_minority: Floats
    ratio: Floats
    """Test rows over training rows, in the mean."""
    bound: Mask
    """Whether some result is bound by its budget."""


def means(there: Ints, group: Ints, errors: Sequence[Floats], results: Sequence[SideResults]) -> Means:
    """Return the means over the slots that are there, by the group of each slot; (S,) arrays."""
    _, first, place = np.unique(group[there], return_index=True, return_inverse=True)
    n_groups = len(first)
    n = np.maximum(np.bincount(place, minlength=n_groups), 1)

    def summed(values: Floats) -> Floats:
        return np.bincount(place, values[there], n_groups).astype(float)

    own, other = (summed(each) / n for each in errors)
    bound = results[0].bound[there] | results[1].bound[there]
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = summed(results[0].n_test / results[0].n_train) / n
    return Means(
        first=there[first],
        errors=(own, other),
        n_test=summed(results[0].n_test),
        n_minority=summed(results[0].n_minority),
        ratio=ratio,
        bound=np.bincount(place[bound], minlength=n_groups) > 0,
    )


def plain(of: Means) -> tuple[Floats, Floats]:
    """Return the errors as they are."""
    return of.errors


def logged(of: Means, slots: Slots, asked: Asked) -> tuple[Floats, Floats]:
    """Return ln(error) of both sides, floored by what the test rows can resolve."""
    names = np.array([metric_of(problem, asked) for problem in slots.problems], dtype=object)
    metric = names[slots.problem[of.first]]
    own, other = (np.log(floored(error, metric, of.n_test, of.n_minority)) for error in of.errors)
    return own, other


def standard_errors(by_split: Means, of: Means, slots: Slots, asked: Asked, scale: Scale) -> Floats:
    """Return the standard error of each group's value, a group being a task, from its splits.

    NaN where there is one alone. Corrected for training sets that overlap (Nadeau and Bengio 2003).
    """
    own, other = logged(by_split, slots, asked) if scale is Scale.RATIO else plain(by_split)
    value, task = other - own, slots.task[by_split.first]
    found = np.full(len(of.first), np.nan)
    for i, each in enumerate(slots.task[of.first]):
        mine = task == each
        if mine.sum() > 1:
            ratio = float(by_split.ratio[mine].mean())
            found[i] = corrected_t(value[mine], ratio if np.isfinite(ratio) else 0.0).error
    return found


def slopes(sized: Means, group: Ints, of: Means, slots: Slots, asked: Asked) -> Floats:
    """Return by how much steeper the first side's ln(error) falls in ln(training rows), group by group.

    `sized` has a mean for each group and size, `group` the group of each; sizes without a cap are left out,
    and a group of fewer than two sizes has no slope (NaN).
    """
    own, other = logged(sized, slots, asked)
    cap = slots.train_cap[sized.first]
    groups = np.unique(group)
    found = np.full(len(of.first), np.nan)
    for i, each in enumerate(groups):
        mine = (group == each) & np.isfinite(cap)
        if mine.sum() > 1:
            x = np.log(cap[mine])
            found[i] = np.polyfit(x, other[mine], 1)[0] - np.polyfit(x, own[mine], 1)[0]
    return found
