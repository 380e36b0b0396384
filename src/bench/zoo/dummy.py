"""Family `dummy`: what is reached without looking at any feature."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Space
from bench.zoo.declaration import COMMON_MODULES, ZooLearner


class Dummy(ZooLearner):
    """Class frequencies, or the mean."""

    name = "dummy"
    family = "dummy"
    title = "Dummy (class frequencies or mean)"
    modules = (*COMMON_MODULES, "sklearn.dummy")

    def space(self, problem: ProblemType) -> Space:
        """Return a space of the one configuration there is."""
        return Space({})

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        from bench.zoo.composite import tabular
        from bench.zoo.preprocessing import TreeEncoder

        classification = context.problem.is_classification
        model = DummyClassifier(strategy="prior") if classification else DummyRegressor()
        return tabular(TreeEncoder(single=True), model, classification=classification)


LEARNERS = (Dummy(),)
