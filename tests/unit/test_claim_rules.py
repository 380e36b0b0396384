"""The rules give the word that their text says, and nothing that should not matter changes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.inference.counts import decide_counts
from bench.analysis.inference.effects import Effect, Method, effect
from bench.analysis.inference.power import chances, detectable, units_needed
from bench.analysis.inference.rules import SEEDS, Units, decide, judge
from bench.analysis.inference.significance import wilcoxon
from bench.errors import ConfigError
from bench.verdicts import Rule, Tag, Word

MARGIN = 0.05
OF_A_MEAN = (Rule.SUPERIORITY, Rule.EQUIVALENCE, Rule.INTERACTION, Rule.SHAPE, Rule.AT_MOST)
LIKE_SUPERIORITY = (Rule.SUPERIORITY, Rule.INTERACTION, Rule.SHAPE)


def found(low, high, *, mean=None, narrower=0.8):
    """An effect with its 95 % interval; the 90 % one is about the same middle."""
    middle, half = (low + high) / 2, (high - low) / 2 * narrower
    return Effect(
        n=16,
        mean=middle if mean is None else mean,
        sd=0.1,
        low=low,
        high=high,
        low_90=middle - half,
        high_90=middle + half,
        method=Method.T,
    )


def spaced(mean, sd, n=16):
    """Return n values with exactly this mean and SD, at normal quantiles."""
    shape = stats.norm.ppf((np.arange(n) + 0.5) / n)
    return mean + sd * (shape - shape.mean()) / shape.std(ddof=1)


@pytest.mark.parametrize("rule", LIKE_SUPERIORITY)
@pytest.mark.parametrize(
    ("effect_", "p", "word", "tag"),
    [
        (found(0.01, 0.11), 0.01, Word.SUPPORTED, None),
        (found(0.01, 0.11), 0.05, Word.INCONCLUSIVE, None),
        (found(0.01, 0.11), np.nan, Word.INCONCLUSIVE, None),
        (found(0.01, 0.11), None, Word.SUPPORTED, None),
        (found(0.0, 0.11), 0.01, Word.INCONCLUSIVE, None),
        (found(0.001, 0.09), 0.01, Word.INCONCLUSIVE, None),
        (found(0.01, 0.049), 0.01, Word.REFUTED, Tag.EQUIVALENT),
        (found(-0.04, 0.04), 0.9, Word.REFUTED, Tag.EQUIVALENT),
        (found(-0.07, 0.04), 0.9, Word.REFUTED, None),
        (found(-0.059, 0.04), 0.9, Word.REFUTED, Tag.EQUIVALENT),
        (found(-0.11, -0.01), 0.01, Word.REFUTED, Tag.REVERSED),
        (found(-0.08, -0.01), 0.01, Word.REFUTED, None),
        (found(-0.11, 0.001, mean=-0.06), 0.01, Word.REFUTED, None),
        (found(-0.2, 0.05), 0.9, Word.INCONCLUSIVE, None),
    ],
)
def test_superiority(rule, effect_, p, word, tag):
    assert judge(rule, effect_, MARGIN, p) == (word, tag)


@pytest.mark.parametrize(
    ("effect_", "word"),
    [
        (found(-0.04, 0.04), Word.SUPPORTED),
        (found(-0.06, 0.06), Word.SUPPORTED),
        (found(-0.06, 0.06, narrower=0.9), Word.INCONCLUSIVE),
        (found(0.05, 0.2), Word.REFUTED),
        (found(0.049, 0.2), Word.INCONCLUSIVE),
        (found(-0.2, -0.05), Word.REFUTED),
        (found(-0.2, -0.04), Word.INCONCLUSIVE),
    ],
)
def test_equivalence(effect_, word):
    assert judge(Rule.EQUIVALENCE, effect_, MARGIN, 0.001) == (word, None)


@pytest.mark.parametrize(
    ("effect_", "word"),
    [
        (found(-0.3, 0.049), Word.SUPPORTED),
        (found(-0.3, 0.05), Word.INCONCLUSIVE),
        (found(0.05, 0.3), Word.INCONCLUSIVE),
        (found(0.051, 0.3), Word.REFUTED),
    ],
)
def test_at_most(effect_, word):
    assert judge(Rule.AT_MOST, effect_, MARGIN, None) == (word, None)


def test_too_few_units_decide_nothing_and_what_lacks_is_said():
    values = np.full(7, 1.0)
    decision = decide(Rule.SUPERIORITY, values, MARGIN, 0.01)
    assert (decision.word, decision.why, decision.needs) == (
        Word.INCONCLUSIVE,
        "7 datasets, 8 are the least",
        "1 more datasets",
    )
    assert decide(Rule.SUPERIORITY, values, MARGIN, 0.01, Units("tables", 7)).word is Word.SUPPORTED
    assert decide(Rule.EQUIVALENCE, np.empty(0), MARGIN, None).word is Word.INCONCLUSIVE


def test_five_seeds_are_decided_by_the_t_interval_alone():
    values = spaced(0.2, 0.05, n=5)
    assert wilcoxon(values) == 0.0625
    assert decide(Rule.SUPERIORITY, values, MARGIN, None, SEEDS).word is Word.SUPPORTED
    assert decide(Rule.SUPERIORITY, values, MARGIN, wilcoxon(values), SEEDS).word is Word.INCONCLUSIVE


def test_a_decision_says_the_numbers_that_decided():
    decision = decide(Rule.SUPERIORITY, spaced(0.08, 0.07), MARGIN, 0.0012)
    assert str(decision) == "SUPPORTED"
    assert decision.why == (
        "mean +0.08, 95 % +0.0427 to +0.117, p 0.0012, 16 datasets: "
        "the interval is above 0 and the mean reaches the margin 0.05"
    )
    assert decision.needs == ""
    assert "90 %" in decide(Rule.EQUIVALENCE, spaced(0.0, 0.05), MARGIN, None).why
    lost = decide(Rule.SUPERIORITY, spaced(-0.08, 0.05), MARGIN, 0.001)
    assert str(lost) == "REFUTED (REVERSED)"
    assert "below the margin 0.05" in lost.why


def test_what_is_inconclusive_says_what_it_would_take():
    for mean, verb in ((0.08, "support"), (0.02, "refute")):
        decision = decide(Rule.SUPERIORITY, spaced(mean, 0.2), MARGIN, 0.2)
        needed = units_needed(mean, 0.2, MARGIN, Rule.SUPERIORITY)
        assert decision.needs == (
            f"about {needed} datasets would {verb} it, were this mean and spread the true ones"
        )
        assert needed > 16
    at_the_margin = decide(Rule.SUPERIORITY, spaced(MARGIN, 0.2), MARGIN, 0.2)
    assert at_the_margin.needs == "more than 10000 datasets: the mean is at the margin"
    unlucky = decide(Rule.SUPERIORITY, spaced(0.2, 0.1), MARGIN, 0.06)
    assert unlucky.why.endswith("p is not below 0.05, nor is the interval below the margin 0.05")
    assert unlucky.needs.startswith("more datasets: ")


@pytest.mark.parametrize("rule", OF_A_MEAN)
@pytest.mark.parametrize("mean", [-0.1, 0.0, 0.03, 0.06, 0.2])
@pytest.mark.parametrize("n", [12, 40])
def test_neither_the_order_of_datasets_nor_the_unit_changes_a_word(rule, mean, n):
    rng = np.random.default_rng(n)
    values = mean + 0.1 * rng.standard_t(3, n)
    expected = decide(rule, values, MARGIN, wilcoxon(values))
    assert decide(rule, rng.permutation(values), MARGIN, wilcoxon(values)) == expected
    for scale in (1e-6, 3.7, 1e5):
        scaled = decide(rule, values * scale, MARGIN * scale, wilcoxon(values * scale))
        assert (scaled.word, scaled.tag) == (expected.word, expected.tag)


@given(st.lists(st.floats(-1, 1), min_size=8, max_size=40), st.floats(0.001, 0.5))
def test_what_is_supported_one_way_is_reversed_the_other(values, margin):
    there, back = np.array(values), -np.array(values)
    if judge(Rule.SUPERIORITY, effect(there), margin, None)[0] is Word.SUPPORTED:
        assert judge(Rule.SUPERIORITY, effect(back), margin, None) == (Word.REFUTED, Tag.REVERSED)


def test_a_planted_effect_is_found_and_a_planted_null_is_not():
    rng = np.random.default_rng(11)
    for n in (16, 40):
        there, nothing = rng.normal((MARGIN * 2, 0.0), 0.02, size=(n, 2)).T
        assert decide(Rule.SUPERIORITY, there, MARGIN, wilcoxon(there)).word is Word.SUPPORTED
        null = decide(Rule.SUPERIORITY, nothing, MARGIN, wilcoxon(nothing))
        assert str(null) == "REFUTED (EQUIVALENT)"
        assert decide(Rule.EQUIVALENCE, nothing, MARGIN, None).word is Word.SUPPORTED
        assert decide(Rule.EQUIVALENCE, there, MARGIN, None).word is Word.REFUTED
        assert decide(Rule.AT_MOST, nothing, MARGIN, None).word is Word.SUPPORTED
        assert decide(Rule.AT_MOST, there, MARGIN, None).word is Word.REFUTED


@pytest.mark.parametrize("margin", [0.0, -0.1, np.nan, np.inf])
def test_a_margin_that_is_none_is_refused(margin):
    with pytest.raises(ConfigError, match='margin of the rule "superiority"'):
        decide(Rule.SUPERIORITY, np.ones(9), margin, 0.01)


@pytest.mark.parametrize("rule", [Rule.UNIVERSAL, Rule.IMPOSSIBLE])
def test_a_rule_is_asked_for_what_it_decides(rule):
    for call in (lambda: decide(rule, np.ones(9), 0.1, None), lambda: chances(9, 0.1, 0.1, 0.1, rule)):
        with pytest.raises(ConfigError, match="counts exceptions"):
            call()
    with pytest.raises(ConfigError, match="counts no exceptions"):
        decide_counts(Rule.SUPERIORITY, {})


ALL, NONE, ONE, FOUR, THREE = (np.arange(5) < n for n in (5, 0, 1, 4, 3))


@pytest.mark.parametrize(
    ("shows", "word"),
    [
        ({"a": NONE, "b": NONE}, Word.SUPPORTED),
        ({"a": NONE, "b": ONE}, Word.INCONCLUSIVE),
        ({"a": FOUR, "b": ALL}, Word.REFUTED),
        ({"a": FOUR, "b": THREE, "c": NONE}, Word.INCONCLUSIVE),
        ({"a": FOUR, "b": THREE, "c": ALL}, Word.REFUTED),
        ({"a": ALL, "b": NONE}, Word.INCONCLUSIVE),
        ({"a": NONE}, Word.INCONCLUSIVE),
        ({"a": NONE, "b": NONE[:4]}, Word.INCONCLUSIVE),
        ({"a": ALL, "b": ALL[:4]}, Word.INCONCLUSIVE),
        ({}, Word.INCONCLUSIVE),
    ],
)
def test_exceptions_are_counted(shows, word):
    never = decide_counts(Rule.IMPOSSIBLE, shows)
    always = decide_counts(Rule.UNIVERSAL, {name: ~there for name, there in shows.items()})
    assert never == always
    assert never.word is word
    assert bool(never.needs) == (word is Word.INCONCLUSIVE)


def test_counts_say_where_the_exceptions_are():
    refuted = decide_counts(Rule.UNIVERSAL, {"wine": ~FOUR, "iris": ~ALL, "glass": ~ONE})
    assert refuted.why == "exceptions in at least four of five seeds: iris 5 of 5, wine 4 of 5"
    few = decide_counts(Rule.UNIVERSAL, {"wine": ALL[:3]})
    assert few.needs == "5 seeds each on wine; 1 more datasets"
    assert (
        decide_counts(Rule.UNIVERSAL, {"wine": ALL[:3]}, min_datasets=1, min_seeds=3).word is Word.SUPPORTED
    )


def simulated(n, mean, sd, margin, draws=20_000):
    """Return how often the rules decide, from draws of normal effects and the formula of the t-interval."""
    values = np.random.default_rng(12).normal(mean, sd, size=(draws, n))
    middle, error = values.mean(axis=1), values.std(axis=1, ddof=1) / np.sqrt(n)
    reach, reach_90 = stats.t.ppf(0.975, n - 1) * error, stats.t.ppf(0.95, n - 1) * error
    return {
        Rule.SUPERIORITY: ((middle > reach) & (middle >= margin), middle + reach < margin),
        Rule.EQUIVALENCE: (abs(middle) + reach_90 < margin, abs(middle) - reach > margin),
        Rule.AT_MOST: (middle + reach < margin, middle - reach > margin),
    }


@pytest.mark.parametrize("n", [5, 16])
@pytest.mark.parametrize("mean", [0.0, 0.8, 1.5])
def test_chances_are_those_of_a_simulation(n, mean):
    for rule, shares in simulated(n, mean, 1.2, 1.0).items():
        expected = [share.mean() for share in shares]
        np.testing.assert_allclose(chances(n, mean, 1.2, 1.0, rule), expected, atol=0.012)


def test_chances_of_one_bound_are_the_noncentral_t_s():
    n, mean, sd = 12, 0.7, 1.3
    exact = stats.nct.sf(stats.t.ppf(0.975, n - 1), n - 1, mean * np.sqrt(n) / sd)
    assert chances(n, mean, sd, 1e-12, Rule.SUPERIORITY).supported == pytest.approx(exact, abs=5e-4)


@pytest.mark.parametrize("n", [8, 32])
@pytest.mark.parametrize("rule", OF_A_MEAN)
def test_what_is_detectable_is_supported_in_four_of_five_cases(rule, n):
    mean = detectable(n, 0.8, 1.0, rule)
    if np.isnan(mean):
        assert rule is Rule.EQUIVALENCE
        assert chances(n, 0.0, 0.8, 1.0, rule).supported < 0.8
        return
    assert chances(n, mean, 0.8, 1.0, rule).supported == pytest.approx(0.8, abs=1e-6)
    with_more = detectable(4 * n, 0.8, 1.0, rule)
    assert with_more < mean if rule in LIKE_SUPERIORITY else with_more > mean


def test_the_whole_rule_finds_what_is_detectable():
    """The signed-rank test, which the chances leave out, takes little."""
    for n in (8, 16):
        mean = detectable(n, 2.0, 1.0, Rule.SUPERIORITY)
        draws = np.random.default_rng(13).normal(mean, 2.0, size=(300, n))
        words = [judge(Rule.SUPERIORITY, effect(row), 1.0, wilcoxon(row))[0] for row in draws]
        assert 0.70 <= np.mean([word is Word.SUPPORTED for word in words]) <= 0.84


def test_the_units_needed_are_the_fewest_that_decide():
    for mean in (0.0, 0.5, 1.4):
        n = units_needed(mean, 1.5, 1.0, Rule.SUPERIORITY)
        assert sum(chances(n, mean, 1.5, 1.0, Rule.SUPERIORITY)) >= 0.8
        assert sum(chances(n - 1, mean, 1.5, 1.0, Rule.SUPERIORITY)) < 0.8
    assert units_needed(1.0, 1.5, 1.0, Rule.SUPERIORITY) is None
    assert units_needed(1.0, np.nan, 1.0, Rule.SUPERIORITY) is None
    assert units_needed(2.0, 0.0, 1.0, Rule.SUPERIORITY) == 2
    assert np.isnan(detectable(1, 1.0, 1.0, Rule.SUPERIORITY))
    assert detectable(8, 0.0, 1.0, Rule.SUPERIORITY) == 1.0
