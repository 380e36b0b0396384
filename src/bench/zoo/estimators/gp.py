"""Exact Gaussian processes: hyperparameters on a subset of rows, the posterior on all of them."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import Any, Self

import gpytorch
import numpy as np
import torch
from scipy.optimize import minimize
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.gp_algebra import Posterior, condition, negative_log_likelihood
from bench.zoo.estimators.torch_state import private_torch
from bench.zoo.gp_cost import condition_s, predict_s, step_s

MAX_ITERATIONS = 100
TOLERANCE = 1e-5
"""The search ends where a step lowers the loss per row by less."""
MIN_LENGTHSCALE = 0.025
"""Least length scale of a scaled feature; below it rows are strangers, and distances lose their digits."""
MIN_NOISE = 1e-4
"""Least noise variance of a standardised target."""
SAMPLES = 256
"""Draws of the class functions that a probability is the mean of, as in gpytorch's example."""

Matrix = tuple[np.ndarray, np.ndarray]
DTYPE = torch.float64
"""Single precision is at most 1.8 times faster here and needs jitter that changes results."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpSettings:
    """The kernel, the search for its hyperparameters, and what it runs on."""

    kernel: str = "matern52"
    """`matern52` or `rbf`."""
    optimise_rows: int = 500
    """How many rows, drawn by the seed, find the hyperparameters."""
    alpha_epsilon: float = 0.01
    """Classes only: the Dirichlet concentration of a class that was not seen at a row."""
    threads: int = 1
    device: str = "cpu"


DEFAULT_SETTINGS = GpSettings()


@dataclass(frozen=True, slots=True)
class Labels:
    """What k outputs are to fit."""

    values: torch.Tensor
    """(k, n)."""
    noise: torch.Tensor
    """Known noise variances (k, n); zero where the noise is to be learnt."""

    def subset(self, rows: torch.Tensor) -> Labels:
        """Return the labels of these rows."""
        return Labels(self.values[:, rows], self.noise[:, rows])


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
        return self.likelihood.noise if self.likelihood is not None else torch.zeros(())

    def loss(self, X: torch.Tensor, labels: Labels) -> torch.Tensor:
        """Return the negative log posterior of the hyperparameters, per row."""
        K = self.kernel(X).to_dense()
        residuals = labels.values - self.means.unsqueeze(-1)
        fit = negative_log_likelihood(K, labels.noise + self.noise, residuals)
        base = self.kernel.base_kernel
        return (fit - base.lengthscale_prior.log_prob(base.lengthscale).sum()) / labels.values.shape[-1]


class _OutOfTime(Exception):
    """The next step would leave no time for the posterior."""


class _Gp(BaseEstimator):
    """What regression and classification share: search, then condition. After `fit`: `posterior_`."""

    def __init__(self, settings: GpSettings = DEFAULT_SETTINGS, *, seed: int = 0) -> None:
        self.settings = settings
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        validation: Matrix | None = None,
        deadline: Deadline | None = None,
    ) -> Self:
        """Fit on X (n, p). Of the validation rows only their number counts: time is left to predict them.

        Raises DeadlinePassed where even untuned hyperparameters leave no time to condition on the rows,
        and NotPositiveDefiniteError where no jitter helps.
        """
        clock = StepClock(deadline)
        with private_torch(self.seed, self.settings.threads, self.settings.device):
            inputs, labels = self._inputs(X), self._labels(y)
            n_outputs, n_rows = labels.values.shape
            learn_noise = not bool(labels.noise.any())
            parameters = GpParameters(self.settings.kernel, X.shape[1], n_outputs, learn_noise=learn_noise)
            self.parameters_ = parameters.to(dtype=DTYPE, device=self.settings.device)
            self.parameters_.means.data = labels.values.mean(dim=1)
            rest_s = condition_s(n_rows, n_outputs)
            if validation is not None:
                rest_s += predict_s(n_rows, len(validation[0]), n_outputs)
            self._search(inputs, labels, clock, rest_s)
            self.posterior_ = self._posterior(inputs, labels)
        return self

    def _search(self, X: torch.Tensor, labels: Labels, clock: StepClock, rest_s: float) -> None:
        """Minimise the loss on the drawn rows by L-BFGS, as far as the deadline allows."""
        rows = torch.randperm(len(X))[: self.settings.optimise_rows].sort().values.to(X.device)
        search = _Search(self.parameters_, X[rows], labels.subset(rows), clock, rest_s)
        start = parameters_to_vector(self.parameters_.parameters()).detach().cpu().numpy()
        self.truncated_ = False
        try:
            options = {"maxiter": MAX_ITERATIONS, "ftol": TOLERANCE, "gtol": TOLERANCE}
            found = minimize(search.evaluate, start, jac=True, method="L-BFGS-B", options=options)
            if not found.success:
                warnings.warn(f"hyperparameter search: {found.message}", ConvergenceWarning, stacklevel=2)
        except _OutOfTime:
            self.truncated_ = True
        search.keep_best()
        self.evaluations_ = clock.steps

    def _posterior(self, X: torch.Tensor, labels: Labels) -> Posterior:
        parameters = self.parameters_
        with torch.no_grad():
            residuals = labels.values - parameters.means.unsqueeze(-1)
            factors, weights = condition(parameters.kernel, X, residuals, labels.noise + parameters.noise)
        return Posterior(parameters.kernel, X, factors, weights, parameters.means.detach())

    def _latent(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and variances (m, k) of the noise-free functions."""
        with private_torch(self.seed, self.settings.threads, self.settings.device), torch.no_grad():
            mean, variance = self.posterior_.predict(self._inputs(X))
        return mean.cpu().numpy(), variance.cpu().numpy()

    def _inputs(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X, dtype=DTYPE, device=self.settings.device)

    def _labels(self, y: np.ndarray) -> Labels:
        raise NotImplementedError


