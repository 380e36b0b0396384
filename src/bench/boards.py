"""Leaderboards of a stored run: from the store's rows to a view of them."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from bench.errors import ConfigError
from bench.interventions import NONE
from bench.sources.cache import Cache
from bench.sources.notes import listed
from bench.store.query import cell_rows, exclusions, repeats, trial_rows
from bench.store.sqlite import Store

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.curves import Curves
    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.sensitivity import Sensitivity
    from bench.analysis.sizes import TrainRows
    from bench.analysis.views import View


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """A run as the store has it, read once for any number of views."""

    store: Store
    run: dict[str, Any]
    rows: list[dict[str, Any]]
    """Of its trials, with all that is stored of each."""
    cell_rows: list[dict[str, Any]]
    """Of its cells, in the plan's order."""
    trials: pd.DataFrame
    cells: pd.DataFrame


def recorded(store: Store, run: dict[str, Any]) -> Recorded:
    """Return what a store holds of a run."""
    from bench.analysis.frames import cells_frame, trials_frame

    rows, cells = trial_rows(store, run["run_id"]), cell_rows(store, run["run_id"])
    return Recorded(store, run, rows, cells, trials_frame(rows), cells_frame(cells))


def sizes_of(store: Store, run: dict[str, Any]) -> tuple[TrainRows, ...]:
    """Return the training-set sizes of a run's cells, the smallest first."""
    from bench.analysis.frames import cells_frame
    from bench.analysis.sizes import sizes

    return sizes(cells_frame(cell_rows(store, run["run_id"])))


def board(store: Store, run: dict[str, Any], view: View, cache: Cache | None = None) -> Leaderboard:
    """Return the leaderboard of a run, as `board_of` does of what is read of it."""
    return board_of(recorded(store, run), view, cache)


def board_of(of: Recorded, view: View, cache: Cache | None = None) -> Leaderboard:
    """Return the leaderboard of a run; a view without a budget takes the run's own.

    Without an intervention it shows the cells without one, where there are some; of several training-set
    sizes without one named the largest, and a note names the others.

    Ensembles need the labels of the tables, from the `cache` (the user's own without one).

    Raises:
        ConfigError: the view's metric is none, can be no error, or is of no task of the run, or no cell of
            the run is under the view's intervention or of its training-set size.
        PrerequisiteError: ensembles are asked for, and predictions or tables are not there.
        DataError: the stored predictions are not of the rows that the table is split into now.
    """
    from bench.analysis.leaderboard import leaderboard

    run = of.run
    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"] if view.budget_s is None else view.budget_s,
        budget_trials=run["budget_trials"] if view.budget_trials is None else view.budget_trials,
    )
    other_sizes = _other_sizes(run, view, of.cells)
    view, cells = _at_size(view, of.cells)
    view = dataclasses.replace(view, intervention=_intervention(view, cells))
    view = dataclasses.replace(view, reference=_reference(view, cells, of.trials))
    stored = None
    if view.show == "ensembled":
        from bench.stored import StoredPredictions

        stored = StoredPredictions(of.store, run, cache or Cache(), of.rows)
    found = leaderboard(of.trials, cells, view, stored)
    return dataclasses.replace(found, notes=(*other_sizes, *found.notes, *_ledger(run)))


def sensitivity_of(store: Store, run: dict[str, Any], view: View) -> Sensitivity:
    """Return how much errors grow under each intervention of a run, at its own budget.

    Of several training-set sizes without one named it is of the largest: a table's errors at two sizes are
    not two tables.

    Raises ConfigError where it has no cells without an intervention, or none with one, or none of that size.
    """
    from bench.analysis.frames import cells_frame, trials_frame
    from bench.analysis.sensitivity import sensitivity

    view, cells = _at_size(view, cells_frame(cell_rows(store, run["run_id"])))
    trials = trials_frame(trial_rows(store, run["run_id"]))
    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"],
        budget_trials=run["budget_trials"],
        reference=_reference(view, cells, trials),
    )
    return sensitivity(trials, cells, view)


def curves_of(store: Store, run: dict[str, Any], view: View) -> Curves:
    """Return the learning and cost curves of a run with several training-set sizes, at its own budget.

    Of the cells without an intervention, where there are some. Raises ConfigError where no table is run at
    two sizes.
    """
    from bench.analysis.curves import curves
    from bench.analysis.frames import cells_frame, trials_frame

    cells = cells_frame(cell_rows(store, run["run_id"]))
    view = dataclasses.replace(
        view,
        budget_s=run["budget_s"],
        budget_trials=run["budget_trials"],
        intervention=_intervention(view, cells),
    )
    return curves(trials_frame(trial_rows(store, run["run_id"])), cells, view)


def _at_size(view: View, cells: pd.DataFrame) -> tuple[View, pd.DataFrame]:
    """Return the view with its training-set size, and the cells of it: of several, the largest."""
    from bench.analysis.sizes import of_size, sizes

    there = sizes(cells)
    if view.train_rows is None and len(there) > 1:
        view = dataclasses.replace(view, train_rows=there[-1])
    return view, of_size(cells, view.train_rows)


def _other_sizes(run: dict[str, Any], view: View, cells: pd.DataFrame) -> list[str]:
    """Say, where the largest of several sizes was taken for want of a word, which others there are."""
    from bench.analysis.sizes import listed_sizes, rows_title, sizes

    there = sizes(cells)
    if view.train_rows is not None or len(there) < 2:
        return []
    show = f"`bench leaderboard --run {run['run_id']}` shows each of {listed_sizes(there)}"
    return [f"This is at {rows_title(there[-1])}; {show}, `bench curves` how errors fall"]


def _intervention(view: View, cells: pd.DataFrame) -> str:
    """The intervention that is shown: the view's, else none, else the run's first."""
    there = list(dict.fromkeys(cells["intervention"]))
    if view.intervention is None:
        return next((each for each in (NONE, *there) if each in there), NONE)
    if view.intervention not in there:
        raise ConfigError(
            f"intervention: no cell of this run is under {view.intervention!r} (there: {', '.join(there)})"
        )
    return view.intervention


def _ledger(run: dict[str, Any]) -> list[str]:
    """Return the note on what a run left out before it began."""
    repeated = repeats(run)
    excluded = [what for what in exclusions(run) if what not in repeated]
    notes = []
    if excluded:
        notes.append(f"Left out of the run, for reasons in `bench show {run['run_id']}`: {listed(excluded)}")
    if repeated:
        notes.append(
            f"{len(repeated)} table{'s are' if len(repeated) > 1 else ' is'} not at every size: "
            f"where two sizes take all rows, one is run (`bench show {run['run_id']}`)"
        )
    return notes


def _reference(view: View, cells: pd.DataFrame, trials: pd.DataFrame) -> str:
    """The learner whose default all errors are compared with: the forest, else the dummy, else the first.

    Of those whose default offers the view's metric, where any does.
    """
    learners = list(dict.fromkeys(cells["learner"]))
    if view.metric is not None:
        from bench.analysis.metrics import on_test_rows

        defaults = trials[
            ((trials["trial"] == 0) & trials["evidence_key"].isin(cells["evidence_key"])).to_numpy()
        ]
        recorded = zip(defaults["learner"], defaults["metrics"], strict=True)
        offering = {learner for learner, metrics in recorded if view.metric in on_test_rows(metrics)}
        learners = [name for name in learners if name in offering] or learners
    return next((name for name in (view.reference, "dummy", *learners) if name in learners), view.reference)
