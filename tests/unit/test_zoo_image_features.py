"""Learners on features of images: published formulas, naive loops, other implementations, injected faults."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.linear_model import Ridge
from sklearn.metrics import pairwise_distances
from sklearn.svm import SVC

from bench import registry
from bench.datasets import ImageShape, ProblemType
from bench.learners import BuildContext
from bench.tasks import TaskShape
from bench.zoo import image_features_cost
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators import image_features, kmeans, patches, random_filters, svm_products
from bench.zoo.estimators.hog import Histograms, Hog
from bench.zoo.estimators.image_features import Pixels, Standardised, Unit, mapped
from bench.zoo.estimators.kmeans import KMeansFeatures, Triangle, k_means
from bench.zoo.estimators.linear_scores import LogisticModel
from bench.zoo.estimators.loo_ridge import LooRidge
from bench.zoo.estimators.principal import Principal
from bench.zoo.estimators.random_filters import RandomFilters
from bench.zoo.image_encoder import EvenImageEncoder, ImageEncoder

DIGITS = ImageShape(8, 8, 1)
ACCURACY = {
    "kmeans-logistic": 0.94,
    "random-conv-ridge": 0.94,
    "hog-svm": 0.92,
    "xgboost-pca": 0.87,
    "xgboost-hog": 0.85,
    "gp-conv": 0.93,
}
"""Of a default fit on 600 digits, on 300 others; each had two to four points more."""
NAMES = tuple(ACCURACY)
QUICK = {
    "kmeans-logistic": {"n_centroids": 20},
    "random-conv-ridge": {"n_filters": 20},
    "xgboost-pca": {"n_components": 10, "max_depth": 2},
    "xgboost-hog": {"orientations": 6, "max_depth": 2},
    "gp-conv": {"n_filters": 20, "n_components": 10, "optimise_rows": 60},
}


@pytest.fixture(autouse=True)
def few_patches(monkeypatch):
    """Whitening and centroids need fewer patches on 8 x 8 pixels."""
    for module in (kmeans, random_filters):
        monkeypatch.setattr(module, "PATCHES", 4000)
    monkeypatch.setattr(kmeans, "PATCHES_EACH", 20)


def digits(start, stop):
    X, y = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))[start:stop]
    return pd.DataFrame(X[order].astype(np.float32)), y[order]


def build(name, config=None, *, seed=7, image=DIGITS, n_classes=10):
    learner = registry.learner(name)
    problem = ProblemType.MULTICLASS if n_classes > 2 else ProblemType.BINARY
    context = BuildContext(problem=problem, n_classes=n_classes, seed=seed, image=image)
    return learner.build({**learner.space(problem).default, **(config or {})}, context)


def said(estimator, X):
    scores = getattr(estimator, "predict_proba", None) or estimator.decision_function
    return scores(X)


def noise(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


# Learners.


@pytest.mark.parametrize("name", NAMES)
def test_digits_are_learnt(name):
    estimator = build(name).fit(*digits(0, 600), validation=digits(600, 800))
    X, y = digits(800, 1100)
    assert (estimator.predict(X) == y).mean() > ACCURACY[name]


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_is_the_same_fit_and_rows_stand_alone(name, ticking):
    X, y = digits(0, 200)
    test = digits(800, 860)[0]
    one, two = (build(name, QUICK.get(name)), build(name, QUICK.get(name)))
    expected = said(one.fit(X, y, validation=digits(600, 700)), test)
    assert np.isfinite(expected).all()
    again = said(two.fit(X, y, validation=digits(600, 700), deadline=ticking(1e9)), test)
    np.testing.assert_array_equal(again, expected)
    np.testing.assert_allclose(said(one, test[5:6]), expected[5:6], rtol=1e-4, atol=1e-5)
    order = np.random.default_rng(1).permutation(len(test))
    np.testing.assert_allclose(said(one, test.iloc[order]), expected[order], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", ["kmeans-logistic", "random-conv-ridge", "gp-conv"])
def test_another_seed_is_another_fit(name):
    X, y = digits(0, 200)
    one, two = (said(build(name, QUICK[name], seed=seed).fit(X, y), X) for seed in (1, 2))
    assert (one != two).any()


@pytest.mark.parametrize("name", NAMES)
def test_one_class_in_the_fit_rows_is_what_is_predicted(name):
    X, _ = digits(0, 50)
    assert (build(name).fit(X, np.full(50, 3)).predict(X) == 3).all()


@pytest.mark.parametrize("name", NAMES)
def test_two_classes_strange_pixels_and_few_rows_are_taken(name):
    X, y = digits(0, 12)
    X.iloc[0, 5], X.iloc[1, 7], X[63] = np.nan, np.inf, 0.0
    estimator = build(name, QUICK.get(name), n_classes=2).fit(X, y % 2)
    X.iloc[2, 3], X.iloc[2, 4], X.iloc[3] = 1e38, -3e38, -np.inf
    assert set(estimator.predict(X)) <= {0, 1}
    assert np.isfinite(said(estimator, X)).all()


@pytest.mark.parametrize("name", NAMES)
def test_what_a_search_draws_can_be_fitted_also_on_colours_that_are_not_square(name):
    image = ImageShape(7, 10, 3)
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame(rng.integers(0, 256, (60, image.n_values)).astype(np.float32)), np.arange(60) % 3
    for number in (1, 2):
        config = registry.learner(name).space(ProblemType.MULTICLASS).trial("features", number)
        estimator = build(name, config, image=image, n_classes=3).fit(X, y)
        assert np.isfinite(said(estimator, X)).all(), config


@pytest.mark.parametrize("name", NAMES)
def test_a_deadline_is_kept_wherever_it_falls(name, ticking, monkeypatch):
    """Each time the clock is asked a second is gone: a fit may ask a few times more, and never goes on."""
    monkeypatch.setattr(patches, "BLOCK_VALUES", 2**14)
    X, y = digits(0, 300)
    ends = set()
    for left_s in (0, 2, 5, 9, 20, 60):
        clock = ticking(left_s)
        try:
            estimator = build(name, QUICK.get(name)).fit(X, y, deadline=clock)
        except DeadlinePassed:
            ends.add("none")
        else:
            assert estimator.truncated_ or clock.left_s > -2
            assert np.isfinite(said(estimator, X)).all()
        assert clock.left_s > -8
    assert "none" in ends


def shape(image, n_rows=1000):
    return TaskShape(
        problem=ProblemType.MULTICLASS,
        n_rows=n_rows,
        n_numeric=image.n_values,
        levels=(),
        n_classes=10,
        image=image,
    )


def test_images_smaller_than_what_is_looked_at_are_not_taken():
    for name in ("kmeans-logistic", "random-conv-ridge", "gp-conv"):
        limit = registry.learner(name).limit
        assert limit(shape(ImageShape(5, 9, 1))) == (
            f"{name}: images of 5 x 9 pixels are smaller than a patch (6 x 6)"
        )
        assert limit(shape(ImageShape(6, 9, 1))) is None
    for name in ("hog-svm", "xgboost-hog"):
        assert "smaller than 2 x 2 cells" in registry.learner(name).limit(shape(ImageShape(3, 9, 1)))
        assert registry.learner(name).limit(shape(ImageShape(4, 4, 1))) is None


@pytest.mark.parametrize("name", NAMES)
def test_too_many_images_are_not_taken_and_the_line_says_why(name):
    colours = ImageShape(32, 32, 3)
    reason = registry.learner(name).limit(shape(colours, 200_000))
    assert "200" in reason
    assert "limit" in reason
    assert registry.learner(name).limit(shape(ImageShape(28, 28, 1), 1000)) is None


def test_a_suite_may_set_another_limit_on_exact_machines():
    image = shape(ImageShape(28, 28, 1), 10_000)
    for name in ("hog-svm", "gp-conv"):
        assert "limit 0.1 s" in registry.learner(name).with_limit(0.1).limit(image)


# Patches.


def test_patches_are_cut_out_as_a_loop_does():
    images = noise((2, 7, 9, 3))
    found = patches.patches_of(images, 4)
    expected = [[image[y : y + 4, x : x + 4].ravel() for y in range(4) for x in range(6)] for image in images]
    np.testing.assert_array_equal(found, expected)
    drawn = patches.draw_patches(images, 4, 20, np.random.default_rng(0))
    among = patches.normalised(found).reshape(-1, 48)
    nearest = pairwise_distances(drawn, among).argmin(axis=1)
    np.testing.assert_allclose(drawn, among[nearest], atol=1e-6)
    assert len(set(nearest)) == 20, "no place twice"
    assert len(patches.draw_patches(images, 4, 999, np.random.default_rng(0))) == 2 * 4 * 6


def test_whitened_patches_have_identity_covariance():
    """Exactly D / (D + epsilon) along the eigenvectors, D the eigenvalues before."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(5000, 12)) @ rng.normal(size=(12, 12)) + 3
    white = patches.Whitening.of(seen, epsilon=1e-9)(seen)
    np.testing.assert_allclose(np.cov(white.T, bias=True), np.eye(12), atol=1e-6)
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-9)
    values, vectors = np.linalg.eigh(np.cov(seen.T, bias=True))
    soft = np.cov(patches.Whitening.of(seen, epsilon=0.1)(seen).T, bias=True)
    np.testing.assert_allclose(soft, (vectors * values / (values + 0.1)) @ vectors.T, atol=1e-8)


