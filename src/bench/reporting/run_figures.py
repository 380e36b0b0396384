"""The figures of a run: its leaderboards as budgets grow, quality against cost, and learning curves."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from bench.analysis.views import By
from bench.reporting.figures import Labels, Series, lines, scatter
from bench.reporting.panels import Axis, Place, axes

if TYPE_CHECKING:
    from bench.analysis.curves import Curves
    from bench.analysis.leaderboard import Estimate, Leaderboard
    from bench.reporting.contents import RunPart

MOST_ABOVE = math.log(2)
"""Entries with more than twice the error of the reference are left out of figures: they would flatten the
others. Tables have them."""


def figures(part: RunPart) -> dict[str, str]:
    """Return SVG by file name, without its ending, in the order in which they are shown."""
    found: dict[str, str] = {}
    for axis in axes(part.of.run):
        for by in ("family", "learner"):
            drawn = _budget_curves(part, axis, by)
            if drawn is not None:
                found[f"{part.id}-{by}-by-{axis}"] = drawn
    cost = _cost(part)
    if cost is not None:
        found[f"{part.id}-cost"] = cost
    if part.curves is not None and (learning := _learning_curves(part, part.curves)):
        found[f"{part.id}-learning-curves"] = learning
    return found


def _budget_curves(part: RunPart, axis: Axis, by: By) -> str | None:
    boards = {
        place.amount: board
        for place, board in part.panels.items()
        if (place.axis, place.by, place.show, place.failure_policy) == (axis, by, "tuned", "fallback")
        and place.train_rows == _largest(part.panels)
    }
    amounts = sorted(boards)
    if len(amounts) < 2:
        return None
    last = boards[amounts[-1]]
    looks = _looks(part, by)
    series = [
        dataclasses.replace(made, look=looks[row.entry])
        for row in last.rows
        if _drawn(row.overall) and (made := _series(row.entry, boards, amounts)) is not None
    ]
    labels = Labels(
        name=f"{part.id}-{by}-by-{axis}",
        title=f"Error by {by} as the budget grows, in {axis} a cell",
        x=f"{axis} a cell",
        y=_against(last),
    )
    return lines(series, labels, ticks=amounts) if series else None


def _series(entry: str, boards: Mapping[float, Leaderboard], amounts: Sequence[float]) -> Series | None:
    found = {
        amount: row.overall
        for amount in amounts
        for row in boards[amount].rows
        if row.entry == entry and row.overall.n
    }
    if not found:
        return None
    return Series(
        name=entry,
        x=tuple(found),
        y=tuple(_per_cent(each.mean) for each in found.values()),
        low=tuple(_per_cent(each.high) for each in found.values()),
        high=tuple(_per_cent(each.low) for each in found.values()),
    )


def _cost(part: RunPart) -> str | None:
    """Draw what the defaults cost and how good they are."""
    places = [
        place
        for place in part.panels
        if (place.by, place.show, place.failure_policy) == ("learner", "default", "fallback")
    ]
    if not places:
        return None
    board, looks = part.panels[places[0]], _looks(part, "learner")
    points = [
        Series(
            name=row.entry,
            x=(row.median_s,),
            y=(_per_cent(row.overall.mean),),
            low=(_per_cent(row.overall.high),),
            high=(_per_cent(row.overall.low),),
            look=looks[row.entry],
        )
        for row in board.rows
        if _drawn(row.overall) and row.median_s > 0
    ]
    labels = Labels(
        name=f"{part.id}-cost",
        title="Error of default configurations against what they cost",
        x="billed seconds of the default, median over splits",
        y=_against(board),
    )
    return scatter(points, labels) if points else None


def _learning_curves(part: RunPart, found: Curves) -> str | None:
    rows, looks = [(low + high) / 2 for low, high in found.rows], _looks(part, "family")
    series = [
        Series(
            name=curve.entry,
            x=tuple(rows),
            y=tuple(100 * error for error in curve.errors),
            look=looks[curve.entry],
        )
        for curve in found.curves
        if curve.n_tasks
    ]
    labels = Labels(
        name=f"{part.id}-learning-curves",
        title="Error as the training rows grow",
        x="training rows, mean over tables",
        y="error in per cent, geometric mean over tables",
    )
    return lines(series, labels, ticks=rows) if series and not any(map(math.isnan, rows)) else None


def _looks(part: RunPart, by: By) -> dict[str, int]:
    """Return the look of each entry: by its place in the plan, so that it is the same at every budget."""
    entries = part.learners.values() if by == "family" else part.learners
    return {entry: i for i, entry in enumerate(dict.fromkeys(entries))}


def _largest(panels: Mapping[Place, Leaderboard]) -> int | str | None:
    return next(iter(panels)).train_rows


def _drawn(value: Estimate) -> bool:
    return bool(value.n) and value.mean > -MOST_ABOVE


def _per_cent(log_ratio: float) -> float:
    """Return a log error ratio as a change of the error in per cent."""
    return 100 * math.expm1(-log_ratio)


def _against(board: Leaderboard) -> str:
    return f"error against the default {board.view.reference}, %"
