"""A report as one page of HTML that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.analysis import curve_tables, forms, matrix_tables, tables
from bench.analysis.columns import estimate
from bench.environments import package_version
from bench.interventions import NONE
from bench.reporting.cards import Card
from bench.reporting.contents import Failure, Report, RunPart
from bench.reporting.embedding import embedded
from bench.reporting.heat import Heat, heat
from bench.reporting.panels import Place
from bench.reporting.templates import filled, source

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.sensitivity import Sensitivity
    from bench.claims import Claim

_TABLE_COLUMNS = (
    "table", "problem", "rows", "features", "categorical", "classes", "target", "origin", "grade", "licence",
    "source", "fingerprint", "facts",
)  # fmt: skip

_INSIDE = {"style": "style.css", "script": "script.js", "method": "method.html"}
"""What stands in the page as it is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPage:
    """What the page shows of one run."""

    id: str
    suite: str
    asked: str
    ahead: str
    """Who is ahead, in a sentence."""
    family: forms.Sheet
    learner: forms.Sheet
    embedded: str
    reference: str
    curves: tuple[str, ...]
    cost: str | None
    matrix: forms.Sheet
    heat: Heat | None
    learning: str | None
    learning_figure: str | None
    sensitivity: forms.Sheet | None
    calibration: forms.Sheet
    ended: str
    failures: tuple[Failure, ...]
    flags: Mapping[str, Mapping[str, int]]
    left_out: Mapping[str, str]
    provenance: Sequence[tuple[str, Any]]
    tables: Sequence[Mapping[str, Any]]
    table_columns: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What the page shows."""

    title: str
    lead: str
    version: str
    sections: Sequence[tuple[str, str]]
    cards: Sequence[Card]
    not_run: Sequence[Claim]
    runs: Sequence[RunPage]
    files: Sequence[tuple[str, str]]
    """Name, and what is in it."""


def html(report: Report, figures: Mapping[str, str], beside: Sequence[tuple[str, str]]) -> str:
    """Return the page; `beside` are the files in its folder, with what is in each."""
    runs = [_run_page(part, figures) for part in report.runs]
    page = Page(
        title=title(report),
        lead=lead(report),
        version=package_version("inductive-bench") or "",
        sections=_sections(report),
        cards=report.cards,
        not_run=report.not_run,
        runs=runs,
        files=beside,
    )
    return filled(
        "reporting",
        "report.html",
        page=page,
        **{name: source("reporting", file) for name, file in _INSIDE.items()},
    )


def title(report: Report) -> str:
    """Return what the report is called."""
    names = [str(part.of.run["suite"]) for part in report.runs]
    names += [f"{len(report.cards)} claims"] if report.cards else []
    return f"bench report: {', '.join(names)}"


def lead(report: Report) -> str:
    """Return what the report is of, in a sentence or two."""
    parts = []
    for part in report.runs:
        n_tables, n_learners = part.of.cells["dataset"].nunique(), len(part.learners)
        parts.append(
            f"{n_learners} learners of {len(set(part.learners.values()))} families on {n_tables} tables, "
            f"each with the same budget ({part.portrait['budget']}), {len(part.of.trials):,} trials in all."
        )
    if report.cards:
        parts.append(f"{len(report.cards)} claims about inductive biases, judged by rules fixed beforehand.")
    return " ".join(parts)


def ahead(board: Leaderboard) -> str:
    """Return which entry has the lowest errors, by how much, and from which it cannot be told apart."""
    placed = [row for row in board.rows if row.tier is not None]
    if not placed:
        return "Nothing can be compared yet."
    first, *others = placed
    same = [row.entry for row in others if row.tier == first.tier]
    apart = f", not told apart from {', '.join(same)}" if same else ", told apart from all others"
    return (
        f"Lowest errors at the whole budget: {first.entry}{apart}. Its error against that of the default "
        f"{board.view.reference} is {estimate(first.overall)}, mean over {first.overall.n} tables with a "
        "95 % interval."
    )


def _sections(report: Report) -> list[tuple[str, str]]:
    return [
        ("verdicts", "Verdicts"),
        *((f"run-{part.id}", f"Leaderboard of {part.of.run['suite']}") for part in report.runs),
        *([("claims", "Claims one by one")] if report.cards else []),
        ("method", "Method"),
        ("downloads", "Downloads"),
    ]


def _run_page(part: RunPart, figures: Mapping[str, str]) -> RunPage:
    own = {name[len(part.id) + 1 :]: drawn for name, drawn in figures.items() if name.startswith(part.id)}
    family, learner = (first_board(part, by) for by in ("family", "learner"))
    run, portrait = part.of.run, part.portrait
    shown = ("suite", "started", "ended", "device", "machine", "commit")
    packages = ", ".join(f"{name} {version}" for name, version in portrait["packages"].items())
    return RunPage(
        id=part.id,
        suite=str(run["suite"]),
        asked=f"Run {part.id} of {str(run['started_at'])[:10]}: {portrait['budget']}.",
        ahead=ahead(family),
        family=tables.sheet(family),
        learner=tables.sheet(learner),
        embedded=embedded(run, part.panels, traits(part)),
        reference=learner.view.reference,
        curves=tuple(drawn for name, drawn in own.items() if "-by-" in name),
        cost=own.get("cost"),
        matrix=matrix_tables.sheet(family),
        heat=heat(learner),
        learning=None if part.curves is None else curve_tables.text(part.curves),
        learning_figure=own.get("learning-curves"),
        sensitivity=None if part.sensitivity is None else _sensitivity(part.sensitivity),
        calibration=_calibration(learner),
        ended=f"Cells: {_counts(portrait['cells'])}. Trials: {_counts(portrait['trials'])}.",
        failures=part.failures,
        flags=part.flags,
        left_out=portrait["left out"],
        provenance=[*((name, portrait[name]) for name in shown), ("packages", packages)],
        tables=portrait["tables"],
        table_columns=_TABLE_COLUMNS,
    )


def first_board(part: RunPart, by: str) -> Leaderboard:
    """Return the leaderboard that is shown first: of the largest size, tuned, at the whole budget."""
    return next(board for place, board in part.panels.items() if _is_first(place, by))


def _is_first(place: Place, by: str) -> bool:
    return (place.by, place.show, place.failure_policy) == (by, "tuned", "fallback")


def traits(part: RunPart) -> dict[str, dict[str, Any]]:
    """Return what each table of a run is like, by name."""
    return {
        str(table["table"]): {
            "problem": table["problem"],
            "rows": table["rows"],
            "categorical": round(table["categorical"] / max(1, table["features"]), 3),
        }
        for table in part.portrait["tables"]
    }


def _calibration(board: Leaderboard) -> forms.Sheet:
    """Return the columns of a leaderboard that are about probabilities and densities, and those alone."""
    whole, plain = tables.sheet(board, ("calibration", "density")), tables.sheet(board)
    kept = [whole.name, *range(len(plain.headings), len(whole.headings))]
    return forms.Sheet(
        title=whole.title,
        legend=whole.legend[len(plain.legend) :].strip(),
        headings=tuple(whole.headings[i] for i in kept),
        left=tuple(whole.left[i] for i in kept),
        name=0,
        lines=tuple(tuple(line[i] for i in kept) for line in whole.lines),
        notes=(),
    )


def _sensitivity(found: Sensitivity) -> forms.Sheet:
    """Return the changes under interventions as a table, a column for each."""
    pairs = zip(found.interventions, found.references, strict=True)
    against = [f"{name} is against {other}" for name, other in pairs if other != NONE]
    lacking = [f"{name} is not shown: it has nothing to be compared with here" for name in found.lacking]
    rows = zip(found.entries, found.changes, strict=True)
    return forms.Sheet(
        title="",
        legend="By how much each error grows under an intervention, against the same cells without it: mean "
        "over tables with a 95 % interval.",
        headings=(found.view.by, *found.interventions),
        left=(True, *(False for _ in found.interventions)),
        name=0,
        lines=tuple((entry, *map(estimate, changes)) for entry, changes in rows),
        notes=(*against, *lacking),
    )


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {what}" for what, n in counts.items())
