"""The sparse Gaussian process against plain formulas, automatic differentiation and the exact process."""

import numpy as np
import pytest
import torch

from bench.zoo import gp_cost
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators import gp_sparse, gp_sparse_algebra
from bench.zoo.estimators.gp import GpClassifier, GpRegressor, exact_loss
from bench.zoo.estimators.gp_model import GpSettings
from bench.zoo.estimators.gp_parameters import DTYPE, GpParameters
from bench.zoo.estimators.gp_sparse import (
    SparseGpClassifier,
    SparseGpRegressor,
    SparseGpSettings,
    sparse_loss,
    stationary,
)
from bench.zoo.estimators.gp_sparse_algebra import (
    JITTER,
    GroupedRows,
    Stationary,
    negative_bound,
    sparse_condition,
)

KERNELS = pytest.mark.parametrize("kernel", ["rbf", "matern52"])


def draw(*shape):
    return torch.randn(*shape, dtype=DTYPE, generator=torch.Generator().manual_seed(sum(shape)))


def leaves(n_outputs, n_groups):
    noise = 0.05 + draw(n_outputs, n_groups).square()
    scales = torch.tensor([0.7, 1.5, 2.0], dtype=DTYPE)
    made = (scales, torch.tensor(1.7, dtype=DTYPE), noise, draw(n_outputs))
    return [leaf.requires_grad_() for leaf in made]


def noise_of_rows(noise, rows):
    sizes = torch.tensor([part.stop - part.start for part in rows.slices()])
    return noise.repeat_interleave(sizes, dim=1)


def plain_bound(kernel, Z, rows, noise, means):
    """Titsias (2009), equation 9, written down with n x n matrices."""
    jitter = JITTER * kernel.outputscale * torch.eye(len(Z), dtype=DTYPE)
    between = plain_kernel(kernel, Z, rows.X)
    Q = between.T @ torch.linalg.solve(plain_kernel(kernel, Z, Z) + jitter, between)
    total = torch.zeros((), dtype=DTYPE)
    for values, mean, variance in zip(rows.values, means, noise_of_rows(noise, rows), strict=True):
        normal = torch.distributions.MultivariateNormal(torch.zeros_like(values), Q + variance.diag())
        left = (kernel.outputscale - Q.diagonal()) / variance
        total = total + normal.log_prob(values - mean) - left.sum() / 2
    return total


def plain_kernel(kernel, A, B):
    squared = ((A[:, None] / kernel.lengthscale - B[None] / kernel.lengthscale) ** 2).sum(-1)
    if kernel.name == "rbf":
        return kernel.outputscale * torch.exp(-squared / 2)
    r = (5 * squared + 1e-300).sqrt()
    return kernel.outputscale * (1 + r + r**2 / 3) * torch.exp(-r)


@KERNELS
@pytest.mark.parametrize("ends", [(60,), (20, 45, 60)], ids=["one group", "three groups"])
def test_the_bound_and_its_gradients_are_those_of_its_formula(kernel, ends):
    Z, rows = draw(12, 3), GroupedRows(draw(60, 3), draw(2, 60), ends)
    ours, theirs = leaves(2, len(ends)), leaves(2, len(ends))
    loss = negative_bound(Stationary(kernel, *ours[:2]), Z, rows, *ours[2:])
    plain = -plain_bound(Stationary(kernel, *theirs[:2]), Z, rows, *theirs[2:])
    assert loss.item() == pytest.approx(plain.item(), rel=1e-10)
    (3 * loss).backward()
    (3 * plain).backward()
    for leaf, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(leaf.grad, expected.grad, rtol=1e-7, atol=1e-8)


@KERNELS
def test_the_kernel_is_gpytorch_s(kernel):
    parameters = GpParameters(kernel, 3, 1, learn_noise=True).to(DTYPE)
    parameters.kernel.base_kernel.lengthscale = torch.tensor([0.7, 1.5, 3.0], dtype=DTYPE)
    parameters.kernel.outputscale = torch.tensor(1.7, dtype=DTYPE)
    A, B = draw(9, 3), draw(7, 3)
    expected = parameters.kernel(A, B).to_dense()
    torch.testing.assert_close(stationary(parameters).between(A, B), expected, rtol=1e-6, atol=1e-9)


