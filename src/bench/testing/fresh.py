"""What a learner does in a process of its own: `python -m bench.testing.fresh`, the learner on its input.

It says so in one JSON object, on the last line that it prints.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import pickle
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.datasets import ProblemType
from bench.learners import specification_hash
from bench.tasks import TaskShape

if TYPE_CHECKING:
    from bench.learners import Learner

HEAVY = frozenset(
    {
        *("catboost", "gpytorch", "jax", "lightgbm", "numpy", "pandas"),
        *("scipy", "sklearn", "tensorflow", "torch", "xgboost"),
    }
)
"""What asking a learner for its space and limits may not import."""


def main() -> None:
    """Ask, import what a fork server would, and fit."""
    learner, problem = pickle.load(sys.stdin.buffer)  # noqa: S301 - written by the parent of this very process
    print(json.dumps(_report(learner, problem)))  # noqa: T201 - it is what this program is for


def _report(learner: Learner, problem: ProblemType) -> dict[str, Any]:
    before = set(sys.modules)
    specification = specification_hash(learner)
    for each in ProblemType:
        learner.limit(TaskShape(problem=each, n_rows=10_000, n_numeric=3, levels=(4,), n_classes=2))
    imported = sorted(HEAVY & (set(sys.modules) - before))
    for module in learner.modules:
        importlib.import_module(module)
    threads = _threads()
    return {
        "specification": specification,
        "imported": imported,
        "threads": threads,
        "digest": digest(learner, problem),
    }


def digest(learner: Learner, problem: ProblemType) -> str:
    """Return a hash of everything that the default fit says of the test rows."""
    from bench.testing.subject import Subject

    subject = Subject(learner)
    return digest_of(subject.fitted(problem), subject.parts(problem).test[0])


def digest_of(estimator: Any, X: Any) -> str:
    """Return a hash of everything that an estimator says of X."""
    import numpy as np

    from bench.testing.rows import outputs

    return hashlib.sha256(np.ascontiguousarray(outputs(estimator, X)).tobytes()).hexdigest()


def _threads() -> list[str]:
    """Return the names of this process's threads beside the first; none where there is no /proc."""
    if not Path("/proc/self/task").is_dir():
        return []
    from bench.runner.processes import threads

    return threads(os.getpid())[1:]


if __name__ == "__main__":
    main()
