"""What a page's script works with: every leaderboard of a run as plain values, texts stored once."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bench.analysis import tables
from bench.analysis.metrics import error_title
from bench.reporting.panels import Axis, Panels, Place, axes

if TYPE_CHECKING:
    from bench.analysis.columns import Column
    from bench.analysis.leaderboard import Leaderboard, Row

FORMAT = 1
RATIO_SCALE = 1000
"""Log error ratios are whole thousandths: a tenth of what is shown, and a third of the size."""


class _Texts:
    """Texts by number, each stored once."""

    def __init__(self) -> None:
        self.number: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        return self.number.setdefault(text, len(self.number))


def embedded(run: Mapping[str, Any], found: Panels, traits: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the leaderboards of a run as JSON that may stand in a script element.

    `traits` says what each table is like: `problem`, `rows`, `categorical` (share of the columns).
    """
    texts = _Texts()
    amounts = axes(run)
    boards = {_key(place, amounts): _board(board, texts) for place, board in found.items()}
    record = {
        "format": FORMAT,
        "run": run["run_id"],
        "axes": amounts,
        "sizes": list(dict.fromkeys(place.train_rows for place in found)),
        "metrics": {place.metric: error_title(place.metric) for place in found if place.metric is not None},
        "traits": traits,
        "boards": boards,
        "texts": list(texts.number),
    }
    return scripted(record)


def scripted(record: Any) -> str:
    """Return JSON in which nothing can end a script element or begin another."""
    text = json.dumps(record, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _key(place: Place, amounts: Mapping[Axis, Sequence[float]]) -> str:
    """Return which leaderboard it is; of its budget, the place among those of its axis."""
    size = "" if place.train_rows is None else place.train_rows
    at = amounts[place.axis].index(place.amount)
    metric = place.metric or ""
    return f"{size}|{metric}|{place.by}|{place.show}|{place.failure_policy}|{place.axis}|{at}"


def _board(board: Leaderboard, texts: _Texts) -> dict[str, Any]:
    sheet, shown = tables.sheet(board), tables.columns(board)
    contest = board.contest
    return {
        "title": texts(sheet.title),
        "legend": texts(sheet.legend),
        "notes": [texts(note) for note in sheet.notes],
        "headings": [texts(heading) for heading in sheet.headings],
        "left": [int(left) for left in sheet.left],
        "fields": [texts(column.fields[0]) for column in shown],
        "name": sheet.name,
        "lines": [[texts(cell) for cell in line] for line in sheet.lines],
        "keys": [[_sort_key(column, row) for column in shown] for row in board.rows],
        "datasets": [texts(name) for name in contest.datasets],
        "entries": [texts(entry) for entry in contest.entries],
        "ratios": [_thousandths(ratios) for ratios in contest.log_ratio.tolist()],
    }


def _sort_key(column: Column, row: Row) -> float | str | None:
    """Return what a column is sorted by: five digits of its first field; None for no number."""
    value = attrgetter(column.fields[0])(row)
    if isinstance(value, float):
        return None if math.isnan(value) else float(f"{value:.5g}")
    return value  # type: ignore[no-any-return]


def _thousandths(ratios: Sequence[float]) -> list[int | None]:
    return [None if math.isnan(ratio) else round(RATIO_SCALE * ratio) for ratio in ratios]
