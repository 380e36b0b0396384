"""A whole leaderboard is computed again by plain loops, and its parts by independent implementations."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from itertools import pairwise, product
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from bench.analysis.errors import floored
from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.intervals import bootstrap_means
from bench.analysis.leaderboard import Leaderboard, leaderboard
from bench.analysis.views import View
from bench.cells import CellStatus

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


def random_run(seed: int, n_tasks: int = 12) -> tuple[list[Record], list[Record]]:
    """Return trials and cells with failures, limits, second attempts and two tasks of one dataset."""
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
    n_test = int(c["task"][1:]) * 10 + 50
    made, spent_s = [], 0.0
    for number in range(int(rng.integers(1, 12))):
        billed_s = float(rng.exponential(1.0))
        spent_s += billed_s
        status = "ok" if number == 0 else str(rng.choice(["ok", "ok", "ok", "truncated", "nan"]))
        validated = float(rng.integers(0, 20)) / 40 if status != "nan" else None
        row = {
            **c,
            "validation": "cv4",
            "attempt": 1,
            "attempt_budget_s": 4.0,
            "attempt_budget_trials": None,
            "trial": number,
            "status": status,
            "flags": "",
            "validation_score": validated,
            "test_score": None if validated is None else float(rng.integers(0, 25)) / 50,
            "train_score": None,
            "test_score_single": None,
            "billed_s": billed_s,
            "spent_s": spent_s,
            "unbilled_s": 0.1,
            "n_test": n_test,
            "n_test_minority": n_test // 4 if c["problem"] == "binary" else None,
        }
        made.append(row)
        if rng.random() < 0.3:
            again = {
                "attempt": 2,
                "attempt_budget_s": 8.0,
                "status": "ok",
                "validation_score": 0.2,
                "test_score": 0.3,
            }
            made.append({**row, **again, "spent_s": spent_s + 0.5})
    return made


def mean_of(values: Iterable[float]) -> float:
    """Return the mean, or NaN for nothing."""
    found = list(values)
    return statistics.fmean(found) if found else math.nan


class Loops:
    """The leaderboard by loops over records: slow, plain, and sharing no code with the real one."""

    def __init__(self, trials: list[Record], cells: list[Record], view: View) -> None:
        self.view, self.cells = view, cells
        self.attempts: dict[tuple[str, int], list[Record]] = {}
        self.latest: dict[str, Record] = {}
        for row in sorted(trials, key=lambda row: row["attempt"]):
            self.attempts.setdefault((row["evidence_key"], row["trial"]), []).append(row)
            self.latest[row["evidence_key"]] = row
        self.tasks = list(dict.fromkeys(c["task"] for c in cells))
        self.entries = list(dict.fromkeys(c[view.by] for c in cells))

    def budget(self, key: str) -> float:
        asked = self.view.budget_s
        return float(self.latest[key]["attempt_budget_s"] if asked is None else asked)

    @staticmethod
    def standing(attempts: list[Record], limit: float) -> Record:
        """Return the row that stands for a trial: of the attempt at the limit, or else of the last."""
        return next((row for row in reversed(attempts) if row["attempt_budget_s"] == limit), attempts[-1])

    def shown(self, c: Record, members: int, factor: float) -> tuple[list[Record], list[Record]]:
        """Return the rows that count and those that are paid for."""
        if c["evidence_key"] not in self.latest:
            return [], []
        limit = self.budget(c["evidence_key"]) / members
        counting, paid = [], []
        for (key, number), attempts in sorted(self.attempts.items(), key=lambda item: item[0]):
            if key != c["evidence_key"]:
                continue
            row = self.standing(attempts, limit)
            own = row["attempt_budget_s"] == limit
            if not own and row["spent_s"] > (limit if number > 0 else factor * limit):
                continue
            paid.append(row)
            if row["status"] == "ok" or (row["status"] == "truncated" and own):
                counting.append(row)
        return counting, paid

    def result(self, entry: str, task: str, fold: int) -> Record:
        here = [c for c in self.cells if (c[self.view.by], c["task"], c["fold"]) == (entry, task, fold)]
        applying = [c["cell_id"] for c in here if c["status"] != "not_applicable"]
        members = max(1, len(applying))
        counting, used_s = [], 0.0
        for c in here:
            rows, paid = self.shown(c, members, 2.0 if c["cell_id"] in applying[:1] else 1.0)
            counting += rows
            used_s += max((row["spent_s"] for row in paid), default=0.0)
        best = min(counting, key=lambda row: row["validation_score"], default=None)
        return {
            "error": best and best["test_score"],
            "n_trials": len(counting),
            "used_s": used_s,
            "outside": all(c["status"] == "not_applicable" for c in here),
            "failed": sum(CellStatus(c["status"]).failed for c in here),
        }

    def default(self, learner: str, task: str, fold: int) -> Record | None:
        key = f"{task[1:]}-{fold}-{learner}"
        attempts = self.attempts.get((key, 0))
        return attempts and self.standing(attempts, self.budget(key))

    def errors(self, entry: str, task: str) -> tuple[float | None, float | None]:
        """Return the mean error with stand-ins, and the log ratio."""
        results = [self.result(entry, task, fold) for fold in range(2)]
        references = [self.default("random-forest", task, fold) for fold in range(2)]
        errors: list[float | None] = []
        for fold, result in enumerate(results):
            stand_in = {
                "fallback": references[fold],
                "dummy": self.default("dummy", task, fold),
                "complete-pairs": None,
            }[self.view.failure_policy]
            errors.append(
                result["error"] if result["error"] is not None else stand_in and stand_in["test_score"]
            )
        if any(error is None for error in errors):
            return None, None
        mean = sum(errors) / 2
        if any(reference is None for reference in references):
            return mean, None
        other = sum(reference["test_score"] for reference in references) / 2
        return mean, math.log(self.floored(other, references)) - math.log(self.floored(mean, references))

    @staticmethod
    def floored(error: float, rows: list[Record]) -> float:
        n = sum(row["n_test"] for row in rows)
        match rows[0]["problem"]:
            case "multiclass":
                return (error * n + 0.5) / (n + 1)
            case "binary":
                return error + 1 / (2 * sum(row["n_test_minority"] for row in rows))
            case _:
                return max(error, np.finfo(float).tiny)

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
        return {
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
            "median_s": statistics.median(r["used_s"] for r in done) if done else math.nan,
            "median_trials": statistics.median(r["n_trials"] for r in done) if done else math.nan,
        }


def board(run: tuple[list[Record], list[Record]], **view: Any) -> Leaderboard:
    return leaderboard(trials_frame(run[0]), cells_frame(run[1]), View(**view))


@pytest.mark.parametrize("policy", ["fallback", "dummy", "complete-pairs"])
@pytest.mark.parametrize("by", ["learner", "family"])
@pytest.mark.parametrize("budget_s", [None, 1.0, 4.0, 8.0])
def test_a_leaderboard_agrees_with_plain_loops(policy, by, budget_s):
    run = random_run(1)
    view = View(by=by, failure_policy=policy, budget_s=budget_s)
    found = {row.entry: row for row in leaderboard(trials_frame(run[0]), cells_frame(run[1]), view).rows}
    expected = Loops(*run, view).rows()
    assert found.keys() == expected.keys()
    for entry, row in expected.items():
        for name, value in row.items():
            got = getattr(found[entry], name)
            got = (got.mean, got.n) if isinstance(value, tuple) else got
            assert got == pytest.approx(value, rel=1e-12, abs=1e-12, nan_ok=True), (entry, name)


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


def test_floors():
    def floor(error: float, problem: str) -> float:
        counts = (np.array([9.0]), np.array([4.0]))
        return float(floored(np.array([error]), np.array([problem], dtype=object), *counts)[0])

    assert floor(0.0, "multiclass") == pytest.approx(0.5 / 10)
    assert floor(1 / 3, "multiclass") == pytest.approx(3.5 / 10)
    assert floor(0.1, "binary") == pytest.approx(0.1 + 1 / 8)
    assert floor(0.0, "regression") > 0
    assert floor(0.7, "regression") == 0.7


def test_the_ratio_to_the_reference_does_not_depend_on_who_else_takes_part():
    trials, cells = random_run(7)
    few = {"random-forest", "mlp", "linear"}
    everyone = {row.entry: row.overall for row in board((trials, cells)).rows}
    some = board(([r for r in trials if r["learner"] in few], [c for c in cells if c["learner"] in few]))
    assert {row.entry: row.overall for row in some.rows} == {name: everyone[name] for name in few}


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
    assert "1 cells with an intervention are left out" in notes
    assert any("cpu1 and cuda1" in note for note in notes)


def test_the_frames_are_left_as_they_were():
    trials, cells = (make(r) for make, r in zip((trials_frame, cells_frame), random_run(16), strict=True))
    before = trials.copy(), cells.copy()
    leaderboard(trials, cells, View(by="family"))
    pd.testing.assert_frame_equal(trials, before[0])
    pd.testing.assert_frame_equal(cells, before[1])
