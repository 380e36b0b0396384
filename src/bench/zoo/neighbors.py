"""Family `neighbors`: the target of the closest rows."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Int, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params


class NearestNeighbors(ZooLearner):
    """k nearest neighbours (Cover and Hart, 1967). Fitting stores the rows, so it polls no deadline."""

    name = "knn"
    family = "neighbors"
    title = "k nearest neighbours"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.nearest")

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the library's five neighbours, Euclidean, unweighted, first."""
        return Space(
            {"scaling": "standard", "n_neighbors": 5, "weights": "uniform", "p": 2},
            {
                "scaling": SCALINGS,
                "n_neighbors": Int(low=1, high=50, log=True),
                "weights": Choice(("uniform", "distance")),
                "p": Choice((1, 2)),
            },
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.nearest import NearestClassifier, NearestRegressor

        classification = context.problem.is_classification
        model = (NearestClassifier if classification else NearestRegressor)(**model_params(config))
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (NearestNeighbors(),)
