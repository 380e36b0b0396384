"""A neural net on a matrix: plain or residual, stopped by the validation rows or the deadline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field, fields
from typing import Any, Self

import numpy as np
import torch
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if
from torch import nn

from bench.budgets import Deadline
from bench.learners import BuildContext
from bench.spaces import Config
from bench.zoo.deadlines import StepClock
from bench.zoo.estimators.nets import Architecture, InputEncoding, build_net
from bench.zoo.estimators.torch_state import private_torch
from bench.zoo.estimators.training import Rows, Tensors, Training, train

SHARPEST = 3.0
"""The most that logits are multiplied or divided by to make probabilities that fit the validation rows."""

Matrix = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class NetSettings:
    """The net, its training, and what it runs on."""

    architecture: Architecture = field(default_factory=Architecture)
    training: Training = field(default_factory=Training)
    label_smoothing: float = 0.0
    threads: int = 1
    device: str = "cpu"

    @classmethod
    def of(cls, body: str, config: Config, context: BuildContext) -> Self:
        """Return the settings of a net with such a body that a configuration asks for."""
        values: dict[str, Any] = dict(config)

        def chosen(part: type[Any]) -> dict[str, Any]:
            return {each.name: values[each.name] for each in fields(part) if each.name in values}

        return cls(
            architecture=Architecture(body=body, **chosen(Architecture)),
            training=Training(**chosen(Training)),
            label_smoothing=values["label_smoothing"],
            threads=context.threads,
            device=context.device,
        )


DEFAULT_SETTINGS = NetSettings()


class NetModel(BaseEstimator):
    """A net of `bench.zoo.estimators.nets`, trained as `bench.zoo.estimators.training` says.

    Squared loss, predictions kept within the fit rows' targets (Holzmüller et al., 2024); or cross-entropy,
    with the probabilities' sharpness set by the validation rows (temperature scaling: Guo et al., 2017).
    After `fit`: `net_`, `epochs_` (whole epochs trained), `best_epoch_`, `sharpness_` and `truncated_`.
    """

    def __init__(
        self, settings: NetSettings = DEFAULT_SETTINGS, *, classification: bool = True, seed: int = 0
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
        shape = self.settings.architecture
        self.range_ = (float(y.min()), float(y.max()))
        with self._torch():
            self.encoding_ = InputEncoding(X, shape.embedding)
            fit = self._tensors(X, y)
            held_out = None if validation is None else self._tensors(*validation)
            n_outputs = int(y.max()) + 1 if self.classification else 1
            net = build_net(shape, self.encoding_, fit[0].shape[1], n_outputs)
            self.net_ = net.to(self.settings.device)
            rows = Rows(fit, held_out, self._loss, self._validation_loss)
            trained = train(self.net_, rows, self.settings.training, clock)
        self.epochs_, self.best_epoch_ = trained.epochs, trained.best_epoch
        self.truncated_ = trained.truncated
        self.sharpness_ = 1.0
        if self.classification and validation is not None:
            self.sharpness_ = best_sharpness(self._forward(validation[0]), validation[1])
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,)."""
        return np.clip(self._forward(X)[:, 0], *self.range_)

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return np.asarray(softmax(self.sharpness_ * self._forward(X), axis=1))

    def _torch(self) -> AbstractContextManager[None]:
        return private_torch(self.seed, self.settings.threads, self.settings.device)

    def _loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        if self.classification:
            return nn.functional.cross_entropy(outputs, y, label_smoothing=self.settings.label_smoothing)
        return nn.functional.mse_loss(outputs[:, 0], y)

    def _validation_loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs, y) if self.classification else self._loss(outputs, y)

    def _tensors(self, X: np.ndarray, y: np.ndarray) -> Tensors:
        dtype = torch.int64 if self.classification else torch.float32
        return self._inputs(X), torch.as_tensor(y, dtype=dtype, device=self.settings.device)

    def _inputs(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(self.encoding_(X), device=self.settings.device)

    def _forward(self, X: np.ndarray) -> np.ndarray:
        with self._torch(), torch.inference_mode():
            return self.net_(self._inputs(X)).cpu().numpy().astype(np.float64)


def best_sharpness(logits: np.ndarray, y: np.ndarray) -> float:
    """Return the factor of the logits (n, k) under which the codes y (n,) are likeliest."""

    def loss(log_factor: float) -> float:
        log_p = log_softmax(np.exp(log_factor) * logits, axis=1)
        return -float(log_p[np.arange(len(y)), y].mean())

    limits = (-np.log(SHARPEST), np.log(SHARPEST))
    return float(np.exp(minimize_scalar(loss, bounds=limits, method="bounded").x))
