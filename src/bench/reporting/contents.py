"""What a report is of: runs and claims, read from a store and turned into what a page shows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench import portraits
from bench.analysis.views import View
from bench.boards import Recorded, curves_of, recorded, sensitivity_of
from bench.cells import CellStatus
from bench.errors import ConfigError
from bench.judgements import judgement
from bench.reporting.cards import Card, cards
from bench.reporting.panels import Panels, panels
from bench.store.query import find_run, runs
from bench.store.sqlite import Store
from bench.verdicts import Word

if TYPE_CHECKING:
    from bench.analysis.curves import Curves
    from bench.analysis.sensitivity import Sensitivity
    from bench.claims import Claim
    from bench.judgements import Judgement
    from bench.sources.cache import Cache

FAILED = frozenset(status.value for status in CellStatus if status.failed)
CLAIMS = "claims/"
"""What the suites of claims are called by: `bench.config.claim_suites.FOLDER`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Cells that failed alike."""

    learner: str
    status: str
    reason: str
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPart:
    """One run of a report."""

    of: Recorded
    panels: Panels
    portrait: Mapping[str, Any]
    """What `bench show` says of the run."""
    learners: Mapping[str, str]
    """Learner to family, in the plan's order."""
    failures: tuple[Failure, ...]
    flags: Mapping[str, Mapping[str, int]]
    """Learner to flag to the number of its trials that have it."""
    curves: Curves | None
    """Of a run with several training-set sizes."""
    sensitivity: Sensitivity | None
    """Of a run with interventions."""

    @property
    def id(self) -> str:
        """Of the run."""
        return str(self.of.run["run_id"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All that a report shows; where it comes from, and nothing of when it was made."""

    runs: tuple[RunPart, ...]
    cards: tuple[Card, ...]
    judgements: tuple[Judgement, ...]
    date: str
    """When the newest of the runs that it rests on was begun, UTC."""
    not_run: tuple[Claim, ...]
    """Claims that were asked for, and that the store has too little evidence of for any word."""


def report(
    store: Store, run_ids: Sequence[str], claims: Sequence[Claim], profile: str, cache: Cache
) -> Report:
    """Return the report of some runs and of the claims that the store has evidence of.

    Without a run the latest is taken that is none of a claim, where there is one.

    Raises:
        ConfigError: there is no such run, or nothing to report at all.
        PrerequisiteError: the store holds no run.
    """
    found = [judgement(store, claim, profile, cache) for claim in claims if profile in claim.profiles]
    judged = tuple(each for each in found if each.verdict.decision.word is not Word.NOT_RUN)
    lacking = tuple(each.verdict.claim for each in found if each.verdict.decision.word is Word.NOT_RUN)
    parts = tuple(_part(store, find_run(store, name)) for name in run_ids or _latest(store))
    if not parts and not judged:
        raise ConfigError(f"{store.folder}: holds neither a run of a suite nor a claim's: nothing to report")
    rests_on = {part.id for part in parts}
    names = {f"{CLAIMS}{each.verdict.claim.name}" for each in judged}
    times = [r["started_at"] for r in runs(store) if r["run_id"] in rests_on or r["suite"] in names]
    return Report(
        runs=parts, cards=cards(judged), judgements=judged, date=max(times, default=""), not_run=lacking
    )


def _latest(store: Store) -> list[str]:
    find_run(store, None)  # says what to do where there is none at all
    return [run["run_id"] for run in runs(store) if not run["suite"].startswith(CLAIMS)][:1]


def _part(store: Store, run: dict[str, Any]) -> RunPart:
    of = recorded(store, run)
    view = View(by="family")
    return RunPart(
        of=of,
        panels=panels(of),
        portrait=portraits.of_rows(run, store, of.cell_rows, of.rows),
        learners=dict(zip(of.cells["learner"], of.cells["family"], strict=True)),
        failures=tuple(_failures(of.cell_rows)),
        flags=_flags(of),
        curves=curves_of(store, run, view) if of.cells["train_cap"].nunique() > 1 else None,
        sensitivity=sensitivity_of(store, run, view) if of.cells["intervention"].nunique() > 1 else None,
    )


def _failures(cells: Sequence[Mapping[str, Any]]) -> list[Failure]:
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for cell in cells:
        if cell["status"] in FAILED:
            key = (cell["learner"], cell["status"], cell["reason"])
            grouped.setdefault(key, []).append(cell["cell_id"])
    return [
        Failure(learner=learner, status=status, reason=reason, cells=tuple(ids))
        for (learner, status, reason), ids in sorted(grouped.items())
    ]


def _flags(of: Recorded) -> dict[str, dict[str, int]]:
    counted: dict[str, Counter[str]] = {}
    for learner, flags in zip(of.trials["learner"], of.trials["flags"], strict=True):
        if flags:
            counted.setdefault(learner, Counter()).update(flags.split(","))
    return {learner: dict(sorted(counts.items())) for learner, counts in sorted(counted.items())}
