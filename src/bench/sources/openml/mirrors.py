"""Which table of the catalogue stands in for a task of OpenML, and which only looks like it."""

from __future__ import annotations

from bench.datasets import Grade
from bench.sources.catalog import TableRecord, catalog
from bench.sources.openml.known import known_tasks

_BEST_FIRST = (Grade.BYTE_IDENTICAL, Grade.SAME_ORDER)


def official_mirror(task_id: int) -> TableRecord | None:
    """Return the table that holds a task's rows in OpenML's order, the most alike one; None without one.

    A copy that is known to differ, or whose order the hash of the splits cannot prove, is none.

    OpenML draws the splits of all tasks of one procedure on one table alike, so a task that is only known to
    be of that kind is served as well.
    """
    known = known_tasks().get(task_id)
    same = None if known is None or known.procedure != "cv10" else known.dataset_id
    records = [
        table
        for table in catalog().values()
        if table.official is not None
        and not table.differs
        and (table.official.openml_task_id == task_id or (same is not None and table.openml_id == same))
    ]
    return min(records, key=lambda table: _BEST_FIRST.index(table.grade), default=None)


def no_mirror(task_id: int, why_not_openml: str) -> str:
    """Return why a task cannot be had, and what is the nearest to it."""
    known = known_tasks().get(task_id)
    alike = [
        table
        for table in catalog().values()
        if table.openml_task_id == task_id or (known is not None and table.openml_id == known.dataset_id)
    ]
    hint = ""
    if alike:
        listed = " or ".join(
            f'dataset = "{table.name}" ({table.grade}{table.differs and f": {table.differs}"})'
            for table in alike
        )
        hint = f"; a look-alike runs under its own name, on splits of its own: {listed}"
    return f"{why_not_openml}; no mirror holds its rows in OpenML's order{hint}"
