"""What a leaderboard costs: one that is redrawn during a run, and one of a million trials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.leaderboard import leaderboard
from bench.analysis.tiers import compare_pairs
from bench.analysis.views import View

LEARNERS = ("random-forest", "dummy", *(f"learner-{i}" for i in range(13)))
PROBLEMS = np.array(["binary", "multiclass", "regression"])


def run(n_tasks: int, n_splits: int, n_trials: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return frames of every learner on every split, each with so many trials."""
    rng = np.random.default_rng(0)
    grid = pd.MultiIndex.from_product([range(n_tasks), range(n_splits), range(len(LEARNERS))])
    task, fold, learner = (grid.get_level_values(level).to_numpy() for level in range(3))
    names = np.array(LEARNERS)[learner]
    keys = np.array([f"{i:032x}" for i in range(len(grid))])
    cells: dict[str, Any] = {
        "cell_id": keys,
        "evidence_key": keys,
        "task": np.char.add("task-", task.astype(str)),
        "dataset": np.char.add("dataset-", task.astype(str)),
        "problem": PROBLEMS[task % 3],
        "repeat": 0,
        "fold": fold,
        "learner": names,
        "family": np.char.add("family-", (learner // 2).astype(str)),
        "intervention": "none",
        "seed": 0,
        "device": "cpu1",
        "status": "ok",
        "reason": "",
    }
    plan = cells_frame(pd.DataFrame(cells))
    n = len(grid) * n_trials
    scores = rng.uniform(0.1, 0.5, size=n)
    trials = plan.drop(columns="reason").loc[np.repeat(np.arange(len(grid)), n_trials)].reset_index(drop=True)
    constant = {
        "validation": "holdout25",
        "attempt": 1,
        "attempt_budget_s": 30.0,
        "attempt_budget_trials": np.nan,
    }
    measured = dict.fromkeys(("validation_score", "test_score", "train_score", "test_score_single"), scores)
    trials = trials.assign(**constant, **measured, flags="", billed_s=1.0, unbilled_s=0.1, n_test=500.0)
    trials["trial"] = np.tile(np.arange(n_trials), len(grid))
    trials["spent_s"], trials["n_test_minority"] = trials["trial"] + 1.0, 100.0
    return trials_frame(trials), plan


@pytest.mark.parametrize("by", ["learner", "family"])
def test_a_leaderboard_is_redrawn_during_a_run(benchmark, by):
    trials, cells = run(n_tasks=16, n_splits=3, n_trials=20)
    board = benchmark(leaderboard, trials, cells, View(by=by, budget_s=15.0))
    assert board.datasets == {"binary": 6, "multiclass": 5, "regression": 5}


def test_a_million_trials(benchmark):
    trials, cells = run(n_tasks=100, n_splits=10, n_trials=67)
    assert len(trials) > 1_000_000
    board = benchmark.pedantic(leaderboard, args=(trials, cells, View(budget_s=50.0)), rounds=3)
    assert len(board.rows) == len(LEARNERS)


def test_tiers_of_fifteen_entries_on_twenty_tables(benchmark):
    values = np.random.default_rng(0).standard_t(3, (15, 20))
    assert benchmark(compare_pairs, values).n.max() == 20
