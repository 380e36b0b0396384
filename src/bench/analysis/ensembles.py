"""Ensembles of an entry's trials, chosen on the validation rows.

Greedy selection with replacement (Caruana, Niculescu-Mizil, Crew and Ksikes 2004): it starts from the
incumbent; each step adds the trial whose mixture with what was picked so far has the lowest validation error,
ties to the earliest declared learner and then to the earliest trial; a trial may be picked again, and that
is its weight. After `STEPS` picks the best of the mixtures on the way stands, ties to the smallest, so that
an ensemble that is no better than the incumbent is the incumbent. The validation error is the primary score,
with folds averaged as in a search. Test rows are looked at once, by the mixture that was chosen.

Candidates are the trials that count in the view and whose predictions are stored: the default's, every
incumbent's and the best 25 of each cell.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from bench.analysis.traces import Cells, Rows, numbered
from bench.analysis.views import Selection
from bench.datasets import ProblemType
from bench.scoring.many import Truth, judged, primary_errors
from bench.scoring.metrics import all_metrics, score
from bench.scoring.predictions import Prediction, average, to_float32

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]

STEPS = 25
"""Picks, the incumbent included: weights are multiples of 1/25 at the finest."""

TrialKey: TypeAlias = tuple[int, int]
"""(trial, attempt)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPredictions:
    """What is stored of one cell's predictions, with the truth of its rows."""

    problem: ProblemType
    target_sd: float
    y_validation: NDArray[Any]
    """(n_validation,) class codes or values; with several folds one after the other."""
    y_test: NDArray[Any]
    fold_rows: tuple[int, ...]
    """Validation rows of each fold."""
    validation: Mapping[TrialKey, Prediction]
    test: Mapping[TrialKey, Prediction]
    """The same trials'."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """An ensemble of an entry on one slot."""

    weights: Mapping[tuple[str, int], int]
    """(Evidence key, trial) to how often it was picked."""
    error: float
    """Primary error on the test rows."""
    metrics: Mapping[str, float]
    """On the test rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ensembles:
    """An ensemble for each incumbent."""

    mixtures: tuple[Mixture | None, ...]
    """None where the incumbent is best alone, and where its predictions are not stored."""
    notes: tuple[str, ...]


def ensembles(cells: Cells, picked: Selection, stored: Mapping[str, CellPredictions]) -> Ensembles:
    """Return the ensemble of each group that has an incumbent, in the order of `picked.chosen`."""
    counting = _counting_by_group(cells, picked)
    mixtures: list[Mixture | None] = []
    n_bare = n_other = 0
    for incumbent in picked.chosen:
        group = picked.group[picked.rows.cell[incumbent]]
        pool = _Pool.of(cells, picked.rows, counting[group], stored)
        if incumbent not in pool.members:
            n_bare += 1
            mixtures.append(None)
            continue
        same = pool.like(incumbent)
        n_other += len(pool.members) - len(same.members)
        mixtures.append(_mixture(same, incumbent))
    notes = []
    if n_bare:
        notes.append(
            f"{n_bare} of {len(picked.chosen)} results are no ensembles: "
            "the predictions of their best validated trial are not stored"
        )
    if n_other:
        notes.append(
            f"{n_other} trials take no part in ensembles: decision values and probabilities do not mix, "
            "and the best validated trial offers the other kind"
        )
    return Ensembles(mixtures=tuple(mixtures), notes=tuple(notes))


def greedy_picks(
    start: int, values: NDArray[np.float32], errors_of: Callable[[NDArray[np.float32]], Floats]
) -> Ints:
    """Return (C,) how often each candidate is picked.

    `values` is (C, n) or (C, n, n_classes), `errors_of` gives the error of each of so many predictions.
    Mixtures are rounded to single precision, as predictions are stored.
    """
    total = values[start].astype(np.float64)
    order, length, lowest = [start], 1, float(errors_of(values[start : start + 1])[0])
    if len(values) > 1:
        while len(order) < STEPS and lowest > 0:
            mixed = ((total + values) / (len(order) + 1)).astype(np.float32)
            errors = errors_of(mixed)
            best = int(np.argmin(errors))
            order.append(best)
            total += values[best]
            if errors[best] < lowest:
                lowest, length = float(errors[best]), len(order)
    picks: Ints = np.bincount(order[:length], minlength=len(values))
    return picks


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pool:
    """The candidates of one group."""

    members: tuple[int, ...]
    """Positions in the rows; ties between candidates go to the first."""
    names: tuple[tuple[str, int], ...]
    """(Evidence key, trial)."""
    validation: tuple[Prediction, ...]
    test: tuple[Prediction, ...]
    truth: CellPredictions | None
    """A cell of the group: all have the same rows."""

    @classmethod
    def of(cls, cells: Cells, rows: Rows, counting: Ints, stored: Mapping[str, CellPredictions]) -> _Pool:
        """Return the counting rows whose predictions are stored."""
        kept = {cell: stored.get(cells.evidence_key[cell]) for cell in dict.fromkeys(rows.cell[counting])}
        found = []
        for row in counting.tolist():
            cell, key = rows.cell[row], (int(rows.trial[row]), int(rows.attempt[row]))
            held = kept[cell]
            if held is not None and key in held.validation:
                name = (str(cells.evidence_key[cell]), key[0])
                found.append((row, name, held.validation[key], held.test[key]))
        members, names, validation, test = zip(*found, strict=True) if found else ((), (), (), ())
        truth = next((held for held in kept.values() if held is not None), None)
        return cls(members=members, names=names, validation=validation, test=test, truth=truth)

    def like(self, incumbent: int) -> _Pool:
        """Return the candidates whose predictions are of the incumbent's kind."""
        kind = self.validation[self.members.index(incumbent)].kind
        same = [i for i, prediction in enumerate(self.validation) if prediction.kind == kind]
        return _Pool(
            members=tuple(self.members[i] for i in same),
            names=tuple(self.names[i] for i in same),
            validation=tuple(self.validation[i] for i in same),
            test=tuple(self.test[i] for i in same),
            truth=self.truth,
        )


def _counting_by_group(cells: Cells, picked: Selection) -> dict[int, Ints]:
    """Return the counting rows of each group, ordered by declaration and trial."""
    rows, counting = picked.rows, np.flatnonzero(picked.counts)
    cell = rows.cell[counting]
    group = picked.group[cell]
    order = np.lexsort((rows.trial[counting], numbered(cells.learner)[cell], group))
    counting, group = counting[order], group[order]
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    return {int(group[s]): part for s, part in zip(starts, np.split(counting, starts[1:]), strict=True)}


def _mixture(pool: _Pool, incumbent: int) -> Mixture | None:
    """Return the ensemble of a pool and how it does on the test rows; None for the incumbent alone."""
    of = pool.truth
    if of is None or len(pool.members) == 1:
        return None
    truth = Truth(problem=of.problem, y=of.y_validation, target_sd=of.target_sd, fold_rows=of.fold_rows)
    values = np.stack([judged(of.problem, prediction) for prediction in pool.validation])
    picks = greedy_picks(pool.members.index(incumbent), values, lambda mixed: primary_errors(truth, mixed))
    taken = np.flatnonzero(picks).tolist()
    if len(taken) == 1:
        return None
    mixed = to_float32(average([pool.test[i] for i in taken], [int(picks[i]) for i in taken]))
    return Mixture(
        weights={pool.names[i]: int(picks[i]) for i in taken},
        error=score(of.problem, of.y_test, mixed, of.target_sd),
        metrics=all_metrics(of.problem, of.y_test, mixed, of.target_sd),
    )