@pytest.mark.parametrize(("rows", "columns"), [(4, 4), (5, 3), (1, 2)])
def test_pooling_is_what_a_loop_over_places_sums_up(rows, columns):
    responses = noise((3, rows * columns, 5))
    expected = np.zeros((3, 4, 5))
    for place in range(rows * columns):
        y, x = divmod(place, columns)
        quadrant = 2 * (y >= (rows + 1) // 2) + (x >= (columns + 1) // 2)
        expected[:, quadrant] += responses[:, place]
    np.testing.assert_allclose(patches.pooled(responses, rows, columns), expected.reshape(3, -1), atol=1e-5)


def test_the_triangle_is_the_published_formula_and_about_half_zero():
    seen, centroids = noise((2, 50, 12)), noise((30, 12), seed=1)
    whitening = patches.Whitening.of(noise((500, 12), seed=2))
    found = Triangle(whitening, centroids)(seen)
    z = np.stack([pairwise_distances(whitening(each), centroids) for each in seen])
    np.testing.assert_allclose(found, np.maximum(0, z.mean(axis=-1, keepdims=True) - z), atol=1e-4)
    assert 0.3 < (found == 0).mean() < 0.7
    assert (found == 0).any(axis=-1).all()


def test_random_filters_see_whitened_patches_with_both_signs():
    seen, filters = noise((2, 50, 12)), noise((7, 12), seed=1)
    whitening = patches.Whitening.of(noise((500, 12), seed=2) + 1)
    found = random_filters.Rectified.of(whitening, filters, 0.3)(seen)
    answers = whitening(seen) @ filters.T
    both = np.concatenate([answers, -answers], axis=-1)
    np.testing.assert_allclose(found, np.maximum(0, both - 0.3), atol=1e-4)


@pytest.mark.parametrize("plan", [KMeansFeatures(n_centroids=12), RandomFilters(n_filters=12)])
def test_brightness_changes_no_feature_and_contrast_hardly_any(plan):
    frame = digits(0, 60)[0]
    images = EvenImageEncoder((8, 8, 1)).fit_transform(frame)
    features, values = plan.learn(images, 0)
    np.testing.assert_array_equal(features(images), values)
    np.testing.assert_allclose(features(images + 2), values, atol=2e-3 * values.max())
    assert np.abs(features(3 * images) - values).max() < 0.1 * values.max()
    assert np.abs(features(images[:, ::-1]) - values).max() > 0.1 * values.max()


def test_k_means_finds_clouds_and_leaves_no_centroid_without_patches():
    rng = np.random.default_rng(3)
    centres = 20 * rng.normal(size=(6, 5))
    seen = (centres[rng.integers(6, size=900)] + rng.normal(size=(900, 5))).astype(np.float32)
    found = k_means(seen, 24, np.random.default_rng(0))
    nearest = pairwise_distances(seen, found).argmin(axis=1)
    for k in set(nearest):
        np.testing.assert_allclose(found[k], seen[nearest == k].mean(axis=0), atol=0.5)
    spread = pairwise_distances(seen, found).min(axis=1).mean()
    assert spread < pairwise_distances(seen, centres).min(axis=1).mean()
    assert len(set(nearest)) >= 22
    few = k_means(seen[:3], 5, np.random.default_rng(0))
    assert np.isfinite(few).all()


def test_k_means_ends_at_the_deadline(ticking):
    seen = noise((500, 5))
    for left_s, sweeps in ((1, 0), (6, 1)):
        with pytest.raises(DeadlinePassed, match=f"after {sweeps} sweeps"):
            k_means(seen, 10, np.random.default_rng(0), ticking(left_s))
    unlimited = k_means(seen, 10, np.random.default_rng(0))
    np.testing.assert_array_equal(k_means(seen, 10, np.random.default_rng(0), ticking(1e6)), unlimited)


@pytest.mark.slow
def test_four_thousand_centroids_work():
    X, y = digits(0, 300)
    config = {"n_centroids": 4000}
    estimator = build("kmeans-logistic", config).fit(X, y)
    assert estimator.model_.features_.n_features == 16_000
    assert (estimator.predict(digits(800, 1000)[0]) == digits(800, 1000)[1]).mean() > 0.9


# Histograms of gradients.

GREY_4 = """
0.257861 0.257861 0.021665 0 0.257861 0 0.194986 0 0.235614 0.245113 0.153196 0.257861 0 0.257861 0.14124
0.257861 0.208382 0 0.257861 0 0 0 0.257861 0.145334 0.055236 0.137022 0.108326 0.257861 0 0.185226 0
0.257861 0 0.021665 0.068511 0
"""
COLOUR_FIRST = """
0.300169 0 0.159866 0.278047 0.184019 0.199832 0 0.300169 0.300169 0 0 0.300169 0 0 0.183092 0.169563 0
0.300169 0.169563 0.107241 0 0 0.300169 0 0.300169 0.300169 0 0
"""
COLOUR_LAST = """
0.209393 0.115049 0.179159 0 0.276102 0.192943 0.162704 0.159105 0.257819 0.276102 0.276102 0 0.15489 0
0.276102 0 0.276102 0.180539 0.167217 0.189918 0 0.244395 0 0 0.276102 0 0.276102 0.20338
"""
"""scikit-image 0.26.0: `skimage.feature.hog(image, cells_per_block=(2, 2), block_norm="L2-Hys")` with
9 orientations and cells of 4 x 4 of the grey image, and with 7 and 3 x 3 of the colours (channel_axis=-1):
there the first and the last of 2 x 3 blocks."""


def test_histograms_are_those_of_scikit_image():
    y, x = np.mgrid[:8, :8]
    grey = ((3 * y * y + 5 * x + y * x * x) % 13).astype(float)[None, ..., None]
    found = Histograms((8, 8), 4, Hog(orientations=9))(grey)[0]
    np.testing.assert_allclose(found, np.array(GREY_4.split(), float), atol=1e-6)
    y, x, c = np.mgrid[:9, :12, :3]
    colours = ((7 * y + 11 * x + 5 * c + y * x * (c + 2) + y * y * 3) % 17).astype(float)[None]
    found = Histograms((9, 12), 3, Hog(orientations=7))(colours)[0].reshape(2, 3, 28)
    np.testing.assert_allclose(found[0, 0], np.array(COLOUR_FIRST.split(), float), atol=1e-6)
    np.testing.assert_allclose(found[1, 2], np.array(COLOUR_LAST.split(), float), atol=1e-6)


def test_signed_histograms_fold_into_unsigned_ones():
    images = noise((5, 11, 9, 3)).astype(float)
    signed = Histograms((11, 9), 3, Hog(orientations=12, signed=True)).of_cells(images)
    folded = Histograms((11, 9), 3, Hog(orientations=6)).of_cells(images)
    np.testing.assert_allclose(signed[..., :6] + signed[..., 6:], folded, atol=1e-12)
    backwards = Histograms((11, 9), 3, Hog(orientations=12, signed=True)).of_cells(-images)
    np.testing.assert_allclose(backwards, np.roll(signed, 6, axis=-1), atol=1e-12)


def test_histograms_know_neither_brightness_nor_contrast_and_flat_images_are_zero():
    images = noise((4, 8, 8, 1)).astype(float)
    histograms = Histograms((8, 8), 2, Hog())
    np.testing.assert_allclose(histograms(5 * images + 3), histograms(images), atol=1e-4)
    assert (histograms(np.full((1, 8, 8, 1), 7.0)) == 0).all()


@pytest.mark.parametrize(("shape", "cells", "side"), [((8, 8), 4, 2), ((8, 8), 8, 2), ((28, 28), 6, 4)])
def test_cells_are_by_the_shorter_side_and_have_two_pixels_at_least(shape, cells, side):
    images = noise((3, *shape, 1))
    features, values = Hog(cells=cells).learn(images, 0)
    assert features.side == side
    image = ImageShape(*shape, 1)
    assert values.shape[1] == image_features_cost.n_histogram_features(image, cells, 9)


# What stands on features.


@pytest.mark.parametrize(("n_rows", "n_features"), [(80, 10), (30, 60), (25, 24)])
def test_the_ridge_leaves_out_one_row_at_a_time(n_rows, n_features, monkeypatch):
    """Against as many fits as there are rows, by scikit-learn, whatever is smaller, in blocks or at once."""
    monkeypatch.setattr("bench.zoo.estimators.loo_ridge.BLOCK_VALUES", 7 * n_features)
    rng = np.random.default_rng(0)
    Z = rng.normal(size=(n_rows, n_features)) + 2
    y = np.argmax(Z[:, :3] + rng.normal(size=(n_rows, 3)), axis=1)
    found = LooRidge().fit(Z, y)
    targets = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    library = Ridge(alpha=found.penalty_).fit(Z, targets)
    np.testing.assert_allclose(found.decision_function(Z), library.predict(Z), atol=1e-6)

    def left_out(penalty):
        rows = np.arange(n_rows)
        fits = (Ridge(alpha=penalty).fit(Z[rows != i], targets[rows != i]) for i in rows)
        return sum(((fit.predict(Z[i : i + 1]) - targets[i]) ** 2).sum() for i, fit in enumerate(fits))

    best = left_out(found.penalty_)
    assert best <= min(left_out(found.penalty_ * 10**0.5), left_out(found.penalty_ / 10**0.5))


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_an_svm_by_products_predicts_what_the_library_s_does(n_classes, monkeypatch):
    monkeypatch.setattr(svm_products, "BLOCK_VALUES", 2000)
    X = noise((300, 8))
    y = np.digitize(X[:, 0] + X[:, 1] ** 2, [-0.5, 0.3, 1, 2][: n_classes - 1])
    library = SVC(C=10.0, gamma=0.1, break_ties=n_classes > 2).fit(X[:200], y[:200])
    ours = svm_products.ProductSVC(C=10.0, gamma=0.1).fit(X[:200], y[:200])
    np.testing.assert_allclose(ours.decision_function(X), library.decision_function(X), atol=1e-9)
    np.testing.assert_array_equal(ours.predict(X), library.predict(X))
    assert set(ours.predict(X)) == set(range(n_classes))


def test_two_classes_have_one_score_and_the_ridge_knows_its_deadline(ticking):
    Z = noise((40, 5))
    y = (Z[:, 0] > 0).astype(int)
    found = LooRidge().fit(Z, y)
    assert found.decision_function(Z).shape == (40,)
    assert (found.predict(Z) == y).mean() > 0.9
    with pytest.raises(DeadlinePassed, match="ridge"):
        LooRidge().fit(Z, y, deadline=ticking(2))


def test_principal_components_are_those_of_an_exact_decomposition():
    rng = np.random.default_rng(0)
    images = (rng.normal(size=(90, 64)) * 0.9 ** np.arange(64)).reshape(90, 8, 8, 1).astype(np.float32) + 5
    features, scores = Principal(plan=Pixels(), n_components=8).learn(images, 0)
    expected = PCA(8, svd_solver="full").fit_transform(images.reshape(90, -1))
    signs = np.sign((scores * expected).sum(axis=0))
    np.testing.assert_allclose(scores * signs, expected, atol=2e-2)
    np.testing.assert_allclose(mapped(features, images), scores, atol=1e-4)
    assert Principal(plan=Pixels(), n_components=100).learn(images[:5], 0)[1].shape == (5, 5)


def test_scalings_are_of_the_fit_rows():
    images = noise((60, 4, 4, 1)) * 3 + 7
    images[:, 0, 0] = 2
    features, values = Standardised(Pixels()).learn(images.copy(), 0)
    np.testing.assert_allclose(values[:, 1:].mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(values[:, 1:].std(axis=0), 1, atol=1e-5)
    assert (values[:, 0] == 0).all()
    np.testing.assert_allclose(features(images), values, atol=1e-5)
    features, values = Unit(Pixels()).learn(images.copy(), 0)
    assert values.shape[1] * values.var(dtype=float) == pytest.approx(1)
    np.testing.assert_allclose(features(images), values, rtol=1e-5)


def test_features_that_do_not_fit_in_memory_are_not_begun(monkeypatch):
    monkeypatch.setattr(image_features, "MAX_BYTES", 4 * 60 * 16 - 1)
    with pytest.raises(MemoryError, match="16 features of 60 images would take"):
        mapped(Pixels(16), noise((60, 4, 4, 1)))


def test_a_regression_in_single_precision_is_that_in_double():
    X, y = noise((300, 8)), np.arange(300) % 3
    X[:, 0] += y
    one, two = (LogisticModel(C=0.1).fit(Z, y).predict_proba(Z) for Z in (X, X.astype(float)))
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_an_even_encoder_has_one_mean_and_one_scale():
    frame = pd.DataFrame(noise((50, 4 * 4 * 3)) * np.tile([1, 5, 30], 16) + np.tile([0, 3, 9], 16))
    even = EvenImageEncoder((4, 4, 3)).fit_transform(frame)
    assert even.mean(dtype=float) == pytest.approx(0, abs=1e-5)
    assert even.std(dtype=float) == pytest.approx(1, abs=1e-5)
    spreads = even.std(axis=(0, 1, 2))
    np.testing.assert_allclose(spreads[1:] / spreads[0], [5, 30], rtol=0.1)
    grey = frame.iloc[:, ::3]
    np.testing.assert_allclose(
        EvenImageEncoder((4, 4, 1)).fit_transform(grey),
        ImageEncoder((4, 4, 1)).fit_transform(grey),
        atol=1e-5,
    )
    assert (EvenImageEncoder((2, 2, 1)).fit_transform(pd.DataFrame(np.full((3, 4), 7.0))) == 0).all()
