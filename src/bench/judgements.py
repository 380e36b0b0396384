"""From a claim and a store to a verdict: what is planned, what the store holds of it, what it says."""

from __future__ import annotations

import contextlib
import tomllib
from collections import ChainMap
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.budgets import Budget
from bench.cells import CellStatus
from bench.claims import Claim
from bench.config.claim_suites import cell_budgets, claim_plan, own_seeds
from bench.config.claims import claim_hash, scope_of
from bench.environments import package_version
from bench.errors import ConfigError, NothingSelectedError, PrerequisiteError
from bench.plans import Plan, PlannedCell
from bench.registrations import Registration, registration
from bench.session import Request, in_cache, make_plan, outline_plan
from bench.sources.cache import Cache
from bench.store.query import (
    NOT_BEGUN,
    evidence_attempts,
    evidence_trials,
    find_run,
    first_begun,
    first_run_by,
    other_evidence,
    runs,
    trial_rows,
)
from bench.store.sqlite import Store, finished
from bench.suites import Suite

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.claims.evidence import Asked, Evidence
    from bench.analysis.claims.verdicts import Verdict
    from bench.analysis.ensembles import CellPredictions


PACKAGED = Path(__file__).resolve().parent / "_data"
"""Where an installed package has its claims."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict, and where it comes from."""

    verdict: Verdict
    registration: Registration
    first_evidence: str | None
    """When the earliest evidence that it rests on was begun, UTC."""
    first_commit: str | None
    """Of which source that was; None where it is not known."""
    view: str
    """What was asked otherwise than the claim does, where something was: a view, and not its verdict."""
    exploratory: str | None
    """Why this is no confirmation: what the claim says was fixed after evidence was there."""
    n_cells: int
    n_done: int
    left_out: Mapping[str, str]
    """What the plan left out, and why."""
    notes: tuple[str, ...]


def profile_of(claim: Claim, profile: str) -> Suite:
    """Return the suite of a claim's profile.

    Raises ConfigError where it has none such.
    """
    if profile not in claim.profiles:
        known = ", ".join(claim.profiles)
        raise ConfigError(f'{claim.path}: no profile "{profile}" (profiles: {known})')
    return claim.profiles[profile]


def outlined(claim: Claim, profile: str, cache: Cache) -> Plan:
    """Return the cells that a claim needs, as far as can be said without fetching a table.

    Raises:
        NothingSelectedError: none is left.
        PrerequisiteError: no learner of it can run here.
    """
    return _kept(claim, outline_plan(profile_of(claim, profile), cache, Request()))


def planned(claim: Claim, profile: str, cache: Cache, say: Callable[[str], None]) -> Plan:
    """Return the cells that a claim needs, fetching the tables that are not in the cache yet.

    Raises what `make_plan` does.
    """
    return _kept(claim, make_plan(profile_of(claim, profile), cache, Request(), say))


def shares(claim: Claim, plan: Plan) -> tuple[Plan, ...]:
    """Return a claim's plan in parts, each of the cells that need spend the same; the dearest last."""
    budgets = cell_budgets(claim, plan)
    by_budget: dict[Budget, list[PlannedCell]] = {}
    for each in plan.cells:
        by_budget.setdefault(budgets.get(each.evidence_key, plan.budget), []).append(each)
    parts = [replace(plan, budget=budget, cells=tuple(cells)) for budget, cells in by_budget.items()]
    kept = (part for part in parts if part.runnable)
    return tuple(sorted(kept, key=lambda part: (part.budget.seconds or 0.0, part.budget.trials or 0)))


