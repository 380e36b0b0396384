"""The matrix of pairs for people, and for programs a line for each pair."""

from __future__ import annotations

import csv
import io
import json
import math
from dataclasses import fields
from typing import Any

from bench.analysis.columns import error_change, title
from bench.analysis.forms import Sheet
from bench.analysis.leaderboard import Leaderboard
from bench.analysis.matrix import Pair, pairs

_PARTS = tuple(field.name for field in fields(Pair))


def sheet(board: Leaderboard) -> Sheet:
    """Return the matrix of a leaderboard's entries, in its order; a column has the number of its entry."""
    entries, found = board.contest.entries, {(pair.entry, pair.against): pair for pair in _pairs(board)}
    digits = len(str(len(entries)))
    return Sheet(
        title=title(board, "Every entry against every other"),
        legend=_legend(board),
        headings=(board.view.by, *(f"{i} " for i in range(1, len(entries) + 1))),
        left=(True, *(False for _ in entries)),
        name=0,
        lines=tuple(
            (f"{i:>{digits}} {entry}", *(_cell(found.get((entry, other))) for other in entries))
            for i, entry in enumerate(entries, 1)
        ),
        notes=(*_absent(board), *board.notes),
    )


def to_csv(*boards: Leaderboard) -> str:
    """Return a line for each ordered pair with every number in full: log error ratios, not per cent.

    Leaderboards of several training-set sizes are one table, with the size in its first column.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for i, board in enumerate(boards):
        size = [] if board.view.train_rows is None else [("train_rows", board.view.train_rows)]
        if i == 0:
            writer.writerow([name for name, _ in size] + list(_PARTS))
        writer.writerows([value for _, value in size] + list(_plain(pair).values()) for pair in _pairs(board))
    return out.getvalue()


def to_json(*boards: Leaderboard) -> str:
    """Return the pairs with every number in full, null where there is none; a list for several boards."""
    records = [
        {
            "title": title(board, "Every entry against every other"),
            "legend": _legend(board),
            "train_rows": board.view.train_rows,
            "entries": board.contest.entries,
            "pairs": [_plain(pair) for pair in _pairs(board)],
            "notes": [*_absent(board), *board.notes],
        }
        for board in boards
    ]
    return json.dumps(records[0] if len(records) == 1 else records, indent=2, allow_nan=False) + "\n"


def _pairs(board: Leaderboard) -> tuple[Pair, ...]:
    return pairs(board.contest)


def _cell(pair: Pair | None) -> str:
    if pair is None:
        return ""
    mark = "*" if pair.told_apart else " "
    return f"{error_change(pair.log_ratio)} {pair.wins}/{pair.ties}/{pair.losses}{mark}"


def _legend(board: Leaderboard) -> str:
    n = math.comb(len(board.contest.entries), 2)
    return (
        "A cell: by how many per cent the error of its row is above that of its column, mean over tables "
        "(-12: it is 12 % lower), and tables won/tied (within 5 %)/lost. "
        f"*: p under 0.05 in a Wilcoxon signed-rank test over tables, adjusted by Holm for {n} pairs. "
        "Differences and counts know of no third entry; the mark depends on which entries are in the table, "
        "and decides nothing."
    )


def _absent(board: Leaderboard) -> list[str]:
    absent = [row.entry for row in board.rows if row.entry not in board.contest.entries]
    return [f"Not here, without an error that can be compared: {', '.join(absent)}"] if absent else []


def _plain(pair: Pair) -> dict[str, Any]:
    """Return the parts of a pair; None for NaN."""
    values = {name: getattr(pair, name) for name in _PARTS}
    return {k: None if isinstance(v, float) and math.isnan(v) else v for k, v in values.items()}
