"""What is logged of each cell's tuned result: its configuration, scores, costs, and what names the cell.

A run of MLflow is found again by its tag `bench.evidence_key`: the same evidence is logged once.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bench.publishing.chosen import chosen_trials
from bench.store.query import cell_rows, evidence_rows
from bench.store.sqlite import Store

KEY_TAG = "bench.evidence_key"
_NAMING = ("task", "dataset", "problem", "learner", "family", "intervention", "validation")
_SCORES = ("validation_score", "test_score", "train_score", "test_score_single")
_COSTS = (
    *("billed_s", "spent_s", "unbilled_s", "billed_wall_s", "unbilled_wall_s", "peak_memory_bytes"),
    "energy_j",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """A run of MLflow; texts and finite numbers alone."""

    name: str
    """The cell's id."""
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    begun_ms: int
    """When the trial began and ended, UTC, since 1970."""
    ended_ms: int

    @property
    def evidence_key(self) -> str:
        """What it is found again by."""
        return self.tags[KEY_TAG]


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLogged:
    """A cell without a result."""

    name: str
    reason: str


def logged_runs(store: Store, run: Mapping[str, Any]) -> tuple[list[Logged], list[NotLogged]]:
    """Return what is logged of a run, in the plan's order, and the cells of which nothing is."""
    trials = chosen_trials(store, dict(run), "tuned")
    evidence = {row["evidence_key"]: row for row in evidence_rows(store, run["run_id"])}
    found, rest = [], []
    for cell in cell_rows(store, run["run_id"]):
        trial = trials.get(cell["evidence_key"])
        if trial is None:
            reason = cell["reason"] or "no valid trial"
            rest.append(NotLogged(name=cell["cell_id"], reason=f"{cell['status'] or 'not begun'}: {reason}"))
        else:
            found.append(_logged(trial, evidence[cell["evidence_key"]], run))
    return found, rest


def _logged(trial: Mapping[str, Any], evidence: Mapping[str, Any], run: Mapping[str, Any]) -> Logged:
    ended_ms = round(datetime.fromisoformat(trial["finished_at"]).timestamp() * 1000)
    took_s = (trial["billed_wall_s"] or 0) + (trial["unbilled_wall_s"] or 0)
    config: Mapping[str, Any] = json.loads(trial["config"])
    return Logged(
        name=trial["cell_id"],
        params={name: _text(value) for name, value in config.items()},
        metrics=dict(_metrics(trial)),
        tags={
            "bench.cell_id": trial["cell_id"],
            KEY_TAG: trial["evidence_key"],
            "bench.run_id": run["run_id"],
            "bench.dataset_fingerprint": evidence["fingerprint"],
            "bench.trial": str(trial["trial"]),
            "bench.trial_status": trial["status"],
            "bench.flags": trial["flags"],
            "bench.prediction_hash": trial["prediction_hash"] or "",
            **{f"bench.{name}": str(trial[name]) for name in _NAMING},
        },
        begun_ms=ended_ms - round(took_s * 1000),
        ended_ms=ended_ms,
    )


def _metrics(trial: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Yield scores, which are errors, every metric of each part as `test.auc`, and costs."""
    numbers = {name: trial[name] for name in (*_SCORES, *_COSTS)}
    for part, metrics in json.loads(trial["metrics"]).items():
        numbers |= {f"{part}.{name}": value for name, value in metrics.items()}
    for name, value in numbers.items():
        if value is not None and math.isfinite(value):
            yield name, float(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
