"""What a reader of a leaderboard must know of the run behind it: budgets, replays, what is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.results import Results
from bench.analysis.traces import Cells
from bench.analysis.views import View
from bench.interventions import NONE

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


def budget_label(cells: Cells, view: View) -> str:
    """Return what a cell was allowed to show, in words: `2 s`, `2 to 10 s, 25 trials`, `no limit`."""
    seconds = _span(cells.budget_s, view.budget_s, "s")
    trials = _span(cells.budget_trials, view.budget_trials, "trials")
    return ", ".join(part for part in (seconds, trials) if part) or "no limit"


def is_replay(cells: Cells, view: View) -> bool:
    """Return whether some cell was allowed more than the view shows."""
    asked = ((cells.budget_s, view.budget_s), (cells.budget_trials, view.budget_trials))
    return any(limit is not None and bool((ran > limit).any()) for ran, limit in asked)


def narrow_notes(cells: Cells, view: View) -> tuple[str, ...]:
    """Say that a view shows some entries alone; `cells` are those of all."""
    n = len(set(cells.family if view.by == "family" else cells.learner))
    if not view.only or len(view.only) == n:
        return ()
    several = "families" if view.by == "family" else "learners"
    return (f"Narrowed to {len(view.only)} of {n} {several}: tiers, ranks and ratings are among these alone",)


def run_notes(planned: pd.DataFrame, cells: Cells, shown: Results, view: View) -> tuple[str, ...]:
    """Return, a line each, what is not in the leaderboard or not equal in it."""
    notes = []
    elsewhere = (planned["intervention"] != (view.intervention or NONE)).to_numpy()
    if view.only:
        elsewhere = elsewhere & planned[view.by].isin(view.only).to_numpy()
    if others := int(elsewhere.sum()):
        notes.append(f"{others} cells under another intervention are left out")
    if pending := int(shown.pending.sum()):
        notes.append(
            f"{pending} of {len(shown.pending)} results are still to come; means are of those that are there"
        )
    if dear := int(shown.out_of_reach.sum()):
        whose = "their share of this budget" if view.by == "family" else "this budget"
        notes.append(
            f"{dear} of {len(shown.pending)} results need more than {whose} for their default: "
            "they count as missing"
        )
    if len(devices := sorted(set(cells.device))) > 1:
        notes.append(f"Cells ran on {' and '.join(devices)}: their seconds are not alike")
    for ran, limit, unit in (
        (cells.budget_s, view.budget_s, "s"),
        (cells.budget_trials, view.budget_trials, "trials"),
    ):
        known = ran[~np.isnan(ran)]
        if limit is None and len(np.unique(known)) > 1:
            notes.append(
                f"Cells ran under unequal budgets ({unit}): view them at the smallest to compare them fairly"
            )
        if limit is not None and (short := int((known < limit).sum())):
            notes.append(f"{short} cells ran under less than {_plain(limit)} {unit}")
    return tuple(notes)


def _span(ran: Floats, asked: float | None, unit: str) -> str:
    limits = [asked] if asked is not None else np.unique(ran[~np.isnan(ran)]).tolist()
    ends = ["no limit" if np.isinf(limit) else _plain(limit) for limit in (*limits[:1], *limits[1:][-1:])]
    if not ends or ends == ["no limit"]:
        return ""
    return f"{' to '.join(ends)} {unit}"


def _plain(number: float) -> str:
    """Return a number without an exponent, however large."""
    return f"{number:.0f}" if number >= 1e5 else f"{number:g}"  # six digits and more, `g` writes as 1e+06
