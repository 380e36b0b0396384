"""A whole leaderboard is computed again by plain loops, and its parts by independent implementations."""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Iterable
from dataclasses import astuple
from functools import lru_cache
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.ensembles import STEPS, CellPredictions
from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.intervals import bootstrap_means
from bench.analysis.leaderboard import Leaderboard, leaderboard
from bench.analysis.ratings import NOT_RATED
from bench.analysis.views import View
from bench.cells import CellStatus
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.metrics import METRICS
from bench.scoring.metrics import all_metrics, mean_score, score
from bench.scoring.predictions import Prediction

FAMILIES = {
    "random-forest": "bagged",
    "extra-trees": "bagged",
    "dummy": "dummy",
    "gp-exact": "gp",
    "gp-sparse": "gp",
    "linear": "linear",
    "mlp": "neural",
}
PROBLEMS = ("binary", "multiclass", "regression")
Record = dict[str, Any]
FOLD_ROWS = (9, 8, 7)
TARGET_SD = 1.7
N_CLASSES = {"binary": 2, "multiclass": 3, "regression": 0}
DECIDES = {("extra-trees", "multiclass"), ("linear", "binary")}
"""Learners without probabilities on a problem type."""
GAUSSIAN = ("gp-exact", "mlp")
"""Learners with a predictive distribution."""


