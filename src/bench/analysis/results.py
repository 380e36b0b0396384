"""What a view shows of each entry on each slot, and the default that it is measured against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.metrics import as_error, on_test_rows
from bench.analysis.traces import Rows, Traces, current
from bench.analysis.views import Selection, View, seconds, select

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.analysis.ensembles import CellPredictions

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """What a view shows, a row per (entry, slot). Exactly one of the last five masks holds in a row."""

    entry: Texts
    slot: Ints
    task: Texts
    dataset: Texts
    problem: Texts
    error: Floats
    """On the test rows, of what the view shows; NaN unless scored."""
    metrics: Texts
    """Its metrics on the test rows, name to value; empty where there is nothing to show."""
    used_s: Floats
    """Billed seconds shown, of all members together."""
    n_trials: Ints
    """Valid trials shown, of all members together."""
    n_failed: Ints
    """Members' cells that failed."""
    out_of_reach: Mask
    """Missing, though a member has a default: it took more than this budget allows."""
    scored: Mask
    missing: Mask
    """No error, and none to come."""
    not_offered: Mask
    """It has a model, but none that the view's metric can be had of."""
    not_applicable: Mask
    """Past the limits of every member."""
    pending: Mask
    notes: tuple[str, ...]
    """What could not be shown as it was asked for, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """A learner's trial 0 by slot; NaN where it has no valid one."""

    planned: Mask
    final: Mask
    """Whether the learner's cell is at its end."""
    valid: Mask
    """Whether there is one; without an error it does not offer the view's metric."""
    error: Floats
    n_test: Floats
    n_test_minority: Floats

    def at(self, slot: Ints) -> Defaults:
        """Return the same for each of the slots given."""
        return Defaults(**{name: getattr(self, name)[slot] for name in self.__slots__})


def results(of: Traces, view: View, stored: Mapping[str, CellPredictions] | None = None) -> Results:
    """Return what the view shows of each entry on each slot.

    A view of ensembles needs the `stored` predictions of the cells by evidence key; it asks for those of a
    cell once, so that they may be read then.
    Raises ValueError where it has none.
    """
    cells, picked = of.cells, select(of, view)
    group, first, n = picked.group, picked.first, len(picked.first)
    shown = _shown(of, picked, view, stored)
    scored = np.isfinite(shown.error)
    outside = ~scored & _all_of_each(group, cells.not_applicable, n)
    final = cells.final | ~picked.leading if view.show == "default" else cells.final
    not_offered = shown.modelled & ~scored & (view.metric is not None or view.rows != "all")
    missing = ~(scored | outside | not_offered) & _all_of_each(group, final, n)
    entry = cells.family if view.by == "family" else cells.learner
    return Results(
        entry=entry[first],
        slot=cells.slot[first],
        task=cells.task[first],
        dataset=cells.dataset[first],
        problem=cells.problem[first],
        error=shown.error,
        metrics=shown.metrics,
        used_s=_used_s(picked, n),
        n_trials=np.bincount(group[picked.rows.cell[picked.counts]], minlength=n),
        n_failed=np.bincount(group[cells.failed], minlength=n),
        out_of_reach=missing & (np.bincount(group[picked.rows.cell[picked.dearer]], minlength=n) > 0),
        scored=scored,
        missing=missing,
        not_offered=not_offered,
        not_applicable=outside,
        pending=~(scored | missing | outside | not_offered),
        notes=shown.notes,
    )


