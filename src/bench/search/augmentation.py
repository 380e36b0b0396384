"""Augmented fit rows: copies of images, moved and mirrored, for every learner that does not do so itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from bench.augmentations import (
    MIRROR,
    NONE,
    SHIFT_MIRROR,
    furthest,
)
from bench.datasets import ImageShape

if TYPE_CHECKING:
    import pandas as pd

COPIES = 2
"""Moved copies of each row that stand beside it, as virtual examples do (DeCoste and Schölkopf 2002)."""


def n_copies(how: str) -> int:
    """Return how many copies stand beside each row."""
    return {NONE: 0, MIRROR: 1}.get(how, COPIES)


def augmented(
    X: pd.DataFrame, y: np.ndarray, image: ImageShape, how: str, seed: int
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return fit rows X (n, height * width * channels) and y (n,) with their copies after them.

    Two for each row where images are moved, one where they are only mirrored; by how much a copy is moved,
    and whether it is then mirrored too, is drawn by the seed.
    """
    if how == NONE:
        return X, y
    rng = np.random.default_rng(seed)
    images = X.to_numpy(np.float32).reshape(len(X), image.height, image.width, image.channels)
    if how == MIRROR:
        copies = [images[:, :, ::-1]]
    else:
        copies = [_moved(images, furthest(image), rng) for _ in range(COPIES)]
        if how == SHIFT_MIRROR:
            copies = [_some_mirrored(each, rng) for each in copies]
    flat = [each.reshape(len(X), -1) for each in (images, *copies)]
    import pandas as pd

    return pd.DataFrame(np.concatenate(flat), columns=X.columns), np.tile(y, len(flat))


def _moved(images: np.ndarray, most: int, rng: np.random.Generator) -> np.ndarray:
    """Return images moved by up to so many pixels down and right, or up and left, over zeros."""
    n, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (most, most), (most, most), (0, 0)))
    down, right = rng.integers(0, 2 * most + 1, (2, n))
    rows = down[:, None] + np.arange(height)
    columns = right[:, None] + np.arange(width)
    moved: np.ndarray = padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
    return moved


def _some_mirrored(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    mirrored = rng.random(len(images)) < 0.5
    return np.where(mirrored[:, None, None, None], images[:, :, ::-1], images)
