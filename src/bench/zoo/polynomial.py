"""Family `polynomial`: linear models on products of features."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.polynomial_cost import n_encoded, n_products, too_large
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

DEFAULT_DEGREE = 2


class Polynomial(ZooLearner):
    """Ridge (numbers) or L2-penalised logistic regression (classes) on products of two or three features.

    Features are scaled, multiplied, and the products scaled again. A configuration whose products would
    take more than 1 GiB is not fitted as something smaller: its trial ends as `oom`, with the figures. One
    that could not end in the time left is not begun: its trial ends as `timeout`.
    """

    name = "polynomial"
    family = "polynomial"
    title = "Polynomial ridge"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.polynomial")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: degree 2 first; then degree, squares or none, and the penalty."""
        return Space(
            {"scaling": "standard", "degree": DEFAULT_DEGREE, "interaction_only": False, "penalty": 0.1},
            {
                "scaling": SCALINGS,
                "degree": Choice((2, 3)),
                "interaction_only": Choice((False, True)),
                "penalty": Float(low=1e-4, high=1e2, log=True),
            },
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return why the default would take too much memory or too long, or None."""
        columns = n_encoded(shape)
        products = n_products(columns, degree=DEFAULT_DEGREE)
        what = f"polynomial: {products:,} products of {columns} encoded columns"
        return too_large(what, shape.n_rows, products)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.polynomial import PolynomialModel

        classification = context.problem.is_classification
        model = PolynomialModel(**model_params(config), classification=classification)
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (Polynomial(),)
