"""What `bench show` knows of a run, a task, a learner and a cell: as values, and as text."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from bench.baselines import Baseline
from bench.execution.postmortem import visible
from bench.facts import Consequence
from bench.store.query import cell_rows, exclusions, find_run, trial_rows
from bench.store.sqlite import Store
from bench.suites import FULL

Record = dict[str, Any]
LAST_TRIALS = 12
"""How many of a cell's trials are listed beside its best; `bench export` has them all."""
SHOWN_PACKAGES = ("inductive-bench", "numpy", "scipy", "scikit-learn", "xgboost", "xgboost-cpu", "lightgbm",
                  "torch", "gpytorch")  # fmt: skip


def of_run(name: str, store: Store) -> Record:
    """Return a run: what was asked, on what machine, with which tables, and how its cells ended."""
    return of_rows(find_run(store, name), store, cell_rows(store, name), trial_rows(store, name))


def of_rows(run: Record, store: Store, cells: Sequence[Record], trials: Sequence[Record]) -> Record:
    """Return a run whose cells and trials have been read."""
    record = json.loads(run["record"])
    suite, environment = record["suite"], _environment(store, run)
    return {
        "run": run["run_id"],
        "suite": f"{suite['name']} ({suite['path']}, {suite['hash']})",
        "started": run["started_at"],
        "ended": run["ended_at"] or "not ended",
        "budget": _budget(run),
        "device": suite.get("device", "cpu"),
        "machine": _machine(environment),
        "commit": environment["commit"] or "an installed package",
        "packages": _packages(environment),
        "cells": dict(Counter(cell["status"] or "not begun" for cell in cells)),
        "trials": dict(Counter(trial["status"] for trial in trials)),
        "flags": dict(Counter(flag for trial in trials for flag in trial["flags"].split(",") if flag)),
        "left out": exclusions(run),
        "tables": [_table(store, name) for name in dict.fromkeys(cell["dataset"] for cell in cells)],
    }


def of_baseline(baseline: Baseline) -> Record:
    """Return a baseline: of which run, on what machine, by which versions, with which tables."""
    cells = baseline.cells
    tables = dict(zip(cells["dataset"], cells["fingerprint"], strict=True))
    locks = sorted(set(zip(cells["learner"], cells["lock_hash"], strict=True)))
    return {
        "run": baseline.run_id,
        "suite": f"{baseline.suite} ({baseline.suite_hash})",
        "started": baseline.started_at,
        "ended": baseline.ended_at or "not ended",
        "budget": _budget({"budget_s": baseline.budget_s, "budget_trials": baseline.budget_trials}),
        "machine": _machine(dict(baseline.environment)),
        "commit": baseline.commit,
        "packages": _packages(dict(baseline.environment)),
        "cells": dict(Counter(status or "not begun" for status in cells["status"])),
        "trials": dict(Counter(baseline.trials["status"])),
        "tables": {name: fingerprint[:16] for name, fingerprint in tables.items()},
        "locks": dict(locks),
    }


def of_task(task: str, store: Store, run: Record) -> Record:
    """Return a task: its table, and what each learner scored on it."""
    cells = [cell for cell in cell_rows(store, run["run_id"]) if cell["task"] == task]
    trials = [trial for trial in trial_rows(store, run["run_id"]) if trial["task"] == task]
    sized = len({cell["train_cap"] for cell in cells}) > 1
    results = [{"learner": cell["learner"], "split": _split(cell, sized=sized),
                "status": cell["status"] or "not begun",
                **_scores([trial for trial in trials if trial["evidence_key"] == cell["evidence_key"]])}
               for cell in cells]  # fmt: skip
    name = cells[0]["dataset"]
    facts = [
        {key: fact[key] for key in ("code", "consequence", "text")} for fact in _facts(_data(store, name))
    ]
    return {"task": task, "run": run["run_id"], **_table(store, name), "facts": facts, "results": results}


