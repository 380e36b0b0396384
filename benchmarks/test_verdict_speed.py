"""What verdicts cost: one claim, and all that bench has, each on its share of 200,000 trials."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from bench.analysis.claims.evidence import Evidence
from bench.analysis.claims.verdicts import Verdict, verdict
from bench.analysis.frames import cells_frame, trials_frame
from bench.claims import Claim, Unit
from bench.config.claim_suites import needed, own_seeds
from bench.config.claims import list_claims, load_claim

N_TRIALS = 200_000
PROBLEMS = ("binary", "multiclass", "regression")


def evidence(claim: Claim, n_trials: int) -> Evidence:
    """Return made-up evidence of every cell that a claim's small profile needs, about so many trials."""
    suite = claim.profiles["small"]
    wanted = needed(claim, suite)
    grid = pd.DataFrame(
        [
            {"task": task.name, "learner": learner, "intervention": intervention, "seed": seed}
            for i, task in enumerate(suite.tasks)
            for learner, intervention, seed, only in sorted(wanted, key=str)
            if only in (None, task.name)
        ]
    ).drop_duplicates(ignore_index=True)
    keys = [f"{i:032x}" for i in range(len(grid))]
    kinds = {task.name: PROBLEMS[i % 3] for i, task in enumerate(suite.tasks)}
    problem = grid["task"].map(kinds) if claim.unit is Unit.DATASET else "multiclass"
    plan = grid.assign(
        cell_id=keys, evidence_key=keys, dataset=grid["task"], problem=problem, repeat=0, fold=0, family="",
        device="cpu1", status="ok", reason="", train_cap=1000.0, n_train=1000.0,
    )  # fmt: skip
    return Evidence(
        trials_frame(_trials(plan, n_trials // len(plan))), cells_frame(plan), own_seeds(claim, suite)
    )


def _trials(plan: pd.DataFrame, n_each: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    n = len(plan) * n_each
    metrics = {"error_rate": 0.2, "balanced_accuracy": 0.8, "mae": 1.0, "n_rows": 400, "n_minority": 100}
    parts = {"test": metrics, "test_without_twins": {**metrics, "test_score": 0.2}}
    measured: Any = dict.fromkeys(
        ("validation_score", "test_score", "train_score", "test_score_single"), rng.uniform(0.1, 0.5, n)
    )
    trials = plan.drop(columns="reason").loc[np.repeat(np.arange(len(plan)), n_each)].reset_index(drop=True)
    trials = trials.assign(
        validation="holdout25", attempt=1, attempt_budget_s=np.nan, attempt_budget_trials=float(n_each),
        flags="", billed_s=1.0, unbilled_s=0.1, n_test=500.0, n_test_minority=100.0,
        metrics=json.dumps(parts), **measured,
    )  # fmt: skip
    trial = np.tile(np.arange(n_each), len(plan))
    return trials.assign(trial=trial, spent_s=trial + 1.0)


@pytest.mark.benchmark(group="verdicts")
@pytest.mark.parametrize("name", ["trees-not-boosting", "permuted-pixels"])
def test_one_claim(benchmark: Any, name: str) -> None:
    """Under a second is wanted."""
    claim = load_claim(name)
    n_each = N_TRIALS // len(list_claims())
    benchmark.pedantic(
        lambda of: verdict(of, claim, "small"), setup=lambda: ((evidence(claim, n_each),), {}), rounds=3
    )


@pytest.mark.benchmark(group="verdicts")
def test_all_claims(benchmark: Any) -> None:
    """Under ten seconds are wanted."""
    claims = [load_claim(name) for name in list_claims()]
    n_each = N_TRIALS // len(claims)

    def judged(*found: Evidence) -> list[Verdict]:
        return [verdict(of, claim, "small") for of, claim in zip(found, claims, strict=True)]

    benchmark.pedantic(
        judged, setup=lambda: (tuple(evidence(claim, n_each) for claim in claims), {}), rounds=1
    )
