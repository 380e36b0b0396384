"""Which trials count at which budget, and that no selection sees a test score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.traces import traces
from bench.analysis.views import Results, View, results
from bench.budgets import Budget
from bench.errors import ConfigError


def cell(
    learner: str, *, family: str = "", status: str = "ok", fold: int = 0, key: str = ""
) -> dict[str, object]:
    return {
        "cell_id": f"t/r0f{fold}/{learner}/{key}",
        "evidence_key": f"{learner}-{fold}-{key}",
        "task": "t",
        "dataset": "d",
        "problem": "regression",
        "repeat": 0,
        "fold": fold,
        "learner": learner,
        "family": family or learner,
        "intervention": "none",
        "seed": 0,
        "device": "cpu1",
        "status": status,
        "reason": "",
    }


def trial(
    of: dict[str, object], number: int, spent_s: float, score: float | None, **other: object
) -> dict[str, object]:
    scores = dict.fromkeys(("validation_score", "test_score", "train_score", "test_score_single"), score)
    values = {
        **{name: value for name, value in of.items() if name != "reason"},
        "validation": "holdout25",
        "attempt": 1,
        "attempt_budget_s": 10.0,
        "attempt_budget_trials": None,
        "trial": number,
        "status": "ok" if score is not None else "error",
        "flags": "",
        **scores,
        "billed_s": 1.0,
        "spent_s": spent_s,
        "unbilled_s": 0.1,
        "n_test": 100,
        "n_test_minority": None,
    }
    return {**values, **other}


def show(cells: list[dict[str, object]], trials: list[dict[str, object]], **view: object) -> Results:
    return results(traces(trials_frame(trials), cells_frame(cells)), View(**view))


def one(found: Results) -> float:
    assert len(found.test_score) == 1
    return float(found.test_score[0])


def test_at_a_smaller_budget_only_what_ended_by_then_counts():
    c = cell("a")
    rows = [trial(c, 0, 1.0, 0.9), trial(c, 1, 3.0, 0.5), trial(c, 2, 6.0, 0.1)]
    assert [one(show([c], rows, budget_s=b)) for b in (1.0, 2.9, 3.0, 5.9, 6.0, 20.0)] == [
        0.9,
        0.9,
        0.5,
        0.5,
        0.1,
        0.1,
    ]
    assert one(show([c], rows)) == 0.1


def test_trials_are_a_budget_too():
    c = cell("a")
    rows = [trial(c, number, 1.0 + number, 0.9 - number / 10) for number in range(5)]
    assert [one(show([c], rows, budget_trials=n)) for n in (1, 3, 9)] == pytest.approx([0.9, 0.7, 0.5])


def test_the_default_always_counts():
    c = cell("a")
    rows = [trial(c, 0, 15.0, 0.9, flags="over_budget"), trial(c, 1, 16.0, 0.1, status="timeout")]
    assert one(show([c], rows, budget_s=0.5)) == 0.9
    assert one(show([c], rows)) == 0.9


def test_a_truncated_trial_counts_at_its_own_budget_alone():
    c = cell("a")
    rows = [trial(c, 0, 1.0, 0.9), trial(c, 1, 10.2, 0.1, status="truncated")]
    assert [one(show([c], rows, budget_s=b)) for b in (None, 10.0, 9.0, 20.0)] == [0.1, 0.1, 0.9, 0.9]


def test_a_later_attempt_replaces_the_trial_that_the_old_deadline_cut():
    c = cell("a")
    later = {"attempt": 2, "attempt_budget_s": 30.0}
    rows = [
        trial(c, 0, 1.0, 0.9),
        trial(c, 1, 10.2, 0.05, status="truncated"),
        trial(c, 1, 14.0, 0.2, **later),
        trial(c, 2, 30.1, 0.1, **later, status="truncated"),
    ]
    assert [one(show([c], rows, budget_s=b)) for b in (None, 30.0, 29.0, 10.0)] == [0.1, 0.1, 0.2, 0.9]


def test_failed_trials_are_paid_for_and_never_chosen():
    c = cell("a")
    found = show([c], [trial(c, 0, 2.0, 0.9), trial(c, 1, 7.0, None)], budget_s=8.0)
    assert one(found) == 0.9
    assert found.used_s.tolist() == [7.0]
    assert found.n_trials.tolist() == [1]


def test_ties_go_to_the_earliest_trial_and_then_to_the_earliest_declared_member():
    b, a = cell("b", family="f"), cell("a", family="f")
    rows = [
        trial(c, n, 1.0 + n, 0.5, test_score=test) for c, n, test in ((a, 0, 3.0), (b, 1, 2.0), (b, 0, 1.0))
    ]
    assert one(show([b, a], rows, by="family")) == 1.0
    assert one(show([a, b], rows, by="family")) == 3.0


def test_a_family_shows_each_applicable_member_its_share():
    members = [cell("a", family="f"), cell("b", family="f"), cell("c", family="f", status="not_applicable")]
    rows = [trial(c, n, 1.0 + 2 * n, 0.9 - n / 10) for c in members[:2] for n in range(6)]
    found = show(members, rows, by="family", budget_s=10.0)
    assert found.n_trials.tolist() == [6], "three of each by 5 s"
    assert one(found) == pytest.approx(0.7)
    assert show(members, rows, by="family").n_trials.tolist() == [6], "its own budget is shared as well"
    for limit in (1, 2, 5, 8):
        share = Budget(seconds=None, trials=limit).share(2).trials
        assert show(members, rows, by="family", budget_s=99.0, budget_trials=limit).n_trials.tolist() == [
            2 * share
        ]


def random_trace(
    rng: np.random.Generator, learner: str, family: str
) -> tuple[dict[str, object], list[dict[str, object]]]:
    c = cell(learner, family=family)
    spent = np.cumsum(rng.exponential(1.5, size=rng.integers(1, 15)))
    fate = rng.choice(["ok", "ok", "error", "truncated"], size=len(spent))
    rows = [
        trial(c, n, s, float(rng.integers(1, 9)) / 10, status="ok" if n == 0 else str(fate[n]))
        for n, s in enumerate(spent)
    ]
    return c, rows


@pytest.mark.parametrize("seed", range(25))
def test_three_copies_of_a_learner_never_beat_it(seed):
    c, rows = random_trace(np.random.default_rng(seed), "a", "single")
    names = ("x", "y", "z")
    copies = [cell(name, family="triple") for name in names]
    copied = [
        {**row, **{k: v for k, v in copy.items() if k in row and k != "status"}}
        for copy in copies
        for row in rows
    ]
    for view in ({}, {"budget_s": 6.0}, {"budget_trials": 4}, {"budget_s": 1.0}, {"budget_s": 10.0}):
        found = show([c, *copies], [*rows, *copied], by="family", **view)
        by_name = dict(zip(found.entry, found.test_score, strict=True))
        assert by_name["triple"] >= by_name["single"]


@pytest.mark.parametrize("seed", range(10))
def test_scrambled_test_scores_change_no_selection(seed):
    rng = np.random.default_rng(seed)
    made = [random_trace(rng, name, family) for name, family in (("a", "f"), ("b", "f"), ("c", "g"))]
    frame = trials_frame([row for _, rows in made for row in rows])
    frame["test_score"] = np.arange(len(frame), dtype=float)
    places = rng.permutation(len(frame))
    scrambled = frame.assign(
        test_score=places.astype(float), n_test=rng.integers(1, 99, len(frame)).astype(float)
    )
    cells = cells_frame([c for c, _ in made])
    for by in ("learner", "family"):
        before, after = (
            results(traces(f, cells), View(by=by, budget_s=5.0)).test_score for f in (frame, scrambled)
        )
        np.testing.assert_array_equal(places[before.astype(int)], after)


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    made = [random_trace(rng, name, "f") for name in "abc"]
    frame, cells = trials_frame([row for _, rows in made for row in rows]), cells_frame([c for c, _ in made])
    expected = results(traces(frame, cells), View()).test_score
    shuffled = frame.sample(frac=1, random_state=1)
    np.testing.assert_array_equal(results(traces(shuffled, cells), View()).test_score, expected)


def test_what_a_cell_came_to_is_told_apart():
    statuses = {
        "a": "ok",
        "b": "crash",
        "c": "not_applicable",
        "d": "",
        "e": "interrupted",
        "f": "interrupted",
    }
    cells = {name: cell(name, status=status) for name, status in statuses.items()}
    found = show(list(cells.values()), [trial(cells["a"], 0, 1.0, 0.5), trial(cells["e"], 0, 1.0, 0.5)])
    state = {
        name: found.entry[getattr(found, name)].tolist()
        for name in ("scored", "missing", "not_applicable", "pending")
    }
    assert state == {"scored": ["a", "e"], "missing": ["b"], "not_applicable": ["c"], "pending": ["d", "f"]}
    assert found.n_failed.tolist() == [0, 1, 0, 0, 0, 0]


def test_evidence_under_another_key_and_cells_with_an_intervention_do_not_count():
    now, old = cell("a", key="new"), cell("a", key="old")
    altered = {**cell("a", key="rotated"), "intervention": "rotate"}
    rows = [trial(now, 0, 1.0, 0.5), trial(old, 0, 1.0, 0.1), trial(altered, 0, 1.0, 0.2)]
    assert one(show([now, altered], rows)) == 0.5


def test_two_cells_of_one_learner_on_one_split_are_refused():
    with pytest.raises(ConfigError, match="one learner on one split"):
        show([cell("a", key="cpu"), cell("a", key="gpu")], [])


def test_a_trial_that_stands_twice_is_refused():
    c = cell("a")
    with pytest.raises(ValueError, match="stands twice"):
        show([c], [trial(c, 0, 1.0, 0.5), trial(c, 0, 1.0, 0.4)])


def test_frames_are_checked():
    c = cell("a")
    assert list(trials_frame().columns) == list(trials_frame([trial(c, 0, 1.0, 0.5)]).columns)
    with pytest.raises(ValueError, match="columns status are missing"):
        cells_frame(pd.DataFrame([c]).drop(columns="status"))
    with pytest.raises(ValueError, match="status 'great' is not one of"):
        cells_frame([{**c, "status": "great"}])
    with pytest.raises(ValueError, match="column seed must hold int"):
        cells_frame([{**c, "seed": "first"}])
    with pytest.raises(ValueError, match="column task must hold str"):
        cells_frame([{**c, "task": None}])
    with pytest.raises(ValueError, match="stands twice"):
        cells_frame([c, c])