def judgement(
    store: Store, claim: Claim, profile: str, cache: Cache, asked: Asked | None = None
) -> Judgement:
    """Return what the evidence in a store says of a claim, whatever runs it is of."""
    from bench.analysis.claims.verdicts import verdict

    plan = outlined(claim, profile, cache)
    keys = [each.evidence_key for each in plan.cells]
    attempts = evidence_attempts(store, keys)
    asked, budgets = _within(plan.budget, asked), cell_budgets(claim, plan)
    ends = {key: finished(attempts.get(key, ()), budget) for key, budget in budgets.items()}
    stored = _predictions(store, claim, cache) if asked.show == "ensembled" else None
    view = _view_of(plan.budget, asked)
    found = verdict(_evidence(store, claim, plan, ends, stored), claim, profile, asked)
    begun = first_begun(store, [each.cell.id for each in plan.runnable])
    registered = registration(Path(claim.path), claim.hash, lambda content: _hash_of(content, claim))
    first = begun[0] if begun else None
    return Judgement(
        verdict=found,
        registration=registered,
        first_evidence=first,
        first_commit=begun[1] if begun else None,
        view=view,
        exploratory=None if first is None else _exploratory(store, claim, registered, first),
        n_cells=len(plan.runnable),
        n_done=sum(end is not None for end in ends.values()),
        left_out={each.what: each.reason for each in plan.exclusions},
        notes=(*_unseen(claim, plan, cache, attempts), *_notes(store, plan, keys)),
    )


def _within(budget: Budget, asked: Asked | None) -> Asked:
    """Return what is asked, at the claim's budget where none is named: evidence may be of a larger one."""
    from bench.analysis.claims.evidence import Asked

    asked = asked or Asked()
    for name, larger, own in (
        ("--at", asked.budget_s, budget.seconds),
        ("--at-trials", asked.budget_trials, budget.trials),
    ):
        if larger is not None and own is not None and larger > own:
            raise ConfigError(f"{name} {larger:g}: the claim was run at {own:g}, and no view can show more")
    return replace(
        asked,
        budget_s=budget.seconds if asked.budget_s is None else asked.budget_s,
        budget_trials=budget.trials if asked.budget_trials is None else asked.budget_trials,
    )


def _view_of(budget: Budget, asked: Asked) -> str:
    """Return in words what is asked otherwise than the claim itself does."""
    parts = [f"at {asked.budget_s:g} s"] if asked.budget_s != budget.seconds else []
    parts += [f"at {asked.budget_trials} trials"] if asked.budget_trials != budget.trials else []
    parts += [f"all sides {asked.show}"] if asked.show is not None else []
    return ", ".join(parts)


def _kept(claim: Claim, plan: Plan) -> Plan:
    kept = claim_plan(claim, plan)
    if not kept.runnable:
        raise NothingSelectedError(f"{claim.path}: its scope matches no cell that can run")
    return kept


def _evidence(
    store: Store,
    claim: Claim,
    plan: Plan,
    ends: Mapping[str, Mapping[str, Any] | None],
    stored: Mapping[str, CellPredictions] | None,
) -> Evidence:
    from bench.analysis.claims.evidence import Evidence
    from bench.analysis.frames import cells_frame, trials_frame

    budget = plan.budget
    trials = evidence_trials(store, [p.evidence_key for p in plan.cells], budget.seconds, budget.trials)
    cells = cells_frame([_cell_row(each, ends.get(each.evidence_key)) for each in plan.cells])
    return Evidence(
        trials_frame(trials), cells, own_seeds(claim, plan.suite), traits=_traits(plan), stored=stored
    )


def _traits(plan: Plan) -> pd.DataFrame:
    """Return what datasets are like, by name."""
    import pandas as pd

    datasets = {task.dataset.name: task.dataset for task in plan.tasks}
    return pd.DataFrame(
        {
            "n_rows": {name: each.n_rows for name, each in datasets.items()},
            "categorical": {
                name: each.n_categorical / max(1, len(each.features)) for name, each in datasets.items()
            },
        }
    )


