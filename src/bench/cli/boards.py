"""Leaderboards of a stored run: from the store's rows to a view of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bench.store.query import cell_rows, trial_rows
from bench.store.sqlite import Store

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.views import View


def board(store: Store, run: dict[str, Any], view: View) -> Leaderboard:
    """Return the leaderboard of a run; a view without a budget takes the run's own."""
    import dataclasses

    from bench.analysis.frames import cells_frame, trials_frame
    from bench.analysis.leaderboard import leaderboard

    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"] if view.budget_s is None else view.budget_s,
        budget_trials=run["budget_trials"] if view.budget_trials is None else view.budget_trials,
    )
    run_id = run["run_id"]
    cells, trials = cell_rows(store, run_id), trial_rows(store, run_id)
    view = dataclasses.replace(view, reference=_reference(view, [cell["learner"] for cell in cells]))
    return leaderboard(trials_frame(trials), cells_frame(cells), view)


def _reference(view: View, learners: Sequence[str]) -> str:
    """The learner whose default all errors are compared with: the forest, else the dummy, else the first."""
    return next((name for name in (view.reference, "dummy", *learners) if name in learners), view.reference)
