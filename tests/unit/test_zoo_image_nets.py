"""Nets of images: what their parts compute, and that where they start is all that parts two transformers."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import sklearn.datasets
import torch
from torch import nn

from bench import estimator, registry
from bench.datasets import ImageShape, ProblemType
from bench.environments import processor_flags
from bench.errors import ConfigError
from bench.line_up import usable
from bench.tasks import TaskShape
from bench.testing.rows import Wall
from bench.zoo.deadlines import StepClock
from bench.zoo.estimators.image_net import ImageNetModel, ImageNetSettings
from bench.zoo.estimators.image_nets import ImageArchitecture, build_image_net
from bench.zoo.estimators.training import Rows, Training, through, train
from bench.zoo.estimators.transformer import LOCALITY, Attention, patch_side
from bench.zoo.image_encoder import ImageEncoder
from bench.zoo.image_net import LEARNERS

SHAPES = [ImageShape(8, 8, 1), ImageShape(14, 14, 1), ImageShape(28, 28, 1), ImageShape(32, 32, 3)]
BODIES = ["conv", "residual", "transformer", "pixels"]


def net_of(body, image, **settings):
    torch.manual_seed(0)
    return build_image_net(ImageArchitecture(body=body, width=18, **settings), image, "none", 7)


@pytest.mark.parametrize("image", [*SHAPES, ImageShape(5, 9, 2)], ids=str)
@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("pooling", ["flat", "mean"])
def test_every_net_takes_every_image_and_starts_at_zero(body, image, pooling):
    net = net_of(body, image, pooling=pooling, n_layers=3)
    out = net(torch.randn(4, image.height, image.width, image.channels))
    assert out.shape == (4, 7)
    assert (out == 0).all()
    loss = nn.functional.cross_entropy(out, torch.arange(4))
    loss.backward()
    assert sum(float(p.grad.abs().sum()) for p in net.parameters() if p.grad is not None) > 0


def test_a_convolutional_net_moves_with_the_image_and_a_perceptron_does_not():
    """With averaged maps what a net says of an image does not depend on the place of what it shows."""
    image = ImageShape(32, 32, 1)
    small = torch.randn(1, 8, 8, 1)
    one, two = torch.zeros(1, 32, 32, 1), torch.zeros(1, 32, 32, 1)
    one[:, 4:12, 4:12], two[:, 16:24, 12:20] = small, small

    def difference(net):
        net.eval()
        last = [module for module in net.modules() if isinstance(module, nn.Linear)][-1]
        nn.init.normal_(last.weight)
        with torch.inference_mode():
            return float((net(one) - net(two)).abs().max() / net(one).abs().max())

    assert difference(net_of("conv", image, pooling="mean")) < 1e-5
    assert difference(net_of("pixels", image)) > 1e-2


def reference_convolution(x, attention, grid):
    """What attention computes that looks at one neighbour with each head, pixel by pixel."""
    n, patches, width = x.shape
    values = attention.values(x).reshape(n, *grid, 9, width // 9)
    seen = torch.zeros(n, *grid, 9, width // 9)
    for head, (dy, dx) in enumerate(itertools.product((-1, 0, 1), repeat=2)):
        for y, x_at in itertools.product(range(grid[0]), range(grid[1])):
            inside = 0 <= y + dy < grid[0] and 0 <= x_at + dx < grid[1]
            if inside:
                seen[:, y, x_at, head] = values[:, y + dy, x_at + dx, head]
    return attention.mix(seen.reshape(n, patches, width)), seen


def test_convolutional_attention_starts_as_a_convolution():
    """With a sharp bias each head gives its neighbour's values: away from the edge it is a convolution."""
    torch.manual_seed(0)
    grid = (5, 6)
    attention = Attention(18, grid, convolutional=True)
    with torch.no_grad():
        attention.bias *= 50 / LOCALITY
    x = torch.randn(2, 30, 18)
    expected, _ = reference_convolution(x, attention, grid)
    found = attention(x)
    inner = [y * 6 + x_at for y in range(1, 4) for x_at in range(1, 5)]
    torch.testing.assert_close(found[:, inner], expected[:, inner], rtol=1e-4, atol=1e-5)


def test_attention_is_the_library_s_with_the_same_bias():
    torch.manual_seed(0)
    attention = Attention(18, (3, 4), convolutional=False)
    nn.init.normal_(attention.bias)
    x = torch.randn(2, 12, 18)
    queries, keys = (
        each.reshape(2, 12, 9, 2).transpose(1, 2) for each in attention.queries_keys(x).chunk(2, dim=2)
    )
    values = attention.values(x).reshape(2, 12, 9, 2).transpose(1, 2)
    seen = nn.functional.scaled_dot_product_attention(
        queries, keys, values, attn_mask=attention.bias[:, attention.relative]
    )
    torch.testing.assert_close(attention(x), attention.mix(seen.transpose(1, 2).reshape(2, 12, 18)))


