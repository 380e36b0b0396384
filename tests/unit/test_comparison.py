"""A run against a baseline, from stores of made-up runs: what is paired, what is found, what is said."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from store_worlds import BUDGET, ENVIRONMENT, World, stored, tables

import bench
from bench.analysis.comparison.answers import Word
from bench.analysis.comparison.comparing import compare
from bench.analysis.comparison.matching import matching
from bench.analysis.comparison.pairs import pairs
from bench.analysis.comparison.tables import markdown, summary, text, to_json
from bench.analysis.errors import errors
from bench.analysis.results import results
from bench.analysis.traces import traces
from bench.analysis.views import View
from bench.baselines import Baseline
from bench.boards import recorded
from bench.budgets import Budget
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.store.extraction import extracted
from bench.store.query import find_run
from bench.thresholds import parse_threshold

OLD, NEW = "20260102-030405-abcd", "20260202-030405-beef"
LATER = "2026-02-02T03:04:05.000+00:00"
TRIALS = Budget(seconds=None, trials=12)
WORLD = World(tables=tables(8), folds=2, budget=TRIALS)
AGAIN = replace(WORLD, started=LATER)
CHANCE = replace(AGAIN, lock="newer", moved=0.4, draw=1)
ERROR, AUC, FIT = map(parse_threshold, ("error:+2%", "auc:-0.5%", "fit_s:+20%"))


class Made:
    """Runs of worlds, each made once."""

    def __init__(self, factory):
        self.factory, self.runs = factory, {}

    def __call__(self, world, run_id=NEW):
        key = (repr(world), run_id)
        if key not in self.runs:
            store = stored(world, self.factory.mktemp("results"), run_id)
            self.runs[key] = extracted(store, find_run(store, run_id))
            store.close()
        return self.runs[key]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return Made(tmp_path_factory)


@pytest.fixture(scope="module")
def baseline(made):
    return made(WORLD, OLD)


def words(found):
    return {answer.learner: answer.word for answer in found.answers}


def of(found, learner):
    (answer,) = (each for each in found.answers if each.learner == learner)
    return answer


def columns(which, keep):
    return {name: [values[i] for i in keep] for name, values in which.items()}


def without(run, drop):
    """Return a run less the cells that are to be dropped."""
    kept = [i for i in range(len(run.cells["cell_id"])) if not drop({k: v[i] for k, v in run.cells.items()})]
    place = {cell: i for i, cell in enumerate(kept)}
    trials = columns(run.trials, [i for i, cell in enumerate(run.trials["cell"]) if cell in place])
    trials["cell"] = [place[cell] for cell in trials["cell"]]
    return replace(run, cells=columns(run.cells, kept), trials=trials)


def changed(run, part, **changes):
    """Return a run with other values in the columns of its cells or trials."""
    old = dict(getattr(run, part))
    for name, change in changes.items():
        old[name] = [change(value, i) for i, value in enumerate(old[name])]
    return replace(run, **{part: old})


def test_a_run_that_predicts_the_same_is_not_worse_by_proof(made, baseline):
    found = compare(baseline, made(AGAIN), [ERROR])
    assert set(words(found).values()) == {Word.NOT_WORSE}
    for answer in found.answers:
        assert answer.why == "the same predictions in every pair"
        assert answer.changes.n_identical == answer.changes.n_pairs == 16
    assert (found.worse, found.undecided, found.n_pairs) == (False, False, 96)
    assert summary(found) == "NOT WORSE: 6."
    assert not any("Predictions differ" in note for note in found.notes)


def test_one_prediction_that_is_another_is_no_proof_any_more(made, baseline):
    """Its score may be the very same: the interval then says what there is to say."""
    other = changed(made(AGAIN), "trials", prediction_hash=lambda value, i: "0" * 16 if i == 40 else value)
    found = compare(baseline, other, [ERROR])
    moved = [a for a in found.answers if a.changes.n_identical < a.changes.n_pairs]
    assert [a.changes.n_identical for a in moved] == [15]
    assert moved[0].why == "the interval is on the right side of the threshold"
    assert any("Predictions differ in 1 of 96 pairs though machine, packages" in n for n in found.notes)


def test_the_same_predictions_that_are_scored_otherwise_are_no_proof(made, baseline):
    other = changed(made(AGAIN), "trials", test_score=lambda value, _: value * 1.1)
    found = compare(baseline, other, [ERROR])
    assert set(words(found).values()) == {Word.WORSE}
    assert all(a.changes.n_identical == a.changes.n_pairs for a in found.answers)


def test_a_planted_loss_is_found_and_the_others_are_not_worse(made, baseline):
    found = compare(baseline, made(replace(CHANCE, noise=0.02, losses={"xgboost": 0.06})), [ERROR])
    assert words(found).pop("xgboost") is Word.WORSE
    assert [learner for learner, word in words(found).items() if word is Word.WORSE] == ["xgboost"]
    answer = of(found, "xgboost")
    assert answer.low < 0.06 < answer.high
    assert answer.low > ERROR.bound
    assert summary(found).startswith("WORSE: xgboost. ")
    assert any(note.startswith("xgboost, error:+2%: most on table-") for note in found.notes)


def test_a_gain_is_not_worse(made, baseline):
    found = compare(baseline, made(replace(CHANCE, noise=0.02, losses={"xgboost": -0.06})), [ERROR])
    assert of(found, "xgboost").word is Word.NOT_WORSE
    assert of(found, "xgboost").mean < 0


def test_what_is_not_there_is_not_found_in_stores_either(made, tmp_path_factory):
    """The whole way from rows to answers, on runs that differ by chance alone."""
    small = World(tables=tables(6), folds=2, n_trials=2, budget=Budget(seconds=None, trials=2))
    old = made(small, OLD)
    draws = 30
    alarms = 0
    for draw in range(draws):
        world = replace(small, started=LATER, lock="newer", moved=0.5, noise=0.2, draw=draw)
        store = stored(world, tmp_path_factory.mktemp("results"), NEW)
        alarms += compare(old, extracted(store, find_run(store, NEW)), [ERROR]).worse
        store.close()
    assert alarms <= 3  # more has a probability of 0.0002 where each has one of a hundred


def test_errors_are_those_of_the_leaderboard(made, tmp_path, baseline):
    store = stored(WORLD, tmp_path, OLD)
    of_store = recorded(store, find_run(store, None))
    view = View(budget_trials=12, failure_policy="complete-pairs")
    shown = traces(of_store.trials, of_store.cells)
    board = errors(results(shown, view), shown, view)
    run = made(CHANCE)
    found = pairs(baseline, run, matching(baseline, run))
    cells = found.cells.assign(error=found.errors[0])
    mean = cells.groupby(["learner", "task"])["error"].mean()
    for i, learner in enumerate(board.entries):
        for j, task in enumerate(board.tasks):
            assert mean[learner, task] == board.mean[i, j]
    store.close()


def test_values_are_log_ratios_of_floored_errors(made, baseline):
    run = made(CHANCE)
    found = pairs(baseline, run, matching(baseline, run))
    (answer,) = (each for each in compare(baseline, run, [ERROR]).answers if each.learner == "linear")
    for place, (dataset, split) in enumerate(
        zip(answer.changes.datasets, answer.changes.splits, strict=True)
    ):
        cells = found.cells
        fold = int(split.partition("f")[2])
        at = (
            (cells["learner"] == "linear") & (cells["dataset"] == dataset) & (cells["fold"] == fold)
        ).to_numpy()
        (i,) = np.flatnonzero(at)
        old, new = (side[i] for side in found.errors)
        floor = {
            ProblemType.BINARY: lambda e: e + 0.5 / 100,
            ProblemType.MULTICLASS: lambda e: (e * 400 + 0.5) / 401,
            ProblemType.REGRESSION: lambda e: e,
        }[ProblemType(cells["problem"][i])]
        assert answer.changes.values[place] == pytest.approx(math.log(floor(new) / floor(old)))


def test_seeds_of_a_split_are_one_value(made):
    world = replace(WORLD, seeds=(0, 1, 2))
    found = compare(made(world, OLD), made(replace(world, started=LATER, moved=1.0, draw=1)), [ERROR])
    assert {len(a.changes.values) for a in found.answers} == {16}
    assert {a.changes.n_pairs for a in found.answers} == {48}


def test_interventions_and_sizes_of_a_split_are_one_value(made):
    world = replace(WORLD, interventions=("none", "label-noise:20"), sizes=(100, None))
    found = compare(made(world, OLD), made(replace(world, started=LATER, moved=1.0, draw=1)), [ERROR])
    assert {len(a.changes.values) for a in found.answers} == {16}
    assert {a.changes.n_pairs for a in found.answers} == {64}


def test_the_order_of_cells_and_trials_changes_nothing(made, baseline):
    run = made(CHANCE)
    shuffled = np.random.default_rng(1).permutation(len(run.cells["cell_id"])).tolist()
    place = {cell: i for i, cell in enumerate(shuffled)}
    rows = np.random.default_rng(2).permutation(len(run.trials["cell"])).tolist()
    trials = columns(run.trials, rows)
    trials["cell"] = [place[cell] for cell in trials["cell"]]
    other = compare(baseline, replace(run, cells=columns(run.cells, shuffled), trials=trials), [ERROR])
    for answer in compare(baseline, run, [ERROR]).answers:
        again = of(other, answer.learner)
        for name in ("word", "mean", "low", "high", "p", "p_adjusted", "seen_from"):
            assert getattr(again, name) == pytest.approx(getattr(answer, name), abs=1e-12), name


def test_a_learner_more_changes_the_adjusted_p_of_the_others_and_nothing_else(made, baseline):
    run = made(CHANCE)

    def fewer(of_run):
        return without(of_run, lambda cell: cell["learner"] == "mlp")

    with_mlp, alone = compare(baseline, run, [ERROR]), compare(fewer(baseline), fewer(run), [ERROR])
    assert [a.learner for a in alone.answers] == [a.learner for a in with_mlp.answers if a.learner != "mlp"]
    for answer in alone.answers:
        other = of(with_mlp, answer.learner)
        for name in ("word", "mean", "low", "high", "p"):
            assert getattr(other, name) == getattr(answer, name)
        assert other.p_adjusted >= answer.p_adjusted
    assert max(a.p_adjusted for a in with_mlp.answers) == 1


def test_exchanging_the_sides_mirrors_every_change(made, baseline):
    run = made(CHANCE)
    there, back = compare(baseline, run, [ERROR]), compare(run, baseline, [ERROR])
    for answer in there.answers:
        other = of(back, answer.learner)
        np.testing.assert_allclose(
            [-other.mean, -other.high, -other.low], [answer.mean, answer.low, answer.high]
        )
        assert other.p == answer.p


def test_a_slower_run_of_the_same_code_is_not_worse(made):
    """Of a budget in seconds it finished fewer trials; the ones that both finished are what is compared."""
    seconds = replace(WORLD, budget=BUDGET)
    old, new = made(seconds, OLD), made(replace(seconds, started=LATER, slower=2.5))
    found = pairs(old, new, matching(old, new))
    assert found.n_finished[1] < 0.7 * found.n_finished[0]
    made_of_it = compare(old, new, [ERROR])
    assert {a.why for a in made_of_it.answers} == {"the same predictions in every pair"}
    assert any("far fewer, which is cost and not quality" in note for note in made_of_it.notes)


def test_a_fit_that_the_clock_cut_is_not_compared(made, baseline):
    last = [i for i, trial in enumerate(made(CHANCE).trials["trial"]) if trial == 11]
    run = changed(made(CHANCE), "trials", status=lambda s, i: "truncated" if i in last else s)
    found = pairs(baseline, run, matching(baseline, run))
    searched = (found.cells["learner"] != "dummy").to_numpy()
    assert set(found.n_common[searched]) == {11}


def test_the_smaller_budget_is_what_both_are_seen_at(made, baseline):
    short = made(replace(AGAIN, n_trials=5, budget=Budget(seconds=None, trials=5)))
    found = compare(baseline, short, [ERROR])
    assert {a.word for a in found.answers} == {Word.NOT_WORSE}
    assert "Compared at the smaller budget, 5 trials a cell: the baseline replayed" in found.notes
    assert pairs(baseline, short, matching(baseline, short)).n_common.max() == 5


def test_a_smaller_budget_in_seconds_is_replayed_as_well(made):
    seconds = replace(WORLD, budget=BUDGET)
    half = replace(seconds, started=LATER, n_trials=6, budget=Budget(seconds=2.0, trials=6))
    found = compare(made(seconds, OLD), made(half), [ERROR])
    assert {a.word for a in found.answers} == {Word.NOT_WORSE}
    assert "Compared at the smaller budget, 2 s, 6 trials a cell: the baseline replayed" in found.notes


def test_a_metric_is_compared_in_points_where_there_is_one(made, baseline):
    found = compare(baseline, made(replace(CHANCE, noise=0.01, losses={"xgboost": 0.3})), [AUC])
    binary = sum(problem is ProblemType.BINARY for problem in WORLD.tables.values())
    assert {len(a.changes.values) for a in found.answers} == {2 * binary}
    assert of(found, "xgboost").mean > 0.005
    assert "points" in text(found)
    assert "-" in text(found).split("xgboost")[-1]


def test_a_metric_that_no_cell_has_is_told(made, baseline):
    with pytest.raises(ConfigError, match="no cell of both runs has the metric r2"):
        compare(baseline, made(CHANCE), [parse_threshold("r2:-1%")])


def test_a_learner_without_the_metric_has_no_answer_and_a_note(made, baseline):
    mine = [i for i, name in enumerate(baseline.cells["learner"]) if name == "mlp"]

    def bare(run):
        return changed(run, "trials", metrics=lambda m, i: {} if run.trials["cell"][i] in mine else m)

    found = compare(bare(baseline), bare(made(CHANCE)), [AUC])
    assert "mlp" not in words(found)
    assert "No auc, so no answer by it: mlp" in found.notes


def test_seconds_are_compared_on_one_machine(made, baseline):
    found = compare(baseline, made(replace(AGAIN, slower=1.5)), [ERROR, FIT])
    cost = [a for a in found.answers if a.threshold == FIT]
    assert {a.word for a in cost} == {Word.WORSE}
    np.testing.assert_allclose([a.mean for a in cost], math.log(1.5))
    assert {a.word for a in found.answers if a.threshold == ERROR} == {Word.NOT_WORSE}
    assert any("widened by 8 %" in note for note in found.notes)
    same = compare(baseline, made(AGAIN), [FIT])
    assert {a.word for a in same.answers} == {Word.NOT_WORSE}


@pytest.mark.parametrize(
    "other", [{"cpu": "another processor"}, {"cpu_count": 64}, {"memory_bytes": 2**30}, {"system": "Linux 7"}]
)
def test_seconds_of_another_machine_are_no_answer(made, baseline, other):
    world = replace(AGAIN, environment=replace(ENVIRONMENT, **other), slower=9.0)
    found = compare(baseline, made(world), [FIT])
    (name, value), *_ = other.items()
    assert {a.word for a in found.answers} == {Word.UNDECIDED}
    assert {a.why for a in found.answers} == {
        f"another machine: {name} {getattr(ENVIRONMENT, name)} -> {value}"
    }
    assert "%" not in "".join(text(found).split("\n\n")[1].splitlines()[1:])
    assert all(row[name] is None for row in json.loads(to_json(found))["answers"] for name in ("mean", "low"))


def test_seconds_are_of_the_same_configurations(made, baseline):
    other = changed(made(replace(AGAIN, slower=1.5)), "trials", config_hash=lambda value, i: f"other-{value}")
    found = compare(baseline, other, [FIT])
    assert {a.word for a in found.answers} == {Word.UNDECIDED}
    assert any("have other configurations" in note for note in found.notes)


def test_a_cell_that_went_on_elsewhere_has_no_seconds(made, baseline):
    """A run may be started on one machine and go on with cells that another one began."""
    mine = [baseline.cells["learner"][cell] == "mlp" for cell in baseline.trials["cell"]]
    other = changed(made(AGAIN), "trials", machine=lambda value, i: "elsewhere" if mine[i] else value)
    found = compare(baseline, other, [FIT])
    assert words(found).pop("mlp") is Word.UNDECIDED
    assert of(found, "mlp").why.endswith("of one configuration on one machine")
    assert of(found, "linear").word is Word.NOT_WORSE


FAILING = frozenset({("table-01", "mlp"), ("table-03", "mlp")})


def test_cells_that_fail_now_are_a_loss_and_said_first(made, baseline):
    run = made(replace(AGAIN, failing=FAILING))
    found = compare(baseline, run, [ERROR])
    assert found.worse
    assert text(found).startswith("WORSE: 4 cells failed that had not (mlp). Not worse: 6.")
    assert "crash: killed by signal 11 (SIGSEGV)" in text(found)
    allowed = compare(baseline, run, [ERROR], allow_failures=True)
    assert not allowed.worse
    assert text(allowed).startswith("NOT WORSE: 6. Allowed: 4 cells failed that had not (mlp).")


def test_cells_that_failed_before_are_told_and_no_loss(made):
    old = made(replace(WORLD, failing=FAILING), OLD)
    found = compare(old, made(AGAIN), [ERROR])
    assert not found.worse
    assert "Failed in the baseline alone: 4 cells" in found.notes
    both = compare(old, made(replace(AGAIN, failing=FAILING)), [ERROR])
    assert "Failed in both: 4 cells" in both.notes


def test_where_every_cell_fails_that_is_all_there_is_to_say(made, baseline):
    every = frozenset((table, learner) for table in WORLD.tables for learner in WORLD.learners)
    found = compare(baseline, made(replace(AGAIN, failing=every)), [ERROR])
    assert found.worse
    assert text(found).startswith("WORSE: 96 cells failed that had not (dummy, linear, ")


def test_a_run_that_is_not_finished_is_told(made, baseline):
    run = changed(made(AGAIN), "cells", status=lambda value, i: "" if i < 3 else value)
    assert "Not finished: 3 cells" in compare(baseline, run, [ERROR]).notes


def test_tables_with_other_rows_are_left_out_by_name(made, baseline):
    run = changed(
        made(AGAIN), "cells",
        fingerprint=lambda value, i: "other" if made(AGAIN).cells["dataset"][i] == "table-02" else value,
    )  # fmt: skip
    found = compare(baseline, run, [ERROR])
    assert found.n_pairs == 84
    assert "Left out, since their rows or splits are not those of the baseline: table-02" in found.notes


def test_what_only_one_run_has_is_told(made, baseline):
    fewer = without(made(AGAIN), lambda cell: cell["learner"] in ("mlp", "linear"))
    assert "In the baseline alone: 32 cells, of linear, mlp" in compare(baseline, fewer, [ERROR]).notes
    assert "In the run alone: 32 cells, of linear, mlp" in compare(fewer, baseline, [ERROR]).notes


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ("cell_id", "no cell is in both runs: .* run one suite for both"),
        ("fingerprint", "no data in common: .* table-00, table-01, .* and 3 more; save a baseline"),
        ("splits", "no data in common"),
        ("status", "no cell has a score in both runs: Not finished: 96 cells"),
    ],
)
def test_runs_without_a_pair_are_refused_in_a_line(made, baseline, column, why):
    other = changed(
        made(AGAIN), "cells", **{column: lambda value, i: "" if column == "status" else f"x{value}"}
    )
    with pytest.raises(ConfigError, match=why) as error:
        compare(baseline, other, [ERROR])
    assert "\n" not in str(error.value)


def test_a_run_is_not_compared_with_itself(baseline):
    with pytest.raises(
        ConfigError, match=f"{OLD} is compared with itself: run the suite again, with --fresh"
    ):
        compare(baseline, replace(baseline), [ERROR])


def test_fits_that_both_runs_share_prove_nothing(made, baseline):
    """A second run of one store goes on with what is there: its evidence is the first run's own."""
    shared = replace(made(AGAIN), cells={**made(AGAIN).cells, "begun_at": baseline.cells["begun_at"]})
    with pytest.raises(ConfigError, match=r"the very same fits: .* run the suite with --fresh"):
        compare(baseline, shared, [ERROR])
    some = [value if i < 6 else LATER for i, value in enumerate(baseline.cells["begun_at"])]
    found = compare(baseline, replace(shared, cells={**shared.cells, "begun_at": some}), [ERROR])
    assert found.n_pairs == 90
    assert "Left out as the same fits in both runs (`bench run --fresh` fits anew): 6 cells" in found.notes