@lru_cache
def truth(task: str, fold: int, problem: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the targets of the validation rows, fold after fold, and of the test rows."""
    rng = np.random.default_rng([int(task[1:]), fold])
    sizes = (*FOLD_ROWS, 30 + 5 * int(task[1:]))
    classes = N_CLASSES[problem]
    parts = [rng.permutation(np.arange(n) % classes) if classes else rng.normal(size=n) for n in sizes]
    return np.concatenate(parts[:-1]), parts[-1]


def predicted(rng: np.random.Generator, c: Record, y: np.ndarray) -> Prediction:
    """Return coarse predictions, so that there are ties, that are a little right."""
    classes = N_CLASSES[c["problem"]]
    if not classes:
        sd = rng.uniform(0.3, 2.0, size=len(y)).astype("f4") if c["learner"] in GAUSSIAN else None
        values = (0.5 * y + rng.normal(size=len(y))).round(1)
        return Prediction(kind="value", values=values.astype("f4"), sd=sd)
    values = rng.integers(1, 6, size=(len(y), classes)) + np.eye(classes)[y] * rng.integers(0, 4)
    if (c["learner"], c["problem"]) in DECIDES:
        return Prediction(kind="decision", values=(values - 3.0).astype("f4"))
    return Prediction(kind="probability", values=(values / values.sum(axis=1, keepdims=True)).astype("f4"))


def measured(rng: np.random.Generator, c: Record) -> Record:
    """Return new predictions of a cell's rows and what they score."""
    problem = ProblemType(c["problem"])
    held, tested = (predicted(rng, c, y) for y in truth(c["task"], c["fold"], c["problem"]))
    y_held, y_test = truth(c["task"], c["fold"], c["problem"])
    ends = np.cumsum(FOLD_ROWS)
    folds = [
        score(
            problem,
            y_held[end - n : end],
            Prediction(kind=held.kind, values=held.values[end - n : end]),
            TARGET_SD,
        )
        for end, n in zip(ends, FOLD_ROWS, strict=True)
    ]
    return {
        "validation_score": mean_score(problem, folds),
        "test_score": score(problem, y_test, tested, TARGET_SD),
        "metrics": json.dumps({"test": all_metrics(problem, y_test, tested, TARGET_SD)}),
        "predictions": (held, tested) if rng.random() > 0.1 else None,
    }


def stored(trials: list[Record]) -> dict[str, CellPredictions]:
    """Return the predictions that a store would hold: the latest attempt's of each trial."""
    latest: dict[str, dict[int, Record]] = {}
    for row in sorted(trials, key=lambda row: row["attempt"]):
        latest.setdefault(row["evidence_key"], {})[row["trial"]] = row
    found = {}
    for key, rows in latest.items():
        kept = {(r["trial"], r["attempt"]): r["predictions"] for r in rows.values() if r["predictions"]}
        c = next(iter(rows.values()))
        y_validation, y_test = truth(c["task"], c["fold"], c["problem"])
        found[key] = CellPredictions(
            problem=ProblemType(c["problem"]),
            target_sd=TARGET_SD,
            y_validation=y_validation,
            y_test=y_test,
            fold_rows=FOLD_ROWS,
            validation={trial: held for trial, (held, _) in kept.items()},
            test={trial: tested for trial, (_, tested) in kept.items()},
        )
    return found


def random_run(seed: int, n_tasks: int = 12) -> tuple[list[Record], list[Record]]:
    """Return trials and cells with failures, limits, second attempts and two tasks of one dataset."""
    trials, cells = made_run(seed, n_tasks)
    return [dict(row) for row in trials], [dict(c) for c in cells]


@lru_cache
def made_run(seed: int, n_tasks: int) -> tuple[list[Record], list[Record]]:
    rng = np.random.default_rng(seed)
    trials: list[Record] = []
    cells: list[Record] = []
    for t, fold, (learner, family) in product(range(n_tasks), range(2), FAMILIES.items()):
        c = {
            "cell_id": f"t{t}/r0f{fold}/{learner}",
            "evidence_key": f"{t}-{fold}-{learner}",
            "task": f"t{t}",
            "dataset": f"d{t if t != 3 else 0}",
            "problem": PROBLEMS[t % 3],
            "repeat": 0,
            "fold": fold,
            "learner": learner,
            "family": family,
            "intervention": "none",
            "seed": 0,
            "device": "cpu1",
            "reason": "",
            "status": "ok",
        }
        if learner == "gp-exact" and t % 4 == 0:
            c["status"] = "not_applicable"
        elif rng.random() < 0.06 and (learner != "random-forest" or t == 5):
            c["status"] = str(rng.choice(["crash", "timeout", "oom", "error"]))
        elif learner == "linear":
            c["status"] = "killed"
        cells.append(c)
        trials.extend(random_trials(rng, c) if c["status"] in ("ok", "killed") else ())
    order = rng.permutation(len(trials))
    return [trials[i] for i in order], cells


def random_trials(rng: np.random.Generator, c: Record) -> list[Record]:
    y_test = truth(c["task"], c["fold"], c["problem"])[1]
    n_minority = min(np.bincount(y_test)) if c["problem"] == "binary" else None
    nothing = {"validation_score": None, "test_score": None, "metrics": "{}", "predictions": None}
    made, spent_s = [], 0.0
    for number in range(int(rng.integers(1, 12))):
        billed_s = float(rng.exponential(1.0))
        spent_s += billed_s
        status = "ok" if number == 0 else str(rng.choice(["ok", "ok", "ok", "truncated", "nan"]))
        row = {
            **c,
            "validation": "cv4",
            "attempt": 1,
            "attempt_budget_s": 4.0,
            "attempt_budget_trials": None,
            "trial": number,
            "status": status,
            "flags": "",
            **(measured(rng, c) if status != "nan" else nothing),
            "train_score": None,
            "test_score_single": None,
            "billed_s": billed_s,
            "spent_s": spent_s,
            "unbilled_s": 0.1,
            "n_test": len(y_test),
            "n_test_minority": n_minority,
        }
        made.append(row)
        if rng.random() < 0.3:
            again = {"attempt": 2, "attempt_budget_s": 8.0, "status": "ok", **measured(rng, c)}
            made.append({**row, **again, "spent_s": spent_s + 0.5})
    return made


def mean_of(values: Iterable[float]) -> float:
    """Return the mean, or NaN for nothing."""
    found = list(values)
    return statistics.fmean(found) if found else math.nan


class Loops:
    """The leaderboard by loops over records: slow, plain, and sharing no code with the real one."""

    def __init__(
        self, trials: list[Record], cells: list[Record], view: View, seen: Record | None = None
    ) -> None:
        """Use `seen` to keep what entries show, which neither metric nor failure policy changes."""
        self.view, self.seen = view, {} if seen is None else seen
        self.attempts: dict[tuple[str, int], list[Record]] = {}
        self.latest: dict[str, Record] = {}
        for row in sorted(trials, key=lambda row: row["attempt"]):
            self.attempts.setdefault((row["evidence_key"], row["trial"]), []).append(row)
            self.latest[row["evidence_key"]] = row
        self.cells = [c for c in cells if view.metric is None or c["problem"] in HAVING[view.metric]]
        self.tasks = list(dict.fromkeys(c["task"] for c in self.cells))
        self.entries = list(dict.fromkeys(c[view.by] for c in self.cells))
        self.problem = {c["task"]: c["problem"] for c in self.cells}

    def budget(self, key: str) -> float:
        asked = self.view.budget_s
        return float(self.latest[key]["attempt_budget_s"] if asked is None else asked)

    @staticmethod
    def standing(attempts: list[Record], limit: float) -> Record:
        """Return the row that stands for a trial: of the attempt at the limit, or else of the last."""
        return next((row for row in reversed(attempts) if row["attempt_budget_s"] == limit), attempts[-1])

    def shown(
        self, c: Record, members: int, factor: float, *, ended: bool = False
    ) -> tuple[list[Record], list[Record]]:
        """Return the rows that count, and what is paid for; of a default, if asked, if it had ended."""
        if c["evidence_key"] not in self.latest:
            return [], []
        limit = self.budget(c["evidence_key"]) / members
        counting, paid = [], []
        for number in range(20):
            attempts = self.attempts.get((c["evidence_key"], number), [])
            if not attempts:
                continue
            row = self.standing(attempts, limit)
            if ended and number == 0 and row["spent_s"] > limit:
                continue
            own = row["attempt_budget_s"] == limit
            if not own and row["spent_s"] > (limit if number > 0 else factor * limit):
                continue
            paid.append(row)
            if row["status"] == "ok" or (row["status"] == "truncated" and own):
                counting.append(row)
        return counting, paid

    def result(self, entry: str, task: str, fold: int) -> Record:
        key = (self.view.show, self.view.by, self.view.budget_s, entry, task, fold)
        if key not in self.seen:
            self.seen[key] = self.what_is_shown(entry, task, fold)
        found = dict(self.seen[key])
        return {**found, "error": self.error(found["primary"], found["metrics"])}

    def error(self, primary: float | None, metrics: dict[str, float] | None) -> float | None:
        if self.view.metric is None or metrics is None:
            return primary
        value = metrics.get(self.view.metric)
        return 1 - value if value is not None and METRICS[self.view.metric].higher_is_better else value

    def what_is_shown(self, entry: str, task: str, fold: int) -> Record:
        here = [c for c in self.cells if (c[self.view.by], c["task"], c["fold"]) == (entry, task, fold)]
        applying = [c["cell_id"] for c in here if c["status"] != "not_applicable"]
        members = max(1, len(applying))
        counting, used_s = [], 0.0
        for c in here:
            rows, paid = self.shown(c, members, 2.0 if c["cell_id"] in applying[:1] else 1.0)
            if self.view.show == "default":
                rows, paid = (
                    [r for r in some if r["trial"] == 0 and c["cell_id"] in applying[:1]]
                    for some in (rows, paid)
                )
            counting += rows
            used_s += max((row["spent_s"] for row in paid), default=0.0)
        best = min(counting, key=lambda row: row["validation_score"], default=None)
        primary, metrics = best and best["test_score"], best and json.loads(best["metrics"])["test"]
        if self.view.show == "ensembled" and best is not None:
            primary, metrics = self.ensemble(counting, best, truth(task, fold, here[0]["problem"])) or (
                primary,
                metrics,
            )
        return {
            "primary": primary,
            "metrics": metrics,
            "n_trials": len(counting),
            "used_s": used_s,
            "outside": all(c["status"] == "not_applicable" for c in here),
            "failed": sum(CellStatus(c["status"]).failed for c in here),
        }

    def n_bound(self, entry: str) -> int:
        """Return on how many splits the best validated score of half the budget is not good enough yet."""
        bound = 0
        for task, fold in product(self.tasks, range(2)):
            full, half = (self.validated(entry, task, fold, parts) for parts in (1, 2))
            if full is None:
                continue
            if self.problem[task] == "multiclass":
                bound += half is None or half - full > 0.01 + 1e-9
            else:
                bound += half is None or half > 1.05 * full * (1 + 1e-9)
        return bound

    def validated(self, entry: str, task: str, fold: int, parts: int) -> float | None:
        """Return the best validated score of a part of the budget; of a half, defaults must end in it."""
        here = [c for c in self.cells if (c[self.view.by], c["task"], c["fold"]) == (entry, task, fold)]
        applying = [c["cell_id"] for c in here if c["status"] != "not_applicable"]

        def factor(c: Record) -> float:
            return 2.0 if c["cell_id"] in applying[:1] else 1.0

        rows = [
            row
            for c in here
            for row in self.shown(c, parts * max(1, len(applying)), factor(c), ended=parts > 1)[0]
        ]
        return min((row["validation_score"] for row in rows), default=None)

    def ensemble(
        self, counting: list[Record], best: Record, y: tuple[np.ndarray, np.ndarray]
    ) -> tuple[float, dict[str, float]] | None:
        """Return what the mixture of the picked trials scores; None where that is the best one alone."""
        kept = [
            row for row in counting
            if row["predictions"] and row is self.attempts[row["evidence_key"], row["trial"]][-1]
        ]  # fmt: skip
        if not any(row is best for row in kept):
            return None
        kept = [row for row in kept if row["predictions"][0].kind == best["predictions"][0].kind]
        held = [row["predictions"][0].values.astype(float) for row in kept]
        picked = [next(i for i, row in enumerate(kept) if row is best)]
        trail = [plain_error(best["problem"], y[0], held[picked[0]])]
        while len(picked) < STEPS:
            errors = []
            for each in held:
                mixed = (sum(held[i] for i in picked) + each) / (len(picked) + 1)
                errors.append(plain_error(best["problem"], y[0], mixed))
            picked.append(errors.index(min(errors)))
            trail.append(min(errors))
        picked = picked[: trail.index(min(trail)) + 1]
        if len(set(picked)) == 1:
            return None
        tested = [kept[i]["predictions"][1] for i in picked]
        mean = sum(p.values.astype(float) for p in tested) / len(picked)
        sd = None
        if all(p.sd is not None for p in tested):
            spread = sum(p.sd.astype(float) ** 2 + (p.values - mean) ** 2 for p in tested) / len(picked)
            sd = np.sqrt(spread).astype("f4")
        mixture = Prediction(kind=tested[0].kind, values=mean.astype("f4"), sd=sd)
        problem = ProblemType(best["problem"])
        return score(problem, y[1], mixture, TARGET_SD), all_metrics(problem, y[1], mixture, TARGET_SD)

    def default(self, learner: str, task: str, fold: int) -> Record | None:
        """Return a learner's default trial with its error, which is None where it lacks the metric."""
        key = f"{task[1:]}-{fold}-{learner}"
        attempts = self.attempts.get((key, 0))
        if attempts is None:
            return None
        row = self.standing(attempts, self.budget(key))
        return {**row, "error": self.error(row["test_score"], json.loads(row["metrics"])["test"])}

    def withheld(self, entry: str, problem: str) -> bool:
        """Return whether an entry has models on a problem type, none of which offers the metric."""
        found = [
            self.result(entry, task, fold)
            for task in self.tasks for fold in range(2) if self.problem[task] == problem
        ]  # fmt: skip
        return any(r["primary"] is not None for r in found) and all(r["error"] is None for r in found)

    def split_error(self, entry: str, task: str, fold: int) -> tuple[float | None, bool]:
        """Return an error or its stand-in, and whether it is one."""
        result = self.result(entry, task, fold)
        if (
            result["error"] is not None
            or result["primary"] is not None
            or self.withheld(entry, self.problem[task])
        ):
            return result["error"], False
        whose = {"fallback": "random-forest", "dummy": "dummy", "complete-pairs": None}[
            self.view.failure_policy
        ]
        stand_in = self.default(whose, task, fold) if whose else None
        return (stand_in and stand_in["error"]), stand_in is not None and stand_in["error"] is not None

    def errors(self, entry: str, task: str) -> tuple[float | None, float | None]:
        """Return the mean error with stand-ins, and the log ratio."""
        if all(self.result(entry, t, fold)["error"] is None for t in self.tasks for fold in range(2)):
            return None, None
        errors = [self.split_error(entry, task, fold)[0] for fold in range(2)]
        references = [self.default("random-forest", task, fold) for fold in range(2)]
        if any(error is None for error in errors):
            return None, None
        mean = sum(errors) / 2
        if any(reference is None or reference["error"] is None for reference in references):
            return mean, None
        other = sum(reference["error"] for reference in references) / 2
        return mean, math.log(self.floored(other, references)) - math.log(self.floored(mean, references))

    def floored(self, error: float, rows: list[Record]) -> float:
        n, problem = sum(row["n_test"] for row in rows), rows[0]["problem"]
        n_rarer = sum(row["n_test_minority"] or 0 for row in rows)
        primary = {"binary": "auc", "multiclass": "error_rate", "regression": "nrmse"}
        match self.view.metric or primary[problem]:
            case "error_rate":
                return (error * n + 0.5) / (n + 1)
            case "balanced_accuracy":
                n = 2 * n_rarer if problem == "binary" else n
                return (error * n + 0.5) / (n + 1)
            case "auc":
                return error + 1 / (2 * n_rarer)
            case "log_loss" | "brier" | "ece":
                return error + 1 / (2 * n)
            case _:
                return max(error, np.finfo(float).tiny)

    def mean_metrics(self, entry: str, names: tuple[str, ...]) -> tuple[tuple[float, ...], int]:
        """Return means over tasks of metrics on tasks that have them all, and how many those are."""
        by_task = []
        for task in self.tasks:
            found = [self.result(entry, task, fold)["metrics"] or {} for fold in range(2)]
            having = [metrics for metrics in found if all(name in metrics for name in names)]
            if having:
                by_task.append([mean_of(metrics[name] for metrics in having) for name in names])
        return tuple(mean_of(column) for column in zip(*by_task, strict=True)) or (math.nan,) * len(
            names
        ), len(by_task)

    def rows(self) -> dict[str, Record]:
        table = {(e, t): self.errors(e, t) for e in self.entries for t in self.tasks}
        ranks: dict[str, list[float]] = {e: [] for e in self.entries}
        for task in self.tasks:
            present = [e for e in self.entries if table[e, task][0] is not None]
            for entry, rank in zip(
                present, stats.rankdata([table[e, task][0] for e in present]), strict=True
            ):
                ranks[entry].append(rank)
        return {entry: self.row(entry, table, ranks[entry]) for entry in self.entries}

    def row(self, entry: str, table: dict[tuple[str, str], tuple[Any, Any]], ranks: list[float]) -> Record:
        results = {(t, fold): self.result(entry, t, fold) for t in self.tasks for fold in range(2)}
        ratios = {t: table[entry, t][1] for t in self.tasks if table[entry, t][1] is not None}
        by_dataset: dict[tuple[str, str], list[float]] = {}
        for task, ratio in ratios.items():
            c = next(c for c in self.cells if c["task"] == task)
            by_dataset.setdefault((c["problem"], c["dataset"]), []).append(ratio)
        means = {key: statistics.fmean(found) for key, found in by_dataset.items()}
        regression = [ratio for (problem, _), ratio in means.items() if problem == "regression"]
        classification = [ratio for (problem, _), ratio in means.items() if problem != "regression"]
        done = [r for r in results.values() if not r["outside"]]
        calibration, n_calibrated = self.mean_metrics(entry, ("ece", "brier", "log_loss"))
        (crps, log_density), n_dense = self.mean_metrics(entry, ("crps", "log_density"))
        return {
            "calibration": (*calibration, n_calibrated),
            "density": (crps / TARGET_SD, log_density + math.log(TARGET_SD), n_dense),
            "n_stood_in": sum(any(self.split_error(entry, t, f)[1] for f in range(2)) for t in self.tasks)
            if any(r["error"] is not None for r in results.values())
            else 0,
            "overall": (mean_of(means.values()), len(means)),
            "classification": (mean_of(classification), len(classification)),
            "regression": (mean_of(regression), len(regression)),
            "mean_rank": mean_of(ranks),
            "wins": sum(ratio >= math.log(1.05) for ratio in ratios.values()),
            "ties": sum(abs(ratio) < math.log(1.05) for ratio in ratios.values()),
            "losses": sum(ratio <= -math.log(1.05) for ratio in ratios.values()),
            "n_tasks": sum(any(results[t, f]["error"] is not None for f in range(2)) for t in self.tasks),
            "n_failed": sum(r["failed"] for r in results.values()),
            "n_not_applicable": sum(r["outside"] for r in results.values()),
            "n_bound": None if self.view.show == "default" else self.n_bound(entry),
            "median_s": statistics.median(r["used_s"] for r in done) if done else math.nan,
            "median_trials": statistics.median(r["n_trials"] for r in done) if done else math.nan,
        }


def plain_error(problem: str, y: np.ndarray, values: np.ndarray) -> float:
    """Return the primary error, the mean over folds, of values in single precision."""
    values, start, errors = values.astype("f4"), 0, []
    for n in FOLD_ROWS:
        truths, given = y[start : start + n], values[start : start + n]
        start += n
        if problem == "binary":
            pairs = given[truths == 1, 1][:, None] - given[truths == 0, 1][None, :]
            errors.append(1 - ((pairs > 0).sum() + (pairs == 0).sum() / 2) / pairs.size)
        elif problem == "multiclass":
            errors.append(
                sum(int(np.argmax(row)) != label for row, label in zip(given, truths, strict=True)) / n
            )
        else:
            errors.append(math.sqrt(np.mean((given - truths) ** 2)) / TARGET_SD)
    return math.sqrt(sum(e**2 for e in errors) / 3) if problem == "regression" else sum(errors) / 3


POLICIES = ("fallback", "dummy", "complete-pairs")
CLASSES = ("binary", "multiclass")
HAVING = {
    "auc": ("binary",),
    **dict.fromkeys(("error_rate", "balanced_accuracy", "log_loss", "brier", "ece"), CLASSES),
    **dict.fromkeys(("rmse", "nrmse", "mae", "r2", "crps"), ("regression",)),
}


def board(run: tuple[list[Record], list[Record]], **view: Any) -> Leaderboard:
    held = stored(run[0]) if view.get("show") == "ensembled" else None
    return leaderboard(trials_frame(run[0]), cells_frame(run[1]), View(**view), held)


def agree(found: Leaderboard, expected: dict[str, Record]) -> None:
    assert [row.entry for row in found.rows if row.entry not in expected] == []
    assert len(found.rows) == len(expected)
    for row in found.rows:
        for name, value in expected[row.entry].items():
            got = getattr(row, name)
            if value is None:
                assert got is None, (row.entry, name)
                continue
            if name in ("overall", "classification", "regression"):
                got = (got.mean, got.n)
            elif isinstance(value, tuple):
                got = tuple(getattr(got, part) for part in got.__slots__)
            assert got == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), (row.entry, name)


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("by", ["learner", "family"])
@pytest.mark.parametrize("budget_s", [None, 1.0, 4.0, 8.0])
def test_a_leaderboard_agrees_with_plain_loops(policy, by, budget_s):
    run, view = random_run(1), {"by": by, "failure_policy": policy, "budget_s": budget_s}
    agree(board(run, **view), Loops(*run, View(**view)).rows())


