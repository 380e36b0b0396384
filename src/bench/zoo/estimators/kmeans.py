"""K-means on patches of images, and what an image is to its centroids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.image_features import Learnt, mapped
from bench.zoo.estimators.patches import Convolution, Whitening, draw_patches

PATCHES = 50_000
"""Patches that whitening and centroids are found on, at least ..."""
PATCHES_EACH = 100
"""... and for each centroid: 400,000 for 4,000 of them, as in the paper."""
SWEEPS = 50
"""The most passes over the patches."""
ENOUGH = 1e-3
"""The share of patches that may still change their centroid at the end."""
BLOCK_VALUES = 2**21


def squared_distances(patches: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """Return (..., k) of patches (..., d) to centroids (k, d)."""
    products = np.matmul(patches, -2 * centroids.T)
    products += np.einsum("...d,...d->...", patches, patches)[..., None]
    products += np.einsum("kd,kd->k", centroids, centroids)
    return np.maximum(products, 0, out=products)


def k_means(
    patches: np.ndarray, n_centroids: int, rng: np.random.Generator, deadline: Deadline | None = None
) -> np.ndarray:
    """Return centroids (k, d) of patches (n, d) by Lloyd's algorithm, begun at patches drawn at random.

    A centroid that no patch is nearest to begins anew at a patch. Raises DeadlinePassed between two sweeps:
    what is left is less than one takes, and the features are still to be made.
    """
    n = len(patches)
    centroids = patches[rng.choice(n, size=n_centroids, replace=n < n_centroids)].copy()
    nearest = np.full(n, -1)
    clock = StepClock(deadline)
    for sweep in range(SWEEPS):
        if not clock.affords_step():
            raise DeadlinePassed(f"the deadline passed after {sweep} sweeps of k-means")
        found = _nearest(patches, centroids)
        changed, nearest = (found != nearest).mean(), found
        if changed <= ENOUGH:
            break
        centroids = _means(patches, nearest, centroids, rng)
        clock.step()
    return centroids


def _nearest(patches: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    step = max(1, BLOCK_VALUES // len(centroids))
    blocks = (patches[start : start + step] for start in range(0, len(patches), step))
    return np.concatenate([squared_distances(block, centroids).argmin(axis=1) for block in blocks])


def _means(
    patches: np.ndarray, nearest: np.ndarray, centroids: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    counts = np.bincount(nearest, minlength=len(centroids))
    ordered = patches[np.argsort(nearest, kind="stable")]
    used = counts > 0
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])[used]
    means = np.empty_like(centroids)
    means[used] = np.add.reduceat(ordered, starts, axis=0) / counts[used, None].astype(patches.dtype)
    means[~used] = patches[rng.integers(len(patches), size=int((~used).sum()))]
    return means


@dataclass(frozen=True, slots=True)
class Triangle:
    """How much nearer than the mean of all each centroid is: max(0, mean(z) - z_k), z the distances.

    The centroids (k, d) are among whitened patches.
    """

    whitening: Whitening
    centroids: np.ndarray

    def __call__(self, patches: np.ndarray) -> np.ndarray:
        """Return (b, places, k) of normalised patches (b, places, d); about half of it is zero."""
        distances = squared_distances(self.whitening(patches), self.centroids)
        np.sqrt(distances, out=distances)
        nearer = np.subtract(distances.mean(axis=-1, keepdims=True), distances, out=distances)
        return np.maximum(nearer, 0, out=nearer)


@dataclass(frozen=True, slots=True, kw_only=True)
class KMeansFeatures:
    """Centroids of whitened patches, the triangle activation, sums over quadrants (Coates et al., 2011)."""

    n_centroids: int = 200
    patch: int = 6
    """The side of a patch, or the image's shorter side where that is less."""

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Find whitening and centroids on random patches of the fit rows' images (n, h, w, c)."""
        rng = np.random.default_rng(seed)
        size = min(self.patch, *images.shape[1:3])
        patches = draw_patches(images, size, max(PATCHES, PATCHES_EACH * self.n_centroids), rng)
        whitening = Whitening.of(patches)
        centroids = k_means(whitening(patches), self.n_centroids, rng, deadline)
        features = Convolution(size, Triangle(whitening, centroids), self.n_centroids)
        return features, mapped(features, images, deadline)
