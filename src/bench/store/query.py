"""A run as rows: of its cells and of their trials."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from bench.cells import CellStatus
from bench.datasets import ImageShape
from bench.errors import ConfigError, PrerequisiteError
from bench.interventions import parse_intervention
from bench.store.sqlite import Store

NOT_BEGUN = ""
"""The status of a cell that no attempt was made at."""

_LATEST = """
    SELECT o.position, evidence_key, max(attempt) AS attempt,
        max(CASE WHEN fresh THEN attempt ELSE 1 END) AS since
    FROM run_cells o
    JOIN attempts USING (evidence_key)
    WHERE o.run_id = :run
        AND started_at <= (SELECT coalesce(ended_at, '9999') FROM runs WHERE run_id = :run)
    GROUP BY evidence_key
"""
"""A cell's latest attempt as the run saw it: what later runs add does not change what an ended one shows.

With its place in the run, so that a trial need not look for its cell among all of the run."""

_TRIALS = f"""
-- A space that ended before its budget has no more to show under any other: it counts as the run's own.
WITH latest AS ({_LATEST})
SELECT e.task, d.name AS dataset, e.problem, e.repeat, e.fold, e.train_cap, e.learner, e.family,
    e.intervention, e.seed, e.device || e.cores AS device, e.validation, e.cell_id, t.evidence_key, t.attempt,
    CASE WHEN a.ended_by = 'space' THEN max(a.budget_s, n.budget_s) ELSE a.budget_s END AS attempt_budget_s,
    CASE WHEN a.ended_by = 'space' THEN max(a.budget_trials, n.budget_trials) ELSE a.budget_trials END
        AS attempt_budget_trials,
    t.trial, t.status, t.flags,
    t.validation_score, t.test_score, t.train_score, t.test_score_single, t.billed_s, t.spent_s, t.unbilled_s,
    c.n_test, c.n_test_minority, t.billed_wall_s, t.unbilled_wall_s, t.peak_memory_bytes, t.energy_j,
    t.prediction_hash, t.config, t.metrics, t.reason, t.finished_at
FROM latest l
JOIN runs n ON n.run_id = :run
JOIN evidence e USING (evidence_key)
JOIN datasets d USING (fingerprint)
JOIN trials t ON t.evidence_key = l.evidence_key AND t.attempt BETWEEN l.since AND l.attempt
JOIN attempts a ON a.evidence_key = t.evidence_key AND a.attempt = t.attempt
LEFT JOIN attempts c ON c.evidence_key = l.evidence_key AND c.attempt = (
    SELECT max(attempt) FROM attempts WHERE evidence_key = l.evidence_key AND n_test IS NOT NULL)
ORDER BY l.position, t.trial, t.attempt
"""

_CELLS = f"""
WITH latest AS ({_LATEST})
SELECT e.cell_id, e.evidence_key, e.task, d.name AS dataset, e.problem, e.repeat, e.fold, e.train_cap,
    e.learner, e.family, e.intervention, e.seed, e.device || e.cores AS device, e.validation,
    r.not_applicable, a.attempt, a.status, a.complete, a.ended_by, a.reason,
    a.budget_s, a.budget_trials, a.started_at, a.ended_at, a.wall_s,
    a.cpu_s, a.warm_up_s,
    a.n_train, a.n_fit, a.n_validation, a.n_test, a.n_test_minority, a.limits, a.log
FROM run_cells r
JOIN evidence e USING (evidence_key)
JOIN datasets d USING (fingerprint)
LEFT JOIN latest l USING (evidence_key)
LEFT JOIN attempts a ON a.evidence_key = l.evidence_key AND a.attempt = l.attempt
WHERE r.run_id = :run
ORDER BY r.position
"""


_EVIDENCE = """
SELECT e.*, d.name AS dataset
FROM run_cells r
JOIN evidence e USING (evidence_key)
JOIN datasets d USING (fingerprint)
WHERE r.run_id = :run
ORDER BY r.position
"""


_DATASETS = """
SELECT fingerprint, record FROM datasets
WHERE fingerprint IN (
    SELECT fingerprint FROM run_cells JOIN evidence USING (evidence_key) WHERE run_id = :run)