@pytest.fixture(scope="module")
def small() -> tuple[Any, ...]:
    """A run, its frames with its stored predictions, and what plain loops saw of it."""
    run = random_run(2, n_tasks=6)
    return run, (trials_frame(run[0]), cells_frame(run[1]), stored(run[0])), {}


@pytest.mark.parametrize("metric", [None, *HAVING])
@pytest.mark.parametrize("show", ["tuned", "default", "ensembled"])
@pytest.mark.parametrize("by", ["learner", "family"])
def test_every_view_agrees_with_plain_loops(small, show, by, metric):
    run, (trials, cells, held), seen = small
    for policy in POLICIES:
        view = View(show=show, by=by, metric=metric, failure_policy=policy)
        agree(leaderboard(trials, cells, view, held), Loops(*run, view, seen).rows())


@pytest.mark.parametrize("show", ["default", "ensembled"])
@pytest.mark.parametrize("budget_s", [0.5, 4.0])
def test_a_replay_of_every_view_agrees_with_plain_loops(small, show, budget_s):
    run, (trials, cells, held), _ = small
    for by in ("learner", "family"):
        view = View(show=show, by=by, budget_s=budget_s)
        agree(leaderboard(trials, cells, view, held), Loops(*run, view).rows())


def test_rows_are_sorted_best_first_and_tiers_never_go_back():
    rows = board(random_run(3)).rows
    means = [row.overall.mean for row in rows]
    assert means == sorted(means, reverse=True)
    tiers = [row.tier for row in rows]
    assert tiers[0] == 1
    assert all(after in (before, before + 1) for before, after in pairwise(tiers))