def test_versions_that_differ_are_told(made, baseline):
    packages = {**ENVIRONMENT.packages, "numpy": "3.0", "lightgbm": "5.0"}
    found = compare(
        baseline, made(replace(CHANCE, environment=replace(ENVIRONMENT, packages=packages))), [ERROR]
    )
    assert "Packages that differ: lightgbm absent -> 5.0, numpy 2.4.6 -> 3.0" in found.notes


def test_learners_that_are_declared_otherwise_are_told(made, baseline):
    mine = [name == "linear" for name in baseline.cells["learner"]]
    other = changed(made(AGAIN), "cells", learner_hash=lambda value, i: "m" if mine[i] else value)
    told = "Learners whose declaration, version or search space has changed: linear"
    assert told in compare(baseline, other, [ERROR]).notes
    assert told not in compare(baseline, made(AGAIN), [ERROR]).notes


def test_every_form_says_the_same(made, baseline):
    found = compare(baseline, made(replace(CHANCE, losses={"xgboost": 0.1})), [ERROR, FIT])
    record = json.loads(to_json(found))
    assert record["summary"] == summary(found)
    assert [row["answer"] for row in record["answers"]] == [a.word for a in found.answers]
    assert len(record["answers"][0]["changes"]) == 16
    assert markdown(found).startswith(f"**{summary(found)}**\n")
    assert markdown(found).count("| learner |") == text(found).count("learner  ") == 2
    frame = found.to_frame()
    assert list(frame["mean"]) == [a.mean for a in found.answers]
    assert found._repr_html_().count("<table>") == 2
    assert str(found) == text(found)
    assert max(map(len, text(found).splitlines())) <= 100


