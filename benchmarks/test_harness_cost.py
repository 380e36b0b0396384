"""What the harness itself costs: an isolated cell, a stored trial, a plan, a run with nothing to do."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from bench.budgets import Budget
from bench.config.load import load_suite
from bench.environments import capture_environment
from bench.execution.inline import InlineExecutor
from bench.execution.local import LocalExecutor
from bench.orders import Order
from bench.plans import Plan
from bench.registry import learners
from bench.session import Request, make_plan, outline_plan, run
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.store.opening import open_store
from bench.store.sqlite import RunRequest
from bench.trials import Cost, Trial, TrialStatus

CELLS = 40


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Cache:
    return Cache(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def plan(cache) -> Plan:
    """Cells that fit next to nothing: the dummy on a table of 209 rows, a seed each."""
    suite = load_suite("smoke", learners(), catalog())
    suite = dataclasses.replace(
        suite,
        tasks=suite.tasks[-1:],
        learners=("dummy",),
        seeds=tuple(range(CELLS)),
        budget=Budget(seconds=None, trials=1),
    )
    return make_plan(suite, cache, Request(), lambda line: None)


@pytest.mark.parametrize("executor", [LocalExecutor, InlineExecutor], ids=["isolated", "inline"])
def test_forty_tiny_cells(benchmark, plan, cache, tmp_path, executor):
    folders = iter(range(1000))

    def whole_run():
        store = open_store(tmp_path / str(next(folders)))
        finished = list(run(plan, store, executor(), cache, Request()))
        store.close()
        return finished

    finished = benchmark.pedantic(whole_run, rounds=3, warmup_rounds=1)
    assert len(finished) >= 3 * CELLS


def test_a_trial_is_stored(benchmark, plan, tmp_path):
    store = open_store(tmp_path)
    store.add_run("run", plan, RunRequest(key=""), capture_environment())
    order = an_order(plan)
    store.start_attempt(order, "run")
    numbers = iter(range(1_000_000))
    benchmark(lambda: store.add_trial(order, a_trial(next(numbers)), None))


def test_a_run_with_nothing_to_do(benchmark, plan, cache, tmp_path):
    store = open_store(tmp_path)
    list(run(plan, store, LocalExecutor(), cache, Request()))
    benchmark.pedantic(lambda: list(run(plan, store, LocalExecutor(), cache, Request())), rounds=5)


def test_the_tour_is_planned(benchmark, cache):
    suite = load_suite("tabular", learners(), catalog())
    benchmark(lambda: outline_plan(suite, cache, Request()))


def an_order(plan: Plan) -> Order:
    first = plan.cells[0]
    return Order(
        cell=first.cell,
        learner=first.learner,
        evidence_key=first.evidence_key,
        attempt=1,
        budget=plan.budget,
        start_trial=0,
        spent_s=0.0,
        cache_root=str(Path()),
    )


def a_trial(number: int) -> Trial:
    cost = Cost(billed_s=0.1, billed_wall_s=0.1, unbilled_s=0.1, unbilled_wall_s=0.1, peak_memory_bytes=1)
    metrics = {
        part: {"rmse": 0.1, "mae": 0.1, "r2": 0.5, "nrmse": 0.7} for part in ("train", "validation", "test")
    }
    return Trial(
        number=number,
        config={"alpha": 0.1},
        status=TrialStatus.OK,
        cost=cost,
        spent_s=0.1 * number,
        validation_score=0.5,
        test_score=0.5,
        train_score=0.5,
        metrics=metrics,
    )
