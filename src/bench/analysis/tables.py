"""A leaderboard as text, Markdown, HTML, LaTeX, CSV, JSON and a data frame, all of the same columns."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bench.analysis import forms
from bench.analysis.columns import (
    EXTRAS,
    Extra,
    all_columns,
    columns,
    error_change,
    estimate,
    legend,
    title,
)
from bench.analysis.leaderboard import Leaderboard

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "all_columns",
    "columns",
    "error_change",
    "estimate",
    "html",
    "latex",
    "legend",
    "markdown",
    "sheet",
    "text",
    "title",
    "to_csv",
    "to_frame",
    "to_json",
]


def sheet(board: Leaderboard, extra: Collection[Extra] = ()) -> forms.Sheet:
    """Return what every form of a leaderboard shows."""
    board = board.rated() if "ratings" in extra else board
    shown = columns(board, extra)
    return forms.Sheet(
        title=title(board),
        legend=legend(board, extra),
        headings=tuple(column.heading for column in shown),
        left=tuple(column.left for column in shown),
        name=next(i for i, column in enumerate(shown) if column.fields == ("entry",)),
        lines=tuple(tuple(column.show(row) for column in shown) for row in board.rows),
        notes=board.notes,
    )


def text(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as plain aligned text, wrapped at 100 characters."""
    return forms.text(sheet(board, extra))


def markdown(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a Markdown table under its title, its notes as a list."""
    return forms.markdown(sheet(board, extra))


def html(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a fragment of HTML: no script, nothing fetched, plain ASCII."""
    return forms.html(sheet(board, extra))


def latex(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a LaTeX table: needs the package booktabs."""
    return forms.latex(sheet(board, extra))


def to_csv(*boards: Leaderboard) -> str:
    """Return one line per entry with every number in full: log error ratios, not per cent; empty for none.

    Leaderboards of several training-set sizes are one table, with the size in its first column.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for i, (names, rows) in enumerate(map(_records, boards)):
        writer.writerows([names, *rows] if i == 0 else rows)
    return out.getvalue()


def to_frame(board: Leaderboard) -> pd.DataFrame:
    """Return one row per entry with the columns of the CSV; missing values for what there is none of."""
    import pandas as pd

    names, rows = _records(board)
    frame = pd.DataFrame(rows, columns=pd.Index(names))
    counts = [name for name in names if name in _COUNTS or name.endswith("_n")]
    numbers = [name for name in names if name not in (*counts, "entry", "defaults_only", _SIZE)]
    return frame.astype({**dict.fromkeys(counts, "Int64"), **dict.fromkeys(numbers, float)})


def to_json(*boards: Leaderboard) -> str:
    """Return everything that a leaderboard holds, numbers in full; null where there is no number.

    Several leaderboards are a list of such objects.
    """
    records = [_record(board) for board in boards]
    return json.dumps(records[0] if len(records) == 1 else records, indent=2, allow_nan=False) + "\n"


def _record(board: Leaderboard) -> dict[str, Any]:
    board = board.rated()
    rows = [{**_size(board), **_plain(row), "defaults_only": row.defaults_only} for row in board.rows]
    held = {
        field.name: _plain(getattr(board, field.name)) for field in fields(board) if field.name != "contest"
    }
    return {"title": title(board), "legend": legend(board, EXTRAS), **held, "rows": rows}


def _size(board: Leaderboard) -> dict[str, Any]:
    """Return the training-set size that every row of a leaderboard is of, where it names one."""
    size = board.view.train_rows
    return {} if size is None else {_SIZE: size}


_SIZE = "train_rows"
_COUNTS = (
    "tier",
    "wins",
    "ties",
    "losses",
    "n_tasks",
    "n_stood_in",
    "n_failed",
    "n_not_applicable",
    "n_bound",
)


def _records(board: Leaderboard) -> tuple[list[str], list[list[Any]]]:
    """Return the names of all fields and their plain values, row by row."""
    names = [name for column in all_columns(board) for name in column.fields]
    size, rated = _size(board), board.rated().rows
    rows = [[*size.values(), *(_plain(attrgetter(name)(row)) for name in names)] for row in rated]
    return [*size, *(name.replace(".", "_") for name in names)], rows


def _plain(value: Any) -> Any:
    """Return plain JSON values; None for NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value
