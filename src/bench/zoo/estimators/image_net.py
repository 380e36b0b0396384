"""A neural net on images, stopped by the validation rows or the deadline."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from scipy.special import softmax
from sklearn.base import BaseEstimator
from torch import nn

from bench.augmentations import NONE
from bench.budgets import Deadline
from bench.datasets import ImageShape
from bench.zoo.deadlines import StepClock
from bench.zoo.estimators.image_nets import ImageArchitecture, build_image_net
from bench.zoo.estimators.mlp import best_sharpness
from bench.zoo.estimators.torch_state import private_torch
from bench.zoo.estimators.training import Rows, Tensors, Training, through, train

AT_ONCE = 500
"""Images that are predicted at a time: the maps between the layers of a small net then take about 50 MB."""

Images = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNetSettings:
    """The net, its training, and what it runs on."""

    image: ImageShape
    architecture: ImageArchitecture = field(default_factory=ImageArchitecture)
    training: Training = field(default_factory=Training)
    augmentation: str = NONE
    label_smoothing: float = 0.0
    threads: int = 1
    device: str = "cpu"


class ImageNetModel(BaseEstimator):
    """A net of `bench.zoo.estimators.image_nets`, trained as `bench.zoo.estimators.training` says.

    Cross-entropy, with the probabilities' sharpness set by the validation rows (temperature scaling: Guo et
    al., 2017). After `fit`: `net_`, `epochs_` (whole epochs trained), `best_epoch_`, `sharpness_` and
    `truncated_`.
    """

    def __init__(self, settings: ImageNetSettings, *, seed: int = 0) -> None:
        self.settings = settings
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        validation: Images | None = None,
        deadline: Deadline | None = None,
    ) -> Self:
        """Train on images X (n, height, width, channels) and codes y (n,)."""
        clock = StepClock(deadline)
        asked = self.settings
        with self._torch():
            net = build_image_net(asked.architecture, asked.image, asked.augmentation, int(y.max()) + 1)
            self.net_ = net.to(asked.device)
            held_out = None if validation is None else self._tensors(*validation)
            rows = Rows(self._tensors(X, y), held_out, self._loss, nn.functional.cross_entropy, AT_ONCE)
            trained = train(self.net_, rows, asked.training, clock)
        self.epochs_, self.best_epoch_ = trained.epochs, trained.best_epoch
        self.truncated_ = trained.truncated
        self.sharpness_ = 1.0
        if validation is not None:
            self.sharpness_ = best_sharpness(self._forward(validation[0]), validation[1])
        return self

    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return np.asarray(softmax(self.sharpness_ * self._forward(X), axis=1))

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes (n,)."""
        return np.asarray(self._forward(X).argmax(axis=1))

    def _torch(self) -> AbstractContextManager[None]:
        return private_torch(self.seed, self.settings.threads, self.settings.device)

    def _loss(self, outputs: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return nn.functional.cross_entropy(outputs, y, label_smoothing=self.settings.label_smoothing)

    def _tensors(self, X: np.ndarray, y: np.ndarray) -> Tensors:
        return self._inputs(X), torch.as_tensor(y, dtype=torch.int64, device=self.settings.device)

    def _inputs(self, X: np.ndarray) -> torch.Tensor:
        return torch.as_tensor(X, dtype=torch.float32, device=self.settings.device)

    def _forward(self, X: np.ndarray) -> np.ndarray:
        with self._torch(), torch.inference_mode():
            return through(self.net_, self._inputs(X), AT_ONCE).cpu().numpy().astype(np.float64)
