"""How nets are trained, all of them: AdamW, a learning rate in cycles, the best epoch kept.

The learning rate follows Holzmüller et al. (2024): four cosine waves over the whole training, each about
twice as long as the one before and down to zero at its end. So there is an annealed net after a fifteenth,
a fifth and half of the training, for whoever is stopped early by the validation rows or by the clock, and
neither the schedule nor the result depends on a deadline that is not reached.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.devices import synchronise

WAVES = 4
"""Each ends where 1, 3, 7 and 15 fifteenths of the training are made."""
CHUNK_STEPS = 8
"""Steps between two looks at the clock."""
FORWARD_SHARE = 0.4
"""Of what a step takes a row, what a prediction of it takes at most."""
PASSES = 3
"""How often the validation rows go through the net once the last chunk is made: for the epoch's loss, for the
sharpness, and for the search. Time for that is kept."""

Tensors = tuple[torch.Tensor, torch.Tensor]
Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """How long and how fast a net learns."""

    learning_rate: float = 5e-3
    weight_decay: float = 1e-2
    """Decoupled (Loshchilov and Hutter, 2019); of weight matrices, not of biases, norms and embeddings."""
    epochs: int = 64
    fewest_steps: int = 500
    """Small tables are gone through more often, until so many steps are made."""
    largest_batch: int = 512
    """Rows of a batch, at most."""


@dataclass(frozen=True, slots=True)
class Rows:
    """What is learnt from, what says when to stop, and the two losses."""

    fit: Tensors
    validation: Tensors | None
    loss: Loss
    validation_loss: Loss
    at_once: int | None = None
    """How many validation rows go through the net at a time; None for all."""


@dataclass(frozen=True, slots=True)
class Trained:
    """How far the training came."""

    epochs: int
    """Whole epochs."""
    best_epoch: int
    """The one whose weights are kept, from 0; -1 where there was nothing to choose by."""
    truncated: bool


def batch_rows(n_rows: int, most: int = 512) -> int:
    """Return the rows of a batch: more for larger tables (Gorishniy et al., 2021), at least 8 batches."""
    wanted = min(most, 128 if n_rows < 5_000 else 256 if n_rows < 20_000 else 512)
    return max(1, min(wanted, max(16, n_rows // 8), n_rows))


def learning_rate_share(progress: float) -> float:
    """Return the learning rate as a share of its largest, after this share of the training."""
    return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * progress)))


def waves(n_epochs: int) -> list[range]:
    """Return the epochs of each wave, those of one that ends within an epoch whole."""
    last = 2**WAVES - 1
    ends = [-(-n_epochs * (2**wave - 1) // last) for wave in range(WAVES + 1)]
    return [range(start, end) for start, end in itertools.pairwise(ends) if start < end]


def train(net: nn.Module, rows: Rows, training: Training, clock: StepClock) -> Trained:
    """Train until a whole wave has brought no better validation loss, the deadline, or the last epoch.

    What a wave is worth shows at its end, where it is annealed: none is broken off in the middle.
    The net ends with the weights of the best epoch, and in evaluation mode. Without validation rows every
    epoch is made. Raises DeadlinePassed where there was no time for a single batch.
    """
    size = batch_rows(len(rows.fit[0]), training.largest_batch)
    n_steps = len(rows.fit[0]) // size
    n_epochs = max(training.epochs, math.ceil(training.fewest_steps / n_steps))
    n_validation = 0 if rows.validation is None else len(rows.validation[0])
    kept_steps = PASSES * FORWARD_SHARE * n_validation / (CHUNK_STEPS * size)
    optimizer = _optimizer(net, training)
    wave_starts = {wave[-1]: wave[0] for wave in waves(n_epochs)}
    best: dict[str, torch.Tensor] | None = None
    best_loss, best_epoch = math.inf, -1
    epochs = 0
    truncated = False
    for epoch in range(n_epochs):
        shares = (learning_rate_share((epoch + (i + 0.5) / n_steps) / n_epochs) for i in range(n_steps))
        pace = _Pace(optimizer, size, kept_steps, [training.learning_rate * share for share in shares])
        truncated = not _epoch(net, rows, pace, clock)
        if truncated:
            break
        epochs += 1
        if rows.validation is None:
            continue
        loss = _validation_loss(net, rows, rows.validation)
        clock.skip()
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
            best = {name: value.clone() for name, value in net.state_dict().items()}
        if best_epoch < wave_starts.get(epoch, -1):
            break
    if clock.steps == 0:
        raise DeadlinePassed("the deadline passed before the net had seen its first batches")
    if best is not None:
        net.load_state_dict(best)
    net.eval()
    return Trained(epochs, best_epoch, truncated)


@dataclass(frozen=True, slots=True)
class _Pace:
    """The optimizer, the rows of a batch, and the learning rate at each step of an epoch."""

    optimizer: torch.optim.Optimizer
    size: int
    kept_steps: float
    """Of the clock, for which time must be left after a chunk."""
    rates: list[float]


def _optimizer(net: nn.Module, training: Training) -> torch.optim.Optimizer:
    matrices = [m.weight for m in net.modules() if isinstance(m, nn.Linear | nn.Conv2d)]
    decayed = {id(weight) for weight in matrices}
    others = [parameter for parameter in net.parameters() if id(parameter) not in decayed]
    groups = [
        {"params": matrices, "weight_decay": training.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=training.learning_rate, fused=True)


def _epoch(net: nn.Module, rows: Rows, pace: _Pace, clock: StepClock) -> bool:
    """Go through the fit rows in a new order; whether the deadline let it go through all of them.

    What is left over after the last whole batch waits for another order. The clock's steps are chunks of
    batches, for each of which a GPU has to be waited for.
    """
    X, y = rows.fit
    net.train()
    order = torch.randperm(len(X)).to(X.device)
    for step, rate in enumerate(pace.rates):
        if step % CHUNK_STEPS == 0 and not clock.affords((1 + pace.kept_steps) * clock.step_s):
            return False
        for group in pace.optimizer.param_groups:
            group["lr"] = rate
        batch = order[step * pace.size : (step + 1) * pace.size]
        pace.optimizer.zero_grad()
        rows.loss(net(X[batch]), y[batch]).backward()
        pace.optimizer.step()
        if (step + 1) % CHUNK_STEPS == 0 or step + 1 == len(pace.rates):
            synchronise(X.device.type)
            clock.step()
    return True


def _validation_loss(net: nn.Module, rows: Rows, validation: Tensors) -> float:
    net.eval()
    with torch.inference_mode():
        return float(rows.validation_loss(through(net, validation[0], rows.at_once), validation[1]))


def through(net: nn.Module, X: torch.Tensor, at_once: int | None) -> torch.Tensor:
    """Return what a net makes of rows X, so many at a time: what is between its layers takes memory."""
    if at_once is None or len(X) <= at_once:
        out: torch.Tensor = net(X)
        return out
    return torch.cat([net(part) for part in X.split(at_once)])
