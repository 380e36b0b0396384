"""Ratings agree with choix and bencheval, and keep what any rating must keep."""

from __future__ import annotations

import math
from dataclasses import astuple, replace

import choix
import numpy as np
import pandas as pd
import pytest
from bencheval.evaluator import BenchmarkEvaluator
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.analysis.bradley_terry import log_strengths
from bench.analysis.contest import NO_CONTEST, TIE, Contest, outcomes
from bench.analysis.ratings import ANCHOR, NOT_RATED, SCALE, Rating, ratings

NAMES = tuple("abcdefg")
POINTS = ("elo", "win_rate", "improvability", "n")


def played(*, ties: bool = True) -> Contest:
    """Return seven entries on 20 datasets whose log ratios differ by far more than a tie, or not at all."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=(7, 20)) + np.linspace(0.0, 1.5, 7)[:, None]
    place = noise.argsort(axis=0).argsort(axis=0)
    return Contest(entries=NAMES, log_ratio=0.125 * (place // 2 if ties else place), anchor="d")


def wins_of(contest: Contest) -> np.ndarray:
    return np.nansum(outcomes(contest.log_ratio), axis=-1)


def anchored(strengths: np.ndarray) -> np.ndarray:
    return ANCHOR + SCALE * (strengths - strengths[NAMES.index("d")])


def points(contest: Contest) -> dict[str, list[float]]:
    """Return what no resample is needed for, by entry."""
    found = zip(contest.entries, ratings(contest), strict=True)
    return {entry: [getattr(rating, name) for name in POINTS] for entry, rating in found}


def alike(found: dict[str, list[float]], expected: dict[str, list[float]]) -> None:
    assert found.keys() == expected.keys()
    for entry, values in expected.items():
        assert found[entry] == pytest.approx(values, rel=1e-9, abs=1e-6, nan_ok=True), entry


@pytest.mark.parametrize("solve", [choix.opt_pairwise, choix.ilsr_pairwise])
def test_bradley_terry_agrees_with_choix(solve):
    wins = wins_of(played(ties=False))
    games = [(i, j) for i, j in np.ndindex(wins.shape) for _ in range(int(wins[i, j]))]
    assert len(games) == 20 * 21
    expected = anchored(solve(7, games, alpha=0.0))
    assert anchored(log_strengths(wins, drawn=0.0)) == pytest.approx(expected, abs=0.01)


@pytest.fixture(scope="module", params=[False, True], ids=["no ties", "ties"])
def by_bencheval(request) -> tuple[Contest, pd.DataFrame, pd.DataFrame]:
    """Return a contest, and Elo, win rate and improvability of the same errors by bencheval."""
    contest = played(ties=request.param)
    errors = pd.DataFrame(
        [
            {"method": name, "task": f"t{task}", "metric_error": float(np.exp(-ratio))}
            for name, row in zip(NAMES, contest.log_ratio, strict=True)
            for task, ratio in enumerate(row)
        ]
    )
    evaluator = BenchmarkEvaluator(columns_to_agg_extra=[])
    elo = evaluator.compute_elo(
        errors, calibration_framework="d", BOOTSTRAP_ROUNDS=1_000, round_decimals=None
    )
    improvable = evaluator.compute_improvability_per(errors, ["task"]).groupby(errors["method"]).mean()
    means = pd.DataFrame({"win_rate": evaluator.compute_winrate(errors), "improvability": improvable})
    return contest, elo.loc[list(NAMES)], means.loc[list(NAMES)]


def test_elo_agrees_with_bencheval(by_bencheval):
    contest, elo, _ = by_bencheval
    found = anchored(log_strengths(wins_of(contest), drawn=0.0))
    assert found == pytest.approx(elo["elo"].to_numpy(), abs=0.01)


def test_a_drawn_game_moves_a_rating_by_few_points(by_bencheval):
    contest, elo, _ = by_bencheval
    found = np.array([rating.elo for rating in ratings(contest)])
    assert found == pytest.approx(elo["elo"].to_numpy(), abs=5.0)
    assert np.ptp(found) < np.ptp(elo["elo"].to_numpy()), "towards a draw"


def test_intervals_of_elo_are_near_those_of_bencheval(by_bencheval):
    contest, elo, _ = by_bencheval
    ends = np.array([(rating.low, rating.high) for rating in ratings(contest)])
    expected = np.column_stack((elo["elo"] - elo["elo-"], elo["elo"] + elo["elo+"]))
    width = expected[:, 1] - expected[:, 0]
    assert (np.abs(ends - expected) < 0.15 * width[:, None]).all()


def test_win_rate_and_improvability_agree_with_bencheval(by_bencheval):
    contest, _, means = by_bencheval
    for name in ("win_rate", "improvability"):
        found = [getattr(rating, name) for rating in ratings(contest)]
        assert found == pytest.approx(means[name].to_list(), rel=1e-12)


def test_errors_within_five_per_cent_are_half_a_win():
    ratio = np.array([[0.0, 0.0, 0.0], [TIE * 0.999, TIE, -TIE * 1.001]])
    assert outcomes(ratio)[1, 0].tolist() == [0.5, 1.0, 0.0]
    assert outcomes(ratio)[0, 1].tolist() == [0.5, 0.0, 1.0]


def test_neither_the_order_of_datasets_nor_that_of_entries_matters():
    contest, rng = played(), np.random.default_rng(1)
    entries, datasets = rng.permutation(7), rng.permutation(20)
    mixed = Contest(
        entries=tuple(NAMES[i] for i in entries),
        log_ratio=contest.log_ratio[entries][:, datasets],
        anchor="d",
    )
    alike(points(mixed), points(contest))
    before, after = (dict(zip(c.entries, ratings(c), strict=True)) for c in (contest, mixed))
    for name in NAMES:
        assert after[name].low == pytest.approx(before[name].low, abs=15)
        assert after[name].high == pytest.approx(before[name].high, abs=15)
    same = replace(mixed, log_ratio=contest.log_ratio[entries])
    for rating, i in zip(ratings(same), entries, strict=True):
        assert astuple(rating) == pytest.approx(astuple(ratings(contest)[i]), rel=1e-6)


def test_the_unit_of_a_dataset_s_errors_does_not_matter():
    contest = played()
    units = np.random.default_rng(2).normal(size=20) * 5
    alike(points(replace(contest, log_ratio=contest.log_ratio + units)), points(contest))


def test_a_dataset_where_all_tie_moves_nobody_s_place():
    contest = played()
    more = np.hstack((contest.log_ratio, np.full((7, 1), 0.3)))
    before, after = points(contest), points(replace(contest, log_ratio=more))
    for k, name in enumerate(POINTS[:3]):
        order, same = ([round(found[entry][k], 6) for entry in NAMES] for found in (before, after))
        assert np.argsort(order, kind="stable").tolist() == np.argsort(same, kind="stable").tolist(), name
        assert len(set(order)) == len(set(same))


def test_ratings_depend_on_who_else_is_there():
    contest = played()
    fewer = replace(contest, entries=NAMES[3:], log_ratio=contest.log_ratio[3:])
    before, after = points(contest), points(fewer)
    assert all(after[name][1] < before[name][1] for name in fewer.entries), "the weak are no longer there"
    assert after["d"][0] == before["d"][0] == ANCHOR
    assert abs(after["g"][0] - before["g"][0]) > 1


def test_without_the_reference_the_mean_is_the_anchor():
    found = [rating.elo for rating in ratings(replace(played(), anchor=None))]
    assert np.mean(found) == pytest.approx(ANCHOR)
    moved = [rating.elo for rating in ratings(played())]
    assert np.diff(found) == pytest.approx(np.diff(moved))


def test_who_always_wins_has_a_finite_rating_and_no_interval():
    ratio = np.vstack((np.full(16, 1.0), np.tile([0.0, 0.3], 8), np.tile([0.3, 0.0], 8), np.full(16, -1.0)))
    best, one, other, worst = ratings(Contest(entries=tuple("abcd"), log_ratio=ratio))
    assert one.elo == pytest.approx(other.elo)
    assert best.elo - one.elo == pytest.approx(one.elo - worst.elo)
    assert best.elo - one.elo > 400
    assert (best.win_rate, worst.win_rate) == (1.0, 0.0)
    assert all(math.isnan(end) for rating in (best, worst) for end in (rating.low, rating.high))
    assert one.low < one.elo < one.high
    (champion, _) = ratings(Contest(entries=("a", "b"), log_ratio=ratio[[0, 3]]))
    assert champion.elo == pytest.approx(
        ANCHOR + 200 * math.log10(16.5 / 0.5)
    )  # one drawn game beside 16 won


def test_improvability_stays_below_one_whatever_the_best_error():
    tiny = math.log(np.finfo(float).tiny)
    perfect, poor = ratings(Contest(entries=("a", "b"), log_ratio=np.array([[-tiny, 0.0], [0.0, 0.0]])))
    assert perfect.improvability == 0.0
    assert poor.improvability == pytest.approx(0.5)


def test_nobody_to_meet_is_no_rating():
    assert ratings(NO_CONTEST) == ()
    (lone,) = ratings(Contest(entries=("a",), log_ratio=np.zeros((1, 3)), anchor="a"))
    assert repr(lone) == repr(replace(NOT_RATED, improvability=0.0))
    apart = np.array([[0.1, np.nan, 0.0], [np.nan, 0.2, np.nan], [0.3, np.nan, 0.5]])
    first, alone, third = ratings(Contest(entries=tuple("abc"), log_ratio=apart))
    assert (first.n, alone.n, third.n) == (2, 0, 2)
    assert math.isnan(alone.elo)
    assert first.elo + third.elo == pytest.approx(2 * ANCHOR)


def test_one_dataset_has_no_interval():
    found = ratings(Contest(entries=tuple("abc"), log_ratio=np.array([[0.0], [0.5], [1.0]])))
    assert [rating.elo for rating in found] == sorted(rating.elo for rating in found)
    assert all(math.isnan(rating.low) for rating in found)


ratios = arrays(
    float,
    st.tuples(st.integers(2, 9), st.integers(1, 8)),
    elements=st.one_of(st.floats(-700, 700), st.just(0.0), st.just(math.nan)),
)


@given(ratios)
@settings(deadline=None, max_examples=200)
def test_any_table_has_finite_strengths_that_explain_its_wins(ratio):
    wins = np.nansum(outcomes(ratio), axis=-1)
    strengths, n = log_strengths(wins), len(ratio)
    assert np.isfinite(strengths).all()
    assert strengths.mean() == pytest.approx(0.0, abs=1e-9)
    with_draws = wins + (1 - np.eye(n)) / (2 * (n - 1))
    games = with_draws + with_draws.T
    expected = games / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    assert expected.sum(axis=1) == pytest.approx(with_draws.sum(axis=1), abs=1e-4)


def test_many_tables_at_once_are_each_alone():
    rng = np.random.default_rng(3)
    wins = rng.integers(0, 5, (6, 5, 5)) * (1 - np.eye(5))
    together = log_strengths(wins)
    for one, many in zip(wins, together, strict=True):
        assert many == pytest.approx(log_strengths(one), abs=1e-6)


def test_wherever_the_search_begins_it_ends_at_the_same_strengths():
    wins = wins_of(played())
    for far in (np.linspace(15, -15, 7), np.array([12.0, -12.0] * 3 + [0.0])):
        assert log_strengths(wins, start=far) == pytest.approx(log_strengths(wins), abs=1e-6)


def test_no_maximum_is_no_rating():
    with pytest.raises(ArithmeticError, match="no maximum"):
        log_strengths(np.array([[0.0, 5.0], [0.0, 0.0]]), drawn=0.0)


def test_an_unrated_row_says_nothing():
    assert all(math.isnan(value) for value in astuple(Rating())[:-1])
