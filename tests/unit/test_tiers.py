"""Tiers: equal entries share one, and clear differences are found. The simulation chose the method."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from bench.analysis.tiers import MIN_DATASETS, compare_pairs, tiers

DRAWS = 1_000


def tiers_of(values: np.ndarray) -> list[int]:
    """Return the tiers of the rows, best first."""
    ranking = [int(i) for i in np.argsort(-np.nanmean(values, axis=1), kind="stable")]
    return tiers(compare_pairs(values), ranking)


def heavy_tailed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    """Noise of t with 3 degrees of freedom, on top of a dataset effect of its own."""
    return rng.standard_t(3, shape) + rng.standard_t(3, (1, shape[1]))


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return (rng.lognormal(size=shape) - np.exp(0.5)) * rng.lognormal(size=(1, shape[1]))


@pytest.mark.parametrize("noise", [heavy_tailed, skewed])
def test_ten_equal_learners_share_one_tier_in_95_per_cent_of_draws(noise):
    rng = np.random.default_rng(20)
    one = sum(max(tiers_of(noise(rng, (10, 16)))) == 1 for _ in range(DRAWS))
    assert one >= 0.95 * DRAWS


def test_the_control_is_not_bought_by_never_separating():
    rng = np.random.default_rng(21)
    two = sum(max(tiers_of(rng.normal(size=(2, 16)))) == 2 for _ in range(DRAWS))
    assert 0.03 * DRAWS <= two <= 0.07 * DRAWS


def test_two_groups_three_standard_errors_apart_are_found():
    rng = np.random.default_rng(22)
    found = 0
    for _ in range(200):
        values = rng.standard_t(3, (10, 16))
        spread = np.sqrt(2 * 3.0)  # SD of a difference: t with 3 degrees of freedom has a variance of 3
        values[:5] += 3 * spread / np.sqrt(16)
        found += max(tiers_of(values)) > 1
    assert found >= 0.8 * 200


def test_a_difference_far_above_the_noise_makes_exactly_its_tiers():
    rng = np.random.default_rng(23)
    values = rng.normal(size=(6, 20)) * 0.1 + np.array([3.0, 3.0, 2.0, 2.0, 2.0, 0.0])[:, None]
    assert tiers_of(values) == [1, 1, 2, 2, 2, 3]


def test_an_interval_of_one_pair_agrees_with_all_sign_flips():
    differences = np.random.default_rng(24).normal(0.9, 1, size=10)
    flips = np.array(list(itertools.product([-1, 1], repeat=10)))
    flipped = np.abs(flips @ differences)
    p = np.mean(flipped >= abs(differences.sum()) - 1e-12)
    pairs = compare_pairs(np.vstack((differences, np.zeros(10))))
    assert abs(p - 0.05) > 0.02, "the example must not sit on the edge"
    assert bool(pairs.better[0, 1]) == bool(p < 0.05)


def test_intervals_are_centred_and_mirror_each_other():
    values = np.random.default_rng(25).normal(size=(5, 12))
    pairs = compare_pairs(values)
    np.testing.assert_allclose(
        pairs.difference, values.mean(axis=1)[:, None] - values.mean(axis=1), atol=1e-12
    )
    np.testing.assert_allclose((pairs.low + pairs.high) / 2, pairs.difference, atol=1e-12)
    np.testing.assert_array_equal(pairs.low, -pairs.high.T)


def test_shifting_datasets_and_scaling_everything_change_no_tier():
    rng = np.random.default_rng(26)
    values = rng.normal(size=(8, 16)) + np.linspace(3, 0, 8)[:, None]
    expected = tiers_of(values)
    assert max(expected) > 1
    assert tiers_of(values + 50 * rng.normal(size=16)) == expected
    assert tiers_of(values * 1e-6) == expected


def test_only_datasets_in_common_are_compared_and_few_are_not_enough():
    values = np.vstack((np.full(20, 5.0), np.zeros(20))) + np.random.default_rng(27).normal(size=(2, 20))
    assert tiers_of(values) == [1, 2]
    values[1, MIN_DATASETS - 1 :] = np.nan
    pairs = compare_pairs(values)
    assert pairs.n[0, 1] == MIN_DATASETS - 1
    assert tiers_of(values) == [1, 1]


def test_a_pair_with_few_datasets_does_not_hide_what_the_others_show():
    rng = np.random.default_rng(28)
    values = rng.normal(size=(3, 30)) + np.array([4.0, 0.0, 0.0])[:, None]
    values[2, 9:] = np.nan
    pairs = compare_pairs(values)
    assert pairs.better[0, 1]
    assert not pairs.better[1, 2]


def test_identical_entries_are_never_told_apart():
    values = np.tile(np.random.default_rng(29).normal(size=16), (4, 1))
    assert tiers_of(values) == [1, 1, 1, 1]


def test_no_entry_and_one_entry_have_their_tiers():
    assert tiers(compare_pairs(np.empty((0, 5))), []) == []
    assert tiers(compare_pairs(np.ones((1, 5))), [0]) == [1]


def test_the_same_values_give_the_same_intervals():
    values = np.random.default_rng(30).normal(size=(6, 16))
    np.testing.assert_array_equal(compare_pairs(values).low, compare_pairs(values.copy()).low)
