"""Which training-set sizes a task is planned at: of those that take all its rows, one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from bench.plans import Exclusion
from bench.suites import Suite
from bench.tasks import Task


def planned_caps(suite: Suite, task: Task) -> tuple[int | None, ...]:
    """Return the caps on training rows that a task is planned at, None for no cap, in the suite's order.

    Of the caps that reach all of its training rows one stays: no cap where the suite names that, else the
    smallest. How many rows those are is what the split plan foretells of the largest of its folds.
    """
    most = _most_rows(suite, task)
    whole = [cap for cap in suite.train_caps if _size(cap) >= most]
    kept = None if None in whole else min(whole, key=_size, default=None)
    return tuple(cap for cap in suite.train_caps if cap not in whole or cap == kept)


def repeated_sizes(suite: Suite, tasks: Sequence[Task]) -> Iterator[Exclusion]:
    """Yield, once for each task, the sizes that would run its rows a second time."""
    where = {reference.name: reference.where for reference in suite.tasks}
    for task in tasks:
        planned = planned_caps(suite, task)
        left_out = [f"{cap:,}" for cap in suite.train_caps if cap is not None and cap not in planned]
        if left_out:
            taken = "full" if None in planned else f"{max(map(_size, planned)):,.0f}"
            named = f"{where.get(task.name, 'tasks')} ({task.name})"
            yield Exclusion(
                what=f"{named} at {' and '.join(left_out)} training rows",
                reason=f"it has about {_most_rows(suite, task):,}, all of which are run once, at {taken}",
                repeated=True,
            )


def _most_rows(suite: Suite, task: Task) -> int:
    """The training rows of the largest fold that a suite runs, before any cap."""
    folds = range(min(suite.folds, task.splits.n_folds))
    return max(task.splits.train_rows(task.dataset.n_rows, fold) for fold in folds)


def _size(cap: int | None) -> float:
    return math.inf if cap is None else cap
