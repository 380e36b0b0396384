"""Exact Gaussian processes: hyperparameters on a subset of rows, the posterior on all of them."""

from __future__ import annotations

import torch

from bench.budgets import Deadline
from bench.zoo.estimators.gp_algebra import Posterior, condition, negative_log_likelihood
from bench.zoo.estimators.gp_model import GpClassification, GpModel, GpRegression, Labels, loss_or_wall
from bench.zoo.estimators.gp_parameters import GpParameters, Reserve, find_hyperparameters
from bench.zoo.gp_cost import condition_s, on_device, predict_s, step_s


def exact_loss(parameters: GpParameters, X: torch.Tensor, labels: Labels) -> torch.Tensor:
    """Return the negative log posterior of the hyperparameters, per row."""
    K = parameters.kernel(X).to_dense()
    residuals = labels.values - parameters.means.unsqueeze(-1)
    fit = negative_log_likelihood(K, labels.noise + parameters.noise, residuals)
    return (fit - parameters.log_prior()) / labels.values.shape[-1]


class ExactGp(GpModel):
    """Search by the marginal likelihood of the drawn rows, then condition on all."""

    def _learn(self, X: torch.Tensor, labels: Labels, predicted: int, deadline: Deadline | None) -> None:
        n_outputs, n_rows = labels.values.shape
        rows = torch.randperm(n_rows)[: self.settings.optimise_rows].sort().values.to(X.device)
        some, some_labels = X[rows], labels.subset(rows)
        rest_s = condition_s(n_rows, n_outputs) + predict_s(n_rows, predicted, n_outputs)
        reserve = Reserve(
            step_s=on_device(step_s(len(rows), n_outputs), self.settings.device),
            rest_s=on_device(rest_s, self.settings.device),
        )
        found = find_hyperparameters(
            self.parameters_,
            lambda: loss_or_wall(self.parameters_, lambda: exact_loss(self.parameters_, some, some_labels)),
            reserve,
            deadline,
        )
        self.truncated_, self.evaluations_ = found.truncated, found.evaluations
        self.posterior_ = self._posterior(X, labels)

    def _posterior(self, X: torch.Tensor, labels: Labels) -> Posterior:
        parameters = self.parameters_
        with torch.no_grad():
            residuals = labels.values - parameters.means.unsqueeze(-1)
            factors, weights = condition(parameters.kernel, X, residuals, labels.noise + parameters.noise)
        return Posterior(parameters.kernel, X, factors, weights, parameters.means.detach())


class GpRegressor(GpRegression, ExactGp):
    """For numbers."""


class GpClassifier(GpClassification, ExactGp):
    """For classes."""
