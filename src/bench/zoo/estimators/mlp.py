"""A multilayer perceptron in torch: small, seeded, stopped by the validation rows or the deadline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from torch import nn

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, Patience, StepClock
from bench.zoo.estimators.torch_state import private_torch

MAX_EPOCHS = 200
PATIENCE_EPOCHS = 16
"""Epochs without a better validation loss before the end, as in Gorishniy et al. (2021)."""
FIXED_EPOCHS = 50
"""Epochs where there are no validation rows to stop by."""

Matrix = tuple[np.ndarray, np.ndarray]
Tensors = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class MlpSettings:
    """The net, its training, and what it runs on."""

    n_layers: int = 2
    width: int = 256
    dropout: float = 0.1
    learning_rate: float = 1e-3
    weight_decay: float = 1e-4
    batch_size: int = 128
    threads: int = 1
    device: str = "cpu"


DEFAULT_SETTINGS = MlpSettings()


class MlpModel(BaseEstimator):
    """ReLU layers with dropout, AdamW (Loshchilov and Hutter, 2019), single precision.

    The weights of the epoch with the best validation loss are kept. After `fit`: `net_`, `epochs_` (whole
    epochs trained) and `truncated_`.
    """

    def __init__(
        self, settings: MlpSettings = DEFAULT_SETTINGS, *, classification: bool = True, seed: int = 0
    ) -> None:
        self.settings = settings
        self.classification = classification
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        validation: Matrix | None = None,
        deadline: Deadline | None = None,
    ) -> Self:
        """Train on X (n, p) and codes or standardised values y (n,)."""
        clock = StepClock(deadline)
        with self._torch():
            n_outputs = int(y.max()) + 1 if self.classification else 1
            self.net_ = self._net(X.shape[1], n_outputs)
            self._train(
                self._tensors(X, y), None if validation is None else self._tensors(*validation), clock
            )
        if self.truncated_ and clock.steps == 0:
            raise DeadlinePassed("the deadline passed before the net had seen its first batch")
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,)."""
        return self._forward(X)[:, 0]

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        logits = self._forward(X)
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    def _torch(self) -> AbstractContextManager[None]:
        return private_torch(self.seed, self.settings.threads, self.settings.device)

    def _net(self, n_inputs: int, n_outputs: int) -> nn.Sequential:
        s = self.settings
        layers: list[nn.Module] = []
        for i in range(s.n_layers):
            layers += [nn.Linear(n_inputs if i == 0 else s.width, s.width), nn.ReLU(), nn.Dropout(s.dropout)]
        return nn.Sequential(*layers, nn.Linear(s.width, n_outputs)).to(s.device)

    def _train(self, rows: Tensors, validation: Tensors | None, clock: StepClock) -> None:
        """Run epochs until the validation loss has stopped falling, the deadline, or the last epoch."""
        s = self.settings
        optimizer = torch.optim.AdamW(
            self.net_.parameters(), lr=s.learning_rate, weight_decay=s.weight_decay, fused=True
        )
        patience = Patience(PATIENCE_EPOCHS)
        best: dict[str, torch.Tensor] | None = None
        self.epochs_ = 0
        self.truncated_ = False
        for epoch in range(FIXED_EPOCHS if validation is None else MAX_EPOCHS):
            self.truncated_ = not self._epoch(rows, optimizer, clock)
            if self.truncated_:
                break
            self.epochs_ += 1
            if validation is None:
                continue
            if patience.improved(epoch, self._validation_loss(validation)):
                best = {name: value.clone() for name, value in self.net_.state_dict().items()}
            if patience.over(epoch):
                break
        if best is not None:
            self.net_.load_state_dict(best)
        self.net_.eval()

    def _epoch(self, rows: Tensors, optimizer: Any, clock: StepClock) -> bool:
        """Take one step per batch; whether the deadline let it go through all of them."""
        X, y = rows
        self.net_.train()
        for batch in torch.randperm(len(X)).to(X.device).split(self.settings.batch_size):
            if not clock.affords_step():
                return False
            optimizer.zero_grad()
            self._loss(self.net_(X[batch]), y[batch]).backward()
            optimizer.step()
            clock.step()
        return True

    def _validation_loss(self, validation: Tensors) -> float:
        self.net_.eval()
        with torch.inference_mode():
            return float(self._loss(self.net_(validation[0]), validation[1]))

    def _loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.classification:
            return nn.functional.cross_entropy(outputs, y)
        return nn.functional.mse_loss(outputs[:, 0], y)

    def _tensors(self, X: np.ndarray, y: np.ndarray) -> Tensors:
        dtype = torch.int64 if self.classification else torch.float32
        device = self.settings.device
        return self._inputs(X), torch.as_tensor(y, dtype=dtype, device=device)

    def _inputs(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X, dtype=torch.float32, device=self.settings.device)

    def _forward(self, X: np.ndarray) -> np.ndarray:
        with self._torch(), torch.inference_mode():
            return self.net_(self._inputs(X)).cpu().numpy().astype(np.float64)
