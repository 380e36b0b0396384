"""The linear algebra of exact Gaussian processes: factor, likelihood with gradient, posterior."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch

JITTERS = (0.0, 1e-8, 1e-6, 1e-4, 1e-2)
"""Times the mean of the diagonal, added to it, one after another until the factorisation succeeds."""
CHUNK_ROWS = 1000
"""Rows predicted at a time: bounds the memory of their solves."""


class NotPositiveDefiniteError(ArithmeticError):
    """No jitter made the covariance matrix factorise."""


def cholesky(K: torch.Tensor) -> torch.Tensor:
    """Return the lower factor of K (n, n), with as little jitter as it takes.

    Raises NotPositiveDefiniteError, also where K holds NaN.
    """
    mean = K.diagonal().mean()
    for jitter in JITTERS:
        jittered = K + (jitter * mean).expand(len(K)).diag() if jitter else K
        factor, failed = torch.linalg.cholesky_ex(jittered)
        if not failed and factor.diagonal().isfinite().all():
            return factor
    raise NotPositiveDefiniteError(
        f"the covariance of {len(K)} rows is not positive definite, even with a jitter of {JITTERS[-1]:g} "
        "times its diagonal; the inputs hold NaN or very large numbers, or the kernel's parameters ran away"
    )


class _NegativeLogLikelihood(torch.autograd.Function):
    """-sum_k log N(r_k | 0, K + diag(noise_k)) with its analytic gradient.

    One factor and one inverse an output (Rasmussen and Williams, 2006, eq. 5.9), done in the forward pass:
    several times cheaper than differentiating through the factorisation, and equal to it.
    """

    @staticmethod
    def forward(ctx: Any, K: torch.Tensor, noise: torch.Tensor, residuals: torch.Tensor) -> torch.Tensor:
        total = 0.5 * residuals.numel() * math.log(2 * math.pi)
        by_K = torch.zeros_like(K)
        by_noise, weights = torch.empty_like(residuals), torch.empty_like(residuals)
        for k, (variance, residual) in enumerate(zip(noise, residuals, strict=True)):
            factor = cholesky(K + variance.diag())
            weights[k] = torch.cholesky_solve(residual.unsqueeze(-1), factor)[:, 0]
            total = total + 0.5 * residual @ weights[k] + factor.diagonal().log().sum()
            by_covariance = torch.cholesky_inverse(factor).addr_(weights[k], weights[k], alpha=-1).mul_(0.5)
            by_noise[k] = by_covariance.diagonal()
            by_K += by_covariance
        ctx.save_for_backward(by_K, by_noise, weights)
        return torch.as_tensor(total)

    @staticmethod
    def backward(ctx: Any, *grads: torch.Tensor) -> tuple[torch.Tensor, ...]:
        by_K, by_noise, by_residuals = ctx.saved_tensors
        return by_K * grads[0], by_noise * grads[0], by_residuals * grads[0]


def negative_log_likelihood(K: torch.Tensor, noise: torch.Tensor, residuals: torch.Tensor) -> torch.Tensor:
    """Return the differentiable sum over k of -log N(residuals_k | 0, K + diag(noise_k)).

    K is (n, n), noise variances and residuals are (k, n).
    """
    apply: Any = _NegativeLogLikelihood.apply
    loss: torch.Tensor = apply(K, noise, residuals)
    return loss


@dataclass(frozen=True, slots=True)
class Posterior:
    """A Gaussian process conditioned on rows; k outputs share the kernel."""

    kernel: Any
    """A gpytorch kernel."""
    X: torch.Tensor
    """The rows it is conditioned on, (n, p)."""
    factors: tuple[torch.Tensor, ...]
    """Of each output's kernel matrix plus noise, (n, n)."""
    weights: torch.Tensor
    """(n, k)."""
    means: torch.Tensor
    """Prior means, (k,)."""

    def predict(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return means and variances (m, k) of the noise-free function at X (m, p)."""
        parts = [self._predict(chunk) for chunk in X.split(CHUNK_ROWS)]
        return torch.cat([mean for mean, _ in parts]), torch.cat([variance for _, variance in parts])

    def _predict(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cross = self.kernel(self.X, X).to_dense()
        prior = self.kernel(X, diag=True)
        variances = []
        for factor in self.factors:
            explained = torch.linalg.solve_triangular(factor, cross, upper=False).square().sum(0)
            variances.append((prior - explained).clamp_min(0.0))
        return cross.mT @ self.weights + self.means, torch.stack(variances, dim=1)


def condition(kernel: Any, X: torch.Tensor, residuals: torch.Tensor, noise: torch.Tensor) -> tuple[Any, Any]:
    """Return (factors, weights (n, k)) for residuals (k, n) and noise variances (k, n)."""
    K = kernel(X).to_dense()
    factors, weights = [], []
    for residual, variance in zip(residuals, noise, strict=True):
        factor = cholesky(K + variance.diag())
        factors.append(factor)
        weights.append(torch.cholesky_solve(residual.unsqueeze(-1), factor)[:, 0])
    return tuple(factors), torch.stack(weights, dim=1)
