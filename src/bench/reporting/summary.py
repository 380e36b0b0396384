"""A report in brief: for who finds its folder, and for who lists many of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bench.analysis import tables
from bench.environments import package_version
from bench.reporting import pages
from bench.reporting.contents import Report

FORMAT = 1
FILE = "report.json"
_FOLDER = (
    "Open `index.html` in a browser: it needs no network. All its numbers lie beside it, every trial among "
    "them; `sha256sum -c SHA256SUMS` checks that they are as they were written. They hold scores and costs, "
    "and no features."
)


def summary(report: Report) -> dict[str, Any]:
    """Return what a list of reports says of one, as plain JSON values."""
    return {
        "format": FORMAT,
        "title": pages.title(report),
        "date": report.date,
        "lead": pages.lead(report),
        "ahead": [pages.ahead(pages.first_board(part, "family")) for part in report.runs],
        "verdicts": [
            {"id": card.claim.id, "title": card.claim.title, "word": card.told} for card in report.cards
        ],
        "bench": package_version("inductive-bench"),
    }


def readme(report: Report) -> str:
    """Return the page that a folder of files opens with, in Markdown."""
    lines = [f"# {pages.title(report)}", "", pages.lead(report), "", _FOLDER, ""]
    lines += [
        f"- {card.claim.id}, {card.claim.title}: **{card.told}**, {card.effect}" for card in report.cards
    ]
    lines += [""] * bool(report.cards)
    for part in report.runs:
        board = pages.first_board(part, "family")
        lines += [f"## {part.of.run['suite']}", "", pages.ahead(board), "", tables.markdown(board)]
    return "\n".join([*lines, *_again(report)]) + "\n"


def _again(report: Report) -> Iterator[str]:
    """Yield how to get the same numbers, or look into them."""
    command = " ".join(["bench report", *(part.id for part in report.runs)])
    yield from ("## The same again", "")
    yield from (f"Made by bench {package_version('inductive-bench')} with `{command}`.", "")
    for part in report.runs:
        yield f"- `bench run {part.of.run['suite']}` runs what `{part.id}` is of."
    for card in report.cards:
        yield f"- `bench claims run {card.claim.name}` runs and judges {card.claim.id}."
