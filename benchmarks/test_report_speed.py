"""What a report of 200,000 trials costs: seconds to build, and bytes of the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from store_worlds import World, stored, tables

from bench.budgets import Budget
from bench.reporting.contents import report
from bench.reporting.folder import PAGE, folder
from bench.sources.cache import Cache
from bench.store.sqlite import Store

N_TABLES, N_LEARNERS, N_TRIALS = 100, 20, 100
MOST_BYTES = 2_000_000


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A run of 20 learners of 10 families on 100 tables, of 100 trials each."""
    families = {f"learner-{i:02}": f"family-{i // 2}" for i in range(N_LEARNERS - 2)}
    learners = {"dummy": "dummy", "random-forest": "forest", **families}
    world = World(
        tables=tables(N_TABLES),
        learners=learners,
        n_trials=N_TRIALS,
        budget=Budget(seconds=60, trials=N_TRIALS),
    )
    found = stored(world, tmp_path_factory.mktemp("results"))
    yield found
    found.close()


@pytest.mark.benchmark(group="report")
def test_a_report(benchmark: Any, store: Store, tmp_path: Path) -> None:
    """Its page is under 2 MB, whatever the time."""
    made = benchmark.pedantic(lambda: folder(report(store, (), (), "small", Cache(tmp_path))), rounds=1)
    benchmark.extra_info["page_bytes"] = len(made[PAGE])
    assert len(made[PAGE]) < MOST_BYTES
