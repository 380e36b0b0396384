"""Whose incumbent still gained in the last half of its budget: by validation scores, and by nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from bench.analysis.bound import budget_bound
from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.leaderboard import leaderboard
from bench.analysis.tables import text, to_csv
from bench.analysis.traces import traces
from bench.analysis.views import View


def run(scores, problem="multiclass", *, learner="random-forest", family="forest", **changes):
    """Return the cell of a learner and its trials, a second each, with these validation scores."""
    cell = {
        "cell_id": f"t/{learner}", "evidence_key": learner, "task": "t", "dataset": "d", "problem": problem,
        "repeat": 0, "fold": 0, "learner": learner, "family": family, "intervention": "none", "seed": 0,
        "device": "cpu1", "status": "ok", "reason": "",
    }  # fmt: skip
    trials = [
        {
            **cell, "validation": "holdout25", "attempt": 1, "attempt_budget_s": None,
            "attempt_budget_trials": None, "trial": number, "flags": "",
            "status": "ok" if score is not None else "error", "validation_score": score,
            "test_score": 0.5, "train_score": 0.1, "test_score_single": None, "billed_s": 1.0,
            "spent_s": number + 1.0, "unbilled_s": 0.0, "n_test": 100,
            "n_test_minority": 40 if problem == "binary" else None, **changes,
        }
        for number, score in enumerate(scores)
    ]  # fmt: skip
    return trials, [cell]


def joined(*runs):
    return [t for trials, _ in runs for t in trials], [c for _, cells in runs for c in cells]


def bound(made, **view):
    found = budget_bound(traces(trials_frame(made[0]), cells_frame(made[1])), View(**view))
    return found.tolist()


@pytest.mark.parametrize(
    "view", [{"budget_s": 4.0}, {"budget_trials": 4}, {"budget_s": 4, "budget_trials": 9}]
)
def test_a_gain_in_the_last_half_binds_and_an_earlier_one_does_not(view):
    assert bound(run([0.5, 0.5, 0.5, 0.3]), **view) == [True]
    assert bound(run([0.5, 0.5, 0.3, 0.5]), **view) == [True]
    assert bound(run([0.5, 0.3, 0.3, 0.3]), **view) == [False]
    assert bound(run([0.5, 0.3, 0.5, 0.5, 0.1]), **view) == [False], (
        "what is past the budget is not looked at"
    )


def test_without_a_budget_of_the_view_it_is_what_each_cell_was_allowed():
    late, early = [0.5, 0.5, 0.5, 0.3], [0.5, 0.3, 0.3, 0.3]
    for allowed in ({"attempt_budget_s": 4.0}, {"attempt_budget_trials": 4.0}):
        assert bound(run(late, **allowed)) == [True]
        assert bound(run(early, **allowed)) == [False]


@pytest.mark.parametrize(("before", "after", "binds"), [
    (0.30, 0.28, True), (0.30, 0.289, True), (0.30, 0.29, False), (0.03, 0.02, False), (0.011, 0.0, True),
    (0.009, 0.0, False), (0.0, 0.0, False),
])  # fmt: skip
def test_several_classes_must_gain_more_than_a_point(before, after, binds):
    assert bound(run([before, before, after, after]), budget_trials=4) == [binds]


@pytest.mark.parametrize("problem", ["binary", "regression"])
@pytest.mark.parametrize(("before", "after", "binds"), [
    (1.06, 1.0, True), (1.05, 1.0, False), (1.04, 1.0, False), (0.00106, 0.001, True), (1e-4, 0.0, True),
    (0.0, 0.0, False),
])  # fmt: skip
def test_others_must_gain_more_than_five_per_cent(problem, before, after, binds):
    assert bound(run([before, before, after, after], problem), budget_trials=4) == [binds]


def test_a_default_that_took_more_than_half_is_bound():
    for spent_s, binds in ((2.0, False), (2.5, True), (4.0, True), (4.5, True), (8.0, True)):
        made = run([0.3], spent_s=spent_s, billed_s=spent_s, attempt_budget_s=4.0)
        assert bound(made, budget_s=4.0) == [binds]
        assert bound(made) == [binds], "what the cell was allowed"


@pytest.mark.parametrize("allowed", [2.0, 4.0])
def test_what_came_after_such_a_default_does_not_unbind_it(allowed):
    """Also where the default is of an attempt that was allowed just the half, of which it may take twice."""
    trials, cells = run([0.3, 0.3], attempt_budget_s=4.0)
    trials[0] |= {"spent_s": 2.5, "attempt_budget_s": allowed}
    trials[1] |= {"spent_s": 3.5, "attempt": 2 if allowed == 2.0 else 1}
    assert bound((trials, cells), budget_s=4.0) == [True]
    trials[0]["spent_s"] = 2.0
    assert bound((trials, cells), budget_s=4.0) == [False]


def test_a_family_has_half_of_a_share_for_its_default():
    def of(spent_s):
        own = {"family": "f", "attempt_budget_s": 8.0, "spent_s": spent_s, "billed_s": spent_s}
        return joined(run([0.3], learner="a", **own), run([None], learner="b", **own))

    assert bound(of(2.0), budget_s=8.0, by="family") == [False], "of two members each has 4 s, half is 2 s"
    assert bound(of(2.5), budget_s=8.0, by="family") == [True]
    assert bound(of(2.5), budget_s=8.0) == [False, False]


def test_a_default_that_was_cut_short_is_bound():
    assert bound(run([0.3], status="truncated", spent_s=8.0, attempt_budget_s=4.0), budget_s=4.0) == [True]


def test_what_has_no_model_at_all_failed_and_is_not_bound():
    assert bound(run([None, None, None, None]), budget_trials=4) == [False]
    assert bound(run([]), budget_trials=4) == [False]


def test_a_search_of_one_trial_is_not_said_to_gain():
    assert bound(run([0.3]), budget_trials=1) == [False]
    assert bound(run([0.3]), budget_trials=50) == [False], "its space ended"


def test_failed_trials_do_not_gain():
    assert bound(run([0.3, None, None, None]), budget_trials=4) == [False]
    assert bound(run([None, None, None, 0.3]), budget_trials=4) == [True]


def test_a_family_is_bound_by_the_best_of_its_members_in_their_shares():
    one = run([0.5, 0.3, 0.3, 0.3], learner="a", family="f")
    late = run([0.5, 0.5, 0.5, 0.1], learner="b", family="f")
    assert bound(joined(one, late), budget_trials=4) == [False, True]
    assert bound(joined(one, late), budget_trials=4, by="family") == [True], "of two trials each, the second"
    assert bound(joined(one, late), budget_trials=8, by="family") == [True], "of four trials each, the fourth"
    better = run([0.5, 0.05, 0.05, 0.05], learner="a", family="f")
    assert bound(joined(better, late), budget_trials=8, by="family") == [False]


def test_test_scores_have_no_part_in_it():
    rng = np.random.default_rng(0)
    made = joined(*(run(rng.uniform(size=20), learner=name) for name in "abcdefgh"))
    found = bound(made, budget_trials=20)
    assert True in found
    assert False in found
    for trial in made[0]:
        trial["test_score"] = float(rng.uniform())
        trial["n_test"] = int(rng.integers(1, 9))
    assert bound(made, budget_trials=20) == found


def map_frames(made):
    return trials_frame(made[0]), cells_frame(made[1])


def test_the_leaderboard_counts_it_says_it_and_writes_it():
    frames = map_frames(
        joined(run([0.5, 0.5, 0.4, 0.3]), run([0.5, 0.2, 0.2, 0.2], learner="linear", family="linear"))
    )
    board = leaderboard(*frames, View(budget_trials=4))
    assert {row.entry: row.n_bound for row in board.rows} == {"random-forest": 1, "linear": 0}
    assert any(note.startswith("bound: splits where the validated error still fell") for note in board.notes)
    assert "bound" in text(board)
    assert "n_bound" in to_csv(board).splitlines()[0].split(",")
    assert board.to_frame().set_index("entry")["n_bound"].to_dict() == {"random-forest": 1, "linear": 0}
    defaults = leaderboard(*frames, View(budget_trials=4, show="default"))
    assert {row.n_bound for row in defaults.rows} == {None}
    assert not any(note.startswith("bound:") for note in defaults.notes)
