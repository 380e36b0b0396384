"""Which trial stands for each cell of a run: the one that a leaderboard at the run's own budget shows."""

from __future__ import annotations

import itertools
from typing import Any, Literal, TypeAlias

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.sizes import of_size, sizes
from bench.analysis.traces import traces
from bench.analysis.views import View, select
from bench.store.query import cell_rows, trial_rows
from bench.store.sqlite import Store

Shown: TypeAlias = Literal["default", "tuned"]


def chosen_trials(store: Store, run: dict[str, Any], show: Shown) -> dict[str, dict[str, Any]]:
    """Return a trial (`trial_rows`) for each cell of a run that has one, by evidence key.

    Under every intervention and of every training-set size; cells without a valid trial are left out.
    """
    recorded = trial_rows(store, run["run_id"])
    trials, cells = trials_frame(recorded), cells_frame(cell_rows(store, run["run_id"]))
    view = View(budget_s=run["budget_s"], budget_trials=run["budget_trials"], show=show)
    found = {}
    for size, intervention in itertools.product(sizes(cells), cells["intervention"].unique()):
        picked = select(traces(trials, of_size(cells, size), intervention), view)
        for line in picked.rows.line[picked.chosen].tolist():
            found[recorded[line]["evidence_key"]] = recorded[line]
    return found