def of_learner(reference: str, store: Store | None, run: Record | None) -> Record:
    """Return a learner: what it declares, and what a run found with it."""
    from bench.environments import package_version
    from bench.registry import learner as find_learner
    from bench.registry import missing

    learner = find_learner(reference)
    absent = missing(learner)
    record: Record = {
        "learner": learner.name,
        "title": learner.title,
        "family": learner.family,
        "packages": {package: package_version(package) for package in learner.packages},
        "devices": ", ".join(learner.devices),
        "stops at the deadline": "by itself" if learner.polls_deadline else "by the guard alone",
        "missing": ", ".join(absent),
        **_spaces(learner),
    }
    if store is not None and run is not None:
        trials = [trial for trial in trial_rows(store, run["run_id"]) if trial["learner"] == learner.name]
        keys = dict.fromkeys((trial["cell_id"], trial["evidence_key"]) for trial in trials)
        record |= {"run": run["run_id"], "results": [
            {"cell": cell, **_scores(own), "configuration": _config(_best(own))}
            for cell, key in keys
            if (own := [trial for trial in trials if trial["evidence_key"] == key])
        ]}  # fmt: skip
    return record


def of_cell(cell: Record, store: Store, run: Record) -> Record:
    """Return a cell: how it ended, its trials, its log, the machine it ran on."""
    key = cell["evidence_key"]
    trials = [trial for trial in trial_rows(store, run["run_id"]) if trial["evidence_key"] == key]
    attempts = store.rows(
        "SELECT a.attempt, a.run_id, a.budget_s, a.status, a.ended_by, a.reason, a.wall_s, a.cpu_s, a.log,"
        " r.environment FROM attempts a JOIN runs r USING (run_id) WHERE evidence_key = ? ORDER BY attempt",
        (key,),
    )
    best = _best(trials)
    environments = dict.fromkeys(attempt["environment"] for attempt in attempts)
    return {
        "cell": cell["cell_id"],
        "run": run["run_id"],
        "status": cell["status"] or "not begun",
        "reason": cell["reason"],
        "ended by": cell["ended_by"] or "",
        "rows": {part: cell[f"n_{part}"] for part in ("train", "fit", "validation", "test")},
        "limits": json.loads(cell["limits"] or "{}"),
        "best trial": None if best is None else best["trial"],
        "best configuration": _config(best),
        "metrics": {} if best is None else json.loads(best["metrics"]),
        "trials": [_trial(trial) for trial in _listed(trials, best)],
        "attempts": [{k: v for k, v in each.items() if k not in ("log", "environment")} for each in attempts],
        "machine": [_machine(_environment(store, {"environment": name})) for name in environments],
        "predictions": str(store.predictions_path(key)),
        "log": "\n".join(attempt["log"] for attempt in attempts if attempt["log"]),
    }


def text(record: Mapping[str, Any]) -> str:
    """Return a portrait as a person reads it; what is empty is left out."""
    return "".join(f"{visible(line)}\n" for name, value in record.items() for line in _lines(name, value))


def _lines(name: str, value: Any) -> Iterator[str]:
    if value is None or value in ("", {}, []):
        return
    if isinstance(value, Mapping):
        yield f"{name}:"
        yield from (f"  {key}: {_plain(item)}" for key, item in value.items())
    elif isinstance(value, Sequence) and not isinstance(value, str) and isinstance(value[0], Mapping):
        yield f"{name}:"
        yield from (f"  {line}" for line in _rows(value))
    elif isinstance(value, str) and "\n" in value:
        yield f"{name}:"
        yield from (f"  {line}" for line in value.splitlines())
    else:
        yield f"{name}: {_plain(value)}"


