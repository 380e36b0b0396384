"""Images a second: training a small convolutional net here, and by the loop that one would write at once.

The loop is PyTorch's own tutorial in form: channels first, the same layers, Adam, and nothing else.
`pytest benchmarks/test_image_speed.py` prints both; what counts is their ratio, within one run. Batches of
both alternate, so that a busy machine slows both.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest
import torch
from torch import nn

from bench.datasets import ImageShape
from bench.zoo.deadlines import StepClock
from bench.zoo.estimators.image_nets import ImageArchitecture, build_image_net
from bench.zoo.estimators.training import Rows, Training, train

IMAGE = ImageShape(28, 28, 1)
N_IMAGES, BATCH, ROUNDS = 1024, 128, 7


def plain_net() -> nn.Module:
    """The default of `conv-net`, as it would be written at once."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 7 * 7, 128), nn.ReLU(), nn.Dropout(0.1), nn.Linear(128, 10),
    )  # fmt: skip


def plain_epoch(net: nn.Module, optimizer: torch.optim.Optimizer, X: torch.Tensor, y: torch.Tensor) -> None:
    net.train()
    for batch in torch.randperm(len(X)).split(BATCH):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(X[batch]), y[batch]).backward()
        optimizer.step()


def timed(function: Callable[[], None]) -> float:
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


@pytest.mark.parametrize("threads", [1, 2])
def test_images_a_second_in_training(benchmark, threads: int) -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    X, y = torch.randn(N_IMAGES, 28, 28, 1), torch.randint(0, 10, (N_IMAGES,))
    X_first = X.permute(0, 3, 1, 2).contiguous()
    ours = build_image_net(ImageArchitecture(body="conv"), IMAGE, "none", 10)
    rows = Rows((X, y), None, nn.functional.cross_entropy, nn.functional.cross_entropy)
    training = Training(epochs=1, fewest_steps=1, largest_batch=BATCH)
    plain = plain_net()
    optimizer = torch.optim.Adam(plain.parameters(), lr=1e-3)

    def ours_epoch() -> None:
        train(ours, rows, training, StepClock(None))

    ours_epoch()
    plain_epoch(plain, optimizer, X_first, y)
    pairs = [
        (timed(ours_epoch), timed(lambda: plain_epoch(plain, optimizer, X_first, y))) for _ in range(ROUNDS)
    ]
    rates = [N_IMAGES / statistics.median(seconds) for seconds in zip(*pairs, strict=True)]
    benchmark.extra_info["images_per_s"] = round(rates[0])
    benchmark.extra_info["plain_images_per_s"] = round(rates[1])
    benchmark.extra_info["ratio"] = round(statistics.median(b / a for a, b in pairs), 2)
    benchmark.pedantic(ours_epoch, rounds=3)
    torch.set_num_threads(before)
    print(benchmark.extra_info)  # noqa: T201 - what this is for
