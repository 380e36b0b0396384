"""Family `boosted-others`: boosting of models that are no trees; and of trees by the same scheme."""

from __future__ import annotations

from collections.abc import Mapping

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Float, Space
from bench.tasks import TaskShape
from bench.zoo.base_kinds import KINDS, SMALL_TREE, OnBase
from bench.zoo.scaling import SCALINGS, dense_encoder

DEFAULTS: Mapping[str, Config] = {
    "polynomial": {"penalty": 10.0},
    "nystroem": {"penalty": 1.0},
    "mlp": {"epochs": 8, "learning_rate": 1e-2, "shrinkage": 0.5},
    "tree": {},
}
"""Where boosting starts from others than bagging: weaker bases; and few rounds where each trains a net."""


class Boosted(OnBase):
    """Gradient boosting (Friedman, 2001), rounds by the validation rows; stops between rounds."""

    family = "boosted-others"
    scheme = "boosting"
    prefix = "boosted"
    own = ("scaling", "shrinkage")

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the base's, its scaling, and the shrinkage.

        Every round has all rows: a system of equations is then solved once for all of them.
        """
        scheme: Config = {"scaling": self.kind.scaling, "shrinkage": 0.1}
        return Space(
            {**scheme, **self.kind.default, **DEFAULTS[self.kind.name]},
            {
                "scaling": SCALINGS,
                "shrinkage": Float(low=0.03, high=1.0, log=True),
                **self.kind.parameters,
            },
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return why the default would take too long or too much memory, or None."""
        return self.kind.limit(shape, systems=1)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.boosting import Boosting

        classification = context.problem.is_classification
        model = Boosting(
            self.base(config, context),
            shrinkage=float(str(config["shrinkage"])),
            max_rounds=self.kind.max_rounds,
            classification=classification,
            seed=context.seed,
        )
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = tuple(Boosted(kind) for kind in (*KINDS, SMALL_TREE))