@KERNELS
def test_with_every_row_an_inducing_point_the_bound_is_the_likelihood(kernel):
    X, y = draw(80, 3), draw(1, 80)
    parameters = GpParameters(kernel, 3, 1, learn_noise=True).to(DTYPE)
    parameters.kernel.base_kernel.lengthscale = torch.full((3,), 0.8, dtype=DTYPE)
    rows, known = GroupedRows(X, y, (80,)), torch.zeros(1, 1, dtype=DTYPE)
    bound = sparse_loss(parameters, X, rows, known)
    labels = gp_sparse.Labels(y, torch.zeros_like(y), torch.zeros(80, dtype=torch.int64))
    assert bound.item() == pytest.approx(exact_loss(parameters, X, labels).item(), rel=1e-6)


def table(n_rows, n_classes=0):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(n_rows, 3))
    y = np.sin(2 * X[:, 0]) + 0.3 * X[:, 1] + 0.2 * rng.normal(size=n_rows)
    return X, y if not n_classes else np.digitize(y, np.quantile(y, np.arange(1, n_classes) / n_classes))


@KERNELS
def test_with_every_row_an_inducing_point_numbers_are_predicted_by_the_exact_process(kernel):
    X, y = table(260)
    exact = GpRegressor(GpSettings(kernel=kernel, optimise_rows=200), seed=3).fit(X[:200], y[:200])
    sparse = SparseGpRegressor(SparseGpSettings(kernel=kernel, n_inducing=200), seed=3).fit(X[:200], y[:200])
    for ours, theirs in zip(
        sparse.predict_distribution(X[200:]), exact.predict_distribution(X[200:]), strict=True
    ):
        np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_with_every_row_an_inducing_point_classes_are_predicted_by_the_exact_process(n_classes):
    """Rows are sorted by class inside, and come out as they went in."""
    X, y = table(260, n_classes)
    exact = GpClassifier(GpSettings(optimise_rows=200), seed=3).fit(X[:200], y[:200])
    sparse = SparseGpClassifier(SparseGpSettings(n_inducing=200), seed=3).fit(X[:200], y[:200])
    np.testing.assert_allclose(sparse.predict_proba(X[200:]), exact.predict_proba(X[200:]), atol=5e-3)


@KERNELS
def test_the_posterior_is_that_of_the_formula(kernel):
    """Titsias (2009), equation 6, by n x n matrices: exact conditioning with Q in place of K."""
    Z, Xt = draw(12, 3), draw(40, 3)
    rows = GroupedRows(draw(60, 3), draw(2, 60), (20, 60))
    with torch.no_grad():
        scales, outputscale, noise, means = leaves(2, 2)
        kernel = Stationary(kernel, scales, outputscale)
        mean, variance = sparse_condition(kernel, Z, rows, noise, means).predict(Xt)
        K_zz = plain_kernel(kernel, Z, Z) + JITTER * outputscale * torch.eye(12, dtype=DTYPE)
        to_rows = torch.linalg.solve(K_zz, plain_kernel(kernel, Z, rows.X))
        Q, Q_t = plain_kernel(kernel, rows.X, Z) @ to_rows, plain_kernel(kernel, Xt, Z) @ to_rows
        for k in range(2):
            solved = torch.linalg.solve(Q + noise_of_rows(noise, rows)[k].diag(), Q_t.T)
            torch.testing.assert_close(mean[:, k], (rows.values[k] - means[k]) @ solved + means[k])
            torch.testing.assert_close(variance[:, k], outputscale - (Q_t.T * solved).sum(0))


