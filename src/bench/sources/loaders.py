"""The tables that scikit-learn ships as functions, and one that is made from them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import sklearn.datasets

from bench.sources.columns import RawColumn

TRANSLATED = "translated_digits"
"""scikit-learn's digits, each at a random place of a larger canvas."""
CANVAS, SEED = 14, 0

_LOADERS = {
    "load_breast_cancer": sklearn.datasets.load_breast_cancer,
    "load_diabetes": lambda: sklearn.datasets.load_diabetes(scaled=False),
    "load_digits": sklearn.datasets.load_digits,
    "load_wine": sklearn.datasets.load_wine,
}


def read_loader(function: str) -> list[RawColumn]:
    """Return the columns of a loader's table, the target last, its classes by name where they have one."""
    bunch = _LOADERS[function]()
    columns = [
        RawColumn(str(name), np.asarray(bunch.data[:, i], dtype=np.float64))
        for i, name in enumerate(bunch.feature_names)
    ]
    names = [str(name) for name in getattr(bunch, "target_names", ())]
    if not names:
        return [*columns, RawColumn("target", np.asarray(bunch.target, dtype=np.float64))]
    return [*columns, RawColumn("target", [names[code] for code in bunch.target], tuple(names))]


def read_images(function: str) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int32]]:
    """Return a loader's images (n, height, width, 1) and their class codes (n,)."""
    if function == TRANSLATED:
        images, codes = read_images("load_digits")
        return translated(images, CANVAS, SEED), codes
    bunch = _LOADERS[function]()
    return bunch.images.astype(np.uint8)[..., None], bunch.target.astype(np.int32)


def translated(images: npt.NDArray[np.uint8], side: int, seed: int) -> npt.NDArray[np.uint8]:
    """Return images (n, h, w, c) each at a random place of a canvas of zeros, (n, side, side, c)."""
    n, height, width, channels = images.shape
    rng = np.random.default_rng(seed)
    down, right = rng.integers(0, side - height + 1, n), rng.integers(0, side - width + 1, n)
    canvas = np.zeros((n, side, side, channels), np.uint8)
    for i in range(n):
        canvas[i, down[i] : down[i] + height, right[i] : right[i] + width] = images[i]
    return canvas
