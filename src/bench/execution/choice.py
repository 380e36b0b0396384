"""Which executor runs a suite's cells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.errors import ConfigError
from bench.execution.inline import InlineExecutor
from bench.execution.local import LocalExecutor
from bench.suites import Suite

if TYPE_CHECKING:
    from bench.execution.progress import Executor

EXECUTORS = ("local", "inline")


def executor_for(suite: Suite, name: str, jobs: int | None) -> Executor:
    """Return the executor of that name, for cells like the suite's, up to `jobs` at once.

    Cells that have a device run one at a time: two would wait for each other on the clock.

    Raises:
        ConfigError: there is no such executor, or no room for so many cells.
        PrerequisiteError: this system cannot isolate cells.
    """
    if name not in EXECUTORS:
        raise ConfigError(f"no executor is called {name!r} (executors: {', '.join(EXECUTORS)})")
    if name == "inline":
        return InlineExecutor()
    if suite.device == "cpu":
        return LocalExecutor(jobs, suite.budget.cores)
    if (jobs or 1) > 1:
        raise ConfigError(f"--jobs {jobs}: cells on {suite.device} run one at a time, or they would wait")
    return LocalExecutor(1, suite.budget.cores)
