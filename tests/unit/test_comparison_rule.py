"""Worse, not worse, not enough evidence: right where the truth is known, and as often as the page says."""

from __future__ import annotations

import importlib.util
import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from bench.analysis.comparison.answers import FEWEST, LEVEL, SESSIONS, Word, answers
from bench.analysis.comparison.changes import Changes
from bench.analysis.inference.power import detectable_loss
from bench.analysis.inference.significance import wilcoxon
from bench.thresholds import parse_threshold

ERROR, FIT = parse_threshold("error:+2%"), parse_threshold("fit_s:+20%")


@pytest.fixture(scope="module")
def script(root):
    path = root / "benchmarks" / "comparison_power.py"
    spec = importlib.util.spec_from_file_location("comparison_power", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def no_more_than(rate, draws, found):
    """Whether so many of the draws are to be expected at a rate, at 1 in 10,000 (exact)."""
    return stats.binomtest(found, draws, rate, alternative="greater").pvalue > 1e-4


def at_least(rate, draws, found):
    return stats.binomtest(found, draws, rate, alternative="less").pvalue > 1e-4


@pytest.mark.parametrize("kind", ["heavy tails", "mostly identical", "a row or none"])
@pytest.mark.parametrize("spread", [0.03, 0.3])
def test_where_nothing_has_changed_at_most_one_comparison_in_a_hundred_says_worse(script, kind, spread):
    draws = 400
    _, _, alarms = script.rates(16, spread, 0.0, draws, learners=4, kind=kind)
    assert no_more_than(0.01, draws, round(alarms * draws))


def test_a_few_splits_that_move_by_whole_rows_are_not_called_worse_by_chance(script):
    """The interval alone would say so in more than one case in fifty."""
    draws = 2_000
    _, _, alarms = script.rates(FEWEST, 0.3, 0.0, draws, learners=1, kind="a row or none")
    assert no_more_than(0.01, draws, round(alarms * draws))


@pytest.mark.parametrize(("n", "spread"), [(16, 0.03), (24, 0.08)])
def test_a_planted_loss_of_the_size_that_is_said_to_be_seen_is_found_in_four_of_five(script, n, spread):
    draws, learners = 400, 4
    seen = detectable_loss(n, spread, ERROR.bound, LEVEL / learners)
    rng = np.random.default_rng(n)
    found = 0
    for _ in range(draws):
        values = spread * rng.normal(size=(learners, n))
        values[0] += seen
        made = answers([(ERROR, script.of_learner(str(i), row)) for i, row in enumerate(values)])
        found += made[0].word is Word.WORSE
    assert at_least(0.8 - 0.05, draws, found)  # the signed-rank test takes a little that the t-test does not
    assert no_more_than(0.8 + 0.05, draws, found)


def test_a_loss_beyond_the_threshold_is_hardly_ever_called_not_worse(script):
    draws = 400
    _, missed, _ = script.rates(16, 0.03, 0.02, draws, learners=2)
    assert no_more_than(0.025, draws, round(missed * draws))
    _, missed, _ = script.rates(16, 0.03, 0.05, draws, learners=2)
    assert missed == 0


def test_where_there_is_little_noise_not_worse_is_said(script):
    worse, not_worse, _ = script.rates(16, 0.01, 0.0, 400, learners=2)
    assert (worse, not_worse >= 0.99) == (0, True)


def test_a_row_of_the_saved_table_comes_out_again_and_the_page_is_that_of_the_table(script):
    saved = script.read()
    assert len(saved) == len(list(itertools.product(script.SPREADS, script.SIZES, script.LOSSES)))
    fresh = script.row((0.03, 12, 0.05))
    (kept,) = [
        each for each in saved if (each["spread"], each["splits"], each["loss"]) == ("0.03", "12", "0.05")
    ]
    assert {k: str(v) for k, v in fresh.items()} == kept
    assert f"{script.START}\n\n{script.table(saved)}\n\n{script.END}" in script.PAGE.read_text()


def test_the_saved_table_keeps_what_is_promised(script):
    saved = script.read()
    nothing = [each for each in saved if float(each["loss"]) == 0]
    for each in nothing:
        draws = int(each["draws"])
        assert no_more_than(0.01, draws, round(float(each["some_worse"]) * draws)), each
    at_threshold = [each for each in saved if float(each["loss"]) == 0.02]
    assert max(float(each["worse"]) for each in at_threshold) <= 0.05
    for each in saved:
        if float(each["loss"]) >= 0.05:
            assert float(each["not_worse"]) <= 0.01, each


def only(values, threshold=ERROR, silent=""):
    n = len(values)
    changes = Changes(
        learner="a", values=np.asarray(values, dtype=float), datasets=("d",) * n, splits=("r0f0",) * n,
        n_pairs=n, n_identical=int(n - np.count_nonzero(values)),
    )  # fmt: skip
    (answer,) = answers([(threshold, changes)], silent)
    return answer


def test_the_same_predictions_prove_not_worse_however_few_they_are():
    answer = only([0.0])
    assert (answer.word, answer.why) == (Word.NOT_WORSE, "the same predictions in every pair")
    assert math.isnan(answer.p_adjusted)


def test_too_few_splits_say_nothing_however_large_the_change():
    loss = 0.5 + 0.01 * np.arange(FEWEST - 1)
    assert only(loss).word is Word.UNDECIDED
    assert only(-loss).word is Word.UNDECIDED
    assert only(0.5 + 0.01 * np.arange(FEWEST)).word is Word.WORSE


def test_other_tests_make_the_p_larger_and_nothing_else():
    loss, calm = 0.05 + 0.01 * np.random.default_rng(1).normal(size=(2, 12))
    alone = only(loss)
    others = [(ERROR, replace(alone.changes, learner=f"other-{i}", values=calm - 0.05)) for i in range(5)]
    with_others = answers([(ERROR, alone.changes), *others])[0]
    assert with_others.p == alone.p
    assert alone.p_adjusted == alone.p
    assert with_others.p_adjusted == pytest.approx(6 * alone.p)
    numbers = ("mean", "low", "high", "word", "why")
    assert [getattr(with_others, n) for n in numbers] == [getattr(alone, n) for n in numbers]


def test_of_more_tests_each_has_to_show_more():
    noisy = np.random.default_rng(1).normal(size=12)
    alone = only(noisy)
    made = answers([(ERROR, replace(alone.changes, learner=str(i))) for i in range(6)])
    assert made[0].seen_from > alone.seen_from > ERROR.bound
    assert math.isnan(only(noisy[:6]).seen_from)  # no p of six splits is small enough


def test_a_learner_without_any_change_is_no_test():
    loss = 0.05 + 0.01 * np.random.default_rng(1).normal(size=12)
    alone = only(loss)
    made = answers([(ERROR, alone.changes), (ERROR, only(np.zeros(12)).changes)])
    assert made[0] == alone


def test_seconds_are_given_room_for_what_sessions_differ_by():
    values = math.log(1.25) + 1e-3 * np.random.default_rng(1).normal(size=12)
    found = only(values, FIT)
    assert found.word is Word.UNDECIDED
    assert found.low == pytest.approx(math.log(1.25) - SESSIONS, abs=2e-3)
    assert only(values + 0.1, FIT).word is Word.WORSE
    assert only(values - 0.2, FIT).word is Word.NOT_WORSE


def test_seconds_of_another_machine_are_no_number_at_all():
    found = only(np.full(12, 1.0), FIT, "another machine: cpu a -> b")
    assert (found.word, found.why) == (Word.UNDECIDED, "another machine: cpu a -> b")
    numbers = (found.mean, found.low, found.high, found.p, found.p_adjusted, found.seen_from)
    assert np.isnan(numbers).all()
    assert only([0.0] * 12, ERROR, "another machine").word is Word.NOT_WORSE


def test_few_changes_among_many_that_are_0_have_their_exact_p():
    values = np.concatenate((np.zeros(94), 1 + np.arange(6)))
    assert wilcoxon(values) == 2 / 2**6
