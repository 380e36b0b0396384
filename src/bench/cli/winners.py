"""The best configuration that a run found with a learner, as Python code."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from bench.arms import base_reference, is_import_path, names_arm
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.interventions import NONE, parse_intervention
from bench.registry import learner as find_learner
from bench.store.query import image_of, trial_rows
from bench.store.sqlite import Store
from bench.zoo.snippets import code

VERSIONS = ("inductive-bench", "scikit-learn", "xgboost", "xgboost-cpu", "lightgbm", "torch", "gpytorch")
Rows = Sequence[dict[str, Any]]


def winner_code(store: Store | None, run: dict[str, Any] | None, what: str, task: str | None) -> str:
    """Return code for the best validated trial of a learner on a task, or of a cell.

    Of several training-set sizes the largest counts.

    Raises:
        ConfigError: nothing was found under that name, or on more tasks than one and none is named.
    """
    if store is None or run is None:
        raise ConfigError(f"{what}: nothing was run yet, so there is no best configuration of it")
    if is_import_path(what) or names_arm(what):
        what = find_learner(reference_in(run, what)).name
    valid = [trial for trial in trial_rows(store, run["run_id"]) if trial["validation_score"] is not None]
    there = [trial for trial in valid if trial["learner"] == what] or [
        trial for trial in valid if what in trial["cell_id"]
    ]
    plain = [each for each in there if each["intervention"] == NONE]
    own = plain or [each for each in there if not parse_intervention(each["intervention"]).kind.fixed]
    if there and not own:
        raise ConfigError(
            f'"{what}": run {run["run_id"]} has it on features alone that were scaled for it '
            f"({there[0]['intervention']}), and what was found there is no configuration for a table as it is"
        )
    rows = _largest([trial for trial in own if task in (None, trial["task"])])
    _check(what, task, own, rows, run)
    best = min(rows, key=lambda trial: (trial["validation_score"], trial["trial"]))
    reference = reference_in(run, best["learner"])
    called = base_reference(reference) if is_import_path(reference) else None
    learner, config = find_learner(reference), json.loads(best["config"])
    problem = ProblemType(best["problem"])
    note = _note(best, rows, _versions(store, run))
    image = image_of(store, best["evidence_key"])
    return code(learner, config, problem, note=note, called=called, image=image)


def _check(what: str, task: str | None, own: Rows, rows: Rows, run: dict[str, Any]) -> None:
    tasks = list(dict.fromkeys(trial["task"] for trial in own))
    learners = list(dict.fromkeys(trial["learner"] for trial in rows))
    if not own:
        raise ConfigError(f'"{what}" has no valid trial in run {run["run_id"]} (see `bench status`)')
    if not rows:
        raise ConfigError(f"--task {task}: {what} has no valid trial on it (tasks: {', '.join(tasks)})")
    if task is None and len(tasks) > 1:
        raise ConfigError(f"{what} ran on several tasks; add --task with one of {', '.join(tasks)}")
    if len(learners) > 1:
        raise ConfigError(f'"{what}" means cells of {", ".join(learners)}: name one of them')


def _largest(rows: Rows) -> Rows:
    """The trials on the largest training sets: scores at two sizes are not to be compared."""
    caps = [math.inf if trial["train_cap"] is None else trial["train_cap"] for trial in rows]
    return [trial for trial, cap in zip(rows, caps, strict=True) if cap == max(caps)]


def reference_in(run: dict[str, Any], learner: str) -> str:
    """Return what a run's suite calls a learner: its name, or the import path whose object has that name."""
    references: list[str] = json.loads(run["record"])["suite"]["learners"]
    paths = [reference for reference in references if is_import_path(reference)]
    return next((path for path in paths if find_learner(path).name == learner), learner)


def _note(best: dict[str, Any], rows: Rows, versions: str) -> str:
    configs = {trial["config"] for trial in _incumbents(rows)}
    others = f"; other splits chose {len(configs) - 1} other configurations" if len(configs) > 1 else ""
    return (
        f"{best['learner']} on {best['task']}: trial {best['trial']} of {best['cell_id']}{others}.\n"
        f"Error {best['validation_score']:.4g} on validation rows, {best['test_score']:.4g} on test rows.\n"
        f"Found with {versions}."
    )


def _incumbents(rows: Rows) -> list[dict[str, Any]]:
    """The best validated trial of each cell."""
    best: dict[str, dict[str, Any]] = {}
    for trial in rows:
        held = best.get(trial["cell_id"])
        if held is None or trial["validation_score"] < held["validation_score"]:
            best[trial["cell_id"]] = trial
    return list(best.values())


def _versions(store: Store, run: dict[str, Any]) -> str:
    row = store.rows("SELECT record FROM environments WHERE hash = ?", (run["environment"],))[0]
    packages = json.loads(row["record"])["packages"]
    return ", ".join(f"{name} {packages[name]}" for name in VERSIONS if name in packages)
