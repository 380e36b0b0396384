"""From the results of sides to the values that a rule decides on: one for each dataset, or seed on it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.claims.errors import Means, logged, means, plain, slopes, standard_errors
from bench.analysis.claims.evidence import DUMMY, Asked, Evidence, SideResults, State
from bench.analysis.traces import numbered
from bench.analysis.views import FailurePolicy
from bench.claims import Claim, Comparison, Pair, Scale, Side, Unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

FOREST = Side(name="random-forest", learners=("random-forest",), show="default")
"""What stands in for a missing error where the claim runs it; else, or by the failure policy, the dummy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The values of a comparison; above 0 the first side of each pair is better."""

    table: pd.DataFrame
    """A row for each unit: dataset, problem, seed (-1 where seeds are averaged), value, standard_error (NaN
    where a unit has one split alone), splits (how many it has), bound (whether some result that it rests on
    is bound by its budget)."""
    n_pending: int = 0
    """Results that are still to come."""
    n_missing: int = 0
    """Results without an error, for which something may stand in."""
    failing: tuple[str, ...] = ()
    """Sides that failed on more than a tenth of the claim's tasks."""
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Tasks that no value is of, and why."""

    @property
    def values(self) -> Floats:
        """(N,) the values."""
        return self.table["value"].to_numpy(dtype=float)


MOST = math.log(1000)
"""An error that is a thousand times smaller counts no more: of a perfect fit no ratio means anything."""
MOST_FAILURES = 0.1
"""A side that fails on a larger share of a claim's tasks is given no verdict."""


def differences(
    evidence: Evidence,
    claim: Claim,
    comparison: Comparison,
    asked: Asked = Asked(),  # noqa: B008 - frozen
    policy: FailurePolicy = "fallback",
    seeds: tuple[int, ...] | None = None,
) -> Differences:
    """Return the values of a comparison, one for each unit of the claim.

    A dataset's value is of its errors averaged over splits and seeds, then floored and logged where the
    margin is a ratio. Several pairs are averaged, dataset by dataset. An interaction is the advantage under
    what is intact less that under what is altered. Of the seeds given, else of those of the contrasts.
    """
    sides = tuple((name, claim.sides[name]) for name in comparison.sides)
    key = (comparison, sides, claim.unit, asked, policy, seeds)
    if key not in evidence.memo:
        read = _Read(evidence, claim, comparison, asked, policy)
        read.seeds = seeds or evidence.seeds
        evidence.memo[key] = read.differences()
    found: Differences = evidence.memo[key]
    return found


@dataclass(frozen=True, slots=True)
class _Values:
    """The values of one pair: all (U,), by the number of the unit."""

    unit: Ints
    value: Floats
    error: Floats
    splits: Ints
    """How many splits the error is of."""
    bound: Mask


