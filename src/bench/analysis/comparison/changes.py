"""From pairs of cells to the changes that an answer rests on: one for each split of a dataset.

Cells of one split share its test rows: those of several seeds are averaged before anything else, as the
leaderboard does, and interventions and training-set sizes afterwards. What is left, splits of one dataset
included, changes sides with even chances where nothing has changed, whatever else the splits share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.comparison.pairs import Pairs
from bench.analysis.metrics import PRIMARY, floored
from bench.analysis.traces import numbered
from bench.datasets import ProblemType
from bench.thresholds import ERROR, FIT_S, Threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

ROUNDING = 1e-6
"""Scores of the same predictions, in single precision, differ by no more unless the scoring has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What one learner's changes are, in the direction of a loss: above 0 is worse than the baseline."""

    learner: str
    values: Floats
    """(N,) ln(error of the run / of the baseline), the same of seconds, or a difference of a metric."""
    datasets: tuple[str, ...]
    """(N,) whose split each value is of."""
    splits: tuple[str, ...]
    """(N,) `r0f2`: repeat and fold."""
    n_pairs: int
    """Pairs of cells behind the values."""
    n_identical: int
    """Those whose common trials all have the same predictions."""

    @property
    def proven(self) -> bool:
        """Whether nothing that was predicted or scored has changed."""
        same = self.n_pairs > 0 and self.n_identical == self.n_pairs
        return same and bool((np.abs(self.values) <= ROUNDING).all())


def changes(of: Pairs, threshold: Threshold) -> list[Changes]:
    """Return the changes of each learner, in the plan's order; without values where nothing can be paired."""
    old, new = _quantities(of, threshold)
    known = np.isfinite(old) & np.isfinite(new)
    found = []
    for learner in dict.fromkeys(of.cells["learner"]):
        own = np.flatnonzero((of.cells["learner"] == learner).to_numpy() & known)
        found.append(_of_learner(of, learner, own, old, new, threshold))
    return found


def _quantities(of: Pairs, threshold: Threshold) -> tuple[Floats, Floats]:
    """Return what is compared of each pair, in the baseline and in the run; NaN for nothing."""
    if threshold.quantity == ERROR:
        return of.errors
    if threshold.quantity == FIT_S:
        return np.where(np.isfinite(of.seconds), 0.0, np.nan), of.seconds
    old, new = (
        np.array([each.get(threshold.quantity, np.nan) for each in side], dtype=float) for side in of.metrics
    )
    return old, new


def _of_learner(
    of: Pairs, learner: str, own: Ints, old: Floats, new: Floats, threshold: Threshold
) -> Changes:
    cells = of.cells.iloc[own]
    split = (cells["dataset"], cells["repeat"], cells["fold"])
    slot = numbered(cells["task"], cells["intervention"], cells["train_cap"].astype(float), *split)
    unit = numbered(*split)
    n_slots, n_units = int(slot.max(initial=-1)) + 1, int(unit.max(initial=-1)) + 1
    before, after = (_means(slot, each[own], n_slots) for each in (old, new))
    if threshold.quantity == ERROR:
        before, after = _logged(of, own, slot, before), _logged(of, own, slot, after)
    first = np.unique(slot, return_index=True)[1]
    sign = 1.0 if threshold.change > 0 else -1.0
    values = _means(unit[first], sign * (after - before), n_units)
    named = cells.iloc[np.unique(unit, return_index=True)[1]]
    return Changes(
        learner=learner,
        values=values,
        datasets=tuple(named["dataset"]),
        splits=tuple(f"r{r}f{f}" for r, f in zip(named["repeat"], named["fold"], strict=True)),
        n_pairs=len(own),
        n_identical=int(of.identical[own].sum()),
    )


def _logged(of: Pairs, own: Ints, slot: Ints, errors: Floats) -> Floats:
    """Return ln(error) of each slot, floored by what its test rows, those of all its seeds, can resolve."""
    cells = of.cells.iloc[own]
    n_test, n_minority = (
        np.bincount(slot, cells[name].to_numpy(dtype=float), len(errors)).astype(float)
        for name in ("n_test", "n_test_minority")
    )
    first = np.unique(slot, return_index=True)[1]
    metric = np.array([PRIMARY[ProblemType(each)] for each in cells["problem"].iloc[first]], dtype=object)
    logged: Floats = np.log(floored(errors, metric, n_test, n_minority))
    return logged


def _means(group: Ints, values: Floats, n: int) -> Floats:
    means: Floats = np.bincount(group, values, n) / np.maximum(np.bincount(group, minlength=n), 1)
    return means
