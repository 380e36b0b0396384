"""Nets: what goes in, how they are trained, what is kept, and when they stop."""

import math

import numpy as np
import pytest
import torch

from bench import registry
from bench.datasets import ProblemType
from bench.learners import BuildContext
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.mlp import NetModel, NetSettings, best_sharpness
from bench.zoo.estimators.nets import Architecture, InputEncoding, Periodic, build_net
from bench.zoo.estimators.training import Rows, Training, batch_rows, learning_rate_share, train, waves

BODIES = pytest.mark.parametrize("body", ["plain", "residual"])


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, X[:, 0] - 2 * X[:, 1] * (X[:, 2] > 0) + 0.3 * rng.normal(size=300)


def settings(body="plain", *, embedding="piecewise", dropout=0.0, **training):
    architecture = Architecture(body=body, width=32, dropout=dropout, embedding=embedding)
    return NetSettings(architecture=architecture, training=Training(**training))


def test_the_pieces_of_a_number_add_up_to_its_place_among_the_quantiles():
    """Gorishniy et al. (2022), equation 1, by hand: bins that lie below are 1, above 0, its own a share."""
    X = np.column_stack([np.arange(801.0), np.tile([0.0, 1.0, 0.0], 267)])
    encoding = InputEncoding(X, "piecewise")
    assert encoding.numeric == [0]
    got = encoding(np.array([[250.0, 1.0], [-5.0, 0.0], [1e9, 0.0]]))
    np.testing.assert_allclose(got[0, 2:], [1, 1, 0.5, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(got[1:, 2:], [[0] * 8, [1] * 8])
    np.testing.assert_allclose(
        got[:, 0], [250 / math.hypot(1, 250 / 3), -5 / math.hypot(1, 5 / 3), 3], rtol=1e-6
    )


def test_columns_of_few_values_have_the_bins_that_they_have():
    X = np.column_stack([np.repeat([0.0, 1.0, 5.0], [90, 5, 5]), np.ones(100), np.repeat([0.0, 1.0], 50)])
    encoding = InputEncoding(X, "piecewise")
    assert encoding.numeric == [0]
    assert encoding(X).shape[1] == 3 + len(np.unique(np.quantile(X[:, 0], np.linspace(0, 1, 9)))) - 1
    assert InputEncoding(X, "none")(X).shape[1] == 3


def test_the_periodic_embedding_is_its_formula():
    torch.manual_seed(0)
    layer = Periodic([0, 2])
    x = torch.randn(5, 3)
    got = layer(x).detach().numpy()
    np.testing.assert_array_equal(got[:, :3], x.numpy())
    for at, column in enumerate([0, 2]):
        waves = np.cos(
            x[:, [column]].numpy() * layer.frequency[at].detach().numpy() + layer.phase[at].detach().numpy()
        )
        expected = waves @ layer.mix[at].detach().numpy()
        np.testing.assert_allclose(got[:, 3 + 3 * at : 6 + 3 * at], expected, rtol=1e-4, atol=1e-6)


def test_the_learning_rate_falls_to_zero_four_times():
    """Holzmüller et al. (2024), coslog4."""
    for end in (1, 3, 7, 15):
        assert learning_rate_share(end / 15) == pytest.approx(0.0, abs=1e-9)
    for start, end in ((1, 2), (2, 4), (4, 8), (8, 16)):
        assert learning_rate_share((math.sqrt(start * end) - 1) / 15) == pytest.approx(1.0)


@pytest.mark.parametrize("n_epochs", [1, 2, 8, 15, 64, 167])
def test_waves_are_the_epochs_between_two_falls_to_zero(n_epochs):
    found = waves(n_epochs)
    assert [epoch for wave in found for epoch in wave] == list(range(n_epochs))
    falls = {math.ceil(n_epochs * end / 15 - 1e-9) for end in (1, 3, 7, 15)}
    assert {wave.stop for wave in found} == falls


@pytest.mark.parametrize(("best", "epochs"), [(0, 3), (1, 7), (2, 7), (3, 15), (6, 15), (14, 15)])
def test_training_ends_with_the_first_whole_wave_that_brought_nothing_better(rows, best, epochs):
    """15 epochs: waves of 1, 2, 4 and 8. The last epochs of each are those with the lowest rate."""
    X, y = (torch.as_tensor(each, dtype=torch.float32) for each in rows)
    losses = iter([2.0 - epoch / 100 if epoch <= best else 3.0 for epoch in range(15)])

    def loss(outputs, y):
        return torch.nn.functional.mse_loss(outputs[:, 0], y)

    def told(outputs, y):
        return torch.tensor(next(losses))

    net = build_net(Architecture(width=8), InputEncoding(rows[0], "none"), 4, 1)
    data = Rows((X[:200], y[:200]), (X[200:], y[200:]), loss, told)
    trained = train(net, data, Training(epochs=15, fewest_steps=1), StepClock(None))
    assert (trained.best_epoch, trained.epochs) == (best, epochs)


@BODIES
def test_a_net_keeps_the_weights_of_its_best_epoch(rows, body):
    X, y = rows
    net = NetModel(settings(body, learning_rate=1e-2), classification=False)
    net.fit(X[:60], y[:60], validation=(X[60:], y[60:]))
    kept = ((net.predict(X[60:]) - y[60:]) ** 2).mean()
    longer = NetModel(settings(body, learning_rate=1e-2), classification=False).fit(X[:60], y[:60])
    assert 0 <= net.best_epoch_ < net.epochs_ <= longer.epochs_
    assert kept < ((longer.predict(X[60:]) - y[60:]) ** 2).mean()


def test_the_kept_epoch_is_the_best_of_all_that_were_validated(rows):
    X, y = (torch.as_tensor(each, dtype=torch.float32) for each in rows)
    torch.manual_seed(0)
    net = build_net(Architecture(width=16), InputEncoding(rows[0], "none"), 4, 1)
    seen = []

    def loss(outputs, y):
        return torch.nn.functional.mse_loss(outputs[:, 0], y)

    def watched(outputs, y):
        seen.append(float(loss(outputs, y)))
        return loss(outputs, y)

    held_out = (X[200:], y[200:])
    trained = train(net, Rows((X[:200], y[:200]), held_out, loss, watched), Training(), StepClock(None))
    assert trained.epochs == len(seen)
    assert trained.best_epoch == int(np.argmin(seen))
    with torch.inference_mode():
        assert float(loss(net(held_out[0]), held_out[1])) == min(seen)


@BODIES
@pytest.mark.parametrize("embedding", ["none", "piecewise", "periodic"])
def test_a_net_learns_what_a_linear_model_cannot(rows, body, embedding):
    X, y = rows
    net = NetModel(settings(body, embedding=embedding), classification=False)
    net.fit(X[:200], y[:200], validation=(X[200:250], y[200:250]))
    error = ((net.predict(X[250:]) - y[250:]) ** 2).mean() / y[250:].var()
    A = np.column_stack([X, np.ones(300)])
    linear = ((A[250:] @ np.linalg.lstsq(A[:200], y[:200], rcond=None)[0] - y[250:]) ** 2).mean()
    assert error < 0.6 * linear / y[250:].var()


def test_weights_decay_and_biases_do_not():
    """Without a signal and with all decay, matrices shrink and the mean is still learnt."""
    X = np.random.default_rng(0).normal(size=(64, 3))
    decay = settings(learning_rate=1e-2, weight_decay=50.0, embedding="none")
    net = NetModel(decay, classification=False).fit(X, np.full(64, 0.7) + 1e-3 * X[:, 0])
    first, last = net.net_[0], net.net_[-1]
    assert float(first.weight.detach().abs().max()) < 0.05
    assert float(last.bias.detach()[0]) == pytest.approx(0.7, abs=0.05)


def test_predictions_stay_within_the_targets_of_the_fit_rows(rows):
    X, y = rows
    net = NetModel(settings(), classification=False).fit(X, y)
    far = net.predict(1e6 * X)
    assert (far.min(), far.max()) == (pytest.approx(y.min()), pytest.approx(y.max()))


@BODIES
def test_a_net_is_cut_between_batches_and_needs_some(rows, body, ticking):
    X, y = rows
    net = NetModel(settings(body), classification=False).fit(X, y, deadline=ticking(12))
    assert net.truncated_
    assert np.isfinite(net.predict(X)).all()
    with pytest.raises(DeadlinePassed, match="first batches"):
        NetModel(settings(body), classification=False).fit(X, y, deadline=ticking(1))


def test_a_cut_net_keeps_its_best_epoch_so_far(rows, ticking):
    X, y = rows
    validation = (X[200:], y[200:])
    cut = NetModel(settings(), classification=False)
    cut.fit(X[:200], y[:200], validation=validation, deadline=ticking(60))
    whole = NetModel(settings(), classification=False).fit(X[:200], y[:200], validation=validation)
    assert cut.truncated_
    assert not whole.truncated_
    assert 0 <= cut.best_epoch_ < cut.epochs_ < whole.epochs_


def test_a_net_leaves_torch_as_it_was(rows, ticking):
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    NetModel(settings(), classification=False).fit(rows[0], rows[1], deadline=ticking(20))
    assert torch.get_num_threads() == threads
    assert torch.rand(1) == expected


def test_the_seed_alone_decides(rows):
    X, y = rows
    noisy = settings(dropout=0.2)
    one, same, other = (
        NetModel(noisy, classification=False, seed=seed).fit(X, y, deadline=None).predict(X)
        for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


def test_the_sharpness_undoes_a_factor_of_the_logits():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    y = np.array([rng.choice(3, p=p) for p in np.exp(logits) / np.exp(logits).sum(1, keepdims=True)])
    assert best_sharpness(logits * 2, y) == pytest.approx(0.5, rel=0.05)
    assert best_sharpness(logits / 2, y) == pytest.approx(2.0, rel=0.05)


def test_batches_grow_with_the_table_and_leave_no_table_without_one():
    assert [batch_rows(n) for n in (1, 10, 100, 400, 1500, 10_000, 50_000)] == [1, 10, 16, 50, 128, 256, 512]


def test_one_row_and_no_varying_column_can_be_fitted():
    X, y = np.zeros((1, 2)), np.array([0.5])
    assert NetModel(settings(), classification=False).fit(X, y).predict(X) == pytest.approx([0.5])


@pytest.mark.parametrize("name", ["mlp", "residual-mlp"])
def test_a_configuration_reaches_the_net(name):
    learner = registry.learner(name)
    space = learner.space(ProblemType.BINARY)
    config = space.trial("key", 1)
    model = learner.build(
        config, BuildContext(problem=ProblemType.BINARY, n_classes=2, seed=9, device="cuda")
    ).model
    found = model.settings
    for part in (found.architecture, found.training, found):
        for key in set(config) & set(part.__slots__):
            assert getattr(part, key) == config[key]
    assert found.architecture.body == {"mlp": "plain", "residual-mlp": "residual"}[name]
    assert (found.device, model.seed) == ("cuda", 9)
