"""Family `gp`: Gaussian processes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.gp_cost import (
    fit_s,
    memory_bytes,
    predict_s,
    sparse_fit_s,
    sparse_memory_bytes,
    sparse_predict_s,
)
from bench.zoo.limits import about, kept_out_by
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

FIT_LIMIT_S = 60.0
PREDICT_LIMIT_S = 30.0
"""For 5,000 rows and the fit rows."""
PREDICT_ROWS = 5000
MEMORY_LIMIT_BYTES = 2 * 1024**3
DEFAULT_OPTIMISE_ROWS = 500
"""No power of two: 512 rows share cache lines, and their Cholesky factor takes three times as long."""
SPARSE_OPTIMISE_ROWS = 2500
"""Ten for each inducing point of the search; twice as many took twice as long and predicted no better."""
INDUCING = 1000
PACKAGES = ("torch", "gpytorch", "linear-operator")


def _with_alpha(
    problem: ProblemType, default: dict[str, float | str], parameters: dict[str, Parameter]
) -> Space:
    """Return the space, with the Dirichlet concentration of classes that a row is not of."""
    if not problem.is_classification:
        return Space(default, parameters)
    # Milios et al. (2018) choose alpha on validation rows; 0.01 is gpytorch's default.
    alpha = Float(low=1e-3, high=1e-1, log=True)
    return Space({**default, "alpha_epsilon": 0.01}, {**parameters, "alpha_epsilon": alpha})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cost:
    """What a default fit and its predictions are foretold to take."""

    what: str
    fit_s: float
    fit_limit_s: float
    predict_s: float
    memory_bytes: int

    def excess(self) -> str | None:
        """Return which limit it exceeds, or None."""
        if self.fit_s > self.fit_limit_s:
            seconds = f"{about(self.fit_s)} a fit on one core"
            return f"{self.what} would take {seconds}; limit {self.fit_limit_s:g} s"
        if self.predict_s > PREDICT_LIMIT_S:
            seconds = f"{about(self.predict_s)} to predict on one core"
            return f"{self.what} would take {seconds}; limit {PREDICT_LIMIT_S:.0f} s"
        if self.memory_bytes > MEMORY_LIMIT_BYTES:
            memory, limit = self.memory_bytes / 1e9, MEMORY_LIMIT_BYTES / 1e9
            return f"{self.what} would take {memory:.1f} GB; limit {limit:.1f} GB"
        return None


def _size(shape: TaskShape) -> str:
    return f"{shape.n_rows} rows" + (f" x {shape.n_classes} classes" if shape.n_classes else "")


class GpExact(ZooLearner):
    """Exact Gaussian process with one length scale per feature (Rasmussen and Williams, 2006), by gpytorch.

    Hyperparameters are found on a seeded subset of the rows (`optimise_rows`), then the process is
    conditioned on all of them. Classes: regression on Dirichlet labels (Milios et al., 2018).
    """

    name = "gp-exact"
    version = 2
    family = "gp"
    title = "Gaussian process, exact"
    packages = PACKAGES
    modules = (*COMMON_MODULES, "bench.zoo.estimators.gp")
    polls_deadline = True
    devices = ("cpu", "cuda")

    def __init__(self, limit_s: float = FIT_LIMIT_S) -> None:
        """Apply to tables on which a fit takes up to so many seconds of one core."""
        self.limit_s = limit_s

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner with another limit on the seconds of a fit."""
        return type(self)(limit_s)

    def space(self, problem: ProblemType) -> Space:
        """Return the space: kernel, scaling, how many rows find the hyperparameters.

        The default is the kernel that practitioners start from (Snoek et al., 2012: Matern-5/2).
        """
        return _with_alpha(
            problem,
            {"scaling": "standard", "kernel": "matern52", "optimise_rows": DEFAULT_OPTIMISE_ROWS},
            {
                "scaling": SCALINGS,
                "kernel": Choice(("matern52", "rbf")),
                "optimise_rows": Choice((250, 500, 1000)),
            },
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return why so many rows and classes are too many, or None."""
        n, outputs = shape.n_rows, max(1, shape.n_classes)
        return _Cost(
            what=f"exact GP: {_size(shape)}",
            fit_s=fit_s(n, DEFAULT_OPTIMISE_ROWS, outputs),
            fit_limit_s=self.limit_s,
            predict_s=predict_s(n, PREDICT_ROWS + n, outputs),
            memory_bytes=memory_bytes(n, outputs),
        ).excess()

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.gp import GpClassifier, GpRegressor
        from bench.zoo.estimators.gp_model import GpSettings

        classification = context.problem.is_classification
        settings = GpSettings(**model_params(config), threads=context.threads, device=context.device)
        model = (GpClassifier if classification else GpRegressor)(settings, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


class GpSparse(ZooLearner):
    """Sparse Gaussian process with inducing points and a collapsed bound (Titsias, 2009).

    It stands in for gp-exact where that takes too long, and nowhere else. Hyperparameters are found by the
    bound on a seeded subset of the rows, then the process is conditioned on all of them.
    """

    name = "gp-sparse"
    family = "gp"
    title = "Gaussian process, sparse"
    packages = PACKAGES
    modules = (*COMMON_MODULES, "bench.zoo.estimators.gp_sparse")
    polls_deadline = True
    devices = ("cpu", "cuda")

    def __init__(self, exact: GpExact | None = None) -> None:
        """Stand in for this exact process."""
        self.exact = exact if exact is not None else GpExact()

    @property
    def exact_limit_s(self) -> float:
        """The exact process's limit, above which this one applies."""
        return self.exact.limit_s

    def with_limit(self, limit_s: float) -> Self:
        """Return the same learner beside an exact process with another limit."""
        return type(self)(self.exact.with_limit(limit_s))

    def space(self, problem: ProblemType) -> Space:
        """Return the space: the exact process's, with more rows to search on, and the inducing points."""
        return _with_alpha(
            problem,
            {
                "scaling": "standard",
                "kernel": "matern52",
                "optimise_rows": SPARSE_OPTIMISE_ROWS,
                "n_inducing": INDUCING,
            },
            {
                "scaling": SCALINGS,
                "kernel": Choice(("matern52", "rbf")),
                "optimise_rows": Choice((1000, 2500, 5000)),
                "n_inducing": Choice((500, 1000, 1500)),
            },
        )

    def limit(self, shape: TaskShape) -> str | None:
        """Return that the exact process applies, or why so many rows and classes are too many, or None."""
        n, outputs = shape.n_rows, max(1, shape.n_classes)
        excess = _Cost(
            what=f"sparse GP: {_size(shape)}",
            fit_s=sparse_fit_s(n, SPARSE_OPTIMISE_ROWS, INDUCING, outputs),
            fit_limit_s=FIT_LIMIT_S,
            predict_s=sparse_predict_s(PREDICT_ROWS + n, INDUCING, outputs),
            memory_bytes=sparse_memory_bytes(n, SPARSE_OPTIMISE_ROWS, INDUCING, outputs),
        ).excess()
        return excess or kept_out_by(self.exact, shape)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.gp_sparse import SparseGpClassifier, SparseGpRegressor, SparseGpSettings

        classification = context.problem.is_classification
        settings = SparseGpSettings(**model_params(config), threads=context.threads, device=context.device)
        model = (SparseGpClassifier if classification else SparseGpRegressor)(settings, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (GpExact(), GpSparse())
