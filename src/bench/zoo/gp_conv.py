"""A Gaussian process on images, of family `gp`: a stationary kernel on convolutional features."""

from __future__ import annotations

from typing import Any, Self

from bench.datasets import ImageShape, ProblemType
from bench.learners import BuildContext
from bench.spaces import Choice, Config, Space
from bench.tasks import TaskShape
from bench.zoo.gp import GpExact
from bench.zoo.image_features import BIAS, FEWER_OR_MORE, FILTER_NAMES, FILTERS, PATCH
from bench.zoo.image_features_cost import too_small
from bench.zoo.images import IMAGE_MODULES, ImageLearner, even_pixels, taken

COMPONENTS = 50
KERNEL = "rbf"
OWN = ("optimise_rows", "alpha_epsilon")
"""What the process is searched by, as where it is on tables."""


class GpConv(ImageLearner):
    """Exact Gaussian process with a Gaussian kernel on principal components of random filters' answers.

    Hyperparameters and classes as `gp-exact` has them, features as `random-conv-ridge` (Coates and Ng,
    2011): the kernel is stationary in them, not in the pixels.
    """

    name = "gp-conv"
    family = "gp"
    title = "Gaussian process on convolutional features"
    packages = GpExact.packages
    modules = (
        *IMAGE_MODULES,
        "bench.zoo.estimators.gp",
        "bench.zoo.estimators.principal",
        "bench.zoo.estimators.random_filters",
    )
    polls_deadline = True
    devices = GpExact.devices

    def __init__(self, exact: GpExact | None = None) -> None:
        """Apply where this exact process does."""
        self.exact = exact if exact is not None else GpExact()

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner with another limit on the seconds of a fit."""
        return type(self)(self.exact.with_limit(limit_s))

    def space(self, problem: ProblemType) -> Space:
        """Return the space: filters and components, and the exact process's but for kernel and scaling."""
        exact = self.exact.space(problem)
        own = taken(exact.default, OWN)
        return Space(
            {"n_filters": FILTERS, "patch": PATCH, "bias": BIAS, "n_components": COMPONENTS, **own},
            {
                "n_filters": FEWER_OR_MORE,
                "n_components": Choice((25, 50, 100)),
                **{name: exact.parameters[name] for name in own},
            },
        )

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return that the images are smaller than a patch, or too many for an exact process, or None."""
        return too_small(self.name, image, PATCH, "a patch") or self.exact.limit(shape)

    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return evenly scaled pixels, and components of features with a process on them."""
        from bench.zoo.estimators.gp import GpClassifier
        from bench.zoo.estimators.gp_model import GpSettings
        from bench.zoo.estimators.image_features import FeatureModel, Standardised
        from bench.zoo.estimators.principal import Principal
        from bench.zoo.estimators.random_filters import RandomFilters

        filters = RandomFilters(**taken(config, FILTER_NAMES))
        plan = Principal(plan=Standardised(filters), **taken(config, ("n_components",)))
        settings = GpSettings(
            **taken(config, OWN), kernel=KERNEL, threads=context.threads, device=context.device
        )
        model = GpClassifier(settings, seed=context.seed)
        return even_pixels(image), FeatureModel(Standardised(plan), model, seed=context.seed)


LEARNERS = (GpConv(),)
