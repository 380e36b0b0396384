"""The linear algebra of sparse Gaussian processes: Titsias's collapsed bound with gradient, and posterior.

K is the kernel matrix of inducing points Z (m) with themselves (K_zz = L L') and with the rows (K_zn), and
V = L^-1 K_zn. Rows come in groups of equal noise, so that k outputs share the products V_g V_g' of each
group: all classes together cost as much as one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from bench.zoo.estimators.gp_algebra import CHUNK_ROWS, cholesky

JITTER = 1e-8
"""Times the output scale, always added to K_zz: inducing points may be close to each other."""


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """Rows to fit, those of one group side by side."""

    X: torch.Tensor
    """(n, p)."""
    values: torch.Tensor
    """What k outputs are to fit, (k, n)."""
    ends: tuple[int, ...]
    """Where each of G groups ends."""

    def slices(self) -> list[slice]:
        """Return the rows of each group."""
        return [slice(start, end) for start, end in zip((0, *self.ends), self.ends, strict=False)]


@dataclass(frozen=True, slots=True)
class Stationary:
    """A kernel with one length scale a feature, scaled by `outputscale`."""

    name: str
    """`matern52` or `rbf`."""
    lengthscale: torch.Tensor
    """(p,)."""
    outputscale: torch.Tensor

    def squared_distances(self, A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
        """Return squared distances (a, b) in units of the length scales."""
        A, B = A / self.lengthscale, B / self.lengthscale
        inner = torch.addmm(B.square().sum(1), A, B.T, alpha=-2.0)
        return inner.add_(A.square().sum(1, keepdim=True)).clamp_min_(0.0)

    def of(self, squared: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the kernel and its slope by the squared distance, both (a, b)."""
        if self.name == "rbf":
            values = squared.mul(-0.5).exp_().mul_(self.outputscale)
            return values, -0.5 * values
        distance = squared.mul(5.0).sqrt_()
        decay = distance.neg().exp_().mul_(self.outputscale)
        linear = (distance + 1.0).mul_(decay)
        values = distance.square_().mul_(decay).div_(3.0).add_(linear)
        return values, linear.mul_(-5.0 / 6.0)

    def between(self, A: torch.Tensor, B: torch.Tensor) -> torch.Tensor:
        """Return the kernel matrix (a, b)."""
        return self.of(self.squared_distances(A, B))[0]

    def among(self, Z: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the kernel matrix of inducing points, with its jitter, and its slope, both (m, m)."""
        squared = self.squared_distances(Z, Z)
        squared.fill_diagonal_(0.0)
        K, slope = self.of(squared)
        K.diagonal().add_(JITTER * self.outputscale)
        return K, slope

    def by_lengthscale(self, A: torch.Tensor, B: torch.Tensor, by_squared: torch.Tensor) -> torch.Tensor:
        """Return the gradient (p,) by the length scales, given that by the squared distances (a, b)."""
        A, B = A / self.lengthscale, B / self.lengthscale
        total = by_squared.sum(1) @ A.square() + by_squared.sum(0) @ B.square()
        return (total - 2.0 * (A * (by_squared @ B)).sum(0)) * -2.0 / self.lengthscale


@dataclass(frozen=True, slots=True)
class Moments:
    """What the rows say of the inducing points: all that the bound and the posterior need of them."""

    inner: torch.Tensor
    """V_g V_g', (G, m, m)."""
    cross: torch.Tensor
    """V_g r_kg, (G, m, k)."""

    def outputs(self, noise: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return B_k = I + sum_g V_g V_g' / noise_kg, its factors (k, m, m), and a_k = B_k^-1 b_k (k, m)."""
        weights = 1.0 / noise
        B = torch.einsum("kg,gij->kij", weights, self.inner)
        B.diagonal(dim1=1, dim2=2).add_(1.0)
        factors = torch.stack([cholesky(each) for each in B])
        b = torch.einsum("kg,gik->ki", weights, self.cross)
        return B, factors, torch.cholesky_solve(b.unsqueeze(-1), factors)[..., 0]


@dataclass(frozen=True, slots=True)
class SparsePosterior:
    """A Gaussian process conditioned on rows by way of inducing points; k outputs share the kernel."""

    kernel: Stationary
    Z: torch.Tensor
    """Inducing points, (m, p)."""
    factor: torch.Tensor
    """L, (m, m)."""
    factors: torch.Tensor
    """Of each B_k, (k, m, m)."""
    weights: torch.Tensor
    """(m, k)."""
    means: torch.Tensor
    """Prior means, (k,)."""

    def predict(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return means and variances (n, k) of the noise-free functions at X (n, p)."""
        parts = [self._predict(chunk) for chunk in X.split(CHUNK_ROWS)]
        return torch.cat([mean for mean, _ in parts]), torch.cat([variance for _, variance in parts])

    def _predict(self, X: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        cross = self.kernel.between(self.Z, X)
        V = torch.linalg.solve_triangular(self.factor, cross, upper=False)
        unexplained = self.kernel.outputscale - V.square().sum(0)
        left = [
            torch.linalg.solve_triangular(factor, V, upper=False).square().sum(0) for factor in self.factors
        ]
        variances = torch.stack([(unexplained + each).clamp_min(0.0) for each in left], dim=1)
        return cross.T @ self.weights + self.means, variances


def sparse_condition(
    kernel: Stationary, Z: torch.Tensor, rows: GroupedRows, noise: torch.Tensor, means: torch.Tensor
) -> SparsePosterior:
    """Return the posterior of Titsias (2009), noise (k, G); a few thousand rows are in work at a time."""
    factor = cholesky(kernel.among(Z)[0])
    residuals = rows.values - means.unsqueeze(-1)
    m, k, n_groups = len(Z), len(means), len(rows.ends)
    inner, cross = Z.new_zeros(n_groups, m, m), Z.new_zeros(n_groups, m, k)
    for group, where in enumerate(rows.slices()):
        for start in range(where.start, where.stop, CHUNK_ROWS):
            some = slice(start, min(start + CHUNK_ROWS, where.stop))
            K_zn = kernel.between(Z, rows.X[some])
            V = torch.linalg.solve_triangular(factor, K_zn, upper=False)
            inner[group].addmm_(V, V.T)
            cross[group].addmm_(V, residuals[:, some].T)
    _, factors, a = Moments(inner, cross).outputs(noise)
    weights = torch.linalg.solve_triangular(factor.T, a.T, upper=True)
    return SparsePosterior(kernel, Z, factor, factors, weights, means)


def negative_bound(
    kernel: Stationary, Z: torch.Tensor, rows: GroupedRows, noise: torch.Tensor, means: torch.Tensor
) -> torch.Tensor:
    """Return minus the collapsed bound (Titsias, 2009, equation 9), summed over k outputs.

    Differentiable by the kernel's parameters, the noise (k, G) and the means (k,). The gradient is analytic:
    it takes two products of m x m by m x n and two triangular solves, and visits each pair of a row and an
    inducing point a few times, which is 3 to 4 times as fast as differentiating through all of it.
    """
    with torch.no_grad():
        value, slopes = _bound(kernel, Z, rows, noise, means)
    leaves = (kernel.lengthscale, kernel.outputscale, noise, means)
    # Zero, with the gradient that was found.
    linear = [((leaf - leaf.detach()) * slope).sum() for leaf, slope in zip(leaves, slopes, strict=True)]
    return -(value + torch.stack(linear).sum())


def _bound(
    kernel: Stationary, Z: torch.Tensor, rows: GroupedRows, noise: torch.Tensor, means: torch.Tensor
) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
    """Return the bound and its gradients by length scales, output scale, noise and means."""
    K_zz, slope_zz = kernel.among(Z)
    factor = cholesky(K_zz)
    K_zn, slope_zn = kernel.of(kernel.squared_distances(Z, rows.X))
    V = torch.linalg.solve_triangular(factor, K_zn, upper=False)
    residuals = rows.values - means.unsqueeze(-1)
    parts = rows.slices()
    inner = torch.stack([V[:, part] @ V[:, part].T for part in parts])
    cross = torch.stack([V[:, part] @ residuals[:, part].T for part in parts])
    B, factors, a = Moments(inner, cross).outputs(noise)
    inverses = torch.cholesky_inverse(factors)

    sizes = noise.new_tensor([part.stop - part.start for part in parts])
    squares = torch.stack([residuals[:, part].square().sum(1) for part in parts], dim=1)
    unexplained = sizes * kernel.outputscale - inner.diagonal(dim1=1, dim2=2).sum(1)
    fitted = torch.einsum("ki,gik->kg", a, cross)
    value = -0.5 * (
        (sizes * (2 * math.pi * noise).log() + (squares - fitted + unexplained) / noise).sum()
        + 2 * factors.diagonal(dim1=1, dim2=2).log().sum()
    )

    spread = torch.einsum("kij,gij->kg", inverses + a.unsqueeze(2) * a.unsqueeze(1), inner)
    by_noise = 0.5 * ((spread + squares - 2 * fitted + unexplained) / noise - sizes) / noise
    sums = torch.stack([V[:, part].sum(1) for part in parts])
    off = torch.stack([residuals[:, part].sum(1) for part in parts], dim=1) - a @ sums.T
    eye = torch.eye(len(Z), dtype=Z.dtype, device=Z.device)
    rest = eye - inverses - a.unsqueeze(2) * a.unsqueeze(1)
    by_V = torch.empty_like(V)
    for part, M, weight in zip(parts, torch.einsum("kg,kij->gij", 1 / noise, rest), noise.T, strict=True):
        by_V[:, part] = torch.addmm(a.T @ (residuals[:, part] / weight.unsqueeze(1)), M, V[:, part])
    by_zn = torch.linalg.solve_triangular(factor.T, by_V, upper=True).mul_(slope_zn)
    H = (B - eye - rest).sum(0)
    half = torch.linalg.solve_triangular(factor.T, H, upper=True)
    by_zz = torch.linalg.solve_triangular(factor.T, half.T, upper=True).mul_(-0.5).mul_(slope_zz)
    by_lengthscale = kernel.by_lengthscale(Z, rows.X, by_zn) + kernel.by_lengthscale(Z, Z, by_zz)
    by_outputscale = 0.5 * (H.diagonal().sum() / kernel.outputscale - (sizes / noise).sum())
    return value, (by_lengthscale, by_outputscale, by_noise, (off / noise).sum(1))
