"""Learning and cost curves of made runs: known exponents are found, and nothing that failed is hidden."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from bench.analysis.curve_tables import text
from bench.analysis.curves import Curves, curves
from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.intervals import bootstrap_means
from bench.analysis.leaderboard import leaderboard
from bench.analysis.sensitivity import sensitivity
from bench.analysis.views import View
from bench.errors import ConfigError

SIZES = (250.0, 1000.0, 4000.0, math.inf)
ALL_ROWS = {"a": 9000, "b": 20_000, "c": 6000}
ALPHA = {("linear", "a"): 0.1, ("linear", "b"): 0.2, ("linear", "c"): 0.6,
         ("net", "a"): 0.5, ("net", "b"): 0.4, ("net", "c"): 0.3}  # fmt: skip
BETA = {"linear": 1.0, "net": 1.7}
FOLDS = (0, 1)


def made(error=None, sizes=SIZES, tasks=ALL_ROWS, problem="regression", billed=None):
    """Return the records of a run; `error` and `billed` are functions of learner, task, fold and rows."""
    error = error or (lambda learner, task, fold, n: (1 + fold) * n ** -ALPHA[learner, task])
    billed = billed or (lambda learner, task, fold, n: 1e-4 * (1 + 2 * fold) * n ** BETA[learner])
    trials, cells = [], []
    for task, learner, fold, cap in product(tasks, BETA, FOLDS, sizes):
        n = min(cap, tasks[task] + fold)
        cell = {
            "cell_id": f"{task}/r0f{fold}-n{cap}/{learner}", "evidence_key": f"{task} {fold} {cap} {learner}",
            "task": task, "dataset": f"table-{task}", "problem": problem, "repeat": 0, "fold": fold,
            "learner": learner, "family": f"family-{learner}", "intervention": "none", "seed": 0,
            "device": "cpu1", "status": "ok", "reason": "",
            "train_cap": None if math.isinf(cap) else cap, "n_train": n,
        }  # fmt: skip
        cells.append(cell)
        for number, factor in enumerate((2.0, 1.0)):
            value, seconds = factor * error(learner, task, fold, n), billed(learner, task, fold, n)
            trials.append({
                **cell, "validation": "holdout25", "attempt": 1, "attempt_budget_s": None,
                "attempt_budget_trials": 2, "trial": number, "status": "ok", "flags": "",
                **dict.fromkeys(("validation_score", "test_score", "train_score"), value),
                "test_score_single": None, "billed_s": (1 + 9 * number) * seconds,
                "spent_s": (1 + 9 * number) * seconds, "unbilled_s": 0.0, "n_test": 100,
                "n_test_minority": 40 if problem == "binary" else None,
            })  # fmt: skip
    return trials, cells


def drawn(run, **view) -> Curves:
    return curves(trials_frame(run[0]), cells_frame(run[1]), View(**view))


def by_entry(found):
    return {curve.entry: curve for curve in found.curves}


def fail(run, learner, task, cap, status="timeout", fold=0):
    """Return the run with one cell of it failed, or not applicable."""
    key = f"{task} {fold} {cap} {learner}"
    trials = [trial for trial in run[0] if trial["evidence_key"] != key]
    cells = [{**cell, "status": status} if cell["evidence_key"] == key else cell for cell in run[1]]
    return trials, cells


def test_known_exponents_are_found():
    run = made(sizes=(250.0, 1000.0, 4000.0))
    found = drawn(run)
    assert found.sizes == (250, 1000, 4000)
    for learner, curve in by_entry(found).items():
        alphas = [ALPHA[learner, task] for task in ALL_ROWS]
        assert curve.error_exponent.mean == pytest.approx(np.mean(alphas), abs=1e-9)
        low, high = bootstrap_means(np.array([alphas]))
        assert (curve.error_exponent.low, curve.error_exponent.high) == pytest.approx((low[0], high[0]))
        assert curve.time_exponent.mean == pytest.approx(BETA[learner], abs=1e-9)
        assert curve.error_exponent.n == curve.time_exponent.n == curve.n_tasks == 3
        # folds err by 1 and 2 times the power: their mean is 1.5 times
        errors = [1.5 * math.prod(n**-alpha for alpha in alphas) ** (1 / 3) for n in found.sizes]
        assert curve.errors == pytest.approx(errors)


def test_lines_are_those_of_scipy_on_the_rows_that_were_really_there():
    rng = np.random.default_rng(0)
    values = {key: rng.uniform(0.05, 0.9) for key in product(BETA, ALL_ROWS, FOLDS, SIZES)}
    caps = {min(cap, rows + fold): cap for cap in SIZES for rows in ALL_ROWS.values() for fold in FOLDS}
    run = made(error=lambda learner, task, fold, n: values[learner, task, fold, caps[n]])
    found = drawn(run)
    for learner, curve in by_entry(found).items():
        slopes = []
        for task, rows in ALL_ROWS.items():
            n = [min(cap, rows + 0.5) for cap in SIZES]
            errors = [np.mean([values[learner, task, fold, cap] for fold in FOLDS]) for cap in SIZES]
            slopes.append(stats.linregress(np.log(n), np.log(errors)).slope)
        assert curve.error_exponent.mean == pytest.approx(-np.mean(slopes))
    assert found.rows == ((250, 250), (1000, 1000), (4000, 4000), (6000.5, 20_000.5))


@pytest.mark.parametrize(("problem", "floor"), [
    ("multiclass", lambda e: (200 * e + 0.5) / 201), ("binary", lambda e: e + 0.5 / 80)
])  # fmt: skip
def test_errors_are_floored_as_the_leaderboard_s_are(problem, floor):
    run = made(error=lambda *_: 0.0, problem=problem)
    for curve in drawn(run).curves:
        assert curve.errors == pytest.approx([floor(0.0)] * 4)
        assert curve.error_exponent.mean == pytest.approx(0.0, abs=1e-12)


def test_the_default_is_shown_with_its_own_error_and_the_same_seconds():
    tuned, default = (by_entry(drawn(made(), show=show))["net"] for show in ("tuned", "default"))
    assert default.errors == pytest.approx([2 * error for error in tuned.errors])
    assert default.time_exponent == tuned.time_exponent


def test_the_order_of_trials_does_not_matter_and_that_of_tasks_neither():
    trials, cells = made()
    order = np.random.default_rng(1)
    shuffled = [trials[i] for i in order.permutation(len(trials))]
    by_learner = sorted(
        cells, key=lambda cell: (cell["learner"], -SIZES.index(cell["train_cap"] or math.inf))
    )
    assert drawn((shuffled, by_learner)) == drawn((trials, cells))
    assert drawn((trials, cells[::-1])).curves == drawn((trials, cells)).curves[::-1]


def test_a_factor_in_errors_or_seconds_changes_no_exponent():
    scaled = made(
        error=lambda learner, task, fold, n: 0.3 * n ** -ALPHA[learner, task],
        billed=lambda learner, task, fold, n: 7.0 * n ** BETA[learner],
    )
    for one, other in zip(drawn(made()).curves, drawn(scaled).curves, strict=True):
        assert one.error_exponent.mean == pytest.approx(other.error_exponent.mean, abs=1e-4)
        assert one.time_exponent.mean == pytest.approx(other.time_exponent.mean, abs=1e-4)


@pytest.mark.parametrize(
    ("status", "reason"),
    [("timeout", "failed"), ("not_applicable", "not applicable"), ("", "still to come")],
)
def test_an_entry_without_an_error_at_one_size_is_said_and_its_task_left_out(status, reason):
    whole, run = made(), fail(made(), "net", "b", 4000.0, status)
    found = by_entry(drawn(run))
    assert drawn(run).notes == (
        f"net has no error at 4000 on 1 ({reason}): these tasks are not in its curve",
    )
    assert found["linear"] == by_entry(drawn(whole))["linear"]
    without = made(tasks={task: n for task, n in ALL_ROWS.items() if task != "b"})
    assert found["net"].errors == pytest.approx(by_entry(drawn(without))["net"].errors)
    assert found["net"].error_exponent.mean == pytest.approx(
        np.mean([ALPHA["net", t] for t in "ac"]), abs=1e-4
    )
    assert (found["net"].n_tasks, found["net"].error_exponent.n) == (2, 2)


def test_an_entry_that_failed_everywhere_at_one_size_has_a_row_and_no_curve():
    run = made()
    for task in ALL_ROWS:
        run = fail(run, "net", task, math.inf)
    net = by_entry(drawn(run))["net"]
    assert np.isnan(net.errors).all()
    assert (net.n_tasks, net.error_exponent.n) == (0, 0)
    shown = text(drawn(run))
    assert "net has no error at full on 3 (failed)" in " ".join(shown.split())
    assert any(line.split() == ["net", "-", "-", "-", "-", "0", "-", "-"] for line in shown.splitlines())


def test_a_default_that_was_cut_short_has_an_error_and_no_time():
    trials, cells = made()
    for trial in trials:
        if trial["evidence_key"] == "a 1 inf net" and trial["trial"] == 0:
            trial["status"] = "truncated"
    found = drawn((trials, cells))
    net = by_entry(found)["net"]
    assert (net.error_exponent.n, net.time_exponent.n) == (3, 2)
    (note,) = found.notes
    assert note.startswith("net has no time at full on 1 (the default was cut short or failed): these tasks")


def test_a_table_with_fewer_sizes_is_in_the_exponents_alone():
    def small(record):
        return record["task"] == "c" and record["train_cap"] == 4000.0

    trials, cells = ([each for each in part if not small(each)] for part in made())
    found = drawn((trials, cells))
    assert found.notes == ("1 of 3 tasks are run at fewer sizes: they are in the exponents alone",)
    for learner, curve in by_entry(found).items():
        assert curve.n_tasks == 2
        assert curve.error_exponent.n == 3
        assert curve.error_exponent.mean == pytest.approx(
            np.mean([ALPHA[learner, task] for task in ALL_ROWS]), abs=1e-4
        )


def test_tasks_of_one_dataset_are_one_draw():
    trials, cells = made()
    for record in (*trials, *cells):
        record["dataset"] = "one" if record["task"] in "ab" else "other"
    linear = by_entry(drawn((trials, cells)))["linear"].error_exponent
    assert linear.n == 2
    assert linear.mean == pytest.approx(((0.1 + 0.2) / 2 + 0.6) / 2, abs=1e-4)


def test_families_show_their_learners_together():
    trials, cells = made()
    for record in (*trials, *cells):
        record["family"] = "both"
    (curve,) = drawn((trials, cells), by="family").curves
    halves = drawn((trials, cells), show="default")  # of two trials, each of two learners has one
    assert curve.entry == "both"
    assert curve.errors[0] <= min(each.errors[0] for each in halves.curves)
    assert curve.time_exponent.mean == pytest.approx(BETA["linear"], abs=1e-4), "of its first learner"


@pytest.mark.parametrize("sizes", [(250.0,), (math.inf,)])
def test_a_run_with_one_size_says_what_a_suite_needs(sizes):
    with pytest.raises(ConfigError, match=r'a suite needs `\[caps\] train_rows = \[250, 1000, "full"\]`'):
        drawn(made(sizes=sizes))
    with pytest.raises(ConfigError, match="a suite needs"):
        drawn(([], []))


def test_every_number_is_in_the_frame():
    found = drawn(made())
    frame = found.to_frame().set_index("entry")
    for curve in found.curves:
        row = frame.loc[curve.entry]
        assert tuple(row[[f"error_at_{size}" for size in (250, 1000, 4000, "full")]]) == curve.errors
        assert (row["error_exponent"], row["time_exponent_high"]) == (
            curve.error_exponent.mean,
            curve.time_exponent.high,
        )


# -- views of one size ------------------------------------------------------------------------------


def test_a_leaderboard_is_of_one_size_and_says_which():
    trials, cells = made()
    frames = trials_frame(trials), cells_frame(cells)
    with pytest.raises(ConfigError, match="cells at 250, 1000, 4000, full training rows: say which"):
        leaderboard(*frames, View(reference="net"))
    with pytest.raises(ConfigError, match=r"no cell of this run is at 300 training rows \(there: 250, "):
        leaderboard(*frames, View(reference="net", train_rows=300))
    alone = [c for c in cells if c["train_cap"] == 250.0]
    keys = {c["evidence_key"] for c in alone}
    expected = leaderboard(
        trials_frame([t for t in trials if t["evidence_key"] in keys]),
        cells_frame(alone),
        View(reference="net"),
    )
    found = leaderboard(*frames, View(reference="net", train_rows=250))
    assert repr((found.rows, found.notes)) == repr((expected.rows, expected.notes))
    assert "250 training rows" in " ".join(str(found).split())
    assert "training rows" not in str(expected)
    assert set(found.to_frame()["train_rows"]) == {250}
    assert "train_rows" not in expected.to_frame()


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "all", "250"])
def test_a_view_of_what_is_no_size_is_refused(size):
    with pytest.raises(ConfigError, match=r"train_rows: .* is neither a number of rows nor 'full'"):
        View(train_rows=size)


def test_sensitivity_is_of_one_size():
    trials, cells = made()
    for record in (*trials, *cells):
        if record["fold"] == 1:
            record |= {"fold": 0, "intervention": "random-labels"}
    frames = trials_frame(trials), cells_frame(cells)
    with pytest.raises(ConfigError, match="say which"):
        sensitivity(*frames, View(reference="net"))
    (change,) = sensitivity(*frames, View(reference="net", train_rows="full")).changes[0]
    assert change.n == 3, "tables are counted, not tables times sizes"
