"""How many products of features there are, and what least squares on so many features costs on one core."""

from __future__ import annotations

from math import comb

from bench.tasks import TaskShape
from bench.zoo.limits import about

MAX_BYTES = 1024**3
"""The most that the features of the fit rows may take; a fit holds about twice as much."""
FIT_LIMIT_S = 60.0
"""Tasks on which a default fit would take longer are left out."""
FLOPS = 2e10
"""Floating-point operations a second on one core, of a factorisation; products of matrices make 5 to 10e10
(AMD EPYC with AVX-512), on older cores 1.3 to 2.5e10."""
FEATURE_S = 4e-8
"""Seconds to make, centre and scale one product of one row; measured 0.8 to 5.2e-8."""
FASTEST = 0.2
"""The share of the foretold time in which a fast core is done: what has less time left cannot end in it."""
ONE_HOT_LEVELS = 30
"""As in `bench.zoo.preprocessing`, which is too heavy to import here; a test holds them equal."""


def n_products(n_columns: int, *, degree: int, interaction_only: bool = False) -> int:
    """Return the number of products of up to `degree` columns, single columns included."""
    if interaction_only:
        return sum(comb(n_columns, size) for size in range(1, degree + 1))
    return comb(n_columns + degree, degree) - 1


def product_bytes(n_rows: int, products: int) -> int:
    """Return the bytes of so many products of so many rows, in double precision."""
    return 8 * n_rows * products


def expansion_s(n_rows: int, n_features: int) -> float:
    """Return the seconds to make the features of so many rows."""
    return FEATURE_S * n_rows * n_features


def gram_s(n_rows: int, n_features: int) -> float:
    """Return the seconds of the rows' inner products: none where the system is one among the features."""
    return 2 * n_rows**2 * n_features / FLOPS if n_features > n_rows else 0.0


def system_s(n_rows: int, n_features: int) -> float:
    """Return the seconds of one system: set up and factorised among the features, or among fewer rows."""
    if n_features > n_rows:
        return n_rows**3 / 3 / FLOPS
    return (2 * n_rows * n_features**2 + n_features**3 / 3) / FLOPS


def too_large(what: str, n_rows: int, n_features: int, *, systems: int = 1) -> str | None:
    """Return why a fit on so many features that solves so many systems is not made, or None.

    `what` says whose features they are and how many.
    """
    what = f"{what} on {n_rows:,} rows"
    size = product_bytes(n_rows, n_features)
    if size > MAX_BYTES:
        return f"{what} would take {size / 1e9:.1f} GB; limit {MAX_BYTES / 1e9:.1f} GB"
    seconds = expansion_s(n_rows, n_features) + gram_s(n_rows, n_features)
    seconds += systems * system_s(n_rows, n_features)
    if seconds > FIT_LIMIT_S:
        return f"{what} would take {about(seconds)} a fit on one core; limit {FIT_LIMIT_S:g} s"
    return None


def n_encoded(shape: TaskShape) -> int:
    """Return how many columns the dense encoder makes of such a table at most.

    A number, and a flag where it is missing somewhere; a column for each of up to 30 levels (and one for
    missing); for more levels the mean target, or the share of each class.
    """
    means = shape.n_classes if shape.n_classes > 2 else 1
    levels = sum(count if count <= ONE_HOT_LEVELS else means for count in shape.levels)
    return shape.n_numeric + levels + shape.n_with_missing
