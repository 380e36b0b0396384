"""Statistics of claims agree with other people's code, and keep the invariances that they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from bench.analysis.inference.effects import LARGE, Method, effect, effects
from bench.analysis.inference.heterogeneity import Model, plain, random_effects, spread
from bench.analysis.inference.signed_rank import signed_rank
from bench.analysis.inference.significance import (
    benjamini_hochberg,
    corrected_t,
    holm,
    replicated,
    wilcoxon,
)
from bench.analysis.intervals import resamples
from bench.errors import ConfigError, DataError

SKEWED = np.random.default_rng(1).lognormal(size=50) - 1.2
NORMAL = np.random.default_rng(2).normal(0.04, 0.1, size=16)
ERRORS = np.random.default_rng(3).uniform(0.01, 0.05, size=16)


def ends(found):
    return np.array([found.low, found.high, found.low_90, found.high_90])


def scipy_ends(interval_of):
    return np.array([end for level in (0.95, 0.9) for end in interval_of(level)])


def test_few_values_have_the_t_interval():
    found = effect(NORMAL)
    expected = scipy_ends(lambda level: stats.ttest_1samp(NORMAL, 0).confidence_interval(level))
    np.testing.assert_allclose(ends(found), expected)
    assert (found.n, found.method) == (16, Method.T)
    np.testing.assert_allclose([found.mean, found.sd], [NORMAL.mean(), NORMAL.std(ddof=1)])


@pytest.mark.parametrize("values", [SKEWED, np.random.default_rng(4).standard_t(3, LARGE) + 1])
def test_many_values_have_scipy_s_bca_interval_of_the_same_resamples(values):
    drawn = np.sort(values) @ resamples(len(values)).T / len(values)
    known = stats.bootstrap((values,), np.mean, n_resamples=2, method="percentile")
    known.bootstrap_distribution = drawn

    def interval(level):
        return stats.bootstrap(
            (values,), np.mean, n_resamples=0, bootstrap_result=known, confidence_level=level, method="bca"
        ).confidence_interval

    assert effect(values).method is Method.BCA
    np.testing.assert_allclose(ends(effect(values)), scipy_ends(interval))


def test_scipy_s_own_resamples_give_nearly_the_same_interval():
    other = stats.bootstrap(
        (SKEWED,), np.mean, n_resamples=50_000, method="bca", rng=np.random.default_rng(6)
    )
    found = effect(SKEWED)
    width = found.high - found.low
    np.testing.assert_allclose([found.low, found.high], other.confidence_interval, atol=0.03 * width)
    assert found.high - found.mean > found.mean - found.low, (
        "a long right tail pulls the interval to the right"
    )


@pytest.mark.parametrize("values", [NORMAL, SKEWED])
def test_the_order_of_datasets_changes_nothing_and_exchanging_the_arms_mirrors_everything(values):
    shuffled = np.random.default_rng(5).permutation(values)
    assert effect(shuffled) == effect(values)
    assert signed_rank(shuffled, 0.05) == signed_rank(values, 0.05)
    assert wilcoxon(shuffled) == wilcoxon(values)
    np.testing.assert_array_equal(ends(effect(-values)), -ends(effect(values))[[1, 0, 3, 2]])
    assert signed_rank(-values, 0.05) == signed_rank(values, 0.05)[::-1]


def test_many_rows_at_once_are_each_as_if_alone():
    rows = np.random.default_rng(7).standard_t(3, (20, 40))
    for one, row in zip(effects(rows), rows, strict=True):
        np.testing.assert_allclose(ends(one), ends(effect(row)), rtol=1e-12)


def test_too_few_values_have_no_interval_and_equal_ones_have_one_without_width():
    assert np.isnan([effect(np.empty(0)).mean, *ends(effect(np.empty(0)))]).all()
    one = effect(np.array([0.3]))
    assert one.mean == 0.3
    assert np.isnan([one.sd, *ends(one)]).all()
    for n in (5, 50):
        level = effect(np.full(n, 0.1))
        assert (level.mean, level.sd, level.method) == (0.1, 0.0, Method.T)
        np.testing.assert_array_equal(ends(level), 0.1)


def test_where_bca_fails_the_interval_is_t_s_and_says_so(monkeypatch):
    """Resamples that all lack the largest value lie on one side of the mean: BCa's bias is infinite there."""
    n = len(SKEWED)
    monkeypatch.setattr(
        "bench.analysis.inference.effects.resamples",
        lambda n: np.tile(np.append(np.full(n - 1, n / (n - 1)), 0.0), (100, 1)),
    )
    found = effect(SKEWED)
    assert found.method is Method.T
    expected = scipy_ends(lambda level: stats.ttest_1samp(SKEWED, 0).confidence_interval(level))
    np.testing.assert_allclose(ends(found), expected)
    assert found.n == n


