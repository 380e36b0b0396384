"""Which trials count at which budget, and that no selection sees a test score."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.results import Results, results
from bench.analysis.traces import traces
from bench.analysis.views import View
from bench.budgets import DEFAULT_FACTOR
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
    assert len(found.error) == 1
    return float(found.error[0])


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


def test_the_default_has_twice_the_budget():
    c = cell("a")
    rows = [trial(c, 0, 15.0, 0.9, flags="over_budget"), trial(c, 1, 16.0, 0.1, status="timeout")]
    assert one(show([c], rows)) == 0.9
    assert [one(show([c], rows, budget_s=b)) for b in (7.5, 9.0, 10.0)] == [0.9] * 3
    small = show([c], rows, budget_s=7.4)
    assert small.out_of_reach.all()
    assert small.missing.all()
    assert small.used_s.tolist() == [0.0]


def test_a_default_that_was_cut_counts_at_its_own_budget_alone():
    c = cell("a")
    rows = [trial(c, 0, 20.0, 0.9, status="truncated")]
    assert one(show([c], rows)) == 0.9
    for other in (4.0, 9.0, 11.0, 30.0):
        assert show([c], rows, budget_s=other).missing.all()
    assert [show([c], rows, budget_s=b).out_of_reach.any() for b in (9.0, 10.0, 11.0)] == [True, False, False]


def test_no_member_shows_what_the_full_budget_was_cut_to():
    members = [cell(name, family="f") for name in "abc"]
    rows = [trial(c, 0, 8.0, 0.1, status="truncated", attempt_budget_s=4.0) for c in members]
    found = show(members, rows, by="family", budget_s=4.0)
    assert (found.missing.tolist(), found.out_of_reach.tolist(), found.used_s.tolist()) == (
        [True],
        [True],
        [0.0],
    )
    assert show(members, rows, by="family", budget_s=12.0).used_s.tolist() == [24.0], "they ran at the share"


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
    assert [one(show([c], rows, budget_s=b)) for b in (None, 30.0, 29.0, 13.9)] == [0.1, 0.1, 0.2, 0.9]
    assert one(show([c], rows, budget_s=10.0)) == 0.05, "what the run under 10 s has shown"


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
        share = max(1, limit // 2)
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


Draw = tuple[list[float], list[float], bool]
"""What each configuration costs and scores, and whether the learner polls its deadline."""


@st.composite
def draws(draw: st.DrawFn) -> Draw:
    n = draw(st.integers(1, 8))
    costs = draw(st.lists(st.floats(0.05, 9.0), min_size=n, max_size=n))
    scores = draw(st.lists(st.integers(1, 9).map(lambda tenths: tenths / 10), min_size=n, max_size=n))
    return costs, scores, draw(st.booleans())


def attempted(
    c: dict[str, object],
    drawn: Draw,
    budget_s: float,
    *,
    before: list[dict[str, object]] | None = None,
    cut: float = 0.5,
) -> list[dict[str, object]]:
    """Return the trials of one attempt: a default until twice the budget, then what ends by the budget.

    It goes on with the attempt before, at the trial that its deadline cut. A truncated model's error is `cut`
    times that of the whole one: it is made to look good, so that it is seen where it should not count.
    """
    costs, scores, polls = drawn
    kept = [row for row in before or [] if row["status"] == "ok"]
    spent_s = float(kept[-1]["spent_s"]) if kept else 0.0
    rows: list[dict[str, object]] = []
    for number in range(len(kept), len(costs)):
        end_s = budget_s if number else DEFAULT_FACTOR * budget_s
        if spent_s >= end_s:
            break
        late = spent_s + costs[number] > end_s
        spent_s = end_s if late and polls else spent_s + costs[number]
        score = None if late and not polls else cut * scores[number] if late else scores[number]
        status = ("truncated" if polls else "timeout") if late else "ok"
        attempt = {"attempt": 2 if before else 1, "attempt_budget_s": budget_s}
        rows.append(trial(c, number, spent_s, score, status=status, **attempt))
    return rows


def test_the_default_view_shows_the_default_alone():
    c = cell("a")
    rows = [trial(c, 0, 1.0, 0.9), trial(c, 1, 3.0, 0.5)]
    found = show([c], rows, show="default")
    assert (one(found), found.used_s.tolist(), found.n_trials.tolist()) == (0.9, [1.0], [1])
    assert show([c], [trial(c, 0, 1.0, None), trial(c, 1, 3.0, 0.5)], show="default").missing.all()


def test_a_default_that_the_budget_cannot_buy_is_hidden_from_the_default_view_too():
    c = cell("a")
    rows = [trial(c, 0, 8.0, 0.9), trial(c, 1, 9.0, 0.1)]
    for budget_s, bought in ((3.9, False), (4.0, True)):
        found = show([c], rows, show="default", budget_s=budget_s)
        assert (found.scored.all(), found.out_of_reach.all()) == (bought, not bought)


def test_a_family_shows_the_default_of_its_first_declared_member_that_applies():
    a, b = cell("a", family="f", status="not_applicable"), cell("b", family="f")
    c = cell("c", family="f")
    rows = [trial(b, 0, 6.0, 0.9), trial(b, 1, 6.5, 0.1), trial(c, 0, 1.0, 0.2)]
    found = show([a, b, c], rows, show="default", by="family")
    assert (one(found), found.used_s.tolist(), found.n_trials.tolist()) == (0.9, [6.0], [1])
    assert one(show([c, a, b], rows, show="default", by="family")) == 0.2
    dear = show([a, b, c], rows, show="default", by="family", budget_s=5.9)
    assert dear.out_of_reach.all(), "it has twice its half of the budget, and c's default is not its own"
    assert one(show([a, b, c], rows, by="family", budget_s=5.9)) == 0.2


def test_a_familys_default_is_missing_where_its_first_member_failed_whoever_is_still_to_come():
    b, c = cell("b", family="f", status="crash"), cell("c", family="f", status="")
    assert show([b, c], [], show="default", by="family").missing.all()
    assert show([b, c], [], by="family").pending.all()
    dear = show([b, c], [trial(c, 0, 9.0, 0.5)], show="default", by="family", budget_s=4.0)
    assert dear.missing.all()
    assert not dear.out_of_reach.any(), "it is the failed one's default that is missing"


@pytest.mark.parametrize("choice", [{"by": "colour"}, {"show": "best"}, {"failure_policy": "none"}])
def test_a_view_that_there_is_not_is_refused(choice):
    with pytest.raises(ConfigError, match="is none of"):
        View(**choice)


@given(
    members=st.lists(draws(), min_size=1, max_size=3),
    budget_s=st.floats(0.2, 30.0),
    part=st.floats(0.05, 1.0),
)
@settings(max_examples=40)
def test_what_the_default_view_shows_the_tuned_view_has_seen(members, budget_s, part):
    cells = [cell(name, family="f") for name in "xyz"[: len(members)]]
    rows = [row for c, drawn in zip(cells, members, strict=True) for row in attempted(c, drawn, budget_s)]
    for by in ("learner", "family"):
        default, tuned = (
            show(cells, rows, by=by, budget_s=part * budget_s, show=each) for each in ("default", "tuned")
        )
        assert (tuned.scored | ~default.scored).all()
        assert (tuned.error <= default.error)[default.scored].all(), "validation and test are one here"
        assert (default.used_s <= tuned.used_s).all()


def by_entry(found: Results) -> dict[str, float]:
    """Return the score of each entry; infinite where it has none."""
    return dict(zip(found.entry, np.nan_to_num(found.error, nan=math.inf), strict=True))


@given(drawn=draws(), m=st.integers(2, 3), budget_s=st.floats(0.2, 30.0), part=st.floats(0.05, 1.0))
def test_exact_copies_are_the_learner_at_its_share_and_never_beat_it(drawn, m, budget_s, part):
    lone, copies = cell("a", family="single"), [cell(name, family="copies") for name in "xyz"[:m]]
    rows = [row for c in (lone, *copies) for row in attempted(c, drawn, budget_s)]
    for view in ({}, {"budget_s": part * budget_s}, {"budget_s": budget_s, "budget_trials": 4}):
        found = by_entry(show([lone, *copies], rows, by="family", **view))
        assert found["copies"] >= found["single"]
    shared = by_entry(show([lone, *copies], rows, by="family", budget_s=part * budget_s))
    alone = by_entry(show([lone, *copies], rows, budget_s=part * budget_s / m))
    assert shared["copies"] == alone["a"]


@given(
    members=st.lists(draws(), min_size=1, max_size=3),
    budget_s=st.floats(0.2, 30.0),
    part=st.floats(0.05, 0.99),
)
def test_a_family_never_shows_more_than_the_default_may_take(members, budget_s, part):
    cells = [cell(name, family="f") for name in "xyz"[: len(members)]]
    rows = [row for c, drawn in zip(cells, members, strict=True) for row in attempted(c, drawn, budget_s)]
    for limit_s in (part * budget_s, budget_s) if len(members) > 1 else (part * budget_s,):
        found = show(cells, rows, by="family", budget_s=limit_s)
        most_s = limit_s * (1 + (DEFAULT_FACTOR - 1) / len(members))
        assert found.used_s[0] <= most_s * (1 + 1e-12)
        assert found.scored[0] or found.missing[0]
        share_s = limit_s / len(members)
        reach_s = [share_s * (1 if position else DEFAULT_FACTOR) for position in range(len(members))]
        costs = [drawn[0][0] for drawn in members]
        affordable = any(
            cost <= min(r, DEFAULT_FACTOR * budget_s) for cost, r in zip(costs, reach_s, strict=True)
        )
        assert found.scored[0] == affordable, "it has a result where some default is within its reach"


@given(drawn=draws(), small_s=st.floats(0.2, 9.0), times=st.floats(1.01, 4.0))
def test_a_larger_run_of_the_same_cells_changes_no_smaller_view(drawn, small_s, times):
    c, large_s = cell("a"), times * small_s
    first = attempted(c, drawn, small_s)
    both = [*first, *attempted(c, drawn, large_s, before=first)]
    for rows, budget_s in ((first, small_s), (attempted(c, drawn, large_s), large_s)):
        expected, found = show([c], rows, budget_s=budget_s), show([c], both, budget_s=budget_s)
        np.testing.assert_array_equal(found.error, expected.error)
        np.testing.assert_array_equal(found.n_trials, expected.n_trials)
        np.testing.assert_array_equal(found.used_s, expected.used_s)


@pytest.mark.parametrize("refit_sd", [0.01, 0.1])
@pytest.mark.parametrize("polls", [False, True])
def test_copies_with_seeds_of_their_own_are_not_better_than_the_learner(polls, refit_sd):
    """The default is one configuration, refitted by each with its own luck; the others are drawn anew."""
    rng = np.random.default_rng(7)
    cells, rows = [], []
    for fold in range(600):
        scale_s = float(np.exp(rng.uniform(np.log(0.2), np.log(9.0))))
        for name, family in (("a", "single"), *((name, "copies") for name in "xyz")):
            costs = scale_s * rng.lognormal(0.0, 0.3, size=100)
            scores = rng.normal(0.5, 0.1, size=100)
            costs[0] = scale_s * rng.lognormal(0.0, 0.02)
            scores[0] = 0.5 + refit_sd * rng.normal()
            cells.append(cell(name, family=family, fold=fold))
            rows += attempted(cells[-1], (costs.tolist(), scores.tolist(), polls), 4.0, cut=1.2)
    found = show(cells, rows, by="family", budget_s=4.0)
    lone, copies = (found.error[found.entry == name] for name in ("single", "copies"))
    both = np.isfinite(lone) & np.isfinite(copies)
    assert both.sum() > 300
    assert not (np.isfinite(copies) & np.isnan(lone)).any()
    gain = (lone - copies)[both]
    error = gain.std() / math.sqrt(both.sum())
    assert gain.mean() < (-2 * error if refit_sd < 0.1 else error), "sharing costs, luck does not pay for it"
    assert found.used_s[found.entry == "copies"].max() <= DEFAULT_FACTOR * 4.0


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
            results(traces(f, cells), View(by=by, budget_s=5.0)).error for f in (frame, scrambled)
        )
        np.testing.assert_array_equal(np.isnan(before), np.isnan(after))
        chosen = before[np.isfinite(before)].astype(int)
        np.testing.assert_array_equal(places[chosen], after[np.isfinite(after)])


def test_the_order_of_the_rows_does_not_matter():
    rng = np.random.default_rng(0)
    made = [random_trace(rng, name, "f") for name in "abc"]
    frame, cells = trials_frame([row for _, rows in made for row in rows]), cells_frame([c for c, _ in made])
    expected = results(traces(frame, cells), View()).error
    shuffled = frame.sample(frac=1, random_state=1)
    np.testing.assert_array_equal(results(traces(shuffled, cells), View()).error, expected)


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