"""


def runs(store: Store) -> list[dict[str, Any]]:
    """Return every run, the latest first."""
    return store.rows(
        "SELECT run_id, suite, suite_hash, budget_s, budget_trials, within_s, started_at, ended_at,"
        " (SELECT count(*) FROM run_cells c WHERE c.run_id = runs.run_id) AS cells"
        " FROM runs ORDER BY started_at DESC, rowid DESC"
    )


def find_run(store: Store, name: str | None) -> dict[str, Any]:
    """Return the run of that id, or the latest.

    Raises:
        ConfigError: there is no such run.
        PrerequisiteError: the store holds no run at all.
    """
    known = store.rows("SELECT * FROM runs ORDER BY started_at DESC, rowid DESC")
    if not known:
        raise PrerequisiteError(f"{store.folder}: holds no run yet; `bench run tabular` makes one")
    if name is None:
        return known[0]
    for run in known:
        if run["run_id"] == name:
            return run
    raise ConfigError(f'no run "{name}" in {store.folder} (see `bench list runs`)')


def exclusions(run: dict[str, Any]) -> dict[str, str]:
    """Return what a run left out before it began, and why."""
    return {each["what"]: each["reason"] for each in json.loads(run["record"])["exclusions"]}


def repeats(run: dict[str, Any]) -> frozenset[str]:
    """Return what of that was left out because the run holds the same rows under another name."""
    found = json.loads(run["record"])["exclusions"]
    return frozenset(each["what"] for each in found if each.get("repeated", False))


def cell_rows(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Return the cells of a run with how they stand, in the plan's order.

    `augmentation` is whether augmentation of images is among what a cell searches.
    """
    rows = _with_augmentation(store.rows(_CELLS, {"run": run_id}), store, run_id)
    for row in rows:
        reason = row.pop("not_applicable")
        if reason is not None:
            row |= {"status": CellStatus.NOT_APPLICABLE.value, "reason": reason}
        elif row["attempt"] is None:
            row |= {"status": NOT_BEGUN, "reason": ""}
        elif row["status"] is None:
            row |= {"status": CellStatus.INTERRUPTED.value, "reason": "running, or its run was killed"}
    return rows


