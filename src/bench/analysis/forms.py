"""One table with its title, legend and notes, as text, Markdown, HTML or LaTeX."""

from __future__ import annotations

import html as markup
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is shown to people: every cell is text."""

    title: str
    legend: str
    headings: tuple[str, ...]
    left: tuple[bool, ...]
    """Which columns are aligned to the left."""
    name: int
    """The column that says what a line is of: it starts every block of columns of a text."""
    lines: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def text(sheet: Sheet) -> str:
    """Return the table as plain aligned text, wrapped at 100 characters."""
    cells = (sheet.headings, *sheet.lines)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [*textwrap.wrap(sheet.title, TEXT_WIDTH), *textwrap.wrap(sheet.legend, TEXT_WIDTH)]
    for block in _blocks(sheet.name, widths):
        lines.append("")
        for line in cells:
            parts = (line[i].ljust(widths[i]) if sheet.left[i] else line[i].rjust(widths[i]) for i in block)
            lines.append("  ".join(parts).rstrip())
    notes = [
        part
        for note in sheet.notes
        for part in textwrap.wrap(f"- {note}", TEXT_WIDTH, subsequent_indent="  ")
    ]
    return "\n".join([*lines, *([""] if notes else []), *notes]) + "\n"


def markdown(sheet: Sheet) -> str:
    """Return the table in Markdown under its title, its notes as a list."""
    lines = [f"**{sheet.title}**", "", sheet.legend, "", _markdown_line(sheet.headings)]
    lines.append(_markdown_line([":---" if left else "---:" for left in sheet.left]))
    lines.extend(map(_markdown_line, sheet.lines))
    return "\n".join([*lines, "", *(f"- {note}" for note in sheet.notes)]).rstrip() + "\n"


def html(sheet: Sheet) -> str:
    """Return the table as a fragment of HTML: no script, nothing fetched, plain ASCII."""
    sides = [' class="left"' if left else "" for left in sheet.left]
    head, *body = (
        "".join(f"<{tag}{side}>{markup.escape(cell)}</{tag}>" for side, cell in zip(sides, line, strict=True))
        for tag, line in (("th", sheet.headings), *(("td", line) for line in sheet.lines))
    )
    notes = [f"<li>{markup.escape(note)}</li>" for note in sheet.notes]
    lines = [
        f'<div class="bench-board"><style>{_STYLE}</style>',
        f"<p><strong>{markup.escape(sheet.title)}</strong></p>",
        f"<p>{markup.escape(sheet.legend)}</p>",
        f"<table><thead><tr>{head}</tr></thead><tbody>",
        *(f"<tr>{line}</tr>" for line in body),
        "</tbody></table>",
        *(["<ul>", *notes, "</ul>"] if notes else []),
        "</div>",
    ]
    return "\n".join(lines).encode("ascii", "xmlcharrefreplace").decode() + "\n"


def latex(sheet: Sheet) -> str:
    """Return the table in LaTeX: needs the package booktabs."""
    head, *body = (
        " & ".join(
            _latex(cell) if left else _latex_number(cell) for left, cell in zip(sheet.left, line, strict=True)
        )
        for line in (sheet.headings, *sheet.lines)
    )
    notes = [rf"\item {_latex(note)}" for note in sheet.notes]
    lines = [
        r"\begin{table}",
        rf"\caption{{{_latex(sheet.title)} {_latex(sheet.legend)}}}",
        rf"\begin{{tabular}}{{{''.join('l' if left else 'r' for left in sheet.left)}}}",
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


def _blocks(name: int, widths: Sequence[int]) -> list[list[int]]:
    """Return the columns of each block of text: as many as fit, each with the name of its lines."""
    blocks, width = [[0]], widths[0]
    for i in range(1, len(widths)):
        width += 2 + widths[i]
        if width > TEXT_WIDTH and i > name:
            blocks.append([name])
            width = widths[name] + 2 + widths[i]
        blocks[-1].append(i)
    return blocks


def _markdown_line(parts: Sequence[str]) -> str:
    return "| " + " | ".join(part.replace("|", "\\|") for part in parts) + " |"


def _latex(plain: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in plain)


def _latex_number(plain: str) -> str:
    """Return a cell with minus signs instead of hyphens."""
    return re.sub(r"-(?=\d)", r"$-$", _latex(plain))
