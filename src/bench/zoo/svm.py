"""Family `svm`: support vector machines with Gaussian and polynomial kernels, exact and approximate."""

from __future__ import annotations

from typing import Self

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Int, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.limits import about, kept_out_by
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

LIMIT_S = 60.0
ROW_PAIR_S = 2.2e-8
"""Seconds of a default fit over rows squared, two classes: 2.2 s at 10,000 rows, measured on one core."""
HARD_FACTOR = 5.0
"""How much longer a large C takes than the default, or a default fit of numbers by a polynomial kernel."""
CACHE_MB = 500
"""Kernel cache; the library's 200 costs half as much again at 10,000 rows."""
POLYNOMIAL_ITERATIONS = 1_000_000
"""Past them a polynomial fit ends and counts as not converged: a large C may take minutes on 500 rows."""
LANDMARKS = 500
FEATURE_LIMIT_BYTES = 1024**3
"""Of the default's kernel features; the largest configuration takes twice as much."""

C_RANGE = Float(low=2**-5, high=1000.0, log=True)
"""Hsu, Chang and Lin (2003), cut to 1000, because larger values seldom end."""
GAMMA_RANGE = Float(low=2**-15, high=2**3, log=True)


def _with_epsilon(
    problem: ProblemType, default: dict[str, float | str], parameters: dict[str, Parameter]
) -> Space:
    """Return the space, with the width of the tube where numbers are predicted."""
    if problem.is_classification:
        return Space(default, parameters)
    return Space({**default, "epsilon": 0.1}, {**parameters, "epsilon": Float(low=1e-3, high=1.0, log=True)})


def _exact_seconds(shape: TaskShape) -> float:
    """Return what a hard fit by libsvm could take on one core."""
    # One-vs-one: k(k-1)/2 fits on 2n/k rows each, so 2(k-1)/k of the work of two classes.
    k = max(2, shape.n_classes)
    return HARD_FACTOR * ROW_PAIR_S * shape.n_rows**2 * 2 * (k - 1) / k


class _ExactSvm(ZooLearner):
    """SVC and SVR by libsvm (Cortes and Vapnik, 1995; Chang and Lin, 2011), stopped by iterations."""

    family = "svm"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.svm")
    polls_deadline = True
    kernel: str
    """As scikit-learn calls it."""
    max_iter = -1

    def __init__(self, limit_s: float = LIMIT_S) -> None:
        """Apply to tables on which a fit takes up to so many seconds."""
        self.limit_s = limit_s

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner with another limit on the seconds of a fit."""
        return type(self)(limit_s)

    def limit(self, shape: TaskShape) -> str | None:
        """Return why so many rows are too many, or None."""
        seconds = _exact_seconds(shape)
        if seconds <= self.limit_s:
            return None
        return (
            f"{self.title}: {shape.n_rows} rows could take {about(seconds)} a fit on one core; "
            f"limit {self.limit_s:g} s"
        )

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.svm import StoppableSVC, StoppableSVR

        classification = context.problem.is_classification
        model = (StoppableSVC if classification else StoppableSVR)(
            kernel=self.kernel, cache_size=CACHE_MB, max_iter=self.max_iter, **model_params(config)
        )
        return tabular(dense_encoder(config, context), model, classification=classification)


class SvmRbf(_ExactSvm):
    """SVM with a Gaussian kernel."""

    name = "svm-rbf"
    version = 2
    title = "SVM, Gaussian kernel"
    kernel = "rbf"

    def space(self, problem: ProblemType) -> Space:
        """Return the space: library defaults first, then C and gamma as in Hsu, Chang and Lin (2003)."""
        return _with_epsilon(
            problem,
            {"scaling": "standard", "C": 1.0, "gamma": "scale"},
            {"scaling": SCALINGS, "C": C_RANGE, "gamma": GAMMA_RANGE},
        )


class SvmPoly(_ExactSvm):
    """SVM with an inhomogeneous polynomial kernel, (gamma x'z + coef0)^degree."""

    name = "svm-poly"
    title = "SVM, polynomial kernel"
    kernel = "poly"
    max_iter = POLYNOMIAL_ITERATIONS

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the library's cubic kernel first, with all lower degrees.

        The library's coef0 of 0 is a kernel of cubic terms alone, in which no feature has a slope.
        gamma ends at 1, where degree 4 spans ten decades already on 50 features.
        """
        return _with_epsilon(
            problem,
            {"scaling": "standard", "C": 1.0, "degree": 3, "gamma": "scale", "coef0": 1.0},
            {
                "scaling": SCALINGS,
                "C": C_RANGE,
                "degree": Int(low=2, high=4),
                "gamma": Float(low=2**-10, high=1.0, log=True),
                "coef0": Float(low=0.1, high=10.0, log=True),
            },
        )


class SvmNystroem(ZooLearner):
    """Linear SVM on Nystroem features of a Gaussian kernel (Williams and Seeger, 2001).

    It stands in for svm-rbf where that takes too long, and nowhere else.
    """

    name = "svm-nystroem"
    family = "svm"
    title = "SVM, Gaussian kernel, approximate"
    modules = (*COMMON_MODULES, "bench.zoo.estimators.nystroem")
    polls_deadline = True

    def __init__(self, exact: SvmRbf | None = None) -> None:
        """Stand in for this exact machine."""
        self.exact = exact if exact is not None else SvmRbf()

    @property
    def exact_limit_s(self) -> float:
        """The exact machine's limit, above which this one applies."""
        return self.exact.limit_s

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner beside an exact machine with another limit."""
        return type(self)(self.exact.with_limit(limit_s))

    def space(self, problem: ProblemType) -> Space:
        """Return the exact machine's space, and how many rows the features are made of."""
        exact = self.exact.space(problem)
        return Space(
            {**exact.default, "n_landmarks": LANDMARKS},
            {**exact.parameters, "n_landmarks": Choice((250, 500, 1000))},
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return that the exact machine applies, or why so many rows are too many, or None."""
        needed = 8 * LANDMARKS * shape.n_rows
        if needed > FEATURE_LIMIT_BYTES:
            return (
                f"Nystroem features of {shape.n_rows:,} rows would take {needed / 1e9:.1f} GB; "
                f"limit {FEATURE_LIMIT_BYTES / 1e9:.1f} GB"
            )
        return kept_out_by(self.exact, shape)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.nystroem import NystroemMachine

        classification = context.problem.is_classification
        model = NystroemMachine(**model_params(config), classification=classification, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (SvmRbf(), SvmPoly(), SvmNystroem())