class _Search:
    """The loss as a function of a flat vector, which remembers the best and watches the clock."""

    def __init__(
        self, parameters: GpParameters, X: torch.Tensor, labels: Labels, clock: StepClock, rest_s: float
    ) -> None:
        self._parameters = parameters
        self._rows = (X, labels)
        self._clock = clock
        self._rest_s = rest_s
        self._first_step_s = step_s(len(X), len(labels.values))
        self._best: tuple[float, np.ndarray | None] = (math.inf, None)
        if not clock.affords(rest_s):
            raise DeadlinePassed(
                f"conditioning the Gaussian process would take about {rest_s:.2f} s, more than is left"
            )

    def evaluate(self, vector: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss and its gradient. Raises _OutOfTime where the step would leave too little time."""
        if not self._clock.affords((self._clock.step_s or self._first_step_s) + self._rest_s):
            raise _OutOfTime
        self._set(vector)
        self._parameters.zero_grad()
        loss = self._parameters.loss(*self._rows)
        loss.backward()
        slopes = [p.grad for p in self._parameters.parameters() if p.grad is not None]
        gradient = parameters_to_vector(slopes).cpu().numpy()
        value = float(loss.detach())
        if value < self._best[0]:
            self._best = (value, vector.copy())
        self._clock.step()
        return value, gradient

    def keep_best(self) -> None:
        """Set the parameters to the best so far, which is the start where no step was taken."""
        if self._best[1] is not None:
            self._set(self._best[1])

    def _set(self, vector: np.ndarray) -> None:
        tensor = torch.as_tensor(vector, dtype=DTYPE, device=self._parameters.means.device)
        vector_to_parameters(tensor, self._parameters.parameters())


class GpRegressor(_Gp):
    """Normal predictive distributions; the noise is learnt."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return predictive means (m,)."""
        return self._latent(X)[0][:, 0]

    def predict_distribution(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return predictive means and SDs (m,), the noise included."""
        mean, variance = self._latent(X)
        return mean[:, 0], np.sqrt(variance[:, 0] + float(self.parameters_.noise.detach()))

    def _labels(self, y: np.ndarray) -> Labels:
        values = self._inputs(y).unsqueeze(0)
        return Labels(values, torch.zeros_like(values))


class GpClassifier(_Gp):
    """Dirichlet-based classification (Milios et al., 2018): regression on log-normal class concentrations."""

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (m, k): the mean softmax of draws, the same normal draws for every row."""
        mean, variance = self._latent(X)
        sd = np.sqrt(variance)
        draws = np.random.default_rng(self.seed).standard_normal((SAMPLES, mean.shape[1]))
        total = np.zeros_like(mean)
        for draw in draws:
            logits = mean + sd * draw
            odds = np.exp(logits - logits.max(axis=1, keepdims=True))
            total += odds / odds.sum(axis=1, keepdims=True)
        return total / SAMPLES

    def _labels(self, y: np.ndarray) -> Labels:
        concentration = np.eye(int(y.max()) + 1)[y].T + self.settings.alpha_epsilon
        noise = np.log1p(1 / concentration)
        return Labels(self._inputs(np.log(concentration) - noise / 2), self._inputs(noise))
