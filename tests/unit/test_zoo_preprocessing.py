"""Encoders: what the fit rows say, and nothing else, decides."""

import numpy as np
import pandas as pd
import pytest

from bench.zoo.preprocessing import DenseEncoder, TreeEncoder


def frame(**columns):
    return pd.DataFrame({k: pd.Categorical(v) if isinstance(v[0], str) else v for k, v in columns.items()})


def test_trees_get_numbers_as_they_are_and_codes():
    X = frame(a=[1.0, np.nan, 3.0], c=["y", "x", "y"])
    encoder = TreeEncoder().fit(X)
    np.testing.assert_array_equal(encoder.transform(X), [[1, 1], [np.nan, 0], [3, 1]])
    assert encoder.categorical_ == (1,)


def test_codes_follow_the_label_not_the_test_frame_s_own_codes():
    encoder = TreeEncoder().fit(frame(c=["b", "c", "b"]))
    test = pd.DataFrame({"c": pd.Categorical(["c", "a", None, "b"], categories=["c", "a", "b"])})
    np.testing.assert_array_equal(encoder.transform(test)[:, 0], [1, np.nan, np.nan, 0])


def test_infinite_reads_as_the_finite_extremes_of_the_fit_rows():
    encoder = TreeEncoder().fit(frame(a=[1.0, np.inf, -5.0], b=[np.inf, np.inf, np.inf]))
    got = encoder.transform(frame(a=[np.inf, -np.inf, 9.0], b=[np.inf, 1.0, np.nan]))
    np.testing.assert_array_equal(got, [[1, 0], [-5, 1], [9, np.nan]])


def test_median_flag_scale_and_one_hot():
    X = frame(a=[0.0, 2.0, 4.0, np.nan], b=[1.0, 1.0, 3.0, 3.0], c=["u", "v", "u", "v"])
    got = DenseEncoder().fit_transform(X, np.array([0, 1, 0, 1]))
    sd = np.std([0, 2, 4, 2])
    np.testing.assert_allclose(got[:, 0], (np.array([0, 2, 4, 2]) - 2) / sd)
    np.testing.assert_allclose(got[:, 1], [-1, -1, 1, 1])
    np.testing.assert_array_equal(got[:, 2], [0, 0, 0, 1])
    np.testing.assert_array_equal(got[:, 3:], [[1, 0], [0, 1], [1, 0], [0, 1]])


def test_an_unseen_category_is_all_zeros_and_a_missing_one_is_its_own():
    fit = pd.DataFrame({"c": pd.Categorical(["u", "v", None])})
    encoder = DenseEncoder().fit(fit, np.array([0, 1, 0]))
    got = encoder.transform(pd.DataFrame({"c": pd.Categorical(["w", None, "v"])}))
    np.testing.assert_array_equal(got, [[0, 0, 0], [0, 0, 1], [0, 1, 0]])


def test_more_levels_than_thirty_are_target_encoded_without_leaking():
    """With labels of pure noise, a level's own label must not come back as its code."""
    rng = np.random.default_rng(0)
    n = 300
    X = pd.DataFrame({"id": pd.Categorical([f"v{i // 2}" for i in range(n)])})
    y = rng.integers(0, 2, n)
    encoder = DenseEncoder()
    cross_fitted = encoder.fit_transform(X, y)
    assert cross_fitted.shape == (n, 1)
    leak = abs(np.corrcoef(encoder.transform(X)[:, 0], y)[0, 1])
    assert leak > 0.5
    assert abs(np.corrcoef(cross_fitted[:, 0], y)[0, 1]) < 0.2


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
def test_scalings_ignore_the_unit(scaling):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.lognormal(size=(200, 2)), columns=["a", "b"])
    y = np.zeros(200)
    plain = DenseEncoder(scaling=scaling).fit_transform(X, y)
    other = DenseEncoder(scaling=scaling).fit_transform(1024 * X, y)
    np.testing.assert_allclose(plain, other, rtol=1e-9, atol=1e-9)
    assert np.abs(plain).max() <= (10 if scaling != "standard" else np.inf)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
def test_test_rows_change_no_other_test_row(scaling):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(50, 2)), columns=["a", "b"])
    encoder = DenseEncoder(scaling=scaling).fit(X, np.zeros(50))
    outlier = X.copy()
    outlier.iloc[0] = 1e30
    np.testing.assert_array_equal(encoder.transform(X)[1:], encoder.transform(outlier)[1:])
    assert np.isfinite(encoder.transform(outlier)).all()


def test_without_scaling_numbers_stay_as_they_are():
    X = frame(a=[1.0, np.nan, 5.0, 900.0], b=[0.0, 1e6, 2.0, 3.0])
    found = DenseEncoder(scaling="none").fit_transform(X, np.zeros(4))
    np.testing.assert_array_equal(found, [[1, 0, 0], [5, 1e6, 1], [5, 2, 0], [900, 3, 0]])


def test_an_unknown_scaling_is_refused():
    with pytest.raises(ValueError, match="none of 'standard'"):
        DenseEncoder(scaling="log").fit(frame(a=[1.0, 2.0]), np.zeros(2))
