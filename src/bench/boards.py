"""Leaderboards of a stored run: from the store's rows to a view of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.interventions import NONE
from bench.sources.cache import Cache
from bench.sources.notes import listed
from bench.store.query import cell_rows, exclusions, trial_rows
from bench.store.sqlite import Store

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.sensitivity import Sensitivity
    from bench.analysis.views import View


def board(store: Store, run: dict[str, Any], view: View, cache: Cache | None = None) -> Leaderboard:
    """Return the leaderboard of a run; a view without a budget takes the run's own.

    Without an intervention it shows the cells without one, where there are some.

    Ensembles need the labels of the tables, from the `cache` (the user's own without one).

    Raises:
        ConfigError: the view's metric is none, can be no error, or is of no task of the run, or no cell of
            the run is under the view's intervention.
        PrerequisiteError: ensembles are asked for, and predictions or tables are not there.
        DataError: the stored predictions are not of the rows that the table is split into now.
    """
    from bench.analysis.frames import cells_frame, trials_frame
    from bench.analysis.leaderboard import leaderboard

    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"] if view.budget_s is None else view.budget_s,
        budget_trials=run["budget_trials"] if view.budget_trials is None else view.budget_trials,
    )
    run_id = run["run_id"]
    cells, trials = cell_rows(store, run_id), trial_rows(store, run_id)
    view = dataclasses.replace(view, intervention=_intervention(view, cells))
    view = dataclasses.replace(view, reference=_reference(view, cells, trials))
    stored = None
    if view.show == "ensembled":
        from bench.stored import StoredPredictions

        stored = StoredPredictions(store, run, cache or Cache(), trials)
    found = leaderboard(trials_frame(trials), cells_frame(cells), view, stored)
    return dataclasses.replace(found, notes=(*found.notes, *_ledger(run)))


def _intervention(view: View, cells: Sequence[dict[str, Any]]) -> str:
    """The intervention that is shown: the view's, else none, else the run's first."""
    there = list(dict.fromkeys(cell["intervention"] for cell in cells))
    if view.intervention is None:
        return next((each for each in (NONE, *there) if each in there), NONE)
    if view.intervention not in there:
        raise ConfigError(
            f"intervention: no cell of this run is under {view.intervention!r} (there: {', '.join(there)})"
        )
    return view.intervention


def sensitivity_of(store: Store, run: dict[str, Any], view: View) -> Sensitivity:
    """Return how much errors grow under each intervention of a run, at its own budget.

    Raises ConfigError where it has no cells with an intervention, or none that they could be compared with.
    """
    from bench.analysis.frames import cells_frame, trials_frame
    from bench.analysis.sensitivity import sensitivity

    cells, trials = cell_rows(store, run["run_id"]), trial_rows(store, run["run_id"])
    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"],
        budget_trials=run["budget_trials"],
        reference=_reference(view, cells, trials),
    )
    return sensitivity(trials_frame(trials), cells_frame(cells), view)


def _ledger(run: dict[str, Any]) -> list[str]:
    """Return the note on what a run left out before it began."""
    excluded = exclusions(run)
    if not excluded:
        return []
    return [f"Left out of the run, for reasons in `bench show {run['run_id']}`: {listed(excluded)}"]


def _reference(view: View, cells: Sequence[dict[str, Any]], trials: Sequence[dict[str, Any]]) -> str:
    """The learner whose default all errors are compared with: the forest, else the dummy, else the first.

    Of those whose default offers the view's metric, where any does.
    """
    learners = list(dict.fromkeys(cell["learner"] for cell in cells))
    if view.metric is not None:
        from bench.analysis.metrics import on_test_rows

        defaults = (trial for trial in trials if trial["trial"] == 0)
        offering = {t["learner"] for t in defaults if view.metric in on_test_rows(t["metrics"])}
        learners = [name for name in learners if name in offering] or learners
    return next((name for name in (view.reference, "dummy", *learners) if name in learners), view.reference)
