"""The Gaussian process against independent implementations, on fixed hyperparameters."""

import gpytorch
import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, Matern, WhiteKernel

from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators import gp as gp_module
from bench.zoo.estimators.gp import GpClassifier, GpRegressor, exact_loss
from bench.zoo.estimators.gp_algebra import (
    NotPositiveDefiniteError,
    Posterior,
    cholesky,
    condition,
    negative_log_likelihood,
)
from bench.zoo.estimators.gp_model import GpSettings, Labels
from bench.zoo.estimators.gp_parameters import DTYPE, GpParameters

SCALES = np.array([0.7, 1.5, 3.0])
OUTPUTSCALE, NOISE = 1.7, 0.05


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(80, 3))
    return X, np.sin(X[:, 0]) + 0.3 * X[:, 1] + 0.1 * rng.normal(size=80)


def fixed(kernel):
    parameters = GpParameters(kernel, 3, 1, learn_noise=True).to(DTYPE)
    parameters.kernel.base_kernel.lengthscale = torch.as_tensor(SCALES)
    parameters.kernel.outputscale = torch.tensor(OUTPUTSCALE, dtype=DTYPE)
    parameters.likelihood.noise = torch.tensor(NOISE, dtype=DTYPE)
    return parameters


def reference(kernel):
    base = RBF(SCALES) if kernel == "rbf" else Matern(SCALES, nu=2.5)
    return ConstantKernel(OUTPUTSCALE) * base + WhiteKernel(NOISE)


@pytest.mark.parametrize("kernel", ["rbf", "matern52"])
def test_likelihood_and_gradient_agree_with_scikit_learn(rows, kernel):
    X, y = rows
    parameters = fixed(kernel)
    K = parameters.kernel(torch.as_tensor(X)).to_dense()
    noise = parameters.noise.expand(1, len(X))
    loss = negative_log_likelihood(K, noise, torch.as_tensor(y).unsqueeze(0))
    loss.backward()
    gp = GaussianProcessRegressor(reference(kernel), optimizer=None, alpha=0.0).fit(X, y)
    likelihood, gradient = gp.log_marginal_likelihood(gp.kernel_.theta, eval_gradient=True)
    assert loss.item() == pytest.approx(-likelihood, rel=1e-9)
    # theirs is by the logarithm of the length scale, ours by a softplus's argument
    base = parameters.kernel.base_kernel
    slope = torch.sigmoid(base.raw_lengthscale.detach())[0].numpy()
    np.testing.assert_allclose(
        -gradient[1:4] / SCALES * slope, base.raw_lengthscale.grad[0].numpy(), rtol=1e-6
    )


@pytest.mark.parametrize("kernel", ["rbf", "matern52"])
def test_the_posterior_agrees_with_a_plain_cholesky(rows, kernel):
    X, y = rows
    Xt = np.random.default_rng(1).normal(size=(30, 3))
    parameters = fixed(kernel)
    tensors = torch.as_tensor(X), torch.as_tensor(y).unsqueeze(0)
    with torch.no_grad():
        noise = parameters.noise.expand(1, len(X))
        factors, weights = condition(parameters.kernel, tensors[0], tensors[1], noise)
        posterior = Posterior(parameters.kernel, tensors[0], factors, weights, torch.zeros(1, dtype=DTYPE))
        mean, variance = posterior.predict(torch.as_tensor(Xt))

    def k(A, B):
        r = np.sqrt((((A[:, None] - B[None]) / SCALES) ** 2).sum(-1))
        if kernel == "rbf":
            return OUTPUTSCALE * np.exp(-(r**2) / 2)
        return OUTPUTSCALE * (1 + np.sqrt(5) * r + 5 / 3 * r**2) * np.exp(-np.sqrt(5) * r)

    L = np.linalg.cholesky(k(X, X) + NOISE * np.eye(len(X)))
    half = np.linalg.solve(L, k(X, Xt))
    np.testing.assert_allclose(mean[:, 0], half.T @ np.linalg.solve(L, y), rtol=1e-4)
    np.testing.assert_allclose(variance[:, 0], OUTPUTSCALE - (half**2).sum(0), rtol=1e-4)