def trial_rows(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Return the trials of a run's cells, of every attempt since a cell was last begun afresh.

    `augmentation` is whether its cell searches that too; which one a trial has is in its `config`.
    """
    return _with_augmentation(store.rows(_TRIALS, {"run": run_id}), store, run_id)


def _with_augmentation(rows: list[dict[str, Any]], store: Store, run_id: str) -> list[dict[str, Any]]:
    offered = _augmented(store, run_id)
    return [{**row, "augmentation": row["evidence_key"] in offered} for row in rows]


def _augmented(store: Store, run_id: str) -> frozenset[str]:
    """Return the evidence keys of cells that offer augmentation: those whose rows are images and stay so."""
    found = store.rows("SELECT record FROM runs WHERE run_id = :run", {"run": run_id})
    if not any(json.loads(run["record"])["suite"].get("augmentation", False) for run in found):
        return frozenset()
    datasets = store.rows(_DATASETS, {"run": run_id})
    images = {each["fingerprint"] for each in datasets if json.loads(each["record"]).get("image") is not None}
    return frozenset(
        each["evidence_key"]
        for each in evidence_rows(store, run_id)
        if each["fingerprint"] in images and parse_intervention(each["intervention"]).kind.keeps_images
    )


def evidence_rows(store: Store, run_id: str) -> list[dict[str, Any]]:
    """Return what names table, split and validation of each cell of a run, in the plan's order."""
    return store.rows(_EVIDENCE, {"run": run_id})


_KEYS = "SELECT value FROM json_each(:keys)"
_NEWEST = f"""
    SELECT evidence_key, max(attempt) AS attempt, max(CASE WHEN fresh THEN attempt ELSE 1 END) AS since
    FROM attempts WHERE evidence_key IN ({_KEYS}) GROUP BY evidence_key
"""
_EVIDENCE_TRIALS = f"""
WITH newest AS ({_NEWEST})
SELECT e.task, d.name AS dataset, e.problem, e.repeat, e.fold, e.train_cap, e.learner, e.family,
    e.intervention, e.seed, e.device || e.cores AS device, e.validation, e.cell_id, t.evidence_key, t.attempt,
    CASE WHEN a.ended_by = 'space' THEN max(a.budget_s, :budget_s) ELSE a.budget_s END AS attempt_budget_s,
    CASE WHEN a.ended_by = 'space' THEN max(a.budget_trials, :budget_trials) ELSE a.budget_trials END
        AS attempt_budget_trials,
    t.trial, t.status, t.flags, t.validation_score, t.test_score, t.train_score, t.test_score_single,
    t.billed_s, t.spent_s, t.unbilled_s, a.n_test, a.n_test_minority, t.metrics
FROM newest n
JOIN evidence e USING (evidence_key)
JOIN datasets d USING (fingerprint)
JOIN trials t ON t.evidence_key = n.evidence_key AND t.attempt BETWEEN n.since AND n.attempt
JOIN attempts a ON a.evidence_key = t.evidence_key AND a.attempt = t.attempt
ORDER BY t.evidence_key, t.trial, t.attempt
"""
_EVIDENCE_ATTEMPTS = f"""
WITH newest AS ({_NEWEST})
SELECT n.evidence_key, a.attempt, a.status, a.reason, a.n_train, a.complete, a.ended_by, a.budget_s,
    a.budget_trials, a.memory_bytes
FROM newest n
JOIN attempts a ON a.evidence_key = n.evidence_key AND a.attempt BETWEEN n.since AND n.attempt
ORDER BY a.evidence_key, a.attempt DESC
"""
_FIRST = """
SELECT a.started_at, v.record AS environment
FROM evidence e
JOIN attempts a USING (evidence_key)
JOIN runs r USING (run_id)
JOIN environments v ON v.hash = r.environment
WHERE e.cell_id IN (SELECT value FROM json_each(:ids))
ORDER BY a.started_at LIMIT 1
"""


def evidence_trials(
    store: Store, keys: Sequence[str], budget_s: float | None, budget_trials: int | None
) -> list[dict[str, Any]]:
    """Return the trials of evidence by its keys, whatever runs they are of, as far as analysis needs them.

    A space that ended before its budget has no more to show under this one.
    """
    wanted = {"keys": json.dumps(list(keys)), "budget_s": budget_s, "budget_trials": budget_trials}
    return store.rows(_EVIDENCE_TRIALS, wanted)


def evidence_attempts(store: Store, keys: Sequence[str]) -> dict[str, list[dict[str, Any]]]:
    """Return the attempts at the cells of evidence keys since each was begun afresh, the latest first."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in store.rows(_EVIDENCE_ATTEMPTS, {"keys": json.dumps(list(keys))}):
        found.setdefault(row["evidence_key"], []).append(row)
    return found


def first_begun(store: Store, cell_ids: Sequence[str]) -> tuple[str, str | None] | None:
    """Return when the first attempt ever at some cells was begun, and by which commit; None without one.

    Under whatever key, and be it that they were begun afresh since: what was seen was seen.
    """
    rows = store.rows(_FIRST, {"ids": json.dumps(list(cell_ids))})
    if not rows:
        return None
    return rows[0]["started_at"], json.loads(rows[0]["environment"]).get("commit")


def first_run_by(store: Store, version: str) -> str | None:
    """Return when the first run by a version of bench was begun; None where there is none."""
    rows = store.rows(
        "SELECT min(r.started_at) AS at FROM runs r JOIN environments v ON v.hash = r.environment"
        " WHERE json_extract(v.record, '$.packages.\"inductive-bench\"') = ?",
        (version,),
    )
    at: str | None = rows[0]["at"]
    return at


def other_evidence(store: Store, cell_ids: Sequence[str], keys: Sequence[str]) -> list[str]:
    """Return the ids of cells that have evidence under another key alone: of other data, versions or code."""
    rows = store.rows(
        "SELECT DISTINCT cell_id FROM evidence JOIN attempts USING (evidence_key)"
        " WHERE cell_id IN (SELECT value FROM json_each(:ids))"
        " EXCEPT SELECT cell_id FROM evidence JOIN attempts USING (evidence_key)"
        " WHERE evidence_key IN (SELECT value FROM json_each(:keys))",
        {"ids": json.dumps(list(cell_ids)), "keys": json.dumps(list(keys))},
    )
    return [row["cell_id"] for row in rows]


def image_of(store: Store, evidence_key: str) -> ImageShape | None:
    """Return what the rows of a cell's table are, where they are images, as the store knows it."""
    query = "SELECT d.record FROM evidence e JOIN datasets d USING (fingerprint) WHERE e.evidence_key = ?"
    (found,) = store.rows(query, (evidence_key,))
    sizes = json.loads(found["record"]).get("image")
    return None if sizes is None else ImageShape(**sizes)
