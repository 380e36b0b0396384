"""A small net as a base of bagging and boosting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.bases import Draw
from bench.zoo.estimators.nets import Architecture, InputEncoding, build_net
from bench.zoo.estimators.torch_state import private_torch
from bench.zoo.estimators.training import Rows, Training, train


@dataclass(frozen=True, slots=True, kw_only=True)
class NetBase:
    """Two hidden layers, squared loss, trained for a fixed number of epochs without dropout.

    Every member starts from weights of its own; they share the encoding of the inputs alone.
    """

    width: int = 64
    learning_rate: float = 5e-3
    epochs: int = 24
    embedding: str = "piecewise"
    threads: int = 1
    device: str = "cpu"

    def prepare(self, X: np.ndarray, seed: int) -> PreparedNet:
        """Encode the rows X (n, p)."""
        return PreparedNet(self, X)


@dataclass(frozen=True, slots=True)
class SmallNet:
    """A trained net, with the mean and the SD of each of its targets."""

    net: nn.Module
    mean: np.ndarray
    sd: np.ndarray

    def predict(self, features: torch.Tensor) -> np.ndarray:
        """Return (n, k) for encoded rows (n, q)."""
        with torch.inference_mode():
            return self.net(features).cpu().numpy().astype(np.float64) * self.sd + self.mean


@dataclass(frozen=True, slots=True)
class EncodedRows:
    """The inputs of nets on their device."""

    encoding: InputEncoding
    device: str

    def __call__(self, X: np.ndarray) -> torch.Tensor:
        """Return (n, q), single precision."""
        return torch.as_tensor(self.encoding(X), device=self.device)


class PreparedNet:
    """The encoded rows, and how nets learn from them."""

    def __init__(self, base: NetBase, X: np.ndarray) -> None:
        """Encode the fit rows X (n, p)."""
        self._base = base
        self._shape = Architecture(width=base.width, dropout=0.0, embedding=base.embedding)
        self.features = EncodedRows(InputEncoding(X, base.embedding), base.device)
        self.fit_features = self.features(X)

    def learn(self, targets: np.ndarray, draw: Draw) -> SmallNet:
        """Return a net trained on the drawn rows. Raises DeadlinePassed where its training was cut."""
        base, inputs = self._base, self.fit_features
        if draw.rows is not None:
            inputs, targets = inputs[torch.as_tensor(draw.rows, device=base.device)], targets[draw.rows]
        mean, sd = targets.mean(axis=0), targets.std(axis=0)
        sd = np.where(sd > 0, sd, 1.0)
        wanted = torch.as_tensor((targets - mean) / sd, dtype=torch.float32, device=base.device)
        with private_torch(draw.seed, base.threads, base.device):
            net = build_net(self._shape, self.features.encoding, inputs.shape[1], targets.shape[1]).to(
                base.device
            )
            loss = nn.functional.mse_loss
            training = Training(learning_rate=base.learning_rate, epochs=base.epochs, fewest_steps=0)
            trained = train(net, Rows((inputs, wanted), None, loss, loss), training, StepClock(draw.deadline))
        if trained.truncated:
            raise DeadlinePassed("the deadline passed before the first net was trained")
        return SmallNet(net, mean, sd)
