"""Family `linear`: logistic regression for classes, ridge regression for numbers."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Float, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder

MAX_ITERATIONS = 1000
"""Ten times the library's limit, which standardised tables with many one-hot columns can pass."""


class Linear(ZooLearner):
    """L2-penalised logistic regression (L-BFGS, softmax) or ridge regression (Hoerl and Kennard, 1970).

    Polls no deadline: ridge is one factorisation, and stopping L-BFGS to look at the clock would lose the
    curvature it has gathered and so change its result.
    """

    name = "linear"
    family = "linear"
    title = "Logistic / ridge regression"
    modules = (*COMMON_MODULES, "sklearn.linear_model")

    def space(self, problem: ProblemType) -> Space:
        """Return the space: library defaults first, then the penalty over eight decades."""
        if problem.is_classification:
            return Space(
                {"scaling": "standard", "C": 1.0},
                {"scaling": SCALINGS, "C": Float(low=1e-4, high=1e4, log=True)},
            )
        alpha = Float(low=1e-4, high=1e4, log=True)
        return Space({"scaling": "standard", "alpha": 1.0}, {"scaling": SCALINGS, "alpha": alpha})

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from sklearn.linear_model import LogisticRegression, Ridge

        from bench.zoo.composite import tabular

        classification = context.problem.is_classification
        if classification:
            model = LogisticRegression(C=config["C"], max_iter=MAX_ITERATIONS)
        else:
            model = Ridge(alpha=config["alpha"])
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (Linear(),)
