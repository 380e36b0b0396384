"""Family `gp`: Gaussian processes."""

from __future__ import annotations

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Choice, Config, Float, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.gp_cost import fit_s, memory_bytes, predict_s
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

FIT_LIMIT_S = 60.0
PREDICT_LIMIT_S = 30.0
"""For 5,000 rows and the fit rows."""
PREDICT_ROWS = 5000
MEMORY_LIMIT_BYTES = 2 * 1024**3
DEFAULT_OPTIMISE_ROWS = 500
"""No power of two: 512 rows share cache lines, and their Cholesky factor takes three times as long."""


class GpExact(ZooLearner):
    """Exact Gaussian process with one length scale per feature (Rasmussen and Williams, 2006), by gpytorch.

    Hyperparameters are found on a seeded subset of the rows (`optimise_rows`), then the process is
    conditioned on all of them. Classes: regression on Dirichlet labels (Milios et al., 2018).
    """

    name = "gp-exact"
    family = "gp"
    title = "Gaussian process, exact"
    packages = ("torch", "gpytorch", "linear-operator")
    modules = (*COMMON_MODULES, "bench.zoo.estimators.gp")
    polls_deadline = True

    def space(self, problem: ProblemType) -> Space:
        """Return the space: kernel, scaling, how many rows find the hyperparameters.

        The default is the kernel that practitioners start from (Snoek et al., 2012: Matern-5/2).
        """
        default: dict[str, float | str] = {
            "scaling": "standard",
            "kernel": "matern52",
            "optimise_rows": DEFAULT_OPTIMISE_ROWS,
        }
        parameters = {
            "scaling": SCALINGS,
            "kernel": Choice(("matern52", "rbf")),
            "optimise_rows": Choice((250, 500, 1000)),
        }
        if not problem.is_classification:
            return Space(default, parameters)
        # Milios et al. (2018) choose alpha on validation rows; 0.01 is gpytorch's default.
        alpha = Float(low=1e-3, high=1e-1, log=True)
        return Space({**default, "alpha_epsilon": 0.01}, {**parameters, "alpha_epsilon": alpha})

    def limit(self, shape: TaskShape) -> str | None:
        """Return why so many rows and classes are too many, or None."""
        n, outputs = shape.n_rows, max(1, shape.n_classes)
        what = f"exact GP: {n} rows" + (f" x {outputs} classes" if outputs > 1 else "")
        fit = fit_s(n, DEFAULT_OPTIMISE_ROWS, outputs)
        if fit > FIT_LIMIT_S:
            return f"{what} would take about {fit:.0f} s a fit on one core; limit {FIT_LIMIT_S:.0f} s"
        predict = predict_s(n, PREDICT_ROWS + n, outputs)
        if predict > PREDICT_LIMIT_S:
            seconds = f"about {predict:.0f} s to predict on one core"
            return f"{what} would take {seconds}; limit {PREDICT_LIMIT_S:.0f} s"
        memory = memory_bytes(n, outputs)
        if memory > MEMORY_LIMIT_BYTES:
            return f"{what} would take {memory / 1e9:.1f} GB; limit {MEMORY_LIMIT_BYTES / 1e9:.1f} GB"
        return None

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        from bench.zoo.composite import tabular
        from bench.zoo.estimators.gp import GpClassifier, GpRegressor, GpSettings

        classification = context.problem.is_classification
        settings = GpSettings(**model_params(config), threads=context.threads, device=context.device)
        model = (GpClassifier if classification else GpRegressor)(settings, seed=context.seed)
        return tabular(dense_encoder(config, context), model, classification=classification)


LEARNERS = (GpExact(),)
