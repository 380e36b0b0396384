"""Family `svm`: support vector machines with a Gaussian kernel."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Float, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

LIMIT_S = 60.0
ROW_PAIR_S = 2.2e-8
"""Seconds of a default fit over rows squared, two classes: 2.2 s at 10,000 rows, measured on one core."""
HARD_FACTOR = 5.0
"""How much longer a large C takes than the default."""
CACHE_MB = 500
"""Kernel cache; the library's 200 costs half as much again at 10,000 rows."""


class SvmRbf(ZooLearner):
    """SVC and SVR with a Gaussian kernel (Cortes and Vapnik, 1995) by libsvm, stopped by iterations."""

    name = "svm-rbf"
    family = "svm"
    title = "SVM, Gaussian kernel"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.svm")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: library defaults first, then C and gamma as in Hsu, Chang and Lin (2003).

        C is cut to 1000, because larger values seldom end.
        """
        default: dict[str, float | str] = {"scaling": "standard", "C": 1.0, "gamma": "scale"}
        parameters: dict[str, Parameter] = {
            "scaling": SCALINGS,
            "C": Float(low=2**-5, high=1000.0, log=True),
            "gamma": Float(low=2**-15, high=2**3, log=True),
        }
        if problem.is_classification:
            return Space(default, parameters)
        return Space(
            {**default, "epsilon": 0.1}, {**parameters, "epsilon": Float(low=1e-3, high=1.0, log=True)}
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return why so many rows are too many, or None."""
        # One-vs-one: k(k-1)/2 fits on 2n/k rows each, so 2(k-1)/k of the work of two classes.
        k = max(2, shape.n_classes)
        seconds = HARD_FACTOR * ROW_PAIR_S * shape.n_rows**2 * 2 * (k - 1) / k
        if seconds <= LIMIT_S:
            return None
        return (
            f"Gaussian SVM: {shape.n_rows} rows could take about {seconds:.0f} s a fit on one core; "
            f"limit {LIMIT_S:.0f} s"
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.svm import StoppableSVC, StoppableSVR

        classification = context.problem.is_classification
        model = (StoppableSVC if classification else StoppableSVR)(
            cache_size=CACHE_MB, **model_params(config)
        )
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (SvmRbf(),)