@pytest.mark.parametrize("scale", [1e-120, 1e120])
def test_the_unit_of_the_values_is_that_of_the_interval(scale):
    np.testing.assert_allclose(ends(effect(SKEWED * scale)), ends(effect(SKEWED)) * scale, rtol=1e-9)


def test_many_ties_have_a_bca_interval():
    values = np.array([0.0] * 30 + [1.0] * 10)
    found = effect(values)
    assert found.method is Method.BCA
    assert 0.1 < found.low < 0.25 < found.high < 0.45
    assert effect(values * 3e-4).low == pytest.approx(found.low * 3e-4)


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_value_that_is_no_number_is_refused_with_its_place(wrong):
    values = NORMAL.copy()
    values[3] = wrong
    for judged in (effect, wilcoxon, plain, lambda v: signed_rank(v, 0.1), lambda v: corrected_t(v, 0.5)):
        with pytest.raises(DataError, match=r"1 of 16 effects are no finite numbers \(at 3\)"):
            judged(values)


def test_random_effects_are_statsmodels_s_and_those_of_the_formulas():
    from statsmodels.stats.meta_analysis import combine_effects

    fit = combine_effects(NORMAL, ERRORS**2, method_re="iterated", use_t=True)
    found = random_effects(NORMAL, ERRORS)
    np.testing.assert_allclose([found.mean, found.tau**2], [fit.mean_effect_re, fit.tau2])
    weights = 1 / (ERRORS**2 + found.tau**2)
    assert weights @ (NORMAL - found.mean) ** 2 == pytest.approx(15, rel=1e-5), "Paule and Mandel's equation"
    error = np.sqrt(weights @ (NORMAL - found.mean) ** 2 / 15 / weights.sum())
    np.testing.assert_allclose([found.low, found.high], stats.t.interval(0.95, 15, found.mean, error))
    fixed = 1 / ERRORS**2
    q = fixed @ (NORMAL - fixed @ NORMAL / fixed.sum()) ** 2
    assert found.i2 == pytest.approx(1 - 15 / q)
    assert found.model is Model.RANDOM_EFFECTS


def test_the_next_dataset_s_interval_is_that_of_its_formula():
    found = random_effects(NORMAL, ERRORS)
    weights = 1 / (ERRORS**2 + found.tau**2)
    scale = np.sqrt(found.tau**2 + 1 / weights.sum())
    np.testing.assert_allclose(
        [found.new_low, found.new_high], stats.t.interval(0.95, 14, found.mean, scale), rtol=1e-5
    )
    assert found.p_above == pytest.approx(stats.t.sf(0, 14, found.mean, scale), rel=1e-5)
    simple = plain(NORMAL)
    scale = NORMAL.std(ddof=1) * np.sqrt(1 + 1 / 16)
    np.testing.assert_allclose(
        [simple.new_low, simple.new_high], stats.t.interval(0.95, 15, simple.mean, scale)
    )
    assert simple.model is Model.PLAIN


def test_a_prediction_interval_holds_the_next_dataset_in_95_per_cent_of_draws():
    rng = np.random.default_rng(8)
    draws = rng.normal(0.2, 1.0, size=(2_000, 11))
    held = [plain(row[:10]).new_low <= row[10] <= plain(row[:10]).new_high for row in draws]
    assert 0.935 <= np.mean(held) <= 0.965


def test_tau_is_found_where_the_errors_are_tiny_and_none_where_there_is_none():
    wide = random_effects(NORMAL, np.full(16, 1e-7))
    assert wide.tau == pytest.approx(NORMAL.std(ddof=1), rel=1e-4)
    assert wide.i2 == pytest.approx(1.0)
    narrow = random_effects(np.linspace(-0.01, 0.01, 16), np.full(16, 1.0))
    assert (narrow.tau, narrow.i2) == (0.0, 0.0)


def test_without_a_standard_error_for_each_dataset_the_plain_model_is_used_and_said():
    assert spread(NORMAL, ERRORS) == random_effects(NORMAL, ERRORS)
    for unknown in (
        None,
        np.where(np.arange(16) == 2, 0.0, ERRORS),
        np.where(np.arange(16) == 2, np.nan, ERRORS),
    ):
        assert spread(NORMAL, unknown).model is Model.PLAIN


def test_of_too_few_datasets_nothing_is_said_about_the_next():
    assert np.isnan(random_effects(NORMAL[:2], ERRORS[:2]).new_low)
    assert np.isnan([plain(NORMAL[:1]).new_low, plain(NORMAL[:0]).p_above]).all()
    assert np.isnan(random_effects(NORMAL[:1], ERRORS[:1]).low)
    equal = plain(np.full(6, 0.2))
    assert (equal.new_low, equal.new_high, equal.p_above) == (0.2, 0.2, 1.0)


