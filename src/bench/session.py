"""Plan -> executor -> store, as a stream of events: what the command line and Python both call."""

from __future__ import annotations

import dataclasses
import hashlib
import secrets
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.config.expand import expand, select
from bench.config.fitness import refused, unfit, unfit_rows
from bench.datasets import Dataset
from bench.environments import capture_environment
from bench.errors import BenchError, DataError, NothingSelectedError, PrerequisiteError
from bench.events import (
    Event,
    RunFinished,
    RunStarted,
)
from bench.execution.progress import Executor
from bench.facts import ACCEPTABLE
from bench.learners import Learner
from bench.line_up import usable
from bench.plans import Exclusion, Plan
from bench.shift import Shift
from bench.sources.cache import Cache
from bench.sources.catalog import record
from bench.sources.openml.known import known_tasks, outlined
from bench.sources.outline import outline
from bench.sources.prepare import prepare
from bench.sources.requests import TableRequest
from bench.splits.plan import split_plan
from bench.store.sqlite import Forget, RunRequest, Store
from bench.suites import Suite, TaskReference
from bench.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a run was asked for, beside its suite."""

    selection: str | None = None
    """`-k`: which cells, by id."""
    fresh: bool = False
    """Begin every cell anew instead of going on with what the store holds."""
    rerun_failed: bool = False
    """Begin every cell anew that failed."""
    isolated: bool = True
    """Whether each cell gets a limited process of its own."""
    within_s: float | None = None
    """The wall seconds that the budget was made to fit in, where it was."""
    key: str = ""
    """What the command was: the same one goes on with the same budget."""


def make_plan(suite: Suite, cache: Cache, request: Request, say: Callable[[str], None]) -> Plan:
    """Return the plan of a suite, fetching the tables that are not in the cache yet.

    Raises:
        NothingSelectedError: no cell is left.
        PrerequisiteError: no learner of the suite is installed, or no table of it can be had.
        DataError: the one task that is wanted has a table that cannot be used.
    """
    learners, unusable = _usable(suite)
    wanted = _selected_tasks(suite, learners, cache, request)
    tasks, left_out = _prepared(dataclasses.replace(suite, tasks=wanted), cache, say)
    if not tasks and left_out and all(reason.unusable for reason in left_out):
        raise PrerequisiteError(f"{suite.path}: no table can be had: {_reasons(left_out)}")
    _refuse_lone(wanted, left_out)
    plan = narrowed(expand(suite, tasks, learners, (*unusable, *left_out)), request.selection)
    return plan if request.isolated else _unisolated(plan)


def _unisolated(plan: Plan) -> Plan:
    """Return the plan with evidence keys of its own: what had no limits must not pair with what had."""
    keys = [hashlib.sha256(f"{p.evidence_key} inline".encode()).hexdigest()[:32] for p in plan.cells]
    cells = (dataclasses.replace(p, evidence_key=key) for p, key in zip(plan.cells, keys, strict=True))
    return dataclasses.replace(plan, cells=tuple(cells))


def _selected_tasks(
    suite: Suite, learners: Mapping[str, Learner], cache: Cache, request: Request
) -> tuple[TaskReference, ...]:
    """Return the tasks with a cell that the selection matches, so that no other table is fetched.

    Those that facts leave out are among them: the plan says so of each.
    """
    if request.selection is None:
        return suite.tasks
    everything = dataclasses.replace(suite, accept=ACCEPTABLE)
    outlined = narrowed(_outlined(everything, learners, cache), request.selection)
    selected = {planned.cell.task.name for planned in outlined.cells}
    return tuple(reference for reference in suite.tasks if reference.name in selected)


def outline_plan(suite: Suite, cache: Cache, request: Request) -> Plan:
    """Return the plan as far as it can be made without fetching.

    The limits on an absent table are judged by what the catalogue says of it.

    Raises:
        NothingSelectedError: no cell is left.
        PrerequisiteError: no learner of the suite can run here.
    """
    learners, unusable = _usable(suite)
    unseen = [r for r in suite.tasks if r.openml_task is not None and _outline(r, cache) is None]
    seen = dataclasses.replace(suite, tasks=tuple(r for r in suite.tasks if r not in unseen))
    plan = dataclasses.replace(_outlined(seen, learners, cache), suite=suite)
    not_yet = (
        _exclusion(
            r,
            PrerequisiteError(
                f"its splits are not known before `bench data fetch openml:task/{r.openml_task}`, or a run"
            ),
        )
        for r in unseen
    )
    plan = dataclasses.replace(plan, exclusions=(*unusable, *plan.exclusions, *not_yet))
    return narrowed(plan, request.selection)


def _outlined(suite: Suite, learners: Mapping[str, Learner], cache: Cache) -> Plan:
    tasks, refusals, unseen = [], [], []
    for reference in suite.tasks:
        dataset = _outline(reference, cache)
        if dataset is None:
            unseen.append(reference)
        elif (reason := refused(dataset, suite.accept)) is not None:
            refusals.append(_exclusion(reference, DataError(reason)))
        else:
            tasks.append(Task(name=reference.name, dataset=dataset, splits=split_plan(dataset)))
    prepared, left_out = _prepared(dataclasses.replace(suite, tasks=tuple(unseen)), cache, lambda _: None)
    left_out = [*refusals, *left_out]
    _refuse_lone(suite.tasks, left_out)
    return expand(suite, [*tasks, *prepared], learners, left_out)


def _outline(reference: TaskReference, cache: Cache) -> Dataset | None:
    """Return what is known of a task's table without fetching it; None where that is nothing."""
    if reference.dataset is not None:
        return cache.describe(reference.dataset) or outline(record(reference.dataset))
    if reference.openml_task is None:
        return None
    known = known_tasks().get(reference.openml_task)
    kept = cache.describe(TableRequest.of_task(reference.openml_task).name)
    return kept or (None if known is None else outlined(known))


