"""What the learners of the zoo that need images have in common."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from bench.datasets import ImageShape, ProblemType
from bench.errors import ConfigError
from bench.learners import BuildContext, Estimator
from bench.spaces import Config
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner

if TYPE_CHECKING:
    from bench.zoo.image_encoder import EvenImageEncoder, ImageEncoder

IMAGE_MODULES: tuple[str, ...] = (*COMMON_MODULES, "bench.zoo.image_encoder")
WARM_UP_IMAGE = ImageShape(8, 8, 1)


class ImageLearner(ZooLearner):
    """A learner of classes of images."""

    modules: tuple[str, ...] = IMAGE_MODULES
    needs_images = True

    def limit(self, shape: TaskShape) -> str | None:
        """Return that the rows are no images, that the target is a number, or what else is in the way."""
        if shape.image is None:
            return f"{self.name} needs rows that are images"
        if not shape.problem.is_classification:
            return self._no_numbers()
        return self.image_limit(shape, shape.image)

    def image_limit(self, shape: TaskShape, image: ImageShape) -> str | None:
        """Return why this learner does not apply to such images; most always apply."""
        return None

    def _no_numbers(self) -> str:
        return f"{self.name} tells classes of images apart; the target here is a number"

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator. Raises ConfigError for numbers, and without a shape of images."""
        from bench.zoo.composite import tabular

        if not context.problem.is_classification:
            raise ConfigError(self._no_numbers())
        if context.image is None:
            raise ConfigError(f"{self.name} needs the shape of the images: image=(height, width, channels)")
        encoder, model = self.parts(config, context, context.image)
        return tabular(encoder, model, classification=True)

    @abstractmethod
    def parts(self, config: Config, context: BuildContext, image: ImageShape) -> tuple[Any, Any]:
        """Return what turns a frame of images into what a model fits on, and the model."""

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Fit the default configuration on made-up images: lazy imports are paid for before the clock."""
        if not problem.is_classification:
            return
        from bench.zoo.warming import warm_up_images

        X, y = warm_up_images(problem, WARM_UP_IMAGE)
        n_classes = len(set(y.tolist()))
        context = BuildContext(
            problem=problem, n_classes=n_classes, seed=0, device=device, image=WARM_UP_IMAGE
        )
        estimator = self.build(self.space(problem).default, context)
        estimator.fit(X[:48], y[:48], validation=(X[48:], y[48:]))
        estimator.predict(X[48:])


def pixels(image: ImageShape) -> ImageEncoder:
    """Return the encoder that gives images as they are, every channel scaled to mean 0 and SD 1."""
    from bench.zoo.image_encoder import ImageEncoder

    return ImageEncoder((image.height, image.width, image.channels))


def taken(config: Config, names: Iterable[str]) -> dict[str, Any]:
    """Return the values of these names, those that the configuration has."""
    return {name: config[name] for name in names if name in config}


def even_pixels(image: ImageShape) -> EvenImageEncoder:
    """Return the encoder that gives images as they are, all numbers scaled alike to mean 0 and SD 1."""
    from bench.zoo.image_encoder import EvenImageEncoder

    return EvenImageEncoder((image.height, image.width, image.channels))
