"""What exact and sparse Gaussian processes share: their labels, their outputs, and what they run on."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator

from bench.budgets import Deadline
from bench.zoo.estimators.gp_algebra import NotPositiveDefiniteError
from bench.zoo.estimators.gp_parameters import DTYPE, GpParameters
from bench.zoo.estimators.torch_state import private_torch

SAMPLES = 256
"""Draws of the class functions that a probability is the mean of, as in gpytorch's example."""
WALL = 1e3
"""A loss per row above any other; not infinite, because a line search interpolates between its losses."""

Matrix = tuple[np.ndarray, np.ndarray]


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
    group: torch.Tensor
    """Rows of one group, 0 to G - 1, have the same noise (n,)."""

    def subset(self, rows: torch.Tensor) -> Labels:
        """Return the labels of these rows."""
        return Labels(self.values[:, rows], self.noise[:, rows], self.group[rows])


def loss_or_wall(parameters: GpParameters, loss: Callable[[], torch.Tensor]) -> torch.Tensor:
    """Return the loss, or a high plain where a covariance does not factorise at these parameters.

    The search then turns back from them and goes on, instead of losing what it has found.
    """
    try:
        return loss()
    except NotPositiveDefiniteError:
        level = torch.stack([0.0 * each.sum() for each in parameters.parameters()]).sum()
        return level.nan_to_num() + WALL


class GpModel(BaseEstimator, ABC):
    """The frame of a fit. After it: `parameters_`, `posterior_`, `truncated_`, `evaluations_`."""

    def __init__(self, settings: GpSettings = DEFAULT_SETTINGS, *, seed: int = 0) -> None:
        self.settings = settings
        self.seed = seed

    posterior_: Any
    truncated_: bool
    evaluations_: int

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
        with private_torch(self.seed, self.settings.threads, self.settings.device):
            labels = self._labels(y)
            learn_noise = not bool(labels.noise.any())
            parameters = GpParameters(
                self.settings.kernel, X.shape[1], len(labels.values), learn_noise=learn_noise
            )
            self.parameters_ = parameters.to(dtype=DTYPE, device=self.settings.device)
            self.parameters_.means.data = labels.values.mean(dim=1)
            predicted = 0 if validation is None else len(validation[0])
            self._learn(self._inputs(X), labels, predicted, deadline)
        return self

    @abstractmethod
    def _learn(self, X: torch.Tensor, labels: Labels, predicted: int, deadline: Deadline | None) -> None:
        """Find the hyperparameters and the posterior, with time left to predict so many rows."""

    @abstractmethod
    def _labels(self, y: np.ndarray) -> Labels:
        """Return what the outputs are to fit for codes or standardised values (n,)."""

    def _latent(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return means and variances (m, k) of the noise-free functions."""
        with private_torch(self.seed, self.settings.threads, self.settings.device), torch.no_grad():
            mean, variance = self.posterior_.predict(self._inputs(X))
        return mean.cpu().numpy(), variance.cpu().numpy()

    def _inputs(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X, dtype=DTYPE, device=self.settings.device)


class GpRegression(GpModel):
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
        return Labels(values, torch.zeros_like(values), torch.zeros_like(values[0], dtype=torch.int64))


class GpClassification(GpModel):
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
        group = torch.as_tensor(y, dtype=torch.int64, device=self.settings.device)
        return Labels(self._inputs(np.log(concentration) - noise / 2), self._inputs(noise), group)
