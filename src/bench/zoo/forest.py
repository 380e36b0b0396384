"""Family `forest`: bagged trees."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner


class RandomForest(ZooLearner):
    """Random forest (Breiman, 2001); stops between trees at the deadline."""

    name = "random-forest"
    family = "forest"
    title = "Random forest"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.forest")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the library's defaults first, then features a split, leaf size and bootstrap.

        After Grinsztajn et al. (2022), without their depth and impurity limits (a leaf size does their work)
        and without the absolute error (a hundred times slower).
        """
        classification = problem.is_classification
        default = {
            "n_estimators": 100,
            "max_features": "sqrt" if classification else 1.0,
            "min_samples_leaf": 1,
            "min_samples_split": 2,
            "bootstrap": True,
        }
        parameters = {
            "n_estimators": Choice((100, 300)),
            "max_features": Float(low=0.1, high=1.0)
            if not classification
            else Choice(("sqrt", "log2", 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)),
            "min_samples_leaf": Int(low=1, high=50, log=True),
            "min_samples_split": Choice((2, 3)),
            "bootstrap": Choice((True, False)),
        }
        return Space(default, parameters)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        return _forest("random", config, context)


class ExtraTrees(ZooLearner):
    """Extremely randomised trees (Geurts, Ernst and Wehenkel, 2006); stops between trees at the deadline."""

    name = "extra-trees"
    family = "forest"
    title = "Extra-trees"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.forest")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the library's defaults first, then the random forest's ranges around them.

        TabArena (Erickson et al., 2025) searches the same three: features, split size, leaf size.
        """
        space = RandomForest().space(problem)
        return Space({**space.default, "bootstrap": False}, space.parameters)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        return _forest("extra", config, context)


def _forest(splits: str, config: Config, context: BuildContext) -> Estimator:
    from bench.zoo.composite import tabular
    from bench.zoo.estimators.forest import Forest
    from bench.zoo.preprocessing import TreeEncoder

    classification = context.problem.is_classification
    model = Forest(
        dict(config),
        splits=splits,
        classification=classification,
        seed=context.seed,
        threads=context.threads,
    )
    return tabular(TreeEncoder(single=True), model, classification=classification)


LEARNERS = (RandomForest(), ExtraTrees())
