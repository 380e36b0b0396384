"""Family `boosted-features`: boosted trees that see features of images in place of pixels."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from bench.datasets import ImageShape, ProblemType
from bench.learners import BuildContext
from bench.spaces import Choice, Config, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.boosted_trees import XGBOOST_SPACE, XGBoost
from bench.zoo.image_features import CELLS, HOG_DEFAULT, HOG_PARAMETERS, ORIENTATIONS
from bench.zoo.image_features_cost import SMALLEST_CELL, Cost, n_histogram_features, too_small
from bench.zoo.images import IMAGE_MODULES, ImageLearner, even_pixels, taken

COMPONENTS = 50


class _XGBoostOnFeatures(ImageLearner):
    """XGBoost (Chen and Guestrin, 2016) on what a plan makes of images; stops between rounds."""

    family = "boosted-features"
    packages = XGBoost.packages
    polls_deadline = True
    devices = XGBoost.devices
    representation: ClassVar[tuple[Config, Mapping[str, Parameter]]]
    """What the default and the search space have beside XGBoost's own."""

    def space(self, problem: ProblemType) -> Space:
        """Return XGBoost's own space, the same for every problem, and the representation's."""
        default, parameters = self.representation
        return Space({**default, **XGBOOST_SPACE.default}, {**parameters, **XGBOOST_SPACE.parameters})

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return evenly scaled pixels, and features with trees on them."""
        from bench.zoo.estimators.image_features import FeatureModel
        from bench.zoo.estimators.xgboost import XGBoostModel

        params = taken(config, XGBOOST_SPACE.default)
        params |= {"seed": context.seed, "nthread": context.threads, "device": context.device}
        plan = self.plan(taken(config, self.representation[0]))
        return even_pixels(image), FeatureModel(plan, XGBoostModel(params), seed=context.seed)

    @abstractmethod
    def plan(self, config: dict[str, Any]) -> Any:
        """Return how features are made, as the representation's part of a configuration says."""


class XGBoostPca(_XGBoostOnFeatures):
    """XGBoost on the largest principal components of the pixels."""

    name = "xgboost-pca"
    title = "XGBoost on principal components"
    modules = (*IMAGE_MODULES, "bench.zoo.estimators.xgboost", "bench.zoo.estimators.principal")
    representation: ClassVar = ({"n_components": COMPONENTS}, {"n_components": Choice((25, 50, 100))})

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images would take too much memory, or None."""
        cost = Cost(n_features=COMPONENTS, fit_s=0, predict_s=0)
        return cost.excess(self.name, shape.n_rows, image)

    def plan(self, config: dict[str, Any]) -> Any:
        """Return the components of the pixels."""
        from bench.zoo.estimators.image_features import Pixels
        from bench.zoo.estimators.principal import Principal

        return Principal(plan=Pixels(), **config)


class XGBoostHog(_XGBoostOnFeatures):
    """XGBoost on histograms of oriented gradients (Dalal and Triggs, 2005)."""

    name = "xgboost-hog"
    title = "XGBoost on histograms of gradients"
    modules = (*IMAGE_MODULES, "bench.zoo.estimators.xgboost", "bench.zoo.estimators.hog")
    representation: ClassVar = (HOG_DEFAULT, HOG_PARAMETERS)

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images are smaller than a block or would take too much memory, or None."""
        n_features = n_histogram_features(image, CELLS, ORIENTATIONS)
        small = too_small(self.name, image, 2 * SMALLEST_CELL, "2 x 2 cells")
        cost = Cost(n_features=n_features, fit_s=0, predict_s=0)
        return small or cost.excess(self.name, shape.n_rows, image)

    def plan(self, config: dict[str, Any]) -> Any:
        """Return the histograms."""
        from bench.zoo.estimators.hog import Hog

        return Hog(**config)


LEARNERS = (XGBoostPca(), XGBoostHog())
