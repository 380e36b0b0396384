"""What a claim needs to be run: for each profile a suite, and which of its cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from pydantic import ValidationError

from bench.budgets import Budget
from bench.claims import Claim, Comparison, Count, Unit
from bench.config.claim_schema import ProfileTable
from bench.config.load import load_suite, suite_of, task_reference
from bench.config.problems import key_path
from bench.config.schema import SuiteFile
from bench.errors import ConfigError
from bench.interventions import NONE, RANDOM_LABELS, parse_intervention
from bench.plans import Plan, PlannedCell
from bench.registry import learners
from bench.sources.catalog import catalog
from bench.suites import Suite, TaskReference

DUMMY = "dummy"
"""The learner that every claim runs beside its own: what it scores is chance."""

FOLDER = "claims/"
"""What the names of such suites begin with, so that none is taken for a suite of that name."""

Need: TypeAlias = tuple[str, str, int, str | None]
"""Learner, intervention, seed, and the task, None for every task."""


def profile_suites(claim: Claim, profiles: Mapping[str, ProfileTable]) -> Mapping[str, Suite]:
    """Return what each profile of a claim runs, as a suite.

    Raises ConfigError with a line for everything that no suite may have.
    """
    found: dict[str, Suite] = {}
    problems: list[str] = []
    for name, table in profiles.items():
        try:
            found[name] = _suite(claim, name, table)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(*problems)
    return found


def needed(claim: Claim, suite: Suite) -> frozenset[Need]:
    """Return which cells of a profile's suite the claim needs."""
    return frozenset(_contrast_needs(claim, suite)) | frozenset(_control_needs(claim, suite))


def claim_plan(claim: Claim, plan: Plan) -> Plan:
    """Return the plan of a profile's suite with those cells alone that the claim needs."""
    wanted = needed(claim, plan.suite)
    cells = tuple(
        planned
        for planned in plan.cells
        for cell in (planned.cell,)
        if not wanted.isdisjoint(
            (cell.learner, cell.intervention, cell.seed, task) for task in (None, cell.task.name)
        )
    )
    return dataclasses.replace(plan, cells=cells)


def cell_budgets(claim: Claim, plan: Plan) -> Mapping[str, Budget]:
    """Return what each cell of a claim's plan need spend, by its evidence key.

    Of a side with m learners that apply each shows a share of 1/m of the budget: more than the largest share
    of a cell in any side would never be looked at. A count looks at each learner by itself; sides of defaults
    ask for no search, and for nothing where others do.
    """
    counted = {contrast.side for contrast in claim.contrasts if isinstance(contrast, Count)}
    searched = [set(side.learners) for side in claim.sides.values() if side.show != "default"]
    alone = {name for side in counted for name in claim.sides[side].learners}
    slots: dict[tuple[object, ...], list[PlannedCell]] = {}
    for planned in plan.runnable:
        cell = planned.cell
        slots.setdefault((cell.task.name, cell.split, cell.intervention, cell.seed), []).append(planned)
    found: dict[str, Budget] = {}
    for together in slots.values():
        there = {planned.cell.learner for planned in together}
        for planned in together:
            name = planned.cell.learner
            sizes = [len(side & there) for side in searched if name in side] + [1] * (name in alone)
            share = _share(plan.budget, min(sizes, default=1))
            found[planned.evidence_key] = share if sizes else dataclasses.replace(share, trials=1)
    return found


