"""How learners say that they do not apply, and when an approximate one stands in for an exact one."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import replace

from bench.tasks import TaskShape
from bench.zoo.declaration import ZooLearner

MANY = range(10**9)
"""The numbers of rows that are considered."""


def about(seconds: float) -> str:
    """Return a foretold time with the two digits that are worth saying."""
    return f"about {float(f'{seconds:.2g}'):g} s"


def kept_out_by(exact: ZooLearner, shape: TaskShape) -> str | None:
    """Return why an approximate learner does not apply to a shape that the exact one takes, or None."""
    if exact.limit(shape) is not None:
        return None
    too_many = bisect_left(MANY, True, key=lambda n: exact.limit(replace(shape, n_rows=n)) is not None)
    return f"approximate: up to {too_many - 1:,} rows of such a table the exact {exact.name} runs"
