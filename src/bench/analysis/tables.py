"""A leaderboard as text, Markdown, HTML, LaTeX, CSV, JSON and a data frame, all of the same columns."""

from __future__ import annotations

import csv
import html as markup
import io
import json
import math
import re
import textwrap
from collections.abc import Collection, Mapping, Sequence
from dataclasses import fields, is_dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bench.analysis.columns import (
    EXTRAS,
    Column,
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
    "text",
    "title",
    "to_csv",
    "to_frame",
    "to_json",
]

TEXT_WIDTH = 100
_STYLE = """
.bench-board { overflow-x: auto; }
.bench-board p { max-width: 60em; margin: 0.5em 0; }
.bench-board table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
.bench-board th, .bench-board td {
  padding: 0.2em 0.7em; text-align: right; white-space: nowrap; background: none;
  border: 0; border-bottom: 1px solid rgba(128, 128, 128, 0.4);
}
.bench-board .left { text-align: left; }
"""
"""No colour of its own but for translucent lines: text and ground are the page's, light or dark."""
_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def text(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as plain aligned text, wrapped at 100 characters."""
    shown = columns(board, extra)
    cells = _cells(board, shown)
    widths = [max(len(line[i]) for line in cells) for i in range(len(shown))]
    lines = [*textwrap.wrap(title(board), TEXT_WIDTH), *textwrap.wrap(legend(board, extra), TEXT_WIDTH)]
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


def markdown(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a Markdown table under its title, its notes as a list."""
    shown = columns(board, extra)
    head, *body = _cells(board, shown)
    lines = [f"**{title(board)}**", "", legend(board, extra), "", _markdown_line(head)]
    lines.append(_markdown_line([":---" if column.left else "---:" for column in shown]))
    lines.extend(map(_markdown_line, body))
    return "\n".join([*lines, "", *(f"- {note}" for note in board.notes)]).rstrip() + "\n"


def html(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a fragment of HTML: no script, nothing fetched, plain ASCII."""
    shown = columns(board, extra)
    sides = [' class="left"' if column.left else "" for column in shown]
    head, *body = (
        "".join(f"<{tag}{side}>{markup.escape(cell)}</{tag}>" for side, cell in zip(sides, line, strict=True))
        for tag, line in zip(("th", *["td"] * len(board.rows)), _cells(board, shown), strict=True)
    )
    lines = [
        f'<div class="bench-board"><style>{_STYLE}</style>',
        f"<p><strong>{markup.escape(title(board))}</strong></p>",
        f"<p>{markup.escape(legend(board, extra))}</p>",
        f"<table><thead><tr>{head}</tr></thead><tbody>",
        *(f"<tr>{line}</tr>" for line in body),
        "</tbody></table>",
        *(
            ["<ul>", *(f"<li>{markup.escape(note)}</li>" for note in board.notes), "</ul>"]
            * bool(board.notes)
        ),
        "</div>",
    ]
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode() + "\n"


def latex(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return the leaderboard as a LaTeX table: needs the package booktabs."""
    shown = columns(board, extra)
    head, *body = (
        " & ".join(
            _latex(cell) if column.left else _latex_number(cell)
            for column, cell in zip(shown, line, strict=True)
        )
        for line in _cells(board, shown)
    )
    notes = [rf"\item {_latex(note)}" for note in board.notes]
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(title(board))} {_latex(legend(board, extra))}}}",
        rf"\begin{{tabular}}{{{''.join('l' if column.left else 'r' for column in shown)}}}",
        r"\toprule",
        rf"{head} \\",
        r"\midrule",
        *(rf"{line} \\" for line in body),
        r"\bottomrule",
        r"\end{tabular}",
        *([r"\begin{itemize}", *notes, r"\end{itemize}"] if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


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
    rows = [{**_size(board), **_plain(row), "defaults_only": row.defaults_only} for row in board.rows]
    return {"title": title(board), "legend": legend(board, EXTRAS), **_plain(board), "rows": rows}


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


def _cells(board: Leaderboard, shown: Sequence[Column]) -> list[list[str]]:
    """Return the headings, then the cells of each row."""
    return [
        [column.heading for column in shown],
        *([column.show(row) for column in shown] for row in board.rows),
    ]


def _records(board: Leaderboard) -> tuple[list[str], list[list[Any]]]:
    """Return the names of all fields and their plain values, row by row."""
    names = [name for column in all_columns(board) for name in column.fields]
    size = _size(board)
    rows = [[*size.values(), *(_plain(attrgetter(name)(row)) for name in names)] for row in board.rows]
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


def _latex(plain: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in plain)


def _latex_number(plain: str) -> str:
    """Return a cell with minus signs instead of hyphens."""
    return re.sub(r"-(?=\d)", r"$-$", _latex(plain))
