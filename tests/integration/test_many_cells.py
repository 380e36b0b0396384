"""Hundreds of cells that end in milliseconds: no message, end or file descriptor is lost on the way."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from bench.budgets import Budget
from bench.cells import CellStatus
from bench.config.load import load_suite
from bench.events import CellFinished, CellStarted, TrialFinished
from bench.execution.local import LocalExecutor
from bench.registry import learners
from bench.session import Request, make_plan, run
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.store.opening import open_store

CELLS = 200


def test_two_hundred_tiny_cells_all_end_well(tmp_path, cache_root):
    suite = load_suite("smoke", learners(), catalog())
    budget = Budget(seconds=None, trials=1)
    suite = dataclasses.replace(
        suite, tasks=suite.tasks[-1:], learners=("dummy",), seeds=tuple(range(CELLS)), budget=budget
    )
    cache = Cache(cache_root)
    plan = make_plan(suite, cache, Request(), lambda line: None)
    store = open_store(tmp_path)
    before = open_files(tmp_path)
    events = list(run(plan, store, LocalExecutor(), cache, Request()))
    assert [e.outcome.status for e in events if isinstance(e, CellFinished)] == [CellStatus.OK] * CELLS
    assert sum(isinstance(e, TrialFinished) for e in events) == CELLS
    assert len({e.cell.id for e in events if isinstance(e, CellStarted)}) == CELLS
    assert open_files(tmp_path) == before, "a file descriptor was left open"
    store.close()


def open_files(store: Path) -> int:
    """How many file descriptors this process has open, those of the store left out."""
    count = 0
    for path in Path("/proc/self/fd").iterdir():
        try:
            count += not str(path.readlink()).startswith(str(store))
        except OSError:
            continue
    return count
