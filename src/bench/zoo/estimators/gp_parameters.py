"""The hyperparameters of a Gaussian process, and the search for them by L-BFGS."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gpytorch
import torch
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock

if TYPE_CHECKING:
    import numpy as np

MAX_ITERATIONS = 100
TOLERANCE = 1e-5
"""The search ends where a step lowers the loss per row by less."""
MIN_LENGTHSCALE = 0.025
"""Least length scale of a scaled feature; below it rows are strangers, and distances lose their digits."""
MIN_NOISE = 1e-4
"""Least noise variance of a standardised target."""
DTYPE = torch.float64
"""Single precision is at most 1.8 times faster here and needs jitter that changes results."""


class GpParameters(torch.nn.Module):
    """A kernel with one length scale a feature, shared by k outputs; their means; the noise, where unknown.

    The length scales have the prior of Hvarfner et al. (2024), which grows with the square root of the
    number of features, so that many features do not mean overfitting.
    """

    def __init__(self, kernel: str, n_features: int, n_outputs: int, *, learn_noise: bool) -> None:
        """Start at length scales of sqrt(n_features), which make distances of order 1."""
        super().__init__()
        prior = gpytorch.priors.LogNormalPrior(math.sqrt(2) + 0.5 * math.log(n_features), math.sqrt(3))
        options = {
            "ard_num_dims": n_features,
            "lengthscale_prior": prior,
            "lengthscale_constraint": gpytorch.constraints.GreaterThan(MIN_LENGTHSCALE),
        }
        if kernel == "rbf":
            base = gpytorch.kernels.RBFKernel(**options)
        elif kernel == "matern52":
            base = gpytorch.kernels.MaternKernel(nu=2.5, **options)
        else:
            raise ValueError(f"kernel {kernel!r} is none of 'matern52', 'rbf'")
        base.lengthscale = math.sqrt(n_features)
        self.kernel = gpytorch.kernels.ScaleKernel(base)
        self.kernel.outputscale = 1.0
        self.means = torch.nn.Parameter(torch.zeros(n_outputs))
        self.likelihood: Any = None
        if learn_noise:
            constraint = gpytorch.constraints.GreaterThan(MIN_NOISE)
            self.likelihood = gpytorch.likelihoods.GaussianLikelihood(noise_constraint=constraint)
            self.likelihood.noise = 0.1

    @property
    def noise(self) -> torch.Tensor:
        """The learnt noise variance, zero where it is known."""
        return self.likelihood.noise if self.likelihood is not None else torch.zeros_like(self.means[0])

    def log_prior(self) -> torch.Tensor:
        """Return the log density of the length scales under their prior."""
        base = self.kernel.base_kernel
        density: torch.Tensor = base.lengthscale_prior.log_prob(base.lengthscale).sum()
        return density


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserve:
    """What time a search has to keep in hand."""

    step_s: float
    """What a step is expected to take, before one was timed."""
    rest_s: float
    """What is still to be done after the last step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How a search for hyperparameters ended."""

    truncated: bool
    """Whether the deadline ended it."""
    evaluations: int


class _OutOfTime(Exception):
    """The next step would leave no time for the posterior."""


def find_hyperparameters(
    parameters: GpParameters, loss: Callable[[], torch.Tensor], reserve: Reserve, deadline: Deadline | None
) -> Found:
    """Set the parameters to the lowest loss that L-BFGS finds, as far as the deadline allows.

    Raises DeadlinePassed where even the rest has no time left; warns (ConvergenceWarning) where the search
    ended at no minimum.
    """
    clock = StepClock(deadline)
    if not clock.affords(reserve.rest_s):
        raise DeadlinePassed(
            f"conditioning the Gaussian process would take about {reserve.rest_s:.2f} s, more than is left"
        )
    best: tuple[float, np.ndarray | None] = (math.inf, None)

    def evaluate(vector: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal best
        if not clock.affords((clock.step_s or reserve.step_s) + reserve.rest_s):
            raise _OutOfTime
        _set(parameters, vector)
        parameters.zero_grad()
        reached = loss()
        reached.backward()
        slopes = [p.grad for p in parameters.parameters() if p.grad is not None]
        gradient = parameters_to_vector(slopes).cpu().numpy()
        value = float(reached.detach())
        if value < best[0]:
            best = (value, vector.copy())
        clock.step()
        return value, gradient

    start = parameters_to_vector(parameters.parameters()).detach().cpu().numpy()
    truncated = False
    try:
        options = {"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE, "gtol": TOLERANCE}
        found = minimize(evaluate, start, jac=True, method="L-BFGS-B", options=options)
        if not found.success:
            warnings.warn(f"hyperparameter search: {found.message}", ConvergenceWarning, stacklevel=2)
    except _OutOfTime:
        truncated = True
    _set(parameters, best[1] if best[1] is not None else start)
    return Found(truncated=truncated, evaluations=clock.steps)


def _set(parameters: GpParameters, vector: np.ndarray) -> None:
    tensor = torch.as_tensor(vector, dtype=DTYPE, device=parameters.means.device)
    vector_to_parameters(tensor, parameters.parameters())