def test_the_interval_agrees_with_scipy():
    rng = np.random.default_rng(4)
    values = np.vstack((rng.normal(size=24), rng.lognormal(size=24)))
    low, high = bootstrap_means(values)
    for i, row in enumerate(values):
        expected = stats.bootstrap(
            (row,), np.mean, n_resamples=20_000, method="percentile", rng=np.random.default_rng(5)
        ).confidence_interval
        assert (low[i], high[i]) == pytest.approx(tuple(expected), abs=0.04 * row.std())


def test_missing_datasets_leave_an_interval_that_is_of_the_others():
    values = np.random.default_rng(6).normal(size=30)
    gaps = np.where(np.arange(30) < 20, values, np.nan)
    low, high = bootstrap_means(np.vstack((gaps, np.full(30, np.nan), [1.0, *[np.nan] * 29])))
    alone = bootstrap_means(values[None, :20])
    assert (low[0], high[0]) == pytest.approx((alone[0][0], alone[1][0]), abs=0.05)
    assert np.isnan([low[1:], high[1:]]).all()


def test_the_ratio_to_the_reference_does_not_depend_on_who_else_takes_part():
    trials, cells = random_run(7)
    few = {"random-forest", "mlp", "linear"}
    everyone = {row.entry: row.overall for row in board((trials, cells)).rows}
    some = board(([r for r in trials if r["learner"] in few], [c for c in cells if c["learner"] in few]))
    assert {row.entry: row.overall for row in some.rows} == {name: everyone[name] for name in few}