def _predictions(store: Store, claim: Claim, cache: Cache) -> Mapping[str, CellPredictions]:
    """Return the stored predictions of all runs of a claim.

    Raises PrerequisiteError where it has not been run as it is, or no prediction is kept.
    """
    from bench.stored import StoredPredictions

    ids = [run["run_id"] for run in runs(store) if run["suite_hash"] == claim.hash]
    found = []
    for run_id in ids:
        with contextlib.suppress(PrerequisiteError):  # a run that keeps none leaves the others theirs
            run = find_run(store, run_id)
            found.append(StoredPredictions(store, run, cache, trial_rows(store, run_id)))
    if not found:
        raise PrerequisiteError(
            f"{store.folder}: holds no predictions of a run of this claim, so there is nothing to ensemble: "
            f"`bench claims run {claim.name}`"
        )
    return ChainMap(*found)  # type: ignore[arg-type]


def _cell_row(each: PlannedCell, end: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a planned cell with how its evidence stands; not begun, where it has something left to do."""
    cell, task = each.cell, each.cell.task
    status, reason = NOT_BEGUN, ""
    if each.not_applicable is not None:
        status, reason = CellStatus.NOT_APPLICABLE.value, each.not_applicable
    elif end is not None:
        status, reason = end["status"], end["reason"]
    return {
        "cell_id": cell.id,
        "evidence_key": each.evidence_key,
        "task": task.name,
        "dataset": task.dataset.name,
        "problem": task.problem.value,
        "repeat": cell.split.repeat,
        "fold": cell.split.fold,
        "learner": cell.learner,
        "family": cell.family,
        "intervention": cell.intervention,
        "seed": cell.seed,
        "device": f"{cell.device}{cell.cores}",
        "status": status,
        "reason": reason,
        "train_cap": cell.split.train_cap,
        "n_train": None if end is None else end["n_train"],
    }


def _unseen(claim: Claim, plan: Plan, cache: Cache, attempts: Mapping[str, Any]) -> Iterator[str]:
    """Yield that tables were judged unseen: a run may split them otherwise, and have other evidence keys."""
    found = {each.cell.task.name for each in plan.cells if each.evidence_key in attempts}
    of_plan = {each.cell.task.name for each in plan.cells} - found
    absent = [task for task in plan.suite.tasks if task.name in of_plan and not in_cache(task, cache)]
    if not absent:
        return
    fetched = " ".join(
        f"openml:task/{task.openml_task}" if task.dataset is None else task.dataset for task in absent
    )
    many = f"{len(absent)} table{'s are' if len(absent) > 1 else ' is'}"
    yield (
        f"{many} not in the cache: `bench claims run {claim.name}` or "
        f"`bench data fetch {fetched}` makes evidence of them count, if there is any"
    )


def _notes(store: Store, plan: Plan, keys: Sequence[str]) -> list[str]:
    others = other_evidence(store, [each.cell.id for each in plan.runnable], keys)
    if not others:
        return []
    which = f"{others[0]}{' and others' if len(others) > 1 else ''}"
    return [
        f"{len(others)} cells have evidence of other data, versions or code, which does not count: {which}"
    ]


def _exploratory(store: Store, claim: Claim, registered: Registration, first_evidence: str) -> str | None:
    """Return why evidence came before the claim, or None.

    What a claim says is fixed by the commit that says so, or by the first run of it, whichever is earlier;
    a claim that came with an installed package by the first run of that version.
    """
    asked = [run["started_at"] for run in runs(store) if run["suite_hash"] == claim.hash]
    if registered.fixed is None and Path(claim.path).resolve().is_relative_to(PACKAGED):
        first = first_run_by(store, package_version("inductive-bench"))
        asked += [first] if first is not None else []
    fixed = [registered.fixed.at] if registered.fixed is not None else []
    times = sorted(time[:19] for time in (*fixed, *asked))
    if times and times[0] <= first_evidence[:19]:
        return None
    since = f"is of {times[0][:16]}Z" if times else "is in no commit and was never run as it is"
    return f"evidence is of {first_evidence[:16]}Z, what the claim says {since}"


def _hash_of(content: bytes, claim: Claim) -> str | None:
    try:
        return claim_hash(tomllib.loads(content.decode()), scope_of(claim))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError):
        return None