def test_the_signed_rank_p_is_scipy_s():
    assert wilcoxon(NORMAL) == stats.wilcoxon(NORMAL).pvalue
    with_zeros = np.concatenate((NORMAL, np.zeros(5)))
    assert wilcoxon(with_zeros) == stats.wilcoxon(with_zeros, zero_method="pratt").pvalue
    tied = np.array([0.0, -0.4, 0.7, 1.3, 0.2, 1.7, -0.4, 0.7])
    assert wilcoxon(tied) == pytest.approx(stats.wilcoxon(tied, zero_method="pratt").pvalue)
    assert wilcoxon(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == 0.0625
    assert wilcoxon(np.zeros(9)) == 1.0
    assert np.isnan(wilcoxon(np.empty(0)))


def test_p_values_are_adjusted_for_those_that_are_there():
    p = np.array([0.04, np.nan, 0.01, 0.03])
    np.testing.assert_allclose(holm(p), [0.06, np.nan, 0.03, 0.06])
    known = p[~np.isnan(p)]
    np.testing.assert_allclose(
        benjamini_hochberg(p)[[0, 2, 3]], stats.false_discovery_control(known, method="bh")
    )
    assert np.isnan(holm(np.full(3, np.nan))).all()


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_a_claim_is_replicated_on_as_many_datasets_as_holm_rejects(p):
    """The published bound, by hand: the largest u whose partial conjunctions up to u are all below 5 %."""
    ordered = sorted(p)
    n, count = len(p), 0
    while count < n and (n - count) * ordered[count] <= 0.05:
        count += 1
    assert replicated(np.array(p)) == count
    assert replicated(np.array([*p, np.nan])) <= count


def test_the_corrected_t_is_that_of_baycomp():
    import baycomp

    x, y = np.random.default_rng(9).normal((0.0, 0.3), size=(50, 2)).T
    found = corrected_t(y - x, 1 / 4)
    left, right = baycomp.two_on_single(x, y, runs=10)
    assert found.p_above == pytest.approx(left)
    assert found.p == pytest.approx(2 * min(left, right))


def test_the_corrected_t_is_that_of_its_formula():
    differences = np.array([0.1, 0.3, -0.1, 0.2])
    found = corrected_t(differences, 0.5)
    error = np.sqrt(np.sum((differences - 0.125) ** 2) / 3 * (1 / 4 + 0.5))
    assert found.error == pytest.approx(error)
    np.testing.assert_allclose([found.low, found.high], stats.t.interval(0.95, 3, 0.125, error))
    assert found.p == pytest.approx(2 * stats.t.sf(0.125 / error, 3))
    assert corrected_t(differences, 0.0).p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue)


def test_differences_without_spread_are_certain_and_one_says_nothing():
    assert [corrected_t(np.full(5, 0.1), 0.5).p, corrected_t(np.zeros(5), 0.5).p] == [0.0, 1.0]
    assert [corrected_t(np.full(5, v), 0.5).p_above for v in (0.1, -0.1, 0.0)] == [0.0, 1.0, 0.5]
    assert np.isnan(corrected_t(np.array([0.1]), 0.5).p)


@pytest.mark.parametrize(("values", "rope"), [(NORMAL, 0.03), (NORMAL - 0.06, 0.02), (SKEWED[:12], 0.2)])
def test_the_bayesian_signed_rank_test_is_baycomp_s(values, rope):
    import baycomp

    expected = baycomp.SignedRankTest.probs(
        np.zeros(len(values)), values, rope, nsamples=20_000, random_state=1
    )
    found = signed_rank(values, rope)
    np.testing.assert_allclose(found, expected, atol=5 * np.sqrt(2) * 0.5 / np.sqrt(20_000))
    assert sum(found) == pytest.approx(1.0)


def test_the_side_of_the_bayesian_test_is_the_side_of_the_effect():
    assert signed_rank(np.full(10, 0.2), 0.05).right > 0.99
    assert signed_rank(np.full(10, -0.2), 0.05).left > 0.99
    assert signed_rank(np.zeros(10), 0.05).rope == 1.0
    assert np.isnan(signed_rank(np.empty(0), 0.05)).all()


@pytest.mark.parametrize("rope", [0.0, -0.1, np.nan, np.inf])
def test_a_region_of_no_width_is_refused(rope):
    with pytest.raises(ConfigError, match="margin above 0"):
        signed_rank(NORMAL, rope)
