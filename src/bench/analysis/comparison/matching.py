"""Which cells of two runs are pairs, and why the others are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.baselines import Baseline
from bench.cells import CellStatus
from bench.errors import ConfigError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Ints: TypeAlias = NDArray[np.intp]
    Mask: TypeAlias = NDArray[np.bool_]

SHOWN = 5
_DATA = ("fingerprint", "splits")
_SAME = ("evidence_key", "begun_at")
_SCORED = [status.value for status in CellStatus if status.has_score]
_FAILED = [status.value for status in CellStatus if status.failed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A cell that failed, and has a score in the baseline."""

    cell_id: str
    learner: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Matching:
    """The pairs of two runs."""

    baseline: Ints
    """(P,) positions among the cells of the baseline; of one pair with those of the run."""
    run: Ints
    lost: tuple[Lost, ...]
    notes: tuple[str, ...]
    """What is left out and why, a line each."""


def matching(baseline: Baseline, run: Baseline) -> Matching:
    """Return the cells that both runs have a score of, on the same rows, by fits of their own.

    A cell id says task, split with its caps, learner, intervention, seed, device and validation; the data's
    fingerprint and the procedure of the splits must be equal as well.

    Raises ConfigError where the runs have no cell in common, all of them are of other data, or all are the
    same fits.
    """
    old, new = pd.DataFrame(baseline.cells), pd.DataFrame(run.cells)
    at = pd.Index(old["cell_id"]).get_indexer(pd.Index(new["cell_id"]))
    there = at >= 0
    if not there.any():
        raise ConfigError(
            f"no cell is in both runs: {baseline.run_id} is of suite {baseline.suite}, {run.run_id} of suite "
            f"{run.suite}; run one suite for both, with the same seeds, folds, caps and validation"
        )
    left, right = at[there], np.flatnonzero(there)
    one, two = old.iloc[left].reset_index(drop=True), new.iloc[right].reset_index(drop=True)
    other_data = _differ(one, two, _DATA)
    same_fits = ~other_data & ~_differ(one, two, _SAME) & (two["begun_at"] != "").to_numpy()
    _demand_pairs(one, other_data, same_fits)
    open_ = ~other_data & ~same_fits
    scored, failed, not_applicable, pending = zip(*map(_standing, (one, two)), strict=True)
    paired = open_ & scored[0] & scored[1]
    lost = open_ & scored[0] & failed[1]
    left_out = {
        "Left out as the same fits in both runs (`bench run --fresh` fits anew)": same_fits,
        "Failed in the baseline alone": open_ & failed[0] & ~failed[1],
        "Failed in both": open_ & failed[0] & failed[1],
        "With a score in the baseline, and not applicable any more": open_ & scored[0] & not_applicable[1],
        "Not finished": open_ & (pending[0] | pending[1]),
    }
    return Matching(
        baseline=left[paired],
        run=right[paired],
        lost=tuple(
            Lost(cell_id=cell.cell_id, learner=cell.learner, status=cell.status, reason=cell.reason)
            for cell in two[lost].itertuples()
        ),
        notes=(
            *_data_notes(one, other_data),
            *_alone("the baseline", old[~old.index.isin(left)]),
            *_alone("the run", new[~new.index.isin(right)]),
            *(f"{why}: {number_of(int(which.sum()))}" for why, which in left_out.items() if which.any()),
        ),
    )


def listed(names: list[str]) -> str:
    """Return the first few names, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def number_of(cells: int) -> str:
    """Return `1 cell`, `1,200 cells`."""
    return f"{cells:,} cell{'s' * (cells != 1)}"


def _demand_pairs(cells: pd.DataFrame, other_data: Mask, same_fits: Mask) -> None:
    if other_data.all():
        tables = listed(list(dict.fromkeys(cells["dataset"])))
        raise ConfigError(
            f"the runs have no data in common: other rows or splits under the same names, {tables}; "
            "save a baseline of the data as it is now"
        )
    if same_fits[~other_data].all():
        raise ConfigError(
            "both runs have the very same fits: the store had them already, so nothing was measured again; "
            "run the suite with --fresh, or in another folder, and compare that"
        )


def _differ(one: pd.DataFrame, two: pd.DataFrame, columns: tuple[str, ...]) -> Mask:
    different: Mask = np.logical_or.reduce([(one[c] != two[c]).to_numpy() for c in columns])
    return different


def _standing(cells: pd.DataFrame) -> tuple[Mask, Mask, Mask, Mask]:
    """Return which cells have a score, failed, do not apply, and are not finished."""
    status = cells["status"]
    scored, failed = status.isin(_SCORED).to_numpy(), status.isin(_FAILED).to_numpy()
    not_applicable = (status == CellStatus.NOT_APPLICABLE.value).to_numpy()
    return scored, failed, not_applicable, ~(scored | failed | not_applicable)


def _data_notes(cells: pd.DataFrame, other_data: Mask) -> Iterator[str]:
    if other_data.any():
        tables = listed(list(dict.fromkeys(cells["dataset"][other_data])))
        yield f"Left out, since their rows or splits are not those of the baseline: {tables}"


def _alone(where: str, cells: pd.DataFrame) -> Iterator[str]:
    if len(cells):
        learners = listed(list(dict.fromkeys(cells["learner"])))
        yield f"In {where} alone: {number_of(len(cells))}, of {learners}"