def test_python_says_what_the_command_line_does(tmp_path):
    stored(WORLD, tmp_path / "old", OLD).close()
    stored(replace(CHANCE, losses={"xgboost": 0.1}), tmp_path / "new", NEW).close()
    runs = bench.Run(OLD, tmp_path / "old"), bench.Run(NEW, tmp_path / "new")
    found = bench.compare(*runs)
    assert found.worse
    assert str(bench.compare(tmp_path / "old", str(tmp_path / "new"), fail_on="error:+2%")) == str(found)
    assert not bench.compare(*runs, fail_on=["error:+50%"]).worse
    assert str(bench.compare(runs[0], results=tmp_path / "new")) == str(found)
    with pytest.raises(ConfigError, match="is no threshold"):
        bench.compare(*runs, fail_on="error")


def test_what_is_extracted_is_what_the_store_holds(baseline, tmp_path):
    store = stored(WORLD, tmp_path, OLD)
    of_store = recorded(store, find_run(store, None))
    assert isinstance(baseline, Baseline)
    assert baseline.cells["cell_id"] == [row["cell_id"] for row in of_store.cell_rows]
    for name in ("trial", "validation_score", "test_score", "spent_s", "prediction_hash"):
        assert baseline.trials[name] == [row[name] for row in of_store.rows]
    assert set(baseline.trials["machine"]) == {baseline.machine}
    store.close()
