"""Strictly increasing changes of numeric columns: distances go, the order of rows stays."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from bench.alterations.rows import Rows
from bench.alterations.scaled import numeric_columns

Floats: TypeAlias = np.ndarray

BEND_TO = 5.0
"""Standard deviations from the mean within which a column is bent; further out it goes on straight."""
LARGEST = 1e300


BENDS: tuple[Callable[[Floats], Floats], ...] = (
    lambda z: z + z**3,
    lambda z: np.sinh(2 * z),
    lambda z: z + np.exp(2 * z),
)
"""Of the standardised value; each rises by at least as much as its value does, so that values which a learner
tells apart in single precision stay so."""
SLOPES: tuple[Callable[[Floats], Floats], ...] = (
    lambda z: 1 + 3 * z**2,
    lambda z: 2 * np.cosh(2 * z),
    lambda z: 1 + 2 * np.exp(2 * z),
)
"""Their derivatives."""


def with_warped_features(rows: Rows, _: int, generator: np.random.Generator) -> Rows:
    """Bend each numeric column by a function drawn for it, which keeps the order and the ties of all rows.

    Columns are standardised by the training rows' finite values; what is missing or infinite stays so.
    """
    X, X_test = rows.X.copy(), rows.X_test.copy()
    for name in numeric_columns(rows.X):
        bend = int(generator.integers(len(BENDS)))
        both = np.concatenate([rows.X[name].to_numpy(np.float64), rows.X_test[name].to_numpy(np.float64)])
        warped = _warped(both, len(X), bend)
        X[name] = pd.Series(warped[: len(X)], index=X.index)
        X_test[name] = pd.Series(warped[len(X) :], index=X_test.index)
    return replace(rows, X=X, X_test=X_test, image=None)


def _warped(values: Floats, n_train: int, bend: int) -> Floats:
    """Return a column (n,), training rows first, bent; rounding makes no two numbers one."""
    finite = np.isfinite(values)
    if not finite[:n_train].any():
        return values
    known = values[:n_train][finite[:n_train]]
    with np.errstate(over="ignore", invalid="ignore"):
        mean, sd = known.mean(), known.std()
    if not np.isfinite(mean) or not np.isfinite(sd):
        mean, sd = 0.0, np.abs(known).max()
    levels, place = np.unique(values[finite], return_inverse=True)
    with np.errstate(over="ignore"):
        bent = _bent(np.clip((levels - mean) / (sd or 1.0), -LARGEST, LARGEST), bend)
    warped = values.copy()
    warped[finite] = _rising(bent)[place]
    return warped


def _bent(z: Floats, bend: int) -> Floats:
    """Return the function of z, straight on beyond `BEND_TO`."""
    near = np.clip(z, -BEND_TO, BEND_TO)
    bent = BENDS[bend](near) + SLOPES[bend](near) * (z - near)
    return np.asarray(np.clip(bent, -LARGEST, LARGEST))


def _rising(values: Floats) -> Floats:
    """Return values (n,) that do not fall, each that rounding made equal to the last put above it."""
    if len(values) < 2 or (np.diff(values) > 0).all():
        return values
    rising = values.copy()
    for i in range(1, len(rising)):
        rising[i] = max(rising[i], np.nextafter(rising[i - 1], np.inf))
    return rising