def test_conditioning_in_parts_is_conditioning_at_once(monkeypatch):
    rows, Z = GroupedRows(draw(60, 3), draw(2, 60), (20, 60)), draw(12, 3)
    with torch.no_grad():
        scales, outputscale, noise, means = leaves(2, 2)
        kernel = Stationary("matern52", scales, outputscale)
        at_once = sparse_condition(kernel, Z, rows, noise, means).predict(rows.X)
        monkeypatch.setattr(gp_sparse_algebra, "CHUNK_ROWS", 7)
        in_parts = sparse_condition(kernel, Z, rows, noise, means).predict(rows.X)
    torch.testing.assert_close(in_parts, at_once, rtol=1e-9, atol=1e-10)


def test_many_rows_teach_more_than_the_inducing_points_alone():
    X, y = table(3000)
    settings = SparseGpSettings(n_inducing=60, optimise_rows=600)
    sparse = SparseGpRegressor(settings, seed=1).fit(X[:2500], y[:2500])
    mean, sd = sparse.predict_distribution(X[2500:])
    subset = GpRegressor(GpSettings(), seed=1).fit(X[:60], y[:60]).predict(X[2500:])
    error = np.sqrt(((mean - y[2500:]) ** 2).mean())
    assert error < 0.9 * np.sqrt(((subset - y[2500:]) ** 2).mean())
    assert error == pytest.approx(0.2, abs=0.02), "the noise is 0.2"
    assert 0.9 < (np.abs(mean - y[2500:]) < 1.96 * sd).mean() < 0.99


def test_a_class_that_no_drawn_row_has_is_conditioned_on():
    X, y = table(200, 2)
    y[:] = 0
    y[[3, 50]] = 1
    settings = SparseGpSettings(optimise_rows=20, n_inducing=30)
    for seed in range(3):
        p = SparseGpClassifier(settings, seed=seed).fit(X, y).predict_proba(X)
        assert np.isfinite(p).all()
        assert p[y == 0, 1].mean() < 0.2


class Countdown:
    """A deadline that loses `tick_s` each time it is asked."""

    def __init__(self, left_s, tick_s):
        self.left_s, self.tick_s = left_s, tick_s

    def remaining_s(self):
        self.left_s -= self.tick_s
        return self.left_s


def test_time_is_kept_for_the_posterior():
    X, y = table(300)
    cut = SparseGpRegressor().fit(X, y, deadline=Countdown(left_s=4.0, tick_s=0.5))
    assert cut.truncated_
    assert 0 < cut.evaluations_ < 5
    assert np.isfinite(cut.predict(X)).all()
    with pytest.raises(DeadlinePassed, match="conditioning"):
        SparseGpRegressor().fit(X, y, deadline=Countdown(left_s=1.0, tick_s=0.6))


def test_clustering_is_as_slow_beside_a_device_as_without_one(monkeypatch):
    """Even beside a device that takes no time at all, time is kept for the CPU's clusters."""
    X, y = table(300)
    monkeypatch.setattr(gp_sparse, "on_device", lambda seconds, device: 0.0)
    clusters_s = gp_cost.cluster_s(300, 100)
    settings = SparseGpSettings(n_inducing=100)
    with pytest.raises(DeadlinePassed, match="conditioning"):
        SparseGpRegressor(settings).fit(X, y, deadline=Countdown(left_s=0.9 * clusters_s, tick_s=0.0))
    assert SparseGpRegressor(settings).fit(X, y, deadline=Countdown(left_s=1.1 * clusters_s, tick_s=0.0))


def test_costs_grow_with_what_they_are_of():
    for cost, sizes in (
        (gp_cost.sparse_step_s, (2500, 250, 2)),
        (gp_cost.cluster_s, (15_000, 1000)),
        (gp_cost.sparse_condition_s, (15_000, 1000, 2)),
        (gp_cost.sparse_predict_s, (5000, 1000, 2)),
        (gp_cost.sparse_memory_bytes, (15_000, 2500, 1000, 2)),
    ):
        base = cost(*sizes)
        for position in range(len(sizes)):
            larger = [size * (2 if i == position else 1) for i, size in enumerate(sizes)]
            assert base <= cost(*larger)
    assert gp_cost.on_device(5.0, "cpu") == 5.0
    assert gp_cost.on_device(5.0, "cuda") < 5.0