def test_the_two_transformers_differ_in_where_they_start_alone():
    image = ImageShape(14, 14, 1)
    plain = net_of("transformer", image).state_dict()
    other = net_of("transformer", image, initialisation="convolutional").state_dict()
    assert {name: value.shape for name, value in plain.items()} == {
        name: value.shape for name, value in other.items()
    }
    changed = {name.rpartition("attention.")[2] for name in plain if (plain[name] != other[name]).any()}
    assert changed == {"bias", "queries_keys.weight", "queries_keys.bias"}
    spaces = [registry.learner(name).space(ProblemType.MULTICLASS) for name in ("vit", "vit-conv-init")]
    assert spaces[0] == spaces[1]


def test_patches_are_of_two_pixels_at_least_and_about_seven_a_side():
    assert [patch_side(image) for image in SHAPES] == [2, 2, 4, 5]


def test_validation_rows_in_parts_are_the_same_as_at_once():
    net = net_of("conv", SHAPES[0]).eval()
    nn.init.normal_(net[1][-1].weight)
    X = torch.randn(23, 8, 8, 1)
    torch.testing.assert_close(through(net, X, 5), net(X))


def digits(n=600):
    X, y = sklearn.datasets.load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(X))
    return pd.DataFrame(X[order]).astype(np.float32), y[order]


@pytest.mark.parametrize(
    ("name", "least"), [("conv-net", 0.96), ("residual-conv-net", 0.96), ("pixel-mlp", 0.93)]
)
def test_digits_are_told_apart(name, least):
    X, y = digits()
    model = estimator(name, {"epochs": 7}, problem="multiclass", n_classes=10, image=(8, 8, 1))
    model.fit(X[:600], y[:600], validation=(X[600:800], y[600:800]))
    assert (model.predict(X[800:1800]) == y[800:1800]).mean() > least
    assert model.model_.sharpness_ > 0


def test_training_stops_at_the_deadline_with_what_it_has():
    registry.learner("conv-net").warm_up(ProblemType.MULTICLASS)
    X, y = digits()
    model = estimator("conv-net", {"epochs": 10_000}, problem="multiclass", n_classes=10, image=(8, 8, 1))
    model.fit(X[:600], y[:600], deadline=Wall(4))
    assert model.truncated_
    assert np.isfinite(model.predict_proba(X[800:])).all()


def test_convolutions_decay_and_norms_do_not():
    from bench.zoo.estimators.training import _optimizer

    net = net_of("conv", SHAPES[2])
    decayed, free = _optimizer(net, Training(weight_decay=0.5)).param_groups
    assert {p.dim() for p in decayed["params"]} == {2, 4}
    assert {p.dim() for p in free["params"]} == {1}
    assert (decayed["weight_decay"], free["weight_decay"]) == (0.5, 0.0)


def test_bfloat16_computes_nearly_the_same_and_answers_in_float32():
    plain, half = (net_of("conv", SHAPES[2], bf16=bf16) for bf16 in (False, True))
    nn.init.normal_(plain[1][-1].weight)
    half[1].body.load_state_dict(plain[1].state_dict())
    X = torch.randn(8, 28, 28, 1)
    with torch.inference_mode():
        expected, found = plain.eval()(X), half.eval()(X)
    assert found.dtype == torch.float32
    assert 0 < float((found - expected).abs().max() / expected.abs().max()) < 0.05


def test_a_variant_for_other_processors_is_left_out_with_a_reason(monkeypatch):
    learner = registry.learner("conv-net-bf16")
    flags = {"avx512_bf16"} | processor_flags()
    monkeypatch.setattr("bench.zoo.image_net.processor_flags", lambda: frozenset(flags))
    assert learner.lacks("cpu") is None
    monkeypatch.setattr("bench.zoo.image_net.processor_flags", lambda: frozenset({"avx2"}))
    assert "no bfloat16 instructions" in learner.lacks("cpu")
    assert learner.lacks("cuda") is None