FEW = ("mlp", "random-forest", "linear")


@pytest.mark.parametrize("show", ["tuned", "default", "ensembled"])
@pytest.mark.parametrize("by", ["learner", "family"])
def test_a_narrowed_leaderboard_is_that_of_a_run_of_these_alone(by, show):
    trials, cells = random_run(7)
    names = FEW if by == "learner" else ("bagged", "neural")
    alone = [c for c in cells if c[by] in names]
    expected = board(([r for r in trials if r[by] in names], alone), by=by, show=show).rated()
    found = board((trials, cells), by=by, show=show, only=names).rated()
    assert list(map(repr, found.rows)) == list(map(repr, expected.rows))
    assert all(math.isfinite(row.rating.elo) for row in found.rows)
    narrow, *notes = found.notes
    of = "3 of 7 learners" if by == "learner" else "2 of 5 families"
    assert narrow == f"Narrowed to {of}: tiers, ranks and ratings are among these alone"
    assert tuple(notes) == expected.notes


def test_the_reference_stays_the_yardstick_where_it_is_not_shown():
    run = random_run(7)
    everyone = {row.entry: row for row in board(run).rated().rows}
    found = board(run, only=("mlp", "extra-trees", "linear")).rated()
    assert found.contest.anchor is None
    assert np.mean([row.rating.elo for row in found.rows]) == pytest.approx(1000)
    for row in found.rows:
        of_all = everyone[row.entry]
        assert astuple(row.overall) == pytest.approx(astuple(of_all.overall), rel=1e-12)
        for name in ("wins", "ties", "losses", "n_stood_in", "n_failed", "n_bound", "median_s"):
            assert getattr(row, name) == getattr(of_all, name)
        assert 1 <= row.mean_rank <= 3
        assert row.mean_rank < of_all.mean_rank
        assert row.rating.elo != of_all.rating.elo


