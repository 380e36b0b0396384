"""Family `net`: neural nets for tables, with what is known to help them there."""

from __future__ import annotations

from collections.abc import Mapping

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Parameter, Space, Value
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder

# The first optimizer imports torch._dynamo, about 1 s, wherever it happens.
NET_MODULES = (*COMMON_MODULES, "bench.zoo.estimators.mlp", "torch._dynamo")

DEFAULT: Config = {
    "scaling": "robust",
    "embedding": "piecewise",
    "n_layers": 2,
    "width": 128,
    "dropout": 0.1,
    "learning_rate": 5e-3,
    "weight_decay": 1e-2,
}
# The ranges of Gorishniy et al. (2021, 2022) and Holzmüller et al. (2024), cut to nets that a small budget
# can train several of.
PARAMETERS: Mapping[str, Parameter] = {
    "scaling": SCALINGS,
    "embedding": Choice(("piecewise", "periodic", "none")),
    "n_layers": Int(low=1, high=3),
    "width": Choice((64, 128, 256)),
    "dropout": Float(low=0.0, high=0.5),
    "learning_rate": Float(low=1e-3, high=2e-2, log=True),
    "weight_decay": Float(low=1e-4, high=1e-1, log=True),
}
# A block holds twice the weights of a layer, twice as wide inside.
RESIDUAL_DEFAULT: Config = {**DEFAULT, "scaling": "quantile", "width": 64, "learning_rate": 2e-3}
RESIDUAL_PARAMETERS: Mapping[str, Parameter] = {**PARAMETERS, "width": Choice((32, 64, 128))}


class _Net(ZooLearner):
    """What the nets share: all but the body. They stop between batches at the deadline."""

    family = "net"
    version = 2
    packages = ("torch",)
    modules = NET_MODULES
    polls_deadline = True
    devices = ("cpu", "cuda")
    body: str
    default: Config
    parameters: Mapping[str, Parameter]

    def space(self, problem: ProblemType) -> Space:
        """Return the space; for classes, label smoothing may be tried (it can cost AUC)."""
        default: dict[str, Value] = {**self.default, "label_smoothing": 0.0}
        if not problem.is_classification:
            return Space(default, self.parameters)
        return Space(default, {**self.parameters, "label_smoothing": Choice((0.0, 0.1))})

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.mlp import NetModel, NetSettings

        classification = context.problem.is_classification
        settings = NetSettings.of(self.body, config, context)
        model = NetModel(settings, classification=classification, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


class Mlp(_Net):
    """Multilayer perceptron: SiLU, dropout, AdamW, numbers embedded piecewise (Gorishniy et al., 2022)."""

    name = "mlp"
    title = "Multilayer perceptron"
    body = "plain"
    default = DEFAULT
    parameters = PARAMETERS


class ResidualMlp(_Net):
    """ResNet for tables (Gorishniy et al., 2021), with layer norm for batch norm, and the same inputs."""

    name = "residual-mlp"
    title = "Residual MLP"
    body = "residual"
    default = RESIDUAL_DEFAULT
    parameters = RESIDUAL_PARAMETERS


LEARNERS = (Mlp(), ResidualMlp())
