"""Scaled, rotated, bent and dropped columns, and targets smoothed over them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from bench.alterations import smoothing, warp
from bench.alterations.altered import altered
from bench.alterations.rows import Rows
from bench.alterations.scaled import orthogonal, scaled_numbers
from bench.datasets import ProblemType
from bench.interventions import columns_left, parse_intervention
from bench.runner.cell import load_cell


def mixed(n=300, m=100, seed=0):
    """Numbers that lack some and are infinite once, a constant, an empty one, categories, truth values."""
    rng = np.random.default_rng(seed)
    X = pd.DataFrame({"a": rng.gamma(1, 5, n + m), "b": rng.normal(0, 1e6, n + m), "c": 7.0, "d": np.nan})
    X.loc[::5, "a"] = np.nan
    X.loc[1, "b"] = np.inf
    X["colour"] = pd.Categorical.from_codes(rng.integers(-1, 3, n + m), ["red", "green", "blue"])
    X["truth"] = rng.random(n + m) < 0.5
    X["e"] = rng.integers(0, 4, n + m).astype(np.float64)
    y = (X["b"].clip(-1e7, 1e7) > 0).to_numpy(np.int64)
    return Rows(X[:n], y[:n], X[n:].reset_index(drop=True), ProblemType.BINARY)


def under(text, rows, key="x"):
    return altered(rows, parse_intervention(text), key)


# -- scaled and rotated -----------------------------------------------------------------------------------


def test_scaled_features_are_the_numbers_alone_complete_and_normal():
    found = under("scaled-features", mixed(2000))
    assert found.X.shape == (2000, 5)
    for part in (found.X, found.X_test):
        assert (part.dtypes == np.float64).all()
        assert np.isfinite(part.to_numpy()).all()
        assert (part["feature 3"] == 0).all(), "a constant column"
        assert (part["feature 4"] == 0).all(), "one that is empty"
    b = found.X["feature 2"]
    np.testing.assert_allclose([b.mean(), b.std()], [0, 1], atol=0.02)
    order = mixed(2000).X["b"].replace(np.inf, mixed(2000).X["b"][np.isfinite(mixed(2000).X["b"])].max())
    assert (np.diff(b.to_numpy()[np.argsort(order, kind="stable")]) >= 0).all()


def test_the_scale_is_fitted_on_training_features_alone():
    there = mixed()
    other = dataclasses.replace(there, X_test=there.X_test.iloc[::-1].reset_index(drop=True), y=1 - there.y)
    found, again = under("scaled-features", there), under("scaled-features", other)
    pd.testing.assert_frame_equal(found.X, again.X, check_exact=True)
    pd.testing.assert_frame_equal(
        found.X_test, again.X_test.iloc[::-1].reset_index(drop=True), check_exact=True
    )


def test_rotated_features_are_the_scaled_ones_seen_from_elsewhere():
    scaled, rotated = under("scaled-features", mixed()), under("rotate-features", mixed())
    before, after = (np.vstack([each.X, each.X_test]) for each in (scaled, rotated))
    np.testing.assert_allclose(before @ before.T, after @ after.T, atol=1e-11)
    rotation = np.linalg.lstsq(before[:, [0, 1, 4]], after, rcond=None)[0]
    np.testing.assert_allclose(before[:, [0, 1, 4]] @ rotation, after, atol=1e-11)
    assert (np.abs(rotation).max(axis=1) < 0.999).all(), "no axis stays"
    assert list(rotated.X.columns) == list(scaled.X.columns)
    assert not set(rotated.X.columns) & set(mixed().X.columns)


def test_rotations_are_orthogonal_and_as_likely_one_as_another():
    drawn = np.array([orthogonal(3, np.random.default_rng(seed)) for seed in range(4000)])
    np.testing.assert_allclose(
        drawn @ drawn.transpose(0, 2, 1), np.broadcast_to(np.eye(3), drawn.shape), atol=1e-12
    )
    np.testing.assert_allclose(drawn.mean(axis=0), 0, atol=0.05)
    np.testing.assert_allclose((drawn**2).mean(axis=0), 1 / 3, atol=0.02)
    # The trace of Haar's orthogonal matrices has mean 0 and variance 1 (Diaconis and Shahshahani, 1994);
    # without the change of signs its mean is far below.
    traces = np.trace(drawn, axis1=1, axis2=2)
    np.testing.assert_allclose([traces.mean(), traces.var()], [0, 1], atol=0.08)
    assert 0.45 < (np.linalg.det(drawn) > 0).mean() < 0.55


# -- bent -------------------------------------------------------------------------------------------------

FLOATS = st.floats(allow_nan=True, allow_infinity=True, width=64)


@given(st.lists(FLOATS, min_size=1, max_size=30), st.lists(FLOATS, max_size=30), st.integers(0, 20))
def test_a_bent_column_keeps_order_and_ties_of_all_rows(train, test, seed):
    frames = [pd.DataFrame({"a": np.array(values, dtype=np.float64)}) for values in (train, test)]
    there = Rows(frames[0], np.zeros(len(train)), frames[1], ProblemType.REGRESSION)
    found = altered(there, parse_intervention("warp-features"), f"{seed}")
    before = np.array([*train, *test], dtype=np.float64)
    after = np.concatenate([found.X["a"], found.X_test["a"]])
    assert np.array_equal(np.isnan(before), np.isnan(after))
    assert np.array_equal(np.isinf(before), np.isinf(after)) or not np.isfinite(train).any()
    known = ~np.isnan(before)
    assert np.array_equal(_order(before[known]), _order(after[known]))


def _order(values):
    return (values[:, None] > values[None, :]).astype(int) - (values[:, None] < values[None, :])


def test_bends_are_those_that_are_drawn_and_none_is_a_line():
    x = np.random.default_rng(0).normal(50, 9, 4000)
    z = (x - x.mean()) / x.std()
    for bend in range(len(warp.BENDS)):
        bent = warp._warped(x, len(x), bend)
        near = np.abs(z) < warp.BEND_TO
        np.testing.assert_allclose(bent[near], warp.BENDS[bend](z[near]), rtol=1e-9)
        assert np.corrcoef(x, bent)[0, 1] < 0.9, "distances are not what they were"
        step = 1e-6
        numeric = (warp.BENDS[bend](z + step) - warp.BENDS[bend](z - step)) / (2 * step)
        np.testing.assert_allclose(warp.SLOPES[bend](z), numeric, rtol=1e-5)
        assert (warp.SLOPES[bend](np.linspace(-5, 5, 101)) >= 1).all()
    frame = pd.DataFrame(np.tile(x[:, None], 30)).rename(columns=str)
    met = under("warp-features", Rows(frame, x, frame[:0], ProblemType.REGRESSION))
    assert len(set(map(tuple, met.X.to_numpy().T))) == len(warp.BENDS), "each column has its own"


def test_bending_leaves_all_but_numbers():
    there, met = mixed(), under("warp-features", mixed())
    for name in ("colour", "truth"):
        assert met.X[name].equals(there.X[name])
        assert met.X_test[name].equals(there.X_test[name])
    assert list(met.X.columns) == list(there.X.columns)


# -- dropped ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", [ProblemType.MULTICLASS, ProblemType.REGRESSION])
def test_columns_that_tell_nothing_go_first(problem):
    rng = np.random.default_rng(2)
    X = pd.DataFrame(rng.standard_normal((500, 9))).rename(columns=lambda i: f"n{i}")
    X.insert(3, "level", pd.Categorical.from_codes(rng.integers(0, 3, 500), ["x", "y", "z"]))
    signal = 2 * X["n5"] + 3 * (X["level"] == "y")
    y = (
        signal.to_numpy()
        if problem is ProblemType.REGRESSION
        else pd.qcut(signal, 3, labels=False).to_numpy()
    )
    X.loc[::11, "n5"] = np.nan
    met = under("drop-columns:80", Rows(X[:400], y[:400], X[400:], problem))
    assert list(met.X.columns) == list(met.X_test.columns) == ["level", "n5"]
    pd.testing.assert_frame_equal(met.X, X[:400][["level", "n5"]], check_exact=True)
    assert list(under("drop-columns:99", Rows(X[:400], y[:400], X[400:], problem)).X) in (["level"], ["n5"])


@pytest.mark.parametrize(
    ("n", "per_cent", "left"), [(10, 10, 9), (10, 19, 9), (3, 50, 2), (1, 99, 1), (200, 99, 2), (50, 99, 1)]
)
def test_so_many_columns_are_left(n, per_cent, left):
    assert columns_left(n, per_cent) == left


# -- smooth targets ---------------------------------------------------------------------------------------


def smooth_by_hand(numbers, values, per_cent):
    from scipy.spatial.distance import pdist, squareform

    apart = pdist(numbers)
    length = per_cent / 100 * np.median(apart[apart > 1e-6])
    weights = np.exp(-(squareform(apart) ** 2) / (2 * length**2))
    return weights @ values / weights.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("per_cent", [5, 40])
def test_smooth_targets_are_kernel_averages(per_cent):
    there = mixed()
    numbers, _ = scaled_numbers(there.X, there.X_test)
    y = np.random.default_rng(4).standard_normal(300)
    regression = dataclasses.replace(there, y=y, problem=ProblemType.REGRESSION)
    met = under(f"smooth-target:{per_cent}", regression)
    np.testing.assert_allclose(met.y, smooth_by_hand(numbers, y[:, None], per_cent)[:, 0], rtol=1e-9)
    assert met.X is there.X
    assert met.X_test is there.X_test
    codes = np.random.default_rng(4).integers(0, 3, 300) * 2
    classes = dataclasses.replace(there, y=codes, problem=ProblemType.MULTICLASS)
    shares = smooth_by_hand(numbers, (codes[:, None] == [0, 2, 4]).astype(float), per_cent)
    met = under(f"smooth-target:{per_cent}", classes)
    assert np.array_equal(met.y, np.array([0, 2, 4])[shares.argmax(axis=1)])
    assert met.y.dtype == codes.dtype
    assert not np.array_equal(met.y, codes)


def test_a_smooth_target_is_smooth():
    """A line of near rows follows the smoothed target better than the target, whose edges are sharp."""
    rng = np.random.default_rng(5)
    x = rng.standard_normal((600, 1))
    y = np.sign(np.sin(9 * x[:, 0]))
    there = Rows(pd.DataFrame(x, columns=["a"]), y, pd.DataFrame({"a": x[:5, 0]}), ProblemType.REGRESSION)
    met = under("smooth-target:60", there)
    powers = x ** np.arange(8)
    fit = [Ridge(1e-6).fit(powers, each).score(powers, each) for each in (y, met.y)]
    assert fit[0] < 0.5
    assert fit[1] > 0.95


def test_many_rows_are_averaged_over_anchors_and_themselves_in_blocks(monkeypatch):
    there = dataclasses.replace(mixed(), y=np.arange(300.0), problem=ProblemType.REGRESSION)
    whole = under("smooth-target:30", there).y
    monkeypatch.setattr(smoothing, "BLOCK_BYTES", 8 * 300 * 7)
    np.testing.assert_allclose(under("smooth-target:30", there).y, whole, rtol=1e-12)
    monkeypatch.setattr(smoothing, "MOST_ANCHORS", 120)
    assert not np.allclose(under("smooth-target:30", there).y, whole)

    rng = np.random.default_rng(0)
    X, y, anchors = rng.standard_normal((40, 2)), rng.standard_normal((40, 1)), np.array([3, 8, 21, 39])
    found = smoothing._smoothed(X, y, anchors, 0.7)
    for i in range(40):
        over = sorted({i, *anchors})
        weights = np.exp(-((X[i] - X[over]) ** 2).sum(axis=1) / (2 * 0.7**2))
        np.testing.assert_allclose(found[i, 0], np.average(y[over, 0], weights=weights), rtol=1e-9)


def test_real_tables_keep_their_test_labels_under_a_smooth_target(order_under):
    (plain, plain_test, _), (training, test, _) = (
        load_cell(order_under(each, "sk-diabetes")) for each in ("none", "smooth-target:30")
    )
    assert np.array_equal(test.y, plain_test.y)
    assert training.y.std() < plain.y.std()
