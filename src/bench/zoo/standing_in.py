"""When an approximate learner stands in for an exact one: only where the exact one does not apply."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from bench.tasks import TaskShape
from bench.zoo.declaration import ZooLearner


def kept_out_by(exact: ZooLearner, shape: TaskShape) -> str | None:
    """Return why an approximate learner does not apply to a shape that the exact one takes, or None."""
    if exact.limit(shape) is not None:
        return None
    rows = bisect_left(range(10**9), True, key=lambda n: exact.limit(replace(shape, n_rows=n)) is not None) - 1
    return f"approximate: up to {rows:,} rows of such a table the exact {exact.name} runs"
