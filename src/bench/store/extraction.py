"""From a store's rows to what later runs are compared with."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from bench.baselines import CELLS, TRIALS, Baseline
from bench.cells import CellStatus
from bench.environments import machine_hash
from bench.store.query import cell_rows, evidence_rows, trial_rows
from bench.store.sqlite import Store

Row: TypeAlias = Mapping[str, Any]

_MACHINES = """
SELECT evidence_key, attempt, v.record
FROM attempts a
JOIN runs r USING (run_id)
JOIN environments v ON v.hash = r.environment
WHERE evidence_key IN (SELECT evidence_key FROM run_cells WHERE run_id = :run)
"""
"""What each attempt ran on: a run goes on with cells that another one began, perhaps elsewhere."""


def extracted(store: Store, run: Row) -> Baseline:
    """Return a run of a store as others are compared with it."""
    trials = trial_rows(store, run["run_id"])
    cells = _cells(store, run, trials)
    place = {cell["evidence_key"]: i for i, cell in enumerate(cells)}
    machines = {
        (row["evidence_key"], row["attempt"]): machine_hash(json.loads(row["record"]))
        for row in store.rows(_MACHINES, {"run": run["run_id"]})
    }
    kept = [
        {
            **trial,
            "cell": place[trial["evidence_key"]],
            "config_hash": hashlib.sha256(trial["config"].encode()).hexdigest()[:8],
            "machine": machines[trial["evidence_key"], trial["attempt"]],
            "metrics": _on_test_rows(trial["metrics"]),
        }
        for trial in trials
    ]
    environment = store.rows("SELECT record FROM environments WHERE hash = ?", (run["environment"],))
    names = ("run_id", "suite", "suite_hash", "budget_s", "budget_trials", "started_at", "ended_at")
    return Baseline(
        **{name: run[name] for name in names},
        environment=json.loads(environment[0]["record"]),
        cells=_columns(cells, CELLS),
        trials=_columns(kept, TRIALS),
    )


def _cells(store: Store, run: Row, trials: Sequence[Row]) -> list[dict[str, Any]]:
    """Return the cells of a run, each with its data, its versions, and when its first trial ended."""
    first: dict[str, Row] = {}
    for trial in trials:
        key = trial["evidence_key"]
        if key not in first or trial["finished_at"] < first[key]["finished_at"]:
            first[key] = trial
    found = []
    rows = zip(cell_rows(store, run["run_id"]), evidence_rows(store, run["run_id"]), strict=True)
    for cell, evidence in rows:
        began = first.get(cell["evidence_key"])
        counts = ("n_test", "n_test_minority")
        tested = {name: began[name] for name in counts} if began is not None else {}
        failed = bool(cell["status"]) and CellStatus(cell["status"]).failed
        found.append(
            {
                **evidence,
                **cell,
                **tested,
                "reason": cell["reason"] if failed else "",
                "begun_at": "" if began is None else began["finished_at"],
            }
        )
    return found


def _on_test_rows(recorded: str) -> dict[str, float]:
    """Return the metrics on the test rows, less those that are no number."""
    found: dict[str, float] = json.loads(recorded or "{}").get("test", {})
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _columns(rows: Sequence[Row], names: Mapping[str, object]) -> dict[str, list[Any]]:
    return {name: [row[name] for row in rows] for name in names}
