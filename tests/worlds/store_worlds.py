"""Stores with made-up runs: what a run of so many cells and trials would have left, without running it."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from bench.budgets import Budget
from bench.cells import Cell, CellStatus, Validation
from bench.datasets import Dataset, Feature, FeatureKind, Grade, Origin, ProblemType
from bench.environments import Environment
from bench.plans import Exclusion, Plan, PlannedCell
from bench.store.opening import open_store
from bench.store.sqlite import Store
from bench.suites import Suite
from bench.tasks import Split, SplitPlan, Task
from bench.trials import TrialStatus

STARTED = "2026-01-02T03:04:05.000+00:00"
ENVIRONMENT = Environment(
    packages={"inductive-bench": "0.1.0", "numpy": "2.4.6"},
    python="3.11.7",
    system="Linux",
    cpu="a processor",
    cpu_count=2,
    memory_bytes=2**34,
    gpus=(),
    commit="c" * 40,
)
LEARNERS = {
    "dummy": "dummy",
    "linear": "linear",
    "random-forest": "forest",
    "xgboost": "boosted-trees",
    "lightgbm": "boosted-trees",
    "mlp": "net",
}
SKILL = {"dummy": 0.9, "linear": 0.1, "random-forest": 0.0, "xgboost": -0.15, "lightgbm": -0.1, "mlp": 0.05}
"""The log of an entry's error over the forest's, but for noise."""
N_TEST = 400
BUDGET = Budget(seconds=4.0, trials=12)


@dataclass(frozen=True, kw_only=True)
class World:
    """What a run is of, and what its cells came to."""

    tables: Mapping[str, ProblemType]
    learners: Mapping[str, str] = field(default_factory=lambda: dict(LEARNERS))
    n_trials: int = 12
    budget: Budget = BUDGET
    failing: frozenset[tuple[str, str]] = frozenset()
    """Tables and learners whose cell failed."""
    sizes: tuple[int | None, ...] = (None,)
    interventions: tuple[str, ...] = ("none",)
    exclusions: Mapping[str, str] = field(default_factory=dict)
    folds: int = 1
    seeds: tuple[int, ...] = (0,)
    lock: str = "k"
    """Of the versions that results depend on: another one gives evidence of its own."""
    environment: Environment = ENVIRONMENT
    started: str = STARTED
    moved: float = 0.0
    """The share of cells whose predictions are not those of a world that is otherwise the same."""
    noise: float = 0.05
    """By how much their ln(error) then differs: a standard deviation."""
    losses: Mapping[str, float] = field(default_factory=dict)
    """What is added to a learner's ln(error), in every cell."""
    slower: float = 1.0
    """How many times as long every fit takes."""
    draw: int = 0
    """Other chances in all that makes a run differ from its like."""


def tables(n: int) -> dict[str, ProblemType]:
    """Return so many tables of all problem types by name."""
    problems = list(ProblemType)
    return {f"table-{i:02}": problems[i % len(problems)] for i in range(n)}


def stored(world: World, folder: Path, run_id: str = "20260102-030405-abcd") -> Store:
    """Write a store that holds one run of a world, and return it."""
    store = open_store(folder)
    plan = _plan(world)
    store.add_run(run_id, plan, _Request(), world.environment)
    attempts, trials = [], []
    for planned in plan.cells:
        failed = (planned.cell.task.name, planned.cell.learner) in world.failing
        attempts.append(_attempt(world, planned, run_id, failed=failed))
        trials += [] if failed else _trials(world, planned)
    with store._transaction():
        store._db.executemany(f"INSERT INTO attempts VALUES ({_marks(24)})", attempts)
        store._db.executemany(f"INSERT INTO trials VALUES ({_marks(21)})", trials)
        store._db.execute(
            "UPDATE runs SET started_at = ?, ended_at = ? WHERE run_id = ?",
            (world.started, world.started, run_id),
        )
    return store


@dataclass(frozen=True)
class _Request:
    key: str = "suite=made-up"
    within_s: float | None = None
    fresh_since: str | None = None


def _plan(world: World) -> Plan:
    tasks = {name: _task(name, problem) for name, problem in world.tables.items()}
    cells = tuple(
        _planned(
            world, Split(repeat=0, fold=fold, train_cap=size, test_cap=None), task, learner, seed, change
        )
        for size, task, fold, seed, change, learner in product(
            world.sizes, tasks.values(), range(world.folds), world.seeds, world.interventions, world.learners
        )
    )
    suite = Suite(
        name="made-up", title="Made up", note="", path="made-up.toml", hash="0" * 16, tasks=(),
        learners=tuple(world.learners), budget=world.budget, validation=Validation("holdout", 25),
        folds=world.folds, seeds=world.seeds, interventions=world.interventions, train_caps=world.sizes,
        test_cap=None, allowed_failures=0.0,
    )  # fmt: skip
    exclusions = tuple(Exclusion(what=what, reason=why) for what, why in world.exclusions.items())
    return Plan(
        suite=suite, budget=world.budget, tasks=tuple(tasks.values()), cells=cells, exclusions=exclusions
    )


