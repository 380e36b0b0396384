"""Family `linear`: logistic regression for classes, ridge regression for numbers, with and without L1."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Float, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

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


class ElasticNet(ZooLearner):
    """Linear or logistic regression with an L1 and an L2 penalty (Zou and Hastie, 2005).

    Numbers by coordinate descent, classes by L-BFGS; both end at the deadline.
    """

    name = "elastic-net"
    family = "linear"
    title = "Elastic net"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.elastic_net", "bench.zoo.estimators.linear_scores")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: half L1, half L2 first; then their share, and the penalty over six decades.

        The library's alpha of 1.0 is for targets in any unit; here they are standardised, and 1.0 would
        leave no feature.
        """
        l1_ratio = Float(low=0.05, high=1.0)
        if problem.is_classification:
            return Space(
                {"scaling": "standard", "C": 1.0, "l1_ratio": 0.5},
                {"scaling": SCALINGS, "C": Float(low=1e-3, high=1e3, log=True), "l1_ratio": l1_ratio},
            )
        alpha = Float(low=1e-6, high=1.0, log=True)
        return Space(
            {"scaling": "standard", "alpha": 1e-3, "l1_ratio": 0.5},
            {"scaling": SCALINGS, "alpha": alpha, "l1_ratio": l1_ratio},
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.elastic_net import ElasticNetModel
        from bench.zoo.estimators.linear_scores import LogisticModel

        classification = context.problem.is_classification
        model = (LogisticModel if classification else ElasticNetModel)(**model_params(config))
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (Linear(), ElasticNet())
