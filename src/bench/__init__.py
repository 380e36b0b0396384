"""Which inductive bias fits which data, at what cost? Model families compared under equal, enforced budgets.

    import bench

    run = bench.run("smoke", budget_s=1)                   # as `bench run smoke --budget 1`
    run = bench.run("prices.csv", target="price")          # or a data frame
    board = run.leaderboard(by="family")                   # shows itself in a notebook
    board.to_frame(), run.trials(), run.cells()            # pandas frames

Names are loaded when they are first used, so that importing bench costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.door import Run, compare, leaderboard, load_suite, open_store, plan, report, run
    from bench.errors import BenchError
    from bench.plans import Plan
    from bench.spaces import Choice, Float, Int
    from bench.suites import Suite
    from bench.zoo.estimator import estimator
    from bench.zoo.wrapped import wrap

_WHERE = {
    **dict.fromkeys(
        ("Run", "compare", "leaderboard", "load_suite", "open_store", "plan", "report", "run"), "bench.door"
    ),
    **dict.fromkeys(("Choice", "Float", "Int"), "bench.spaces"),
    "BenchError": "bench.errors",
    "Leaderboard": "bench.analysis.leaderboard",
    "Plan": "bench.plans",
    "Suite": "bench.suites",
    "estimator": "bench.zoo.estimator",
    "wrap": "bench.zoo.wrapped",
}

__all__ = [
    "BenchError",
    "Choice",
    "Float",
    "Int",
    "Leaderboard",
    "Plan",
    "Run",
    "Suite",
    "compare",
    "estimator",
    "leaderboard",
    "load_suite",
    "open_store",
    "plan",
    "report",
    "run",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module 'bench' has no attribute {name!r}")
    return getattr(importlib.import_module(_WHERE[name]), name)


def __dir__() -> list[str]:
    return __all__
