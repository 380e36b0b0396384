"""The rule that cuts a benchmark suite down to what two cores finish overnight. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.datasets import ProblemType
from bench.sources.openml.known import KnownTask

FEWEST_ROWS, MOST_ROWS = 500, 50_000
MOST_FEATURES = 100
MOST_CLASSES = 10
MOST_TASKS = 10
"""Of a suite; shared evenly by the problem types that it has."""


def lite_cut(tasks: Iterable[KnownTask]) -> tuple[KnownTask, ...]:
    """Return the tasks of a suite's lite cut, by problem type, then by size.

    1. The size is known: 500 to 50,000 rows, at most 100 features, at most 10 classes.
    2. Of tasks on tables of one name, the one with the lowest number.
    3. Of each problem type's tasks, ordered by rows x features, those at even distances, the smallest and the
       largest among them, as many of each type as all can have within ten.
    """
    by_name: dict[str, KnownTask] = {}
    for task in sorted(tasks, key=lambda task: task.task_id):
        if _is_small(task):
            by_name.setdefault(task.name.lower(), task)
    types = [problem for problem in ProblemType if any(t.problem is problem for t in by_name.values())]
    return tuple(
        task
        for problem in types
        for task in _spaced([t for t in by_name.values() if t.problem is problem], MOST_TASKS // len(types))
    )


def _is_small(task: KnownTask) -> bool:
    if task.rows is None or task.features is None or task.classes is None:
        return False
    return (
        FEWEST_ROWS <= task.rows <= MOST_ROWS
        and 1 <= task.features <= MOST_FEATURES
        and task.classes <= MOST_CLASSES
    )


def _spaced(tasks: Sequence[KnownTask], amount: int) -> Sequence[KnownTask]:
    ordered = sorted(tasks, key=lambda task: ((task.rows or 0) * (task.features or 0), task.task_id))
    if len(ordered) <= amount:
        return ordered
    if amount == 1:
        return ordered[len(ordered) // 2 :][:1]
    last = len(ordered) - 1
    return [ordered[(2 * i * last + amount - 1) // (2 * (amount - 1))] for i in range(amount)]
