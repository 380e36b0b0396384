"""Family `tree`: one decision tree."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner


class Tree(ZooLearner):
    """CART (Breiman et al., 1984), pruned by cost-complexity. Quick, so it polls no deadline."""

    name = "tree"
    family = "tree"
    title = "Decision tree (CART)"
    modules = (*COMMON_MODULES, "sklearn.tree")

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the library's fully grown tree first, then ways to keep it small."""
        return Space(
            {"max_depth": None, "min_samples_leaf": 1, "ccp_alpha": 0.0},
            {
                "max_depth": Choice((None, 2, 3, 4, 6, 8, 12)),
                "min_samples_leaf": Int(low=1, high=50, log=True),
                "ccp_alpha": Float(low=1e-5, high=1e-1, log=True),
            },
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

        from bench.zoo.composite import tabular
        from bench.zoo.preprocessing import TreeEncoder

        classification = context.problem.is_classification
        library = DecisionTreeClassifier if classification else DecisionTreeRegressor
        model = library(random_state=context.seed, **config)
        return tabular(TreeEncoder(single=True), model, classification=classification)


LEARNERS = (Tree(),)
