"""What features of images cost on one core, as formulas with measured constants.

Constants: AMD EPYC with AVX-512, one thread, single precision; 28 x 28 x 1 and 32 x 32 x 3 pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

from bench.datasets import ImageShape
from bench.zoo.limits import about

GIB = 1024**3
FIT_LIMIT_S = 600.0
"""Ten times what a table's learner is given: images are more work for all."""
PREDICT_LIMIT_S = 30.0
"""What predicting the validation rows and 5,000 more may take, as for a Gaussian process."""
PREDICT_ROWS, SCORED_ROWS = 10_000, 5_000
MAX_BYTES = 5 * GIB // 2
"""The most that the features of the fit rows may take, in single precision."""
MEMORY_LIMIT_BYTES = 7 * GIB // 2
"""Of the 4 GiB that a cell has: the rest is for Python and its libraries."""
PIXEL_COPIES = 3
"""The fit rows' pixels are held as a frame, as images, and once more while they are encoded."""
FLOPS = 5e10
"""Floating-point operations a second in products of matrices."""
NUMBER_S = 2.5e-9
"""Seconds that each number of a patch, or of what filters say of it, takes beside the products."""
QUADRANTS = 4
SWEEPS = 50
EVALUATIONS = 300
"""Of the loss, in a usual logistic regression."""
LOSS_FLOPS = 1e10
"""Floating-point operations a second in products with few columns."""
KERNEL_NUMBER_S = 5e-10
"""Of an SVM, per pair of rows of two classes and feature; 0.7 to 3e-10 by default, more with a large C."""
VOTE_NUMBER_S = 1.3e-10
"""Of an SVM, per row predicted, fit row and feature: four fit rows of five are support vectors."""
EIGEN_S = 1e-9
RIDGE_PRODUCTS = 3
"""The inner products, and twice the rows along the eigenvectors."""
RIDGE_FLOPS = 2e10
"""Floating-point operations a second, in double precision."""
SMALLEST_CELL = 2


def convolution_s(n_rows: int, image: ImageShape, patch: int, n_filters: int, *, signs: int = 0) -> float:
    """Return the seconds in which images are compared with centroids, patches of this side.

    Or in which filters see them that whitening is a part of, and that answer for so many signs.
    """
    places = (image.height - patch + 1) * (image.width - patch + 1)
    size = patch**2 * image.channels
    products = 2 * size * (n_filters + (0 if signs else size)) / FLOPS
    return n_rows * places * (products + NUMBER_S * (size + max(1, signs) * n_filters))


def k_means_s(n_patches: int, size: int, n_centroids: int) -> float:
    """Return the seconds of k-means on patches of so many numbers."""
    return SWEEPS * n_patches * n_centroids * (2 * size / FLOPS + NUMBER_S)


def logistic_s(n_rows: int, n_features: int, n_classes: int) -> float:
    """Return the seconds of a logistic regression."""
    return EVALUATIONS * 4 * n_rows * n_features * n_classes / LOSS_FLOPS


def eigen_s(size: int) -> float:
    """Return the seconds of the eigendecomposition of a matrix of size x size, in double precision."""
    return EIGEN_S * size**3


def ridge_s(n_rows: int, n_features: int) -> float:
    """Return the seconds of a ridge regression for all penalties."""
    smaller = min(n_rows, n_features)
    return eigen_s(smaller) + RIDGE_PRODUCTS * 2 * n_rows * n_features * smaller / RIDGE_FLOPS


def predicted_rows(n_rows: int) -> int:
    """Return how many rows a model of so many is asked about: its own, up to 5,000, and a published test."""
    return PREDICT_ROWS + min(n_rows, SCORED_ROWS)


def svm_predict_s(n_rows: int, n_features: int) -> float:
    """Return the seconds of an SVM's predictions."""
    return VOTE_NUMBER_S * predicted_rows(n_rows) * n_rows * n_features


def svm_s(n_rows: int, n_features: int, n_classes: int) -> float:
    """Return what an SVM, one against one, could take."""
    return KERNEL_NUMBER_S * n_rows**2 * n_features * 2 * (n_classes - 1) / max(2, n_classes)


def cell_side(shape: tuple[int, ...], cells: int) -> int:
    """Return the pixels a side of a cell, for so many cells along the shorter side of (height, width)."""
    return max(SMALLEST_CELL, min(shape[:2]) // cells)


def n_histogram_features(image: ImageShape, cells: int, orientations: int) -> int:
    """Return how many features histograms of gradients make of an image."""
    side = cell_side((image.height, image.width), cells)
    return (image.height // side - 1) * (image.width // side - 1) * 4 * orientations


def too_small(name: str, image: ImageShape, side: int, what: str) -> str | None:
    """Return that images are too small for what a learner looks at, or None."""
    if min(image.height, image.width) >= side:
        return None
    return (
        f"{name}: images of {image.height} x {image.width} pixels are smaller than {what} ({side} x {side})"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a default fit on features of images, and its predictions, are foretold to take."""

    n_features: int
    fit_s: float
    predict_s: float
    fit_limit_s: float = FIT_LIMIT_S

    def excess(self, name: str, n_rows: int, image: ImageShape) -> str | None:
        """Return which limit a fit of this learner on so many images exceeds, or None."""
        what = f"{name}: {n_rows:,} images"
        size = 4 * n_rows * (PIXEL_COPIES * image.n_values + self.n_features)
        if size > MEMORY_LIMIT_BYTES:
            return f"{what} would take {size / 1e9:.1f} GB; limit {MEMORY_LIMIT_BYTES / 1e9:.1f} GB"
        if self.fit_s > self.fit_limit_s:
            return f"{what} could take {about(self.fit_s)} a fit on one core; limit {self.fit_limit_s:g} s"
        if self.predict_s > PREDICT_LIMIT_S:
            seconds = f"{about(self.predict_s)} to predict on one core"
            return f"{what} could take {seconds}; limit {PREDICT_LIMIT_S:.0f} s"
        return None