def test_tiers_are_of_the_narrower_field():
    trials, cells = random_run(7)
    for row in trials:
        if row["learner"] == "mlp" and row["test_score"] is not None:
            row["test_score"] = 50 * (1 + row["test_score"])
    last = board((trials, cells)).rows[-1]
    assert (last.entry, last.tier) == ("mlp", 2)
    (alone,) = board((trials, cells), only=("mlp",)).rows
    assert (alone.tier, alone.overall.mean) == (1, last.overall.mean)


@pytest.mark.parametrize(
    ("by", "name", "line"),
    [
        (
            "learner",
            "mpl",
            "'mpl' is no learner of this run - did you mean \"mlp\"? (learners: random-forest,",
        ),
        ("family", "mlp", "'mlp' is no family of this run (families: bagged, dummy, gp, linear, neural)"),
    ],
)
def test_a_narrower_field_of_somebody_else_is_refused(by, name, line):
    with pytest.raises(ConfigError) as refused:
        board(random_run(1), by=by, only=(name, "linear"))
    (problem,) = refused.value.problems
    assert problem.startswith(f"only: {line}")


def test_a_leaderboard_is_not_rated_until_it_is_asked_to_be():
    found = board(random_run(3))
    assert {row.rating for row in found.rows} == {NOT_RATED}
    rated = found.rated()
    assert len({row.rating.elo for row in rated.rows}) == len(FAMILIES)
    (reference,) = (row for row in rated.rows if row.entry == "random-forest")
    assert reference.rating.elo == 1000
    by_family = board(random_run(3), by="family").rated()
    assert [row.entry for row in by_family.rows if row.rating.elo == 1000] == ["bagged"]