def test_the_sum_over_outputs_and_its_gradients_are_those_of_autograd():
    torch.manual_seed(0)
    A = torch.randn(12, 12, dtype=DTYPE)
    K = (A @ A.T + torch.eye(12, dtype=DTYPE)).requires_grad_()
    noise = torch.rand(3, 12, dtype=DTYPE).requires_grad_()
    residuals = torch.randn(3, 12, dtype=DTYPE).requires_grad_()
    ours = torch.autograd.grad(negative_log_likelihood(K, noise, residuals), (K, noise, residuals))
    normal = torch.distributions.MultivariateNormal
    plain = -sum(
        normal(torch.zeros(12, dtype=DTYPE), K + v.diag()).log_prob(r)
        for v, r in zip(noise, residuals, strict=True)
    )
    by_K, by_noise, by_residuals = torch.autograd.grad(plain, (K, noise, residuals))
    torch.testing.assert_close(ours[0], (by_K + by_K.T) / 2)
    torch.testing.assert_close(ours[1], by_noise)
    torch.testing.assert_close(ours[2], by_residuals)


def test_class_labels_are_those_of_gpytorch():
    y = np.array([0, 2, 1, 1, 0])
    labels = GpClassifier(GpSettings(alpha_epsilon=0.02))._labels(y)
    theirs = gpytorch.likelihoods.DirichletClassificationLikelihood(
        torch.as_tensor(y), alpha_epsilon=0.02, learn_additional_noise=False, dtype=DTYPE
    )
    torch.testing.assert_close(labels.values, theirs.transformed_targets)
    torch.testing.assert_close(labels.noise, theirs.noise_covar.noise)


def test_the_search_lowers_the_loss_and_finds_the_relevant_feature(rows):
    X, y = rows
    gp = GpRegressor(GpSettings(kernel="rbf")).fit(X, (y - y.mean()) / y.std())
    parameters = gp.parameters_
    labels = gp._labels((y - y.mean()) / y.std())
    start = GpParameters("rbf", 3, 1, learn_noise=True).to(DTYPE)
    rows = torch.as_tensor(X)
    assert exact_loss(parameters, rows, labels) < exact_loss(start, rows, labels) - 0.3
    assert parameters.kernel.base_kernel.lengthscale.argmin() == 0
    assert not gp.truncated_


def test_predictive_sd_covers(rows):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(400, 2))
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=400)
    gp = GpRegressor(GpSettings()).fit(X[:200], y[:200])
    mean, sd = gp.predict_distribution(X[200:])
    inside = np.abs(y[200:] - mean) < 1.96 * sd
    assert 0.88 < inside.mean() < 0.99
    assert sd.mean() == pytest.approx(0.33, abs=0.06)


def test_jitter_rescues_a_singular_matrix_and_nothing_rescues_a_broken_one():
    ones = torch.ones(5, 5, dtype=DTYPE)
    factor = cholesky(ones)
    torch.testing.assert_close(factor @ factor.T, ones, atol=1e-3, rtol=0)
    for broken in (-ones, ones * torch.nan):
        with pytest.raises(NotPositiveDefiniteError, match="5 rows is not positive definite"):
            cholesky(broken)


def test_labels_of_a_subset():
    labels = Labels(torch.arange(6.0).reshape(2, 3), torch.zeros(2, 3), torch.tensor([0, 1, 1]))
    some = labels.subset(torch.tensor([2, 0]))
    assert some.values.tolist() == [[2, 0], [5, 3]]
    assert some.group.tolist() == [1, 0]


class Countdown:
    """A deadline that loses `tick_s` each time it is asked."""

    def __init__(self, left_s, tick_s):
        self.left_s, self.tick_s = left_s, tick_s

    def remaining_s(self):
        self.left_s -= self.tick_s
        return self.left_s


@pytest.mark.parametrize("failing", [2, 3, 6])
def test_one_covariance_that_does_not_factorise_does_not_end_the_search(rows, failing, monkeypatch):
    X, y = rows

    def reached(gp):
        return float(exact_loss(gp.parameters_, gp._inputs(X), gp._labels(y)).detach())

    expected = reached(GpRegressor(GpSettings()).fit(X, y))
    calls = 0

    def faulty(*args):
        nonlocal calls
        calls += 1
        if calls == failing:
            raise NotPositiveDefiniteError("injected")
        return exact_loss(*args)

    monkeypatch.setattr(gp_module, "exact_loss", faulty)
    gp = GpRegressor(GpSettings()).fit(X, y)
    assert calls > failing
    assert not gp.truncated_
    assert reached(gp) == pytest.approx(expected, abs=1e-3)


def test_time_is_kept_for_the_posterior(rows):
    X, y = rows
    cut = GpRegressor(GpSettings()).fit(X, y, deadline=Countdown(left_s=4.0, tick_s=0.5))
    assert cut.truncated_
    assert 0 < cut.evaluations_ < 5
    assert np.isfinite(cut.predict(X)).all()
    with pytest.raises(DeadlinePassed, match="conditioning"):
        GpRegressor(GpSettings()).fit(X, y, deadline=Countdown(left_s=1.0, tick_s=0.6))
