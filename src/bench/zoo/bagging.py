"""Family `bagged-others`: bagging of models that are no trees; and of trees by the same scheme."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Space
from bench.tasks import TaskShape
from bench.zoo.base_kinds import DEEP_TREE, KINDS, OnBase
from bench.zoo.scaling import SCALINGS, dense_encoder

DEFAULT_MEMBERS = 10


class Bagged(OnBase):
    """Bagging (Breiman, 1996): bootstrap rows, mean of the members; stops between members at the deadline.

    With `n_members` 1 and `bootstrap` off it is the base itself.
    """

    family = "bagged-others"
    scheme = "bagging"
    prefix = "bagged"
    own = ("scaling", "n_members", "bootstrap")

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the base's, its scaling, and 10 or 30 members."""
        scheme: Config = {"scaling": self.kind.scaling, "n_members": DEFAULT_MEMBERS, "bootstrap": True}
        return Space(
            {**scheme, **self.kind.default},
            {"scaling": SCALINGS, "n_members": Choice((DEFAULT_MEMBERS, 30)), **self.kind.parameters},
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return why the default's members would take too long or too much memory, or None."""
        return self.kind.limit(shape, systems=DEFAULT_MEMBERS)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.bagging import Bagging

        classification = context.problem.is_classification
        model = Bagging(
            self.base(config, context),
            n_members=int(str(config["n_members"])),
            bootstrap=bool(config["bootstrap"]),
            classification=classification,
            seed=context.seed,
        )
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = tuple(Bagged(kind) for kind in (*KINDS, DEEP_TREE))
