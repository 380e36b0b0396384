"""Augmented fit rows: copies of images, moved and mirrored, for every learner that does not do so itself."""

from __future__ import annotations

from dataclasses import dataclass
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
BAND = 1000
"""Images that are copied at a time: what is held beside the rows and their copies stays small."""


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
    import pandas as pd

    n, copies = len(X), _drawn(len(X), furthest(image), how, np.random.default_rng(seed))
    rows = np.empty(((1 + len(copies)) * n, X.shape[1]), dtype=np.float32, order="F")  # as frames hold them
    for start in range(0, n, BAND):
        band = slice(start, min(start + BAND, n))
        flat = X.iloc[band].to_numpy(np.float32)
        rows[band] = flat
        images = flat.reshape(-1, image.height, image.width, image.channels)
        for number, copy in enumerate(copies, start=1):
            changed = copy.of(images, band)
            rows[number * n + band.start : number * n + band.stop] = changed.reshape(len(flat), -1)
    return pd.DataFrame(rows, columns=X.columns, copy=False), np.tile(y, 1 + len(copies))


@dataclass(frozen=True, slots=True)
class _Copy:
    """How each row is changed in a copy of all rows."""

    most: int
    """By how many pixels an image is moved at most."""
    down: np.ndarray
    """(n,) from 0, up by the most, to twice the most, down by it."""
    right: np.ndarray
    mirrored: np.ndarray
    """(n,) whether it is mirrored after that."""

    def of(self, images: np.ndarray, band: slice) -> np.ndarray:
        """Return the images (m, height, width, channels) of a band of rows, changed, over zeros."""
        n, height, width, _ = images.shape
        padded = np.pad(images, ((0, 0), (self.most, self.most), (self.most, self.most), (0, 0)))
        rows = self.down[band, None] + np.arange(height)
        columns = self.right[band, None] + np.arange(width)
        moved = padded[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
        return np.where(self.mirrored[band, None, None, None], moved[:, :, ::-1], moved)


def _drawn(n: int, most: int, how: str, rng: np.random.Generator) -> list[_Copy]:
    """Return how each of the copies changes n rows."""
    if how == MIRROR:
        still = np.full(n, most)
        return [_Copy(most, still, still, np.ones(n, dtype=bool))]
    moves = [rng.integers(0, 2 * most + 1, (2, n)) for _ in range(COPIES)]
    mirrored = [rng.random(n) < 0.5 if how == SHIFT_MIRROR else np.zeros(n, dtype=bool) for _ in moves]
    return [_Copy(most, move[0], move[1], mirror) for move, mirror in zip(moves, mirrored, strict=True)]
