"""A learner's model without the harness: a scikit-learn estimator."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

from bench.augmentations import AUGMENTATIONS, NONE, PARAMETER
from bench.datasets import ImageShape, ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import BuildContext, Estimator, Learner
from bench.registry import learner as find_learner
from bench.registry import missing
from bench.spaces import Config


def estimator(  # noqa: PLR0913 - what a learner is told in a run, by keyword
    name: str,
    config: Config | None = None,
    *,
    problem: ProblemType | str,
    n_classes: int | None = None,
    seed: int = 0,
    device: str = "cpu",
    image: Sequence[int] | None = None,
) -> Estimator:
    """Return an unfitted scikit-learn estimator: preprocessing and model of a learner.

    It takes a frame of numbers and pandas categoricals, and any labels. Its `fit` also takes `validation`,
    a pair (X, y) to stop early by, and `deadline`.

    Args:
        name: a learner, or an import path `package.module:attribute`.
        config: what differs from its default configuration; `augmentation` too, where a learner of images
            does that itself.
        problem: "binary", "multiclass" or "regression".
        n_classes: how many classes there are; needed for "multiclass" alone.
        seed: of everything random in it.
        device: "cpu" or "cuda".
        image: (height, width, channels), or (height, width) of grey ones, where every row is an image: its
            pixels by rows, then columns, then channels.

    Raises:
        ConfigError: there is no such learner, problem, parameter or device for it, or no such images.
        PrerequisiteError: what the learner fits with is not installed.
    """
    learner = find_learner(name)
    absent = missing(learner)
    if absent:
        raise PrerequisiteError(f"{name} needs {', '.join(absent)}: pip install {' '.join(absent)}")
    if device not in learner.devices:
        raise ConfigError(f"{name} fits on {', '.join(learner.devices)}, not on {device!r}")
    kind = _problem(problem)
    own, how = _augmentation(learner, config or {})
    context = BuildContext(
        problem=kind,
        n_classes=_n_classes(name, kind, n_classes),
        seed=seed,
        device=device,
        image=None if image is None else _image(name, image),
        augmentation=how,
    )
    return learner.build(_full(learner, own, kind), context)


def _augmentation(learner: Learner, config: Config) -> tuple[Config, str]:
    """Return the configuration without augmentation, and that, where the learner does it itself."""
    if not getattr(learner, "augments", False):
        return config, NONE
    how = config.get(PARAMETER, NONE)
    if how not in AUGMENTATIONS:
        raise ConfigError(f"{PARAMETER}: {how!r} is none of {', '.join(AUGMENTATIONS)}")
    return {name: value for name, value in config.items() if name != PARAMETER}, str(how)


def _full(learner: Learner, config: Config, problem: ProblemType) -> Config:
    """Return the configuration with the defaults of what it does not say."""
    space = learner.space(problem)
    known = {**space.default, **space.parameters}
    unknown = [name for name in config if name not in known]
    if unknown:
        raise ConfigError(
            f"{learner.name}: there is no parameter {unknown[0]!r} (known: {', '.join(known) or 'none'})"
        )
    return {**space.default, **config}


def _problem(problem: ProblemType | str) -> ProblemType:
    try:
        return ProblemType(problem)
    except ValueError:
        known = ", ".join(repr(each.value) for each in ProblemType)
        raise ConfigError(f"problem {problem!r} is none of {known}") from None


def _image(name: str, image: object) -> ImageShape:
    """Return the shape of images of a height, a width and as many channels, one where that is not said."""
    sizes = list(image) if isinstance(image, Sequence) and not isinstance(image, str) else []
    if len(sizes) not in (2, 3) or not all(map(_is_size, sizes)):
        raise ConfigError(
            f"estimator({name!r}): image={image!r} is no shape: give (height, width, channels), or (height, "
            "width) where there is one channel, as whole numbers from 1"
        )
    height, width, channels = (int(size) for size in (*sizes, 1)[:3])
    return ImageShape(height, width, channels)


def _is_size(value: object) -> bool:
    return isinstance(value, int | Integral) and not isinstance(value, bool) and int(value) >= 1


def _n_classes(name: str, problem: ProblemType, n_classes: int | None) -> int:
    expected = {ProblemType.BINARY: 2, ProblemType.REGRESSION: 0}.get(problem)
    if n_classes is None and expected is None:
        raise ConfigError(f"estimator({name!r}): say how many classes there are: n_classes=")
    if n_classes is not None and n_classes != (expected if expected is not None else max(2, n_classes)):
        raise ConfigError(f"estimator({name!r}): {problem.value} does not go with {n_classes} classes")
    return n_classes if n_classes is not None else expected or 0