def test_two_names_for_one_learner_share_everything():
    trials, cells = random_run(8)
    twin = {"learner": "twin", "family": "twin"}

    def copied(records: list[Record]) -> list[Record]:
        same = [r for r in records if r["learner"] == "mlp"]
        return [
            {**r, **twin, "cell_id": r["cell_id"] + "'", "evidence_key": r["evidence_key"] + "'"}
            for r in same
        ]

    found = {r.entry: r for r in board((trials + copied(trials), cells + copied(cells))).rows}
    for name in ("tier", "overall", "regression", "mean_rank", "wins", "median_s"):
        assert getattr(found["twin"], name) == getattr(found["mlp"], name)


def test_a_task_without_its_reference_leaves_the_ratios_and_the_notes_say_so():
    trials, cells = random_run(9)
    for c in cells:
        if c["learner"] == "random-forest":
            c["status"] = "crash" if (c["task"], c["fold"]) == ("t2", 0) else "ok"
    rows = [r for r in trials if r["evidence_key"] != "2-0-random-forest"]
    have = {r["evidence_key"] for r in rows}
    cells = [
        c
        for c in cells
        if c["learner"] != "random-forest" or c["evidence_key"] in have or c["status"] == "crash"
    ]
    found = board((rows, cells))
    assert found.datasets == {"binary": 3, "multiclass": 4, "regression": 3}
    assert any(
        "random-forest failed in its default configuration there" in n and "on t2:" in n for n in found.notes
    )


def test_without_the_reference_there_are_ranks_and_no_ratios():
    found = board(random_run(10), reference="catboost")
    assert all(row.overall.n == 0 and row.tier is None and math.isnan(row.overall.mean) for row in found.rows)
    ranks = [row.mean_rank for row in found.rows]
    assert ranks == sorted(ranks)
    about = [note for note in found.notes if "catboost" in note]
    assert len(about) == 1
    assert about[0].startswith("no catboost in this run: no ratios;")
    assert sum(found.datasets.values()) == 0


def test_a_reference_that_only_some_tasks_plan_is_said_to_lack_there():
    trials, cells = random_run(10)
    cells = [c for c in cells if (c["learner"], c["task"]) != ("random-forest", "t4")]
    notes = board((trials, cells)).notes
    assert "No error ratios on t4: the reference random-forest is not planned there" in notes
    assert not any(note.startswith("no random-forest") for note in notes)