def _task(name: str, problem: ProblemType) -> Task:
    number = zlib.crc32(name.encode())
    regression = problem is ProblemType.REGRESSION
    dataset = Dataset(
        name=name,
        problem=problem,
        target="target",
        classes=() if regression else tuple("abc"[: 2 if problem is ProblemType.BINARY else 3]),
        n_rows=500 + 100 * (number % 40),
        features=(
            Feature(name="a", kind=FeatureKind.NUMERIC),
            Feature(name="b", kind=FeatureKind.CATEGORICAL if number % 2 else FeatureKind.NUMERIC,
                    levels=("x", "y") if number % 2 else ()),
        ),
        fingerprint=f"{number:08x}" * 8,
        target_sd=1.0 if regression else math.nan,
        openml_id=None,
        grade=Grade.SAME_ORDER,
        origin=Origin.OBSERVED,
        licence="CC0",
        source="made up",
    )  # fmt: skip
    return Task(name=name, dataset=dataset, splits=SplitPlan(procedure="kfold3", openml_task_id=None))


def _planned(world: World, split: Split, task: Task, learner: str, seed: int, change: str) -> PlannedCell:
    cell = Cell(
        task=task,
        split=split,
        learner=learner,
        family=world.learners[learner],
        intervention=change,
        seed=seed,
        device="cpu",
        cores=1,
        validation=Validation("holdout", 25),
    )
    text = cell.id if world.lock == "k" else f"{cell.id} {world.lock}"
    key = f"{zlib.crc32(text.encode()):08x}" * 4
    return PlannedCell(cell=cell, learner=learner, evidence_key=key, learner_hash="l", lock_hash=world.lock)


def _attempt(world: World, planned: PlannedCell, run_id: str, *, failed: bool) -> tuple[Any, ...]:
    status = CellStatus.CRASH if failed else CellStatus.OK
    reason = "killed by signal 11 (SIGSEGV)" if failed else ""
    n_train = planned.cell.split.train_cap or 1000
    minority = N_TEST // 4 if planned.cell.task.problem is ProblemType.BINARY else None
    return (
        planned.evidence_key, 1, run_id, world.budget.seconds, world.budget.trials, 2**32, 0, 0,
        world.started, world.started, status.value, 1, "trials", reason, 1.0, 1.0, 0.1, n_train,
        n_train * 3 // 4, n_train // 4, N_TEST, minority, "{}", "a log with /a/path/of/the/machine",
    )  # fmt: skip


def _trials(world: World, planned: PlannedCell) -> list[tuple[Any, ...]]:
    """Return trials whose errors fall as the search goes on, in a way that is the same each time."""
    cell = planned.cell
    rng = np.random.default_rng(zlib.crc32(cell.id.encode()))
    hardness = np.random.default_rng(zlib.crc32(cell.task.name.encode())).uniform(-2.5, -1)
    smaller = 0.0 if cell.split.train_cap is None else 20 / cell.split.train_cap
    changed = 0.0 if cell.intervention == "none" else 0.2 * (cell.family != "linear")
    level = hardness + SKILL.get(cell.learner, 0.0) + smaller + changed + 0.05 * rng.standard_normal()
    flat = cell.learner == "dummy"
    own = np.random.default_rng(zlib.crc32(f"{cell.id} {world.draw}".encode()))
    moved = own.random() < world.moved
    difference = world.losses.get(cell.learner, 0.0) + moved * world.noise * own.standard_normal()
    found, spent = [], 0.0
    budget_s = world.budget.seconds or float(world.n_trials)
    for number in range(1 if flat else world.n_trials):
        gain = 0.0 if number == 0 else rng.normal(-0.01, 0.06)
        error = min(0.99, math.exp(level + gain))
        spent += world.slower * budget_s / world.n_trials * rng.uniform(0.5, 0.99)
        if world.budget.seconds is not None and spent > budget_s and number:
            break  # the deadline
        test = min(0.99, error * math.exp(0.03 * rng.standard_normal() + difference))
        classes = cell.task.problem is not ProblemType.REGRESSION
        metrics = {"ece": 0.05, "brier": 0.2, "log_loss": 0.4} if classes else {"rmse": test, "nrmse": test}
        if cell.task.problem is ProblemType.BINARY:
            metrics["auc"] = 1 - test
        predicted = f"{zlib.crc32(f'{cell.id} {number} {difference}'.encode()):08x}" * 2
        flags = "starved" if number == 3 and cell.learner == "mlp" else ""
        found.append(
            (
                planned.evidence_key, 1, number, json.dumps({"depth": number}), TrialStatus.OK.value, flags,
                error, test, error / 2, test, json.dumps({"test": metrics}), spent / (number + 1),
                spent / (number + 1), 0.01, 0.01, spent, 2**28, None, predicted, "",
                world.started,
            )
        )  # fmt: skip
    return found


def _marks(count: int) -> str:
    return ", ".join("?" * count)