def test_what_a_machine_lacks_is_said_before_a_run(plan, monkeypatch):
    monkeypatch.setattr("bench.zoo.image_net.processor_flags", frozenset)
    found, left_out = usable(replace(plan.suite, learners=("conv-net", "conv-net-bf16")))
    assert list(found) == ["conv-net"]
    assert [(each.what, "bfloat16" in each.reason) for each in left_out] == [("learner conv-net-bf16", True)]


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda learner: learner.name)
def test_what_they_do_not_apply_to_is_said(learner):
    options = {"n_rows": 100, "n_numeric": 64, "levels": (), "n_classes": 3}
    classes, number = ProblemType.MULTICLASS, ProblemType.REGRESSION
    assert "needs rows that are images" in learner.limit(TaskShape(problem=classes, **options))
    image = ImageShape(8, 8, 1)
    assert "the target here is a number" in learner.limit(TaskShape(problem=number, image=image, **options))
    assert learner.limit(TaskShape(problem=classes, image=image, **options)) is None


def test_an_estimator_of_images_needs_their_shape():
    with pytest.raises(ConfigError, match=r"conv-net needs the shape of the images: image=\(height"):
        estimator("conv-net", problem="binary")
    with pytest.raises(ConfigError, match="augmentation: 'turn' is none of none, shift"):
        estimator("conv-net", {"augmentation": "turn"}, problem="binary", image=(8, 8, 1))


@pytest.mark.parametrize("name", ["conv-net", "hog-svm", "gp-conv"])
def test_an_estimator_that_tells_classes_of_images_apart_is_none_of_numbers(name):
    with pytest.raises(ConfigError, match=f"^{name} tells classes of images apart; the target here is a num"):
        estimator(name, problem="regression", image=(8, 8, 1))


@pytest.mark.parametrize("image", [(32,), (32, 32, 3, 1), (32, 0), (32, 3.5, 1), (8, True), "88", 8, {8, 9}])
def test_what_is_no_shape_of_images_is_said(image):
    with pytest.raises(ConfigError, match=r"image=.* is no shape: give \(height, width, channels\), or \(h"):
        estimator("conv-net", problem="binary", image=image)


@pytest.mark.parametrize("image", [(4, 5), (4, 5, 1), [4, 5], tuple(np.arange(4, 6))])
def test_images_of_a_height_and_a_width_are_grey(image):
    settings = estimator("conv-net", problem="binary", image=image).model.settings
    assert settings.image == ImageShape(4, 5, 1)


def test_channels_are_scaled_by_the_fit_rows_alone():
    rng = np.random.default_rng(0)
    fit, other = (pd.DataFrame(rng.integers(0, 256, (n, 4 * 5 * 3)).astype(np.float32)) for n in (50, 9))
    encoder = ImageEncoder((4, 5, 3)).fit(fit)
    whole = fit.to_numpy(np.float64).reshape(-1, 3)
    expected = (other.to_numpy().reshape(-1, 4, 5, 3) - whole.mean(0)) / whole.std(0)
    np.testing.assert_allclose(encoder.transform(other), expected, rtol=1e-4, atol=1e-5)


def test_one_row_and_one_class_left_over():
    """A batch of one row has no spread to normalise by: no batch may be so small that it breaks a net."""
    settings = ImageNetSettings(image=ImageShape(8, 8, 1), training=Training(epochs=1, fewest_steps=1))
    X = np.random.default_rng(0).normal(size=(17, 8, 8, 1)).astype(np.float32)
    for n in (1, 2, 3, 17):
        model = ImageNetModel(settings).fit(X[:n], np.arange(n) % 2)
        assert np.isfinite(model.predict_proba(X)).all()


class Costly:
    """A deadline on a clock of its own: it moves by what goes through the net."""

    def __init__(self, seconds):
        self.end_s = seconds
        self.now_s = 0.0

    def remaining_s(self):
        return self.end_s - self.now_s


def test_time_is_kept_for_the_validation_rows():
    """A row costs 3 to learn from and 1 to predict; 4,000 rows validate 400. Nobody is late by an epoch."""
    clock = Costly(20_000)

    class Billing(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = nn.Linear(2, 2)

        def forward(self, x):
            clock.now_s += len(x) * (3 if self.training else 1)
            return self.net(x)

    torch.manual_seed(0)
    X, held = torch.randn(400, 2), torch.randn(4_000, 2)
    rows = Rows(
        (X, (X[:, 0] > 0).long()),
        (held, (held[:, 0] > 0).long()),
        nn.functional.cross_entropy,
        nn.functional.cross_entropy,
    )
    net = Billing()
    trained = train(net, rows, Training(epochs=50), StepClock(clock))
    assert trained.truncated
    assert clock.remaining_s() >= 2 * 4_000, "sharpness and the search still have to predict them"
