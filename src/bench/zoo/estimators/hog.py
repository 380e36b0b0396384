"""Histograms of oriented gradients (Dalal and Triggs, 2005), of many images at a time.

As scikit-image has them: centred differences that are zero at the edge, a pixel's vote goes whole to its bin
and its cell, blocks of 2 x 2 cells at every cell, each scaled by L2-Hys.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from bench.budgets import Deadline
from bench.zoo.estimators.image_features import Learnt, mapped
from bench.zoo.image_features_cost import cell_side

CLIP = 0.2
"""L2-Hys: scaled to length 1, cut at this, scaled again (Lowe, 2004)."""
EPSILON = 1e-5
"""Beside the length of a block, so that a flat one stays 0."""
BLOCK_PIXELS = 2**18
"""About so many pixels are at work at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hog:
    """The histograms as a plan; they are fixed, and nothing is learnt."""

    cells: int = 4
    """Along the shorter side of the image; a cell has two pixels a side at least."""
    orientations: int = 9
    signed: bool = False
    """Whether a gradient and its opposite are told apart: bins over 360 degrees, not 180."""

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Return the map for images of this size, and what it gives on these (n, h, w, c)."""
        histograms = Histograms(images.shape[1:3], cell_side(images.shape[1:3], self.cells), self)
        return histograms, mapped(histograms, images, deadline)


@dataclass(frozen=True, slots=True)
class Histograms:
    """From images (b, h, w, c) to the blocks of their histograms, by rows of blocks, then of cells."""

    shape: tuple[int, ...]
    side: int
    """Pixels a side of a cell; what is over at the right and at the bottom is left out."""
    plan: Hog

    @property
    def cells(self) -> tuple[int, int]:
        """Rows and columns of cells."""
        return self.shape[0] // self.side, self.shape[1] // self.side

    @property
    def n_features(self) -> int:
        """How many numbers an image becomes."""
        rows, columns = self.cells
        return (rows - 1) * (columns - 1) * 4 * self.plan.orientations

    def block(self, images: np.ndarray) -> int:
        """Return how many images are worked on at a time."""
        return max(1, BLOCK_PIXELS // math.prod(images.shape[1:]))

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return (b, blocks * 4 * orientations)."""
        return normalised_blocks(self.of_cells(images)).reshape(len(images), -1)

    def of_cells(self, images: np.ndarray) -> np.ndarray:
        """Return histograms (b, rows, columns, orientations): a cell's mean vote of a pixel."""
        down, right = gradients(images)
        magnitude = np.hypot(down, right)
        (rows, columns), side, n = self.cells, self.side, self.plan.orientations
        bins = _bins(down, right, n, signed=self.plan.signed)[:, : rows * side, : columns * side]
        cell = (np.arange(rows * side) // side * columns)[:, None] + np.arange(columns * side) // side
        slots = (np.arange(len(images))[:, None, None] * (rows * columns) + cell) * n + bins
        votes = magnitude[:, : rows * side, : columns * side]
        sums = np.bincount(slots.ravel(), votes.ravel(), minlength=len(images) * rows * columns * n)
        return (sums / side**2).astype(images.dtype).reshape(len(images), rows, columns, n)


def gradients(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return how images (b, h, w, c) change downwards and to the right, (b, h, w) each.

    Each pixel's are those of the channel that changes most there.
    """
    down, right = np.zeros_like(images), np.zeros_like(images)
    down[:, 1:-1] = images[:, 2:] - images[:, :-2]
    right[:, :, 1:-1] = images[:, :, 2:] - images[:, :, :-2]
    most = np.hypot(down, right).argmax(axis=-1)[..., None]
    return np.take_along_axis(down, most, -1)[..., 0], np.take_along_axis(right, most, -1)[..., 0]


def _bins(down: np.ndarray, right: np.ndarray, n: int, *, signed: bool) -> np.ndarray:
    """Return the bin 0 to n - 1 of each direction, from the right (0 degrees) on."""
    if not signed:  # turned round where it points up, or to the left
        opposite = (down < 0) | ((down == 0) & (right < 0))
        down, right = np.where(opposite, -down, down), np.where(opposite, -right, right)
    angle = np.arctan2(down, right)
    turn = 2 * np.pi if signed else np.pi
    return np.floor(angle * (n / turn)).astype(np.int64) % n


def normalised_blocks(cells: np.ndarray) -> np.ndarray:
    """Return blocks (b, rows - 1, columns - 1, 4 n) of 2 x 2 cells (b, rows, columns, n), by L2-Hys."""
    windows = sliding_window_view(cells, (2, 2), axis=(1, 2)).transpose(0, 1, 2, 4, 5, 3)
    blocks = windows.reshape(*windows.shape[:3], -1)
    blocks = np.minimum(blocks / _length(blocks), CLIP)
    return blocks / _length(blocks)


def _length(blocks: np.ndarray) -> np.ndarray:
    return np.sqrt((blocks**2).sum(axis=-1, keepdims=True) + EPSILON**2)
