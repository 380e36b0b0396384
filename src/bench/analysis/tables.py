"""A leaderboard as text, Markdown, CSV and JSON, all from one definition of its columns."""

from __future__ import annotations

import csv
import io
import json
import math
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from operator import attrgetter
from typing import Any

from bench.analysis.leaderboard import Estimate, Leaderboard, Row

TEXT_WIDTH = 100
_SHOWN_UP_TO = math.log(100)
"""Errors more than this many times the reference's are shown as `>9900`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: how a person reads it, and what it holds."""

    heading: str
    show: Callable[[Row], str]
    fields: tuple[str, ...]
    """What of a row it shows, `name` or `name.part`: the columns of the CSV."""
    left: bool = False
    """Whether it is aligned to the left."""


def error_change(log_ratio: float) -> str:
    """Return a log error ratio as a change of the error in whole per cent: `-12` is 12 % lower."""
    if math.isnan(log_ratio):
        return "-"
    if log_ratio < -_SHOWN_UP_TO:
        return f">{100 * math.expm1(_SHOWN_UP_TO):.0f}"
    text = f"{100 * math.expm1(-log_ratio):+.0f}"
    return "0" if text in {"+0", "-0"} else text


def estimate(value: Estimate) -> str:
    """Return an estimate as a change of the error with its interval: `-12 % [-18, -6]`."""
    if not value.n:
        return "-"
    if math.isnan(value.low):
        return f"{error_change(value.mean)} %"
    return f"{error_change(value.mean)} % [{error_change(value.high)}, {error_change(value.low)}]"


def columns(board: Leaderboard) -> tuple[Column, ...]:
    """Return the columns of a leaderboard, in order."""
    return (
        Column(heading="tier", show=lambda row: "-" if row.tier is None else str(row.tier), fields=("tier",)),
        Column(heading=board.view.by, show=lambda row: row.entry, fields=("entry",), left=True),
        Column(heading="all", show=lambda row: estimate(row.overall), fields=_parts("overall")),
        Column(
            heading="classification",
            show=lambda row: estimate(row.classification),
            fields=_parts("classification"),
        ),
        Column(heading="regression", show=lambda row: estimate(row.regression), fields=_parts("regression")),
        Column(heading="rank", show=lambda row: _number(row.mean_rank, 1), fields=("mean_rank",)),
        Column(
            heading="w/t/l",
            show=lambda row: f"{row.wins}/{row.ties}/{row.losses}",
            fields=("wins", "ties", "losses"),
        ),
        Column(heading="tasks", show=lambda row: str(row.n_tasks), fields=("n_tasks",)),
        Column(heading="stood in", show=lambda row: _count(row.n_stood_in), fields=("n_stood_in",)),
        Column(heading="failed", show=lambda row: _count(row.n_failed), fields=("n_failed",)),
        Column(heading="n/a", show=lambda row: _count(row.n_not_applicable), fields=("n_not_applicable",)),
        Column(heading="seconds", show=lambda row: _number(row.median_s, 2), fields=("median_s",)),
        Column(heading="trials", show=_trials, fields=("median_trials", "defaults_only"), left=True),
    )


def title(board: Leaderboard) -> str:
    """Return what is ranked, at which budget, on how many tables."""
    shared = ", shared by a family's learners" if board.view.by == "family" else ""
    replay = ", replayed from a larger run" if board.replay else ""
    tables = ", ".join(f"{n} {problem}" for problem, n in board.datasets.items() if n)
    return (
        f"Leaderboard by {board.view.by}. Budget per cell: {board.budget}{shared}{replay}. "
        f"Tables compared: {tables or 'none yet'}."
    )


def legend(board: Leaderboard) -> str:
    """Return how to read the numbers."""
    return (
        f"all, classification, regression: errors against those of the default {board.view.reference} "
        "on the same tables, mean [95 % bootstrap interval over tables]: -12 % is 12 % lower. "
        "rank: mean over tasks. "
        "w/t/l: tasks won, tied (within 5 %) and lost against it. One tier: cannot be told apart. "
        "seconds, trials: of the median split."
    )


def text(board: Leaderboard) -> str:
    """Return the leaderboard as plain aligned text, wrapped at 100 characters."""
    shown = columns(board)
    cells = [
        [column.heading for column in shown],
        *([column.show(row) for column in shown] for row in board.rows),
    ]
    widths = [max(len(line[i]) for line in cells) for i in range(len(shown))]
    lines = [*textwrap.wrap(title(board), TEXT_WIDTH), *textwrap.wrap(legend(board), TEXT_WIDTH)]
    for block in _blocks(shown, widths):
        lines.append("")
        for line in cells:
            parts = (line[i].ljust(widths[i]) if shown[i].left else line[i].rjust(widths[i]) for i in block)
            lines.append("  ".join(parts).rstrip())
    notes = [
        part
        for note in board.notes
        for part in textwrap.wrap(f"- {note}", TEXT_WIDTH, subsequent_indent="  ")
    ]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def markdown(board: Leaderboard) -> str:
    """Return the leaderboard as a Markdown table under its title, its notes as a list."""
    shown = columns(board)
    lines = [f"**{title(board)}**", "", legend(board), ""]
    lines.append(_markdown_line([column.heading for column in shown]))
    lines.append(_markdown_line([":---" if column.left else "---:" for column in shown]))
    lines.extend(_markdown_line([column.show(row) for column in shown]) for row in board.rows)
    return "\n".join([*lines, "", *(f"- {note}" for note in board.notes)]).rstrip() + "\n"


def to_csv(board: Leaderboard) -> str:
    """Return one line per entry with every number in full: log error ratios, not per cent; empty for none."""
    names = [name for column in columns(board) for name in column.fields]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([name.replace(".", "_") for name in names])
    writer.writerows([_plain(attrgetter(name)(row)) for name in names] for row in board.rows)
    return out.getvalue()


def to_json(board: Leaderboard) -> str:
    """Return everything that the leaderboard holds, numbers in full; null where there is no number."""
    rows = [{**_plain(row), "defaults_only": row.defaults_only} for row in board.rows]
    record = {"title": title(board), "legend": legend(board), **_plain(board), "rows": rows}
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def _plain(value: Any) -> Any:
    """Return plain JSON values; None for NaN."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else value


def _blocks(shown: Sequence[Column], widths: Sequence[int]) -> list[list[int]]:
    """Return the columns of each block of text: as many as fit, each with the entry's name."""
    entry = next(i for i, column in enumerate(shown) if column.fields == ("entry",))
    blocks, width = [[0]], widths[0]
    for i in range(1, len(shown)):
        width += 2 + widths[i]
        if width > TEXT_WIDTH and i > entry:
            blocks.append([entry])
            width = widths[entry] + 2 + widths[i]
        blocks[-1].append(i)
    return blocks


def _markdown_line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"


def _parts(estimate: str) -> tuple[str, ...]:
    return tuple(f"{estimate}.{field.name}" for field in fields(Estimate))


def _trials(row: Row) -> str:
    return _number(row.median_trials, 0) + ("  defaults only" if row.defaults_only else "")


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _count(value: int) -> str:
    return str(value) if value else ""
