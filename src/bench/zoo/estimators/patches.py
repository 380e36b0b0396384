"""Patches of images: cut out, normalised, whitened, answered to by filters, and pooled in quadrants.

After Coates, Ng and Lee (2011), "An analysis of single-layer networks in unsupervised feature learning".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CONTRAST = 0.0025
"""Added to the variance of a patch, in units of the variance of the pixels: theirs is 10, for pixels from 0
to 255, which on CIFAR-10 (SD 63) is this."""
WHITENING = 0.1
"""Added to the eigenvalues of the patches' covariance, as theirs: directions that hardly vary are noise."""
BLOCK_VALUES = 2**18
"""About so many numbers are at work at a time: they fit a core's cache."""

Responses = Callable[[np.ndarray], np.ndarray]
"""From normalised patches (b, places, d) to what each filter says of each (b, places, q)."""


def patches_of(images: np.ndarray, size: int) -> np.ndarray:
    """Return every patch of images (b, h, w, c), stride 1, by rows of places: (b, places, size^2 c)."""
    windows = sliding_window_view(images, (size, size), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    b, rows, columns = windows.shape[:3]
    return windows.reshape(b, rows * columns, -1)


def normalised(patches: np.ndarray) -> np.ndarray:
    """Return patches (..., d) each less its mean and over its SD: without its brightness and contrast."""
    centred = patches - patches.mean(axis=-1, keepdims=True)
    variance = np.einsum("...d,...d->...", centred, centred)[..., None] / patches.shape[-1]
    centred /= np.sqrt(variance + CONTRAST)
    return centred


def draw_patches(images: np.ndarray, size: int, n_patches: int, rng: np.random.Generator) -> np.ndarray:
    """Return patches (n, size^2 c) at random places of random images (n, h, w, c), normalised.

    No place is drawn twice; where there are fewer than are asked for, all are returned.
    """
    windows = sliding_window_view(images, (size, size), axis=(1, 2))
    places = windows.shape[:3]
    total = int(np.prod(places))
    chosen = rng.choice(total, size=min(n_patches, total), replace=False)
    drawn = windows[np.unravel_index(chosen, places)].transpose(0, 2, 3, 1)
    return normalised(drawn.reshape(len(chosen), -1))


@dataclass(frozen=True, slots=True)
class Whitening:
    """ZCA: x -> (x - mean) V (D + epsilon)^-1/2 V', V D V' the covariance of the patches it is of."""

    mean: np.ndarray
    matrix: np.ndarray

    @classmethod
    def of(cls, patches: np.ndarray, epsilon: float = WHITENING) -> Self:
        """Return the whitening of patches (n, d)."""
        mean = patches.mean(axis=0, dtype=np.float64)
        centred = patches - mean.astype(patches.dtype)
        values, vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64) / len(patches))
        scale = 1 / np.sqrt(np.maximum(values, 0) + epsilon)
        return cls(mean.astype(patches.dtype), ((vectors * scale) @ vectors.T).astype(patches.dtype))

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Return whitened patches (..., d)."""
        return np.matmul(patches - self.mean, self.matrix)


def pooled(responses: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Return the sums of responses (b, rows columns, q) over four quadrants, (b, 4 q).

    Of an odd number of rows or columns the first half has one more. A quadrant without places is zero.
    """
    b, _, q = responses.shape
    grid = responses.reshape(b, rows, columns, q)
    top, left = (rows + 1) // 2, (columns + 1) // 2
    quadrants = (
        grid[:, y, x] for y in (slice(top), slice(top, None)) for x in (slice(left), slice(left, None))
    )
    return np.concatenate([each.sum(axis=(1, 2)) for each in quadrants], axis=1)


@dataclass(frozen=True, slots=True)
class Convolution:
    """Features of images by filters that see every patch: normalised, answered, summed up by quadrant.

    An image's features do not depend on the images beside it, to the last bit: every product is of one image.
    """

    size: int
    responses: Responses
    n_responses: int

    @property
    def n_features(self) -> int:
        """How many numbers an image becomes."""
        return 4 * self.n_responses

    def block(self, images: np.ndarray) -> int:
        """Return how many images are worked on at a time."""
        rows, columns = self._places(images)
        numbers = 2 * self.size**2 * images.shape[-1] + self.n_responses
        return max(1, BLOCK_VALUES // (rows * columns * numbers))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return (b, 4 q) of images (b, h, w, c)."""
        patches = normalised(patches_of(images, self.size))
        return pooled(self.responses(patches), *self._places(images))

    def _places(self, images: np.ndarray) -> tuple[int, int]:
        return images.shape[1] - self.size + 1, images.shape[2] - self.size + 1
