"""A report as a folder: the page, and everything in it as files."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from bench.analysis import matrix_tables, tables
from bench.environments import package_version
from bench.errors import PrerequisiteError
from bench.reporting import judgement_text, pages, run_figures, spreadsheet
from bench.reporting.contents import Report, RunPart
from bench.reporting.summary import FILE, readme, summary
from bench.reporting.writing import MARK, sums

if TYPE_CHECKING:
    import pandas as pd

PAGE = "index.html"
_UNPUBLISHED = ("log", "limits")
"""Columns of cells that stay at home: logs and tracebacks hold paths of the machine."""


@dataclass(frozen=True, slots=True)
class Beside:
    """A file of a report."""

    name: str
    """With `/` between folders."""
    what: str
    """What is in it, in words."""
    content: bytes


def folder(report: Report) -> dict[str, bytes]:
    """Return the files of a report by name, the page and the hashes of all others among them.

    The same report gives the same bytes. Raises PrerequisiteError without pyarrow.
    """
    figures = {name: drawn for part in report.runs for name, drawn in run_figures.figures(part).items()}
    beside = [*_of_runs(report), *_of_claims(report), *_figures(report, figures), *_brief(report)]
    listed = [(each.name, each.what) for each in beside]
    found = {PAGE: pages.html(report, figures, listed).encode()}
    found |= {each.name: each.content for each in beside}
    return found | {MARK: sums(found)}


def _of_runs(report: Report) -> Iterator[Beside]:
    import pandas as pd

    for part in report.runs:
        at = f"{part.id}/"
        for by in ("family", "learner"):
            yield from _board_files(part, by)
        board = pages.first_board(part, "learner")
        yield _text(f"{at}matrix.csv", "every learner against every other", spreadsheet.rewritten(
            matrix_tables.to_csv(board)
        ))  # fmt: skip
        yield Beside(
            f"{at}trials.parquet", "every trial, at full precision", _parquet(pd.DataFrame(part.of.rows))
        )
        cells = _cells(part)
        yield Beside(f"{at}cells.parquet", "every cell and how it ended", _parquet(cells))
        yield _text(f"{at}cells.csv", "the same", spreadsheet.to_csv(cells))
        tables_frame = pd.DataFrame(part.portrait["tables"])
        yield _text(
            f"{at}tables.csv", "the tables: source, licence, fingerprint", spreadsheet.to_csv(tables_frame)
        )
        yield _text(f"{at}run.json", "suite, machine, packages, what was left out", _json(_record(part)))
        for name, frame in (("curves", part.curves), ("sensitivity", part.sensitivity)):
            if frame is not None:
                yield _text(f"{at}{name}.csv", f"{name} by family", spreadsheet.to_csv(frame.to_frame()))


def _board_files(part: RunPart, by: str) -> Iterator[Beside]:
    board = pages.first_board(part, by)
    name, what = f"{part.id}/leaderboard-by-{by}", f"the leaderboard by {by}"
    yield _text(f"{name}.csv", f"{what}, numbers in full", spreadsheet.rewritten(tables.to_csv(board)))
    yield _text(f"{name}.json", f"{what}, with title, legend and notes", tables.to_json(board))
    yield _text(f"{name}.md", f"{what} in Markdown", tables.markdown(board))
    yield _text(f"{name}.tex", f"{what} in LaTeX, with booktabs", tables.latex(board))
    yield _text(f"{name}.txt", f"{what} as text", tables.text(board))
    yield Beside(f"{name}.parquet", f"{what}, numbers in full", _parquet(board.to_frame()))


def _of_claims(report: Report) -> Iterator[Beside]:
    if not report.cards:
        return
    columns = (
        "claim.id",
        "claim.name",
        "claim.hash",
        "told",
        "effect",
        "exploratory",
        "claim.expected.value",
    )
    rows = [[attrgetter(name)(card) for name in columns] for card in report.cards]
    heads = ("id", "claim", "hash", "verdict", "effect", "exploratory", "expected")
    yield _text("claims.csv", "the verdicts, a line each", spreadsheet.written([heads, *rows]))
    yield _text("claims.json", "all that the verdicts hold", judgement_text.to_json(report.judgements))
    words = "\n".join(map(judgement_text.text, report.judgements))
    yield _text("claims.txt", "the verdicts in words", words)


def _figures(report: Report, figures: Mapping[str, str]) -> Iterator[Beside]:
    drawn = dict(figures)
    drawn |= dict(each.figure for card in report.cards for each in card.contrasts if each.figure is not None)
    for name, svg in drawn.items():
        yield _text(f"figures/{name}.svg", "a figure", svg)


def _brief(report: Report) -> Iterator[Beside]:
    yield _text("README.md", "the report in brief, for who finds the folder", readme(report))
    yield _text(FILE, "the same for programs", _json(summary(report)))
    yield _text("citation.bib", "how to cite this, as BibTeX", _citation(report))


def _citation(report: Report) -> str:
    commits = sorted({str(part.portrait["commit"]) for part in report.runs})
    version = package_version("inductive-bench")
    note = f"version {version}" + (f", commit {', '.join(commits)}" if commits else "")
    return (
        "@misc{bench,\n"
        "  title = {bench: which inductive bias fits which data, at what cost?},\n"
        "  author = {{bench contributors}},\n"
        f"  year = {{{report.date[:4]}}},\n"
        f"  note = {{{note}}},\n}}\n"
    )


def _record(part: RunPart) -> dict[str, Any]:
    """Return what a run was, less the paths of the machine."""
    return {name: value for name, value in part.portrait.items() if name != "tables"} | {
        "learners": dict(part.learners)
    }


def _cells(part: RunPart) -> pd.DataFrame:
    import pandas as pd

    frame = pd.DataFrame(part.of.cell_rows)
    return frame.drop(columns=[name for name in _UNPUBLISHED if name in frame.columns])


def _json(record: Any) -> str:
    return json.dumps(record, indent=2, default=str) + "\n"


def _text(name: str, what: str, text: str) -> Beside:
    return Beside(name, what, text.encode())


def _parquet(frame: pd.DataFrame) -> bytes:
    out = io.BytesIO()
    try:
        frame.to_parquet(out, index=False)
    except ImportError as error:
        raise PrerequisiteError(
            "a report holds its trials as Parquet, which needs pyarrow; "
            "install it with `pip install 'inductive-bench[parquet]'`"
        ) from error
    return out.getvalue()