def defaults(of: Traces, learner: str, view: View) -> Defaults:
    """Return what a learner's default configuration did on every slot, whatever it took.

    It is a yardstick and no entry: it is the same at every budget, but for a default that was cut at the
    view's own.
    """
    cells, rows = of.cells, current(of.rows, seconds(of.cells, view))
    n_slots = int(cells.slot.max(initial=-1)) + 1
    own = cells.learner == learner
    planned, final, valid = (np.zeros(n_slots, dtype=bool) for _ in range(3))
    planned[cells.slot[own]] = True
    final[cells.slot[own]] = cells.final[own]
    found = np.flatnonzero((rows.trial == 0) & (rows.ok | rows.truncated) & own[rows.cell])
    slot = cells.slot[rows.cell[found]]
    valid[slot] = True
    columns = {name: np.full(n_slots, np.nan) for name in ("error", "n_test", "n_test_minority")}
    columns["error"][slot] = _errors(of, rows, found, view)
    for name, values in _test_rows(of, rows, found, view).items():
        columns[name][slot] = values
    return Defaults(planned=planned, final=final, valid=valid, **columns)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What each group shows on its test rows."""

    modelled: Mask
    """Whether there is a model to show."""
    error: Floats
    metrics: Texts
    notes: tuple[str, ...]


def _shown(of: Traces, picked: Selection, view: View, stored: Mapping[str, CellPredictions] | None) -> _Shown:
    """Join to what was chosen how it did on the test rows: the only place where those are looked at."""
    rows, chosen, n = picked.rows, picked.chosen, len(picked.first)
    found = _metrics(of, rows, chosen, view)
    error = _errors(of, rows, chosen, view)
    notes: tuple[str, ...] = ()
    if view.show == "ensembled":
        if stored is None:
            raise ValueError("a view of ensembles needs the stored predictions of the cells")
        from bench.analysis.ensembles import ensembles

        made = ensembles(of.cells, picked, stored)
        notes = made.notes
        for i, mixture in enumerate(made.mixtures):
            if mixture is not None:
                found[i] = mixture.metrics
                error[i] = mixture.error if view.metric is None else as_error(view.metric, mixture.metrics)
    place = picked.group[rows.cell[chosen]]
    modelled = np.zeros(n, dtype=bool)
    modelled[place] = True
    errors, metrics = np.full(n, np.nan), np.full(n, {}, dtype=object)
    errors[place], metrics[place] = error, found
    return _Shown(modelled=modelled, error=errors, metrics=metrics, notes=notes)


def _metrics(of: Traces, rows: Rows, positions: Ints, view: View) -> Texts:
    found = np.empty(len(positions), dtype=object)
    for i, recorded in enumerate(of.metrics.take(rows.line[positions])):
        found[i] = on_test_rows(recorded, view.part)
    return found


def _errors(of: Traces, rows: Rows, positions: Ints, view: View) -> Floats:
    if view.metric is None and view.rows == "all":
        return rows.test_score[positions]
    found = _metrics(of, rows, positions, view)
    if view.metric is None:
        return _picked(found, "test_score")
    return np.array([as_error(view.metric, metrics) for metrics in found], dtype=float)


def _test_rows(of: Traces, rows: Rows, positions: Ints, view: View) -> Mapping[str, Floats]:
    """Return how many test rows errors are of, and how many of them of the rarer of two classes."""
    if view.rows == "all":
        return {name: getattr(rows, name)[positions] for name in ("n_test", "n_test_minority")}
    found = _metrics(of, rows, positions, view)
    return {"n_test": _picked(found, "n_rows"), "n_test_minority": _picked(found, "n_minority")}


def _picked(found: Texts, name: str) -> Floats:
    return np.array([metrics.get(name, np.nan) for metrics in found], dtype=float)


def _used_s(picked: Selection, n: int) -> Floats:
    """Return (n,) what the cells of each group spent by the last of their rows that are shown."""
    used_s = np.zeros(len(picked.group))
    np.maximum.at(used_s, picked.rows.cell[picked.shown], picked.rows.spent_s[picked.shown])
    return np.bincount(picked.group, used_s, n).astype(float)


def _all_of_each(group: Ints, holds: Mask, n: int) -> Mask:
    """Return (n,) whether something holds for every cell of a group."""
    hold: Mask = np.bincount(group[~holds], minlength=n) == 0
    return hold
