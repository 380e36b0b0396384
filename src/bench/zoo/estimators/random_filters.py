"""Random filters on patches of images: drawn from a normal distribution, or patches of the fit rows.

Random filters come close to learnt ones (Jarrett et al., 2009; Saxe et al., 2011), and patches picked at
random to a learnt dictionary (Coates and Ng, 2011, who rectify both signs beyond a threshold as here).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

from bench.budgets import Deadline
from bench.zoo.estimators.image_features import Learnt, mapped
from bench.zoo.estimators.patches import Convolution, Whitening, draw_patches

PATCHES = 50_000
"""Patches that the whitening is found on."""


@dataclass(frozen=True, slots=True)
class Rectified:
    """What is beyond the bias, for both signs of each filter: max(0, wf - bias) and max(0, -wf - bias).

    w is the whitened patch: as whitening and filters are both linear, one product does them both.
    """

    weights: np.ndarray
    """(d, k)."""
    offset: np.ndarray
    """(k,), taken off the products."""
    bias: float

    @classmethod
    def of(cls, whitening: Whitening, filters: np.ndarray, bias: float) -> Self:
        """Return what filters (k, d) of whitened patches say of patches that are not."""
        weights = whitening.matrix @ filters.T
        return cls(weights, whitening.mean @ weights, bias)

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Return (b, places, 2 k) of normalised patches (b, places, d)."""
        products = np.matmul(patches, self.weights)
        bias, k = products.dtype.type(self.bias), len(self.offset)
        answers = np.empty((*products.shape[:-1], 2 * k), dtype=products.dtype)
        np.subtract(products, self.offset + bias, out=answers[..., :k])
        np.subtract(self.offset - bias, products, out=answers[..., k:])
        return np.maximum(answers, 0, out=answers)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomFilters:
    """Filters of length 1 on whitened patches, rectified, summed up over quadrants."""

    n_filters: int = 200
    filters: str = "patches"
    """`patches` (whitened, of the fit rows) or `gaussian`."""
    patch: int = 6
    """The side of a patch, or the image's shorter side where that is less."""
    bias: float = 0.5

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Find the whitening on random patches of the fit rows' images (n, h, w, c), and draw the filters."""
        rng = np.random.default_rng(seed)
        size = min(self.patch, *images.shape[1:3])
        patches = draw_patches(images, size, PATCHES, rng)
        whitening = Whitening.of(patches)
        drawn = self._draw(whitening(patches), rng)
        length = np.linalg.norm(drawn, axis=1, keepdims=True)
        filters = drawn / np.maximum(length, np.finfo(np.float32).tiny)
        features = Convolution(size, Rectified.of(whitening, filters, self.bias), 2 * self.n_filters)
        return features, mapped(features, images, deadline)

    def _draw(self, whitened: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        if self.filters == "gaussian":
            return rng.standard_normal((self.n_filters, whitened.shape[1]), dtype=np.float32)
        if self.filters == "patches":
            n = len(whitened)
            return whitened[rng.choice(n, size=self.n_filters, replace=n < self.n_filters)]
        raise ValueError(f"filters {self.filters!r} is none of 'patches', 'gaussian'")