def _rows(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Return records as an aligned table."""
    names = list(rows[0])
    cells = [names, *([_plain(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    for line in cells:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def _plain(value: Any) -> str:
    match value:
        case None:
            return "-"
        case float():
            return f"{value:.4g}"
        case Mapping():
            return ", ".join(f"{key}={_plain(item)}" for key, item in value.items())
        case list() | tuple():
            return ", ".join(map(_plain, value))
        case _:
            return visible(str(value))


def _split(cell: Record, *, sized: bool) -> str:
    """A cell's repeat and fold, and its training-set size where a run has several."""
    size = f", {cell['train_cap'] or FULL}" if sized else ""
    return f"r{cell['repeat']}f{cell['fold']}{size}"


def _scores(trials: Sequence[Record]) -> Record:
    """The default's and the best validated trial's errors, and how many trials there were."""
    best = _best(trials)
    default = next((t for t in trials if t["trial"] == 0 and t["validation_score"] is not None), None)
    return {
        "default test": None if default is None else default["test_score"],
        "best validation": None if best is None else best["validation_score"],
        "best test": None if best is None else best["test_score"],
        "trials": len(trials),
        "seconds": max((trial["spent_s"] for trial in trials), default=0.0),
    }


def _best(trials: Sequence[Record]) -> Record | None:
    """The best validated trial, ties to the earliest."""
    valid = [trial for trial in trials if trial["validation_score"] is not None]
    return min(valid, key=lambda trial: (trial["validation_score"], trial["trial"]), default=None)


def _listed(trials: Sequence[Record], best: Record | None) -> list[Record]:
    kept = [trial for trial in trials[:-LAST_TRIALS] if trial["trial"] == 0 or trial is best]
    return [*kept, *trials[-LAST_TRIALS:]]


def _trial(trial: Record) -> Record:
    return {
        "trial": trial["trial"],
        "status": trial["status"],
        "validation": trial["validation_score"],
        "test": trial["test_score"],
        "train": trial["train_score"],
        "seconds": trial["billed_s"],
        "flags": trial["flags"],
        "configuration": trial["reason"] or _plain(_config(trial)),
    }


def _config(trial: Record | None) -> Record:
    return {} if trial is None else json.loads(trial["config"])


def _spaces(learner: Any) -> Record:
    from bench.datasets import ProblemType

    described = {problem.value: learner.space(problem).describe() for problem in ProblemType}
    one = len({json.dumps(space) for space in described.values()}) == 1
    shown = {"": described["binary"]} if one else {f", {name}": space for name, space in described.items()}
    return {key: value for name, space in shown.items() for key, value in (
        (f"default{name}", space["default"]),
        (f"searched{name}", {p["name"]: _parameter(p) for p in space["parameters"]}),
    )}  # fmt: skip


def _parameter(parameter: Record) -> str:
    if parameter["kind"] == "choice":
        return " | ".join(map(str, parameter["options"]))
    log = ", log" if parameter.get("log") else ""
    return f"{parameter['low']:g} to {parameter['high']:g}{log}"


def _table(store: Store, name: str) -> Record:
    data = _data(store, name)
    return {
        "table": name,
        "problem": data["problem"],
        "rows": data["n_rows"],
        "features": math.prod(data["image"].values()) if data.get("image") else len(data["features"]),
        "categorical": sum(feature["kind"] == "categorical" for feature in data["features"]),
        "target": data["target"],
        "classes": len(data["classes"]),
        "origin": data["origin"],
        "grade": data["grade"],
        "licence": data["licence"],
        "fingerprint": data["fingerprint"][:16],
        "source": data["source"],
        "facts": ", ".join(f"{fact['code']} {fact['consequence']}" for fact in _facts(data)),
    }


def _facts(data: Record) -> list[Record]:
    """The facts of a stored table that say more than pass; a table stored without any has none."""
    return [fact for fact in data.get("facts", ()) if fact["consequence"] != Consequence.PASS]


def _data(store: Store, name: str) -> Record:
    row = store.rows("SELECT record FROM datasets WHERE name = ? ORDER BY rowid DESC LIMIT 1", (name,))[0]
    data: Record = json.loads(row["record"])
    return data


def _environment(store: Store, run: Record) -> Record:
    row = store.rows("SELECT record FROM environments WHERE hash = ?", (run["environment"],))[0]
    environment: Record = json.loads(row["record"])
    return environment


def _machine(environment: Record) -> str:
    gpus = "".join(f", {name}" for name in environment.get("gpus", ()))
    memory = f"{environment['memory_bytes'] / 2**30:.0f} GiB"
    return (
        f"{environment['cpu']}, {environment['cpu_count']} cores, {memory}{gpus}; "
        f"{environment['system']}; Python {environment['python']}"
    )


def _packages(environment: Record) -> Record:
    return {name: environment["packages"][name] for name in SHOWN_PACKAGES if name in environment["packages"]}


def _budget(run: Record) -> str:
    parts = [
        f"{run['budget_s']:g} s" if run["budget_s"] else "",
        f"{run['budget_trials']} trials" if run["budget_trials"] else "",
    ]
    return ", ".join(part for part in parts if part) + " a cell"