def _share(budget: Budget, members: int) -> Budget:
    """Return a member's share of a budget, as a view of families has it."""
    seconds = None if budget.seconds is None else budget.seconds / members
    trials = None if budget.trials is None else max(1, budget.trials // members)
    return dataclasses.replace(budget, seconds=seconds, trials=trials)


def own_seeds(claim: Claim, suite: Suite) -> tuple[int, ...]:
    """Return the seeds of the contrasts: all, but for one that is there for a control alone."""
    extra = next(
        (claim.control_seeds.get(name) for name, own in claim.profiles.items() if own == suite), None
    )
    return tuple(seed for seed in suite.seeds if seed != extra)


def control_seed(claim: Claim, table: ProfileTable) -> int | None:
    """Return the seed that sides are run again with, where a profile has one seed alone."""
    needs = bool(claim.controls.same) and claim.unit is Unit.DATASET and len(table.seeds) == 1
    return table.seeds[0] + 1 if needs else None


def _contrast_needs(claim: Claim, suite: Suite) -> Iterator[Need]:
    for contrast in claim.contrasts:
        sides = contrast.sides if isinstance(contrast, Comparison) else (contrast.side,)
        names = [name for side in sides for name in claim.sides[side].learners]
        under = contrast.interventions
        if isinstance(contrast, Count) and any(each.of_dummy for each in contrast.conditions):
            under = tuple(dict.fromkeys((*under, NONE)))
        for intervention in under:
            for seed in own_seeds(claim, suite):
                yield from ((name, intervention, seed, None) for name in (DUMMY, *names))


def _control_needs(claim: Claim, suite: Suite) -> Iterator[Need]:
    controls = claim.controls
    interventions = [name for each in claim.comparisons for name in each.interventions]
    intact = next((each.intact for each in claim.comparisons), NONE)
    for side in controls.same:
        for name in (DUMMY, *claim.sides[side].learners):
            yield from ((name, intact, seed, None) for seed in suite.seeds)
    for seed in own_seeds(claim, suite):
        for name in controls.null:
            yield from ((name, intervention, seed, None) for intervention in interventions)
        if controls.positive is not None:
            for side in (controls.positive.side, controls.positive.against):
                yield from ((name, intact, seed, None) for name in claim.sides[side].learners)
    seed = suite.seeds[0]
    known = {task.name for task in suite.tasks}
    permuted: list[str | None] = [task for task in controls.permuted_tasks if task in known]
    for side in controls.permuted_labels:
        for name in (DUMMY, *claim.sides[side].learners):
            yield from ((name, RANDOM_LABELS, seed, task) for task in permuted or [None])


def _suite(claim: Claim, profile: str, table: ProfileTable) -> Suite:
    path, where = Path(claim.path), f"profiles.{profile}"
    tasks = _tasks(table, path, where)
    content: dict[str, Any] = {
        "format": 1,
        "name": claim.name,
        "title": f"{claim.title} ({profile})",
        "learners": list(dict.fromkeys((DUMMY, *claim.learners))),
        "interventions": _interventions(claim),
        "tasks": [{"dataset": "stands-for-all"}],
        **table.model_dump(exclude={"tasks", "tasks_of"}),
    }
    extra = control_seed(claim, table)
    content["seeds"] = table.seeds if extra is None else [*table.seeds, extra]
    try:
        parsed = SuiteFile.model_validate(content)
    except ValidationError as error:
        lines = (
            f"{path}: {where}.{key_path(item['loc'])}: {item['msg'].removeprefix('Value error, ')}"
            for item in error.errors()
        )
        raise ConfigError(*lines) from error
    return dataclasses.replace(suite_of(parsed, tasks, path, claim.hash), name=f"{FOLDER}{claim.name}")


def _interventions(claim: Claim) -> list[str]:
    """Return all that some cell is under, each behind what it is compared with."""
    wanted = [name for contrast in claim.contrasts for name in contrast.interventions]
    wanted += [RANDOM_LABELS] if claim.controls.permuted_labels else []
    wanted += [NONE] if any(isinstance(each, Count) for each in claim.contrasts) else []
    references = [parse_intervention(name).kind.reference for name in wanted]
    return list(dict.fromkeys(name for pair in zip(references, wanted, strict=True) for name in pair))


def _tasks(table: ProfileTable, path: Path, where: str) -> tuple[TaskReference, ...]:
    if table.tasks_of is not None:
        return load_suite(table.tasks_of, learners(), catalog()).tasks
    unknown = [
        f'{path}: {where}.tasks[{i}]: unknown table "{task.dataset}" (see `bench list tables`)'
        for i, task in enumerate(table.tasks or ())
        if task.dataset is not None and task.dataset not in catalog()
    ]
    if unknown:
        raise ConfigError(*unknown)
    return tuple(
        task_reference(f"{where}.tasks[{i}]", task, path.parent) for i, task in enumerate(table.tasks or ())
    )
