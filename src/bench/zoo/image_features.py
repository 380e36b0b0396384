"""Family `image-features`: features of images that need no labels, and a shallow model that weighs them."""

from __future__ import annotations

from typing import Any, Self

from bench.datasets import ImageShape, ProblemType
from bench.learners import BuildContext
from bench.spaces import Choice, Config, Float, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.image_features_cost import (
    FIT_LIMIT_S,
    QUADRANTS,
    SMALLEST_CELL,
    Cost,
    convolution_s,
    k_means_s,
    logistic_s,
    n_histogram_features,
    predicted_rows,
    ridge_s,
    svm_predict_s,
    svm_s,
    too_small,
)
from bench.zoo.images import IMAGE_MODULES, ImageLearner, even_pixels, taken
from bench.zoo.svm import C_RANGE, CACHE_MB

PATCH = 6
"""The side of a patch that was best in Coates, Ng and Lee (2011)."""
PATCHES = Choice((4, 6, 8))
FILTERS = 200
FEWER_OR_MORE = Choice((100, 200, 400))
N_PATCHES = 50_000
BIAS = 0.5
FILTER_NAMES = ("n_filters", "filters", "patch", "bias")
"""What random filters take."""
CELLS = 4
ORIENTATIONS = 9
HOG_DEFAULT: Config = {"cells": CELLS, "orientations": ORIENTATIONS, "signed": False}
"""Nine bins over 180 degrees, as in Dalal and Triggs (2005)."""
HOG_PARAMETERS: dict[str, Parameter] = {
    "cells": Choice((4, 6, 8)),
    "orientations": Choice((6, 9, 12)),
    "signed": Choice((False, True)),
}


class KMeansLogistic(ImageLearner):
    """K-means on whitened patches, logistic regression on pooled activations (Coates, Ng and Lee, 2011)."""

    name = "kmeans-logistic"
    family = "image-features"
    title = "K-means of patches, logistic regression"
    modules = (*IMAGE_MODULES, "bench.zoo.estimators.kmeans", "bench.zoo.estimators.linear_scores")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: centroids, the side of a patch, the penalty of the regression."""
        return Space(
            {"n_centroids": FILTERS, "patch": PATCH, "C": 0.1},
            {"n_centroids": FEWER_OR_MORE, "patch": PATCHES, "C": Float(low=1e-4, high=10.0, log=True)},
        )

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images are smaller than a patch, or that a fit is too much, or None."""
        n_features = QUADRANTS * FILTERS
        seconds = convolution_s(shape.n_rows, image, PATCH, FILTERS)
        seconds += k_means_s(N_PATCHES, PATCH**2 * image.channels, FILTERS)
        seconds += logistic_s(shape.n_rows, n_features, shape.n_classes)
        predict_s = convolution_s(predicted_rows(shape.n_rows), image, PATCH, FILTERS)
        cost = Cost(n_features=n_features, fit_s=seconds, predict_s=predict_s)
        small = too_small(self.name, image, PATCH, "a patch")
        return small or cost.excess(self.name, shape.n_rows, image)

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return evenly scaled pixels, and features with a regression on them."""
        from bench.zoo.estimators.image_features import FeatureModel, Standardised
        from bench.zoo.estimators.kmeans import KMeansFeatures
        from bench.zoo.estimators.linear_scores import LogisticModel

        plan = KMeansFeatures(**taken(config, ("n_centroids", "patch")))
        model = LogisticModel(**taken(config, ("C",)))
        return even_pixels(image), FeatureModel(Standardised(plan), model, seed=context.seed)


class HogSvm(ImageLearner):
    """Histograms of oriented gradients (Dalal and Triggs, 2005), then an SVM with a Gaussian kernel.

    `gamma` is in units of the library's default, one over the sum of the features' variances.
    """

    name = "hog-svm"
    family = "image-features"
    title = "Histograms of gradients, SVM"
    modules = (*IMAGE_MODULES, "bench.zoo.estimators.hog", "bench.zoo.estimators.svm_products")
    polls_deadline = True

    def __init__(self, limit_s: float = FIT_LIMIT_S) -> None:
        """Apply to tables on which a fit takes up to so many seconds."""
        self.limit_s = limit_s

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner with another limit on the seconds of a fit."""
        return type(self)(limit_s)

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the histograms', and C and gamma of the kernel."""
        return Space(
            {**HOG_DEFAULT, "C": 1.0, "gamma": 1.0},
            {**HOG_PARAMETERS, "C": C_RANGE, "gamma": Float(low=2**-5, high=2**5, log=True)},
        )

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images are smaller than a block, or that a fit is too much, or None."""
        n_features = n_histogram_features(image, CELLS, ORIENTATIONS)
        cost = Cost(
            n_features=n_features,
            fit_s=svm_s(shape.n_rows, n_features, shape.n_classes),
            fit_limit_s=self.limit_s,
            predict_s=svm_predict_s(shape.n_rows, n_features),
        )
        small = too_small(self.name, image, 2 * SMALLEST_CELL, "2 x 2 cells")
        return small or cost.excess(self.name, shape.n_rows, image)

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return evenly scaled pixels, and histograms with a machine on them."""
        from bench.zoo.estimators.hog import Hog
        from bench.zoo.estimators.image_features import FeatureModel, Unit
        from bench.zoo.estimators.svm_products import ProductSVC

        plan = Hog(**taken(config, HOG_DEFAULT))
        model = ProductSVC(kernel="rbf", cache_size=CACHE_MB, **taken(config, ("C", "gamma")))
        return even_pixels(image), FeatureModel(Unit(plan), model, seed=context.seed)


class RandomConvRidge(ImageLearner):
    """Random filters on whitened patches, rectified and pooled, and ridge regression on class targets.

    Jarrett et al. (2009), Saxe et al. (2011), Coates and Ng (2011). The penalty is the regression's own
    choice, by leaving out one row at a time.
    """

    name = "random-conv-ridge"
    family = "image-features"
    title = "Random filters, ridge regression"
    modules = (*IMAGE_MODULES, "bench.zoo.estimators.random_filters", "bench.zoo.estimators.loo_ridge")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: which filters and how many, the side of a patch, the bias of the rectifier."""
        return Space(
            {"n_filters": FILTERS, "filters": "patches", "patch": PATCH, "bias": BIAS},
            {
                "n_filters": FEWER_OR_MORE,
                "filters": Choice(("patches", "gaussian")),
                "patch": PATCHES,
                "bias": Float(low=0.0, high=2.0),
            },
        )

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images are smaller than a patch, or that a fit is too much, or None."""
        n_features = QUADRANTS * 2 * FILTERS
        seen_s = convolution_s(shape.n_rows, image, PATCH, FILTERS, signs=2)
        cost = Cost(
            n_features=n_features,
            fit_s=seen_s + ridge_s(shape.n_rows, n_features),
            predict_s=convolution_s(predicted_rows(shape.n_rows), image, PATCH, FILTERS, signs=2),
        )
        small = too_small(self.name, image, PATCH, "a patch")
        return small or cost.excess(self.name, shape.n_rows, image)

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return evenly scaled pixels, and features with a regression on them."""
        from bench.zoo.estimators.image_features import FeatureModel, Standardised
        from bench.zoo.estimators.loo_ridge import LooRidge
        from bench.zoo.estimators.random_filters import RandomFilters

        plan = RandomFilters(**taken(config, FILTER_NAMES))
        return even_pixels(image), FeatureModel(Standardised(plan), LooRidge(), seed=context.seed)


LEARNERS = (KMeansLogistic(), RandomConvRidge(), HogSvm())