class _Read:
    """One reading of the evidence for a comparison, and what was met on the way."""

    def __init__(
        self, evidence: Evidence, claim: Claim, comparison: Comparison, asked: Asked, policy: FailurePolicy
    ) -> None:
        self.evidence, self.claim, self.comparison = evidence, claim, comparison
        self.asked, self.policy = asked, policy
        self.seeds = evidence.seeds
        slots = evidence.slots
        by_seed = (slots.seed,) if claim.unit is Unit.SEED else ()
        self.unit = numbered(slots.dataset, slots.problem, *by_seed)
        """Of each slot; a unit is a dataset, or a seed on it."""
        self.group = numbered(slots.task, *by_seed)
        """Of each slot: what errors are averaged within; the groups of a unit share its rows."""
        self.n_pending = self.n_missing = 0
        self.failing: list[str] = []
        self.left_out: dict[str, str] = {}

    def differences(self) -> Differences:
        pairs = self.comparison.pairs
        parts = [
            self._pair(pair, intervention) for intervention in self.comparison.interventions for pair in pairs
        ]
        found = _mean(parts[: len(pairs)])
        if self.comparison.altered is not None:
            found = _less(found, _mean(parts[len(pairs) :]))
        return Differences(
            table=self._table(found),
            n_pending=self.n_pending,
            n_missing=self.n_missing,
            failing=tuple(dict.fromkeys(self.failing)),
            left_out=self.left_out,
        )

    def _table(self, found: _Values) -> pd.DataFrame:
        slots = self.evidence.slots
        first = np.unique(self.unit, return_index=True)[1][found.unit]
        names = np.array(slots.datasets, dtype=object)[slots.dataset[first]]
        seed = slots.seed[first] if self.claim.unit is Unit.SEED else np.full(len(first), -1)
        order = np.lexsort((seed, names.astype(str)))
        columns = {
            "dataset": names,
            "problem": np.array(slots.problems, dtype=object)[slots.problem[first]],
            "seed": seed,
            "value": found.value,
            "standard_error": found.error,
            "splits": found.splits,
            "bound": found.bound,
        }
        return pd.DataFrame({name: each[order] for name, each in columns.items()})

    def _pair(self, pair: Pair, intervention: str) -> _Values:
        """Return the values of one pair under one intervention."""
        sides = [self.claim.sides[name] for name in (pair.side, pair.against)]
        results = [self.evidence.of_side(side, intervention, self.asked) for side in sides]
        errors = [self._error(each, intervention) for each in results]
        there = self._there(sides, results, errors)
        of = means(there, self.group, errors, results)
        return self._values(of, there, errors, results)

    def _values(
        self, of: Means, there: Ints, errors: Sequence[Floats], results: Sequence[SideResults]
    ) -> _Values:
        scale, slots = self.comparison.margin.scale, self.evidence.slots
        if scale is Scale.SLOPE:
            sized = means(there, numbered(self.group, slots.train_cap), errors, results)
            value = slopes(sized, self.group[sized.first], of, slots, self.asked)
            error = np.full(len(value), np.nan)
            by_split = sized
        else:
            own, other = logged(of, slots, self.asked) if scale is Scale.RATIO else plain(of)
            value = other - own
            if scale is Scale.RATIO:
                value = np.clip(value, -MOST, MOST)
            by_split = means(there, slots.split, errors, results)
            error = np.full(len(value), np.nan)
            if self.claim.unit is Unit.DATASET:
                error = standard_errors(by_split, of, slots, self.asked, scale)
        known = np.isfinite(value)
        splits = np.bincount(self.group[by_split.first], minlength=self.group.max(initial=-1) + 1)
        found = _Values(
            unit=self.unit[of.first],
            value=value,
            error=error,
            splits=splits[self.group[of.first]],
            bound=of.bound,
        )
        return _by_unit(found, known)

    def _error(self, of: SideResults, intervention: str) -> Floats:
        """Return the errors of a side, with what stands in for missing ones."""
        missing = of.state == State.MISSING
        if self.policy == "complete-pairs" or not missing.any():
            return of.error
        forest = self.evidence.of_side(FOREST, intervention, self.asked)
        known = self.policy == "fallback" and bool((forest.state != State.ABSENT).any())
        stand_in = forest if known else self.evidence.of_side(DUMMY, intervention, self.asked)
        return np.where(missing, stand_in.error, of.error)

    def _there(self, sides: Sequence[Side], results: Sequence[SideResults], errors: Sequence[Floats]) -> Ints:
        """Return the slots where both sides have an error, or something stands in for it."""
        one, two = (each.state for each in results)
        slots = self.evidence.slots
        there = (one != State.ABSENT) & (two != State.ABSENT) & np.isin(slots.seed, self.seeds)
        pending = there & ((one == State.PENDING) | (two == State.PENDING))
        self.n_pending += int(pending.sum())
        there &= ~pending
        for state, why in ((State.NOT_APPLICABLE, "not applicable"), (State.NOT_OFFERED, "not offered")):
            hit = there & ((one == state) | (two == state))
            self._leave_out(hit, why)
            there &= ~hit
        self._note_failures(there, sides, results)
        bare = there & (np.isnan(errors[0]) | np.isnan(errors[1]))
        self._leave_out(bare, "failed")
        return np.flatnonzero(there & ~bare)

    def _leave_out(self, where: Mask, why: str) -> None:
        slots = self.evidence.slots
        self.left_out |= {slots.tasks[i]: why for i in np.unique(slots.task[where])}

    def _note_failures(self, there: Mask, sides: Sequence[Side], results: Sequence[SideResults]) -> None:
        task = self.evidence.slots.task
        n_tasks = len(np.unique(task[there]))
        for side, of in zip(sides, results, strict=True):
            missing = there & (of.state == State.MISSING)
            self.n_missing += int(missing.sum())
            failed = len(np.unique(task[missing]))
            if failed > MOST_FAILURES * n_tasks:
                self.failing.append(f"{side.name} (on {failed} of {n_tasks} tasks)")


def _by_unit(of: _Values, known: Mask) -> _Values:
    """Return the means of the known values over the tasks of each dataset, which share its rows."""
    units, place = np.unique(of.unit[known], return_inverse=True)
    value, error, bound = of.value[known], of.error[known], of.bound[known]
    splits = np.full(len(units), np.iinfo(np.intp).max)
    np.minimum.at(splits, place, of.splits[known])
    n = np.bincount(place, minlength=len(units))
    return _Values(
        unit=units,
        value=np.bincount(place, value, len(units)) / np.maximum(n, 1),
        error=np.bincount(place, error, len(units)) / np.maximum(n, 1),
        splits=splits,
        bound=np.bincount(place[bound], minlength=len(units)) > 0,
    )


def _mean(parts: Sequence[_Values]) -> _Values:
    """Return the mean of several pairs, unit by unit, where all of them have one."""
    common = parts[0].unit
    for each in parts[1:]:
        common = np.intersect1d(common, each.unit)
    at = [np.searchsorted(each.unit, common) for each in parts]
    return _Values(
        unit=common,
        value=np.mean([each.value[i] for each, i in zip(parts, at, strict=True)], axis=0),
        error=np.mean([each.error[i] for each, i in zip(parts, at, strict=True)], axis=0),
        splits=np.min([each.splits[i] for each, i in zip(parts, at, strict=True)], axis=0),
        bound=np.any([each.bound[i] for each, i in zip(parts, at, strict=True)], axis=0),
    )


def _less(intact: _Values, altered: _Values) -> _Values:
    common, one, two = np.intersect1d(intact.unit, altered.unit, return_indices=True)
    return _Values(
        unit=common,
        value=intact.value[one] - altered.value[two],
        error=np.hypot(intact.error[one], altered.error[two]),
        splits=np.minimum(intact.splits[one], altered.splits[two]),
        bound=intact.bound[one] | altered.bound[two],
    )