def in_cache(reference: TaskReference, cache: Cache) -> bool:
    """Return whether a plan sees a task's table itself, not only what is known of it beforehand."""
    if reference.openml_task is not None:
        return cache.describe(TableRequest.of_task(reference.openml_task).name) is not None
    return reference.dataset is None or cache.describe(reference.dataset) is not None


def _refuse_lone(wanted: Sequence[TaskReference], left_out: Sequence[Exclusion]) -> None:
    """Where the one task that is wanted cannot be had, its table is what is wrong, not the selection."""
    if len(wanted) == 1 and left_out:
        raise DataError(_reasons(left_out))


def _usable(suite: Suite) -> tuple[Mapping[str, Learner], tuple[Exclusion, ...]]:
    learners, unusable = usable(suite)
    if not learners:
        raise PrerequisiteError("\n".join(f"{each.what}: {each.reason}" for each in unusable))
    return learners, unusable


def _prepared(suite: Suite, cache: Cache, say: Callable[[str], None]) -> tuple[list[Task], list[Exclusion]]:
    """Return the suite's tasks with their tables in the cache, and the tasks that have none."""
    requests: dict[str, TableRequest] = {}
    left_out: list[Exclusion] = []
    for reference in suite.tasks:
        try:
            requests[reference.name] = TableRequest.of(reference)
        except BenchError as error:
            left_out.append(_exclusion(reference, error))
    found = prepare(list(requests.values()), cache, say)
    tasks: list[Task] = []
    for reference in suite.tasks:
        if reference.name not in requests:
            continue
        dataset = found[requests[reference.name].name]
        if isinstance(dataset, BenchError):
            left_out.append(_exclusion(reference, dataset))
            continue
        task = Task(name=reference.name, dataset=dataset, splits=split_plan(dataset))
        reason = (
            unfit(dataset, task.splits, suite.validation)
            or refused(dataset, suite.accept)
            or unfit_rows(task, suite, cache)
        )
        if reason is None:
            tasks.append(task)
        else:
            left_out.append(_exclusion(reference, DataError(reason)))
    return tasks, left_out


def narrowed(plan: Plan, selection: str | None) -> Plan:
    """Return the plan with the cells that a selection matches.

    Raises:
        NothingSelectedError: none is left; the text says why.
    """
    cells = plan.cells if selection is None else select(plan.cells, selection)
    if not cells and selection is not None and plan.cells:
        raise NothingSelectedError(
            f'-k "{selection}" matches none of {len(plan.cells)} cells; the first is {plan.cells[0].cell.id}'
        )
    if not cells:
        raise NothingSelectedError(f"{plan.suite.path}: nothing to run: {_reasons(plan.exclusions)}")
    return dataclasses.replace(plan, cells=cells)


def _reasons(exclusions: Sequence[Exclusion]) -> str:
    """Return why things are left out, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for exclusion in exclusions:
        by_reason.setdefault(exclusion.reason, []).append(exclusion.what)
    return "; ".join(f"{', '.join(what)}: {reason}" for reason, what in by_reason.items())


def run(
    plan: Plan, store: Store, executor: Executor, cache: Cache, request: Request
) -> Generator[Event, None, None]:
    """Run what the store does not hold yet, and yield what happens.

    Closing the iterator (Ctrl-C does) stops every worker, records the cells that were running as
    interrupted, and keeps every trial that ended.
    """
    run_id = f"{datetime.now(UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
    since = _fresh_since(plan, store, request)
    asked = RunRequest(key=request.key, within_s=request.within_s, fresh_since=since)
    store.add_run(run_id, plan, asked, capture_environment())
    forget = Forget(before=since, failed_but_by=run_id if request.rerun_failed else None)
    shift = Shift(plan, store, cache, run_id, forget)
    done_before = len(plan.runnable) - len(shift.waiting)
    yield RunStarted(run_id=run_id, plan=plan, done_before=done_before, to_do=len(shift.waiting))
    yield from shift.work(executor)
    store.end_run(run_id)
    yield RunFinished(run_id=run_id)


def _fresh_since(plan: Plan, store: Store, request: Request) -> str | None:
    """Return since when evidence counts: with `--fresh` from now, or since it was stopped midway."""
    if not request.fresh:
        return None
    before = store.unfinished_fresh_start(request.key, plan.suite.hash, plan.budget)
    return before or datetime.now(UTC).isoformat(timespec="milliseconds")


def _exclusion(reference: TaskReference, error: BenchError) -> Exclusion:
    return Exclusion(
        what=f"{reference.where} ({reference.name})",
        reason=str(error),
        unusable=isinstance(error, PrerequisiteError),
    )
