"""Family `net`: neural nets for tables."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params


class Mlp(ZooLearner):
    """Multilayer perceptron as in Gorishniy et al. (2021): ReLU, dropout, AdamW, early stopping.

    Stops between batches at the deadline.
    """

    name = "mlp"
    family = "net"
    title = "Multilayer perceptron"
    packages = ("torch",)
    # The first optimizer imports torch._dynamo, about 1 s, wherever it happens.
    modules = (*COMMON_MODULES, "bench.zoo.estimators.mlp", "torch._dynamo")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: a small net first; ranges of Gorishniy et al. (2021), cut to small tables."""
        return Space(
            {
                "scaling": "quantile",
                "n_layers": 2,
                "width": 256,
                "dropout": 0.1,
                "learning_rate": 1e-3,
                "weight_decay": 1e-4,
                "batch_size": 128,
            },
            {
                "scaling": SCALINGS,
                "n_layers": Int(low=1, high=3),
                "width": Choice((64, 128, 256, 512)),
                "dropout": Float(low=0.0, high=0.5),
                "learning_rate": Float(low=1e-4, high=1e-2, log=True),
                "weight_decay": Float(low=1e-6, high=1e-1, log=True),
                "batch_size": Choice((64, 128, 256)),
            },
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.mlp import MlpModel, MlpSettings

        classification = context.problem.is_classification
        settings = MlpSettings(**model_params(config), threads=context.threads, device=context.device)
        model = MlpModel(settings, classification=classification, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (Mlp(),)
