"""What every scale-sensitive learner shares: the searched choice of scaling, and the encoder made of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.learners import BuildContext
from bench.spaces import Choice, Config

if TYPE_CHECKING:
    from bench.zoo.preprocessing import DenseEncoder

SCALINGS = Choice(("standard", "robust", "quantile"))
"""See `bench.zoo.preprocessing.DenseEncoder`."""


def dense_encoder(config: Config, context: BuildContext) -> DenseEncoder:
    """Return the encoder that a configuration asks for by its `scaling`."""
    from bench.zoo.preprocessing import DenseEncoder

    classification = context.problem.is_classification
    return DenseEncoder(scaling=str(config["scaling"]), classification=classification, seed=context.seed)


def model_params(config: Config) -> dict[str, Any]:
    """Return the rest of the configuration, which is the model's."""
    return {name: value for name, value in config.items() if name != "scaling"}
