"""Sparse Gaussian processes (Titsias, 2009): a few inducing points in place of the rows."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from sklearn.cluster import MiniBatchKMeans

from bench.budgets import Deadline
from bench.zoo.estimators.gp_model import (
    GpClassification,
    GpModel,
    GpRegression,
    GpSettings,
    Labels,
    loss_or_wall,
)
from bench.zoo.estimators.gp_parameters import GpParameters, Reserve, find_hyperparameters
from bench.zoo.estimators.gp_sparse_algebra import (
    GroupedRows,
    SparsePosterior,
    Stationary,
    negative_bound,
    sparse_condition,
)
from bench.zoo.gp_cost import (
    CLUSTER_ROWS,
    SEARCH_INDUCING,
    cluster_s,
    on_device,
    sparse_condition_s,
    sparse_predict_s,
    sparse_step_s,
)

CLUSTER_BATCH = 2048
CLUSTER_PASSES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class SparseGpSettings(GpSettings):
    """Those of the exact process, and the number of inducing points."""

    optimise_rows: int = 2500
    n_inducing: int = 1000
    """Of the posterior; the search does with fewer."""


DEFAULT_SPARSE_SETTINGS = SparseGpSettings()


class SparseGp(GpModel):
    """Search by the collapsed bound on the drawn rows, then condition on all by more inducing points.

    Inducing points are centres of k-means clusters in units of the length scales, which the bound prefers
    to rows drawn at random (Burt, Rasmussen and van der Wilk, 2020, compare the ways). With at least as many
    inducing points as rows they are the rows, and the process is the exact one.
    """

    settings: SparseGpSettings

    def __init__(self, settings: SparseGpSettings = DEFAULT_SPARSE_SETTINGS, *, seed: int = 0) -> None:
        super().__init__(settings, seed=seed)

    def _learn(self, X: torch.Tensor, labels: Labels, predicted: int, deadline: Deadline | None) -> None:
        n_outputs, n_rows = labels.values.shape
        device, inducing = self.settings.device, min(self.settings.n_inducing, n_rows)
        drawn = torch.randperm(n_rows)[: self.settings.optimise_rows].sort().values.to(X.device)
        rest_s = sparse_condition_s(n_rows, inducing, n_outputs)
        rest_s += sparse_predict_s(predicted, inducing, n_outputs)
        few = min(SEARCH_INDUCING, len(drawn))
        reserve = Reserve(
            step_s=on_device(sparse_step_s(len(drawn), few, n_outputs), device),
            rest_s=cluster_s(n_rows, inducing) + on_device(rest_s, device),  # only the CPU clusters
        )
        Z = self._inducing_points(X[drawn], few)
        rows, noise = _grouped(X[drawn], labels.subset(drawn))
        found = find_hyperparameters(
            self.parameters_,
            lambda: loss_or_wall(self.parameters_, lambda: sparse_loss(self.parameters_, Z, rows, noise)),
            reserve,
            deadline,
        )
        self.truncated_, self.evaluations_ = found.truncated, found.evaluations
        with torch.no_grad():
            self.posterior_ = self._posterior(X, labels, inducing)

    def _posterior(self, X: torch.Tensor, labels: Labels, inducing: int) -> SparsePosterior:
        parameters = self.parameters_
        kernel = stationary(parameters)
        Z = self._inducing_points(X / kernel.lengthscale, inducing) * kernel.lengthscale
        rows, noise = _grouped(X, labels)
        return sparse_condition(kernel, Z, rows, noise + parameters.noise, parameters.means)

    def _inducing_points(self, X: torch.Tensor, n_points: int) -> torch.Tensor:
        """Return (m, p): X itself, or the centres of clusters of at most `CLUSTER_ROWS` drawn rows."""
        if n_points >= len(X):
            return X
        drawn = X[torch.randperm(len(X))[:CLUSTER_ROWS].to(X.device)]
        clusters = MiniBatchKMeans(
            n_points,
            init="random",
            n_init=1,
            batch_size=CLUSTER_BATCH,
            max_iter=CLUSTER_PASSES,
            random_state=self.seed,
        )
        centres = clusters.fit(drawn.cpu().numpy()).cluster_centers_
        return torch.as_tensor(centres, dtype=X.dtype, device=X.device)


def sparse_loss(
    parameters: GpParameters, Z: torch.Tensor, rows: GroupedRows, noise: torch.Tensor
) -> torch.Tensor:
    """Return minus the collapsed bound and the log prior of the hyperparameters, per row."""
    bound = negative_bound(stationary(parameters), Z, rows, noise + parameters.noise, parameters.means)
    return (bound - parameters.log_prior()) / len(rows.X)


def stationary(parameters: GpParameters) -> Stationary:
    """Return the kernel in the form that the sparse algebra takes."""
    base = parameters.kernel.base_kernel
    name = "rbf" if type(base).__name__ == "RBFKernel" else "matern52"
    return Stationary(name, base.lengthscale[0], parameters.kernel.outputscale)


def _grouped(X: torch.Tensor, labels: Labels) -> tuple[GroupedRows, torch.Tensor]:
    """Return the rows sorted by group, and each output's known noise in each group (k, G)."""
    order = labels.group.argsort(stable=True)
    sizes = labels.group.bincount()
    present = sizes > 0
    ends = sizes[present].cumsum(0)
    rows = GroupedRows(X[order], labels.values[:, order], tuple(ends.tolist()))
    return rows, labels.noise[:, order][:, ends - 1]


class SparseGpRegressor(GpRegression, SparseGp):
    """For numbers."""


class SparseGpClassifier(GpClassification, SparseGp):
    """For classes."""