def test_a_replay_counts_the_results_that_its_budget_cannot_buy_a_default_for():
    run = random_run(13)
    trials = [{**r, "attempt_budget_s": 8.0} for r in run[0] if r["attempt"] == 1]
    dear = {r["evidence_key"] for r in trials if r["trial"] == 0 and r["spent_s"] > 1.0}
    found = board((trials, run[1]), budget_s=0.5)
    assert found.replay
    assert (
        f"{len(dear)} of 168 results need more than this budget for their default: they count as missing"
        in (found.notes)
    )
    assert not any("for their default" in note for note in board((trials, run[1])).notes)
    shared = board((trials, run[1]), by="family", budget_s=0.5).notes
    assert any("need more than their share of this budget" in note for note in shared)


def test_an_entry_without_any_score_is_last_and_is_given_no_stand_ins():
    trials, cells = random_run(11)
    for c in cells:
        c["status"] = "error" if c["learner"] == "mlp" else c["status"]
    last = board(([r for r in trials if r["learner"] != "mlp"], cells)).rows[-1]
    assert (last.entry, last.overall.n, last.n_tasks, last.n_failed) == ("mlp", 0, 0, 24)


def test_while_a_run_goes_on_what_is_there_is_compared_split_by_split():
    trials, cells = random_run(12)
    pending = {c["evidence_key"] for c in cells if c["fold"] == 1 and c["learner"] == "mlp"}
    partial = [{**c, "status": "" if c["evidence_key"] in pending else c["status"]} for c in cells]
    found = board(([r for r in trials if r["evidence_key"] not in pending], partial))
    first = board(([r for r in trials if r["fold"] == 0], [c for c in cells if c["fold"] == 0]))
    mlp, alone = (next(r for r in b.rows if r.entry == "mlp") for b in (found, first))
    assert mlp.overall == alone.overall
    assert any(note.startswith("12 of 168 results are still to come") for note in found.notes)


def test_while_the_reference_is_not_through_its_finished_splits_are_compared():
    trials, cells = random_run(12)
    pending = {c["evidence_key"] for c in cells if c["fold"] == 1 and c["learner"] == "random-forest"}
    partial = [{**c, "status": "" if c["evidence_key"] in pending else c["status"]} for c in cells]
    found = board(([r for r in trials if r["evidence_key"] not in pending], partial))
    first = board(([r for r in trials if r["fold"] == 0], [c for c in cells if c["fold"] == 0]))
    assert {r.entry: r.overall for r in found.rows} == {r.entry: r.overall for r in first.rows}
    assert any(r.overall.n for r in found.rows)


def test_empty_frames_make_an_empty_leaderboard():
    found = leaderboard(trials_frame(), cells_frame(), View())
    assert found.rows == ()
    assert leaderboard(trials_frame(), cells_frame(random_run(1)[1]), View(by="family")).rows


def test_a_view_smaller_than_the_run_is_a_replay_and_names_its_budget():
    run = random_run(13)
    trials = [{**r, "attempt": 1, "attempt_budget_s": 8.0} for r in run[0] if r["attempt"] == 1]
    as_run, smaller, larger = (board((trials, run[1]), budget_s=b) for b in (None, 2.0, 80.0))
    assert [(b.budget, b.replay) for b in (as_run, smaller, larger)] == [
        ("8 s", False),
        ("2 s", True),
        ("80 s", False),
    ]
    assert any("ran under less than 80 s" in note for note in larger.notes)
    assert any("unequal budgets" in note for note in board(run).notes)
    by_trials = board((trials, run[1]), budget_trials=3)
    assert (by_trials.budget, by_trials.replay) == ("8 s, 3 trials", True)


def test_hardly_searched_entries_say_so():
    found = board(random_run(14), budget_s=0.1)
    assert all(row.defaults_only for row in found.rows)
    assert any(note.startswith("defaults only") for note in found.notes)


def test_mixed_devices_and_interventions_are_said():
    trials, cells = random_run(15)
    cells[0]["device"] = "cuda1"
    cells[1]["intervention"] = "rotate"
    notes = board((trials, cells)).notes
    assert "1 cells under another intervention are left out" in notes
    assert cells[1]["learner"] != "mlp"
    assert not any("intervention" in note for note in board((trials, cells), only=("mlp",)).notes)
    assert any("cpu1 and cuda1" in note for note in notes)


def test_the_frames_are_left_as_they_were():
    trials, cells = (make(r) for make, r in zip((trials_frame, cells_frame), random_run(16), strict=True))
    before = trials.copy(), cells.copy()
    leaderboard(trials, cells, View(by="family"))
    pd.testing.assert_frame_equal(trials, before[0])
    pd.testing.assert_frame_equal(cells, before[1])
