"""Changes of test images (n, height, width, channels), numbers from 0 to 255, a band of images at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.alterations.rows import Rows

BAND_BYTES = 32 * 1024**2
"""Of a band in single precision: memory stays bounded, however many images there are."""

Change = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
"""A function of a band, the amount and a generator."""


def of_test_images(change: Change) -> Callable[[Rows, int, np.random.Generator], Rows]:
    """Return what changes the test images of a cell so, and nothing else."""

    def changed(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
        shape = rows.image
        if shape is None:
            raise TypeError("these rows are no images")
        values = rows.X_test.to_numpy(np.float32, copy=True)
        images = values.reshape(-1, shape.height, shape.width, shape.channels)
        for band in _bands(len(images), 4 * shape.n_values):
            images[band] = np.clip(change(images[band], amount, generator), 0, 255)
        X_test = pd.DataFrame(values, columns=rows.X_test.columns, index=rows.X_test.index)
        return replace(rows, X_test=X_test)

    return changed


def _bands(n_images: int, image_bytes: int) -> Iterator[slice]:
    step = max(1, BAND_BYTES // image_bytes)
    return (slice(start, start + step) for start in range(0, n_images, step))


def translated(images: np.ndarray, amount: int, generator: np.random.Generator) -> np.ndarray:
    """Move each image so many pixels, up, down, left or right as is drawn for it; what comes in is 0."""
    moved = np.zeros_like(images)
    direction = generator.integers(4, size=len(images))
    kept, there = slice(None, -amount), slice(amount, None)
    for number, (to, come_from) in enumerate(((kept, there), (there, kept))):
        up_or_down, left_or_right = direction == number, direction == 2 + number
        moved[up_or_down, to] = images[up_or_down, come_from]
        moved[left_or_right, :, to] = images[left_or_right, :, come_from]
    return moved


def cropped(images: np.ndarray, amount: int, _: np.random.Generator) -> np.ndarray:
    """Cut out the middle, so many per cent of each side, and enlarge it to the whole, bilinearly."""
    from scipy.ndimage import affine_transform

    share = amount / 100
    middle = [(1 - share) * (side - 1) / 2 for side in images.shape[1:3]]
    return np.asarray(
        affine_transform(images, (1, share, share, 1), offset=(0, *middle, 0), order=1, mode="nearest")
    )


def occluded(images: np.ndarray, amount: int, generator: np.random.Generator) -> np.ndarray:
    """Set a rectangle of the image's proportions, so many per cent of its area, to 0, its place drawn."""
    hidden = images.copy()
    height, width = (max(1, round(side * (amount / 100) ** 0.5)) for side in images.shape[1:3])
    tops = generator.integers(images.shape[1] - height + 1, size=len(images))
    lefts = generator.integers(images.shape[2] - width + 1, size=len(images))
    for image, top, left in zip(hidden, tops, lefts, strict=True):
        image[top : top + height, left : left + width] = 0
    return hidden


def turned(images: np.ndarray, amount: int, generator: np.random.Generator) -> np.ndarray:
    """Turn each image about its middle by so many degrees, bilinearly, one way or the other as is drawn.

    What comes in from outside is 0.
    """
    from scipy.ndimage import rotate

    found = np.empty_like(images)
    left = generator.random(len(images)) < 0.5
    for which, angle in ((left, amount), (~left, -amount)):
        if which.any():
            found[which] = rotate(
                images[which], angle, axes=(1, 2), reshape=False, order=1, mode="grid-constant"
            )
    return found


def blurred(images: np.ndarray, amount: int, _: np.random.Generator) -> np.ndarray:
    """Blur by a Gaussian with a SD of so many tenths of a pixel; beyond the edge the image is mirrored."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(images, sigma=(0, amount / 10, amount / 10, 0)))
