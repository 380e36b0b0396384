"""From a frame of pixels to images that a model fits on; fitted on the fit rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

if TYPE_CHECKING:
    import pandas as pd


class ImageEncoder(TransformerMixin, BaseEstimator):
    """Images (n, height, width, channels), float32, every channel scaled to mean 0 and SD 1 of the fit rows.

    Columns are by rows, then columns, then channels, as `bench.datasets.ImageShape` has them. What is not
    finite becomes 0 before scaling.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> Self:
        """Note the mean and the SD of each channel of X (n, height * width * channels)."""
        images = self._images(X)
        self._learn(images, axis=(0, 1))
        return self

    def _learn(self, images: np.ndarray, axis: tuple[int, ...]) -> None:
        """Note mean and SD over images and over these axes of each, with one image at a time in float64."""
        n = images.size / np.sum(images[0], axis=axis).size
        self.mean_ = (sum(image.sum(axis, np.float64) for image in images) / n).astype(np.float32)
        squares = sum(np.square(image - self.mean_).sum(axis, np.float64) for image in images)
        spread = np.sqrt(squares / n).astype(np.float32)
        self.sd_ = np.where(spread > 0, spread, np.float32(1))

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return images (n, height, width, channels)."""
        images = self._images(X)
        images -= self.mean_
        images /= self.sd_
        return images

    def _images(self, X: pd.DataFrame) -> np.ndarray:
        """Return a copy of the pixels, as images."""
        values = np.array(X.to_numpy(np.float32), order="C", copy=True)
        values[~np.isfinite(values)] = 0.0
        return values.reshape(-1, *self.shape)


FARTHEST = 1e4
"""In SDs: no pixel is as far out, and the squares of what is cut here are finite."""


class EvenImageEncoder(ImageEncoder):
    """The same with one mean and one SD for all channels, so that a grey stays a grey."""

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> Self:
        """Note the mean and the SD of all numbers of X (n, height * width * channels)."""
        self._learn(self._images(X), axis=(0, 1, 2))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return images (n, height, width, channels), huge numbers cut to `FARTHEST`."""
        images = super().transform(X)
        return np.clip(images, -FARTHEST, FARTHEST, out=images)
