"""How many products of features there are, and what they cost on one core."""

from __future__ import annotations

from math import comb

from bench.tasks import TaskShape

MAX_BYTES = 1024**3
"""The most that the products of the fit rows may take; a fit holds about twice as much."""
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


def n_encoded(shape: TaskShape) -> int:
    """Return how many columns the dense encoder makes of such a table at most.

    A number, and a flag where it is missing somewhere; a column for each of up to 30 levels (and one for
    missing); for more levels the mean target, or the share of each class.
    """
    means = shape.n_classes if shape.n_classes > 2 else 1
    levels = sum(count if count <= ONE_HOT_LEVELS else means for count in shape.levels)
    return shape.n_numeric + levels + shape.n_with_missing
