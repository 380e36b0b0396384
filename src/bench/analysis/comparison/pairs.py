"""What each pair of cells came to, by the trials that both runs finished.

A budget in seconds buys fewer trials on a slower machine, or on one with more to do. So a pair is compared on
the trials that both of its cells finished within the smaller of the two budgets: its quality then says
nothing of speed. A fit that the clock cut is no such trial, whatever its score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.comparison.matching import Matching
from bench.analysis.traces import Rows, traces
from bench.analysis.views import View, incumbents, select
from bench.baselines import Baseline, Columns
from bench.interventions import NONE
from bench.trials import TrialStatus

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]

_CUT = [status.value for status in TrialStatus if status.cut]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """P pairs of cells, each with what both sides show at one budget."""

    cells: pd.DataFrame
    """(P,) rows of the baseline's cells."""
    errors: tuple[Floats, Floats]
    """(P,) test errors of the best validated common trial, in the baseline and the run; NaN without one."""
    metrics: tuple[Texts, Texts]
    """(P,) its metrics on the test rows, name to value."""
    n_common: Ints
    """(P,) trials that both finished."""
    identical: Mask
    """(P,) whether all of these have the same predictions; False where there are none."""
    seconds: Floats
    """(P,) mean ln(billed seconds of the run / of the baseline) over common trials of one configuration on
    one machine; NaN where there are none."""
    n_other_config: int
    """Common trials whose configurations differ."""
    n_finished: tuple[int, int]
    """Trials that each run finished within the budget."""
    view: View
    """The budget at which both are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """The trials of one run's cells, cell p being of pair p."""

    rows: Rows
    trials: Columns
    finished: Mask
    """Which rows are final within the budget, valid or not."""

    def take(self, column: str, which: Ints) -> Any:
        """Return what is stored of some of the rows."""
        values = self.trials[column]
        return [values[line] for line in self.rows.line[which].tolist()]


def pairs(baseline: Baseline, run: Baseline, matched: Matching) -> Pairs:
    """Return the pairs of two runs at the smaller of their budgets."""
    view = View(
        budget_s=_smaller(baseline.budget_s, run.budget_s),
        budget_trials=_smaller(baseline.budget_trials, run.budget_trials),
    )
    sides = _side(baseline, matched.baseline, view), _side(run, matched.run, view)
    n_pairs = len(matched.run)
    _, *at = np.intersect1d(_keys(sides[0]), _keys(sides[1]), assume_unique=True, return_indices=True)
    one, two = (np.flatnonzero(side.finished)[i] for side, i in zip(sides, at, strict=True))
    cell = sides[0].rows.cell[one]
    n_common = np.bincount(cell, minlength=n_pairs)
    same = _same_predictions(sides, one, two)
    other_config = _column(sides[0], "config_hash", one) != _column(sides[1], "config_hash", two)
    best = [_best(side, which, n_pairs) for side, which in zip(sides, (one, two), strict=True)]
    return Pairs(
        cells=pd.DataFrame(baseline.cells).iloc[matched.baseline].reset_index(drop=True),
        errors=(best[0][0], best[1][0]),
        metrics=(best[0][1], best[1][1]),
        n_common=n_common,
        identical=(n_common > 0) & (np.bincount(cell[~same], minlength=n_pairs) == 0),
        seconds=_seconds(sides, one, two, other_config, n_pairs),
        n_other_config=int(other_config.sum()),
        n_finished=(int(sides[0].finished.sum()), int(sides[1].finished.sum())),
        view=view,
    )


def _smaller(one: Any, two: Any) -> Any:
    known = [each for each in (one, two) if each is not None]
    return min(known, default=None)


def _side(of: Baseline, cells: Ints, view: View) -> _Side:
    """Return the trials of some cells as the view shows them, each cell a task of its own."""
    table = pd.DataFrame(of.cells).iloc[cells].assign(intervention=NONE, device="")
    table["task"] = table["cell_id"]
    pair_of = np.full(len(of.cells["cell_id"]), -1)
    pair_of[cells] = np.arange(len(cells))
    place = np.array(of.trials["cell"], dtype=np.intp)
    kept = np.flatnonzero(pair_of[place] >= 0)
    stored = {name: [values[i] for i in kept.tolist()] for name, values in of.trials.items()}
    frame = pd.DataFrame({name: stored[name] for name in ("trial", "attempt", "status")})
    floats = ("attempt_budget_s", "attempt_budget_trials", "spent_s", "validation_score", "test_score")
    for name in floats:
        frame[name] = np.array(stored[name], dtype=float)
    for name in ("n_test", "n_test_minority"):
        frame[name] = np.array(of.cells[name], dtype=float)[place[kept]]
    frame["evidence_key"] = np.array(of.cells["evidence_key"], dtype=object)[place[kept]]
    shown = select(traces(frame.assign(metrics="{}"), table), view)
    cut = frame["status"].isin(_CUT).to_numpy()
    return _Side(rows=shown.rows, trials=stored, finished=shown.shown & ~cut[shown.rows.line])


def _keys(side: _Side) -> Ints:
    """Return a number for each finished trial, equal in both runs for the same trial of a pair."""
    rows = side.rows
    keys: Ints = (rows.cell * (1 << 32) + rows.trial)[side.finished]
    return keys


def _column(side: _Side, name: str, which: Ints) -> Texts:
    return np.array(side.take(name, which), dtype=object)


def _same_predictions(sides: tuple[_Side, _Side], one: Ints, two: Ints) -> Mask:
    """Return which common trials predict the same to the bit; two that failed alike are the same, too."""
    old, new = (
        _column(side, "prediction_hash", which) for side, which in zip(sides, (one, two), strict=True)
    )
    before, after = (_column(side, "status", which) for side, which in zip(sides, (one, two), strict=True))
    failed_alike = (before == after) & (before != TrialStatus.OK.value)
    same: Mask = (before == after) & (old == new) & ((old != None) | failed_alike)  # noqa: E711 - elementwise
    return same


def _best(side: _Side, common: Ints, n_pairs: int) -> tuple[Floats, Texts]:
    """Return error and metrics of the best validated of the common trials of each pair."""
    counts = np.zeros(len(side.rows.cell), dtype=bool)
    counts[common] = side.rows.ok[common]
    chosen = incumbents(side.rows, counts, np.arange(n_pairs), np.zeros(n_pairs, dtype=np.intp))
    errors, metrics = np.full(n_pairs, np.nan), np.full(n_pairs, {}, dtype=object)
    errors[side.rows.cell[chosen]] = side.rows.test_score[chosen]
    metrics[side.rows.cell[chosen]] = _column(side, "metrics", chosen)
    return errors, metrics


def _seconds(sides: tuple[_Side, _Side], one: Ints, two: Ints, other_config: Mask, n_pairs: int) -> Floats:
    """Return the mean log ratio of billed seconds of each pair."""
    old, new = (
        np.array(side.take("billed_s", which), dtype=float)
        for side, which in zip(sides, (one, two), strict=True)
    )
    here = _column(sides[0], "machine", one) == _column(sides[1], "machine", two)
    ok = sides[0].rows.ok[one] & sides[1].rows.ok[two]
    timed = ok & here & ~other_config & (old > 0) & (new > 0)
    cell = sides[0].rows.cell[one][timed]
    n = np.bincount(cell, minlength=n_pairs)
    total = np.bincount(cell, np.log(new[timed] / old[timed]), n_pairs)
    means: Floats = np.divide(total, n, out=np.full(n_pairs, np.nan), where=n > 0)
    return means
