"""Changes of the features, of training and test rows alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pandas as pd

from bench.alterations.importances import importances
from bench.alterations.rows import Rows
from bench.interventions import columns_added, columns_left


def with_noise_columns(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Add standard normal columns, which tell nothing of anything."""
    names = _new_names("noise", amount, rows.X.columns)

    def widened(X: pd.DataFrame) -> pd.DataFrame:
        return _beside(X, pd.DataFrame(generator.standard_normal((len(X), amount)), columns=names))

    return replace(rows, X=widened(rows.X), X_test=widened(rows.X_test), image=None)


def with_diluting_columns(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Add standard normal columns, so many per cent of those that there are: as much noise in every table."""
    return with_noise_columns(rows, columns_added(rows.X.shape[1], amount), generator)


def with_shuffled_columns(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Add copies of columns, from the first on and over again, each with its rows in an order of its own.

    They are as real columns are, missing values and levels among it, and tell nothing of the target.
    """
    names = _new_names("shuffled", amount, rows.X.columns)
    n_columns = rows.X.shape[1]

    def shuffled(X: pd.DataFrame) -> pd.DataFrame:
        parts = {
            name: X.iloc[generator.permutation(len(X)), i % n_columns].array for i, name in enumerate(names)
        }
        return _beside(X, pd.DataFrame(parts))

    return replace(rows, X=shuffled(rows.X), X_test=shuffled(rows.X_test), image=None)


def without_least_columns(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Drop so many per cent of the columns, at most all but one, those that training rows make least use of.

    As in Grinsztajn, Oyallon and Varoquaux (2022); of equally useful columns the first stay.
    """
    useful = importances(rows.X, rows.y, rows.problem, generator)
    left = columns_left(len(useful), amount)
    kept = np.sort(np.argsort(-useful, kind="stable")[:left])
    return replace(rows, X=rows.X.iloc[:, kept], X_test=rows.X_test.iloc[:, kept], image=None)


def with_feature_noise(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Add normal noise to each number, with a SD of so many per cent of its column's.

    The SD is that of the training rows' finite values; what is missing or infinite stays so.
    """
    numeric = rows.X.select_dtypes("number").columns
    values = rows.X[numeric].to_numpy(np.float64)
    finite = np.where(np.isfinite(values), values, np.nan)
    with np.errstate(over="ignore"):
        spread = np.array([np.nanstd(column) if np.isfinite(column).any() else 0.0 for column in finite.T])
    scale = np.where(np.isfinite(spread), spread, 0.0) * amount / 100

    def noisy(X: pd.DataFrame) -> pd.DataFrame:
        noise = generator.standard_normal((len(X), len(numeric))) * scale
        changed = X.copy()
        changed[numeric] = X[numeric].to_numpy(np.float64) + noise
        return changed

    return replace(rows, X=noisy(rows.X), X_test=noisy(rows.X_test))


def with_permuted_columns(rows: Rows, _: int, generator: np.random.Generator) -> Rows:
    """Give each place the pixel of another one, its channels together, the same for all images."""
    channels = 1 if rows.image is None else rows.image.channels
    places = generator.permutation(rows.X.shape[1] // channels)
    order = (places[:, None] * channels + np.arange(channels)).ravel()

    def permuted(X: pd.DataFrame) -> pd.DataFrame:
        return X.iloc[:, order].set_axis(X.columns, axis=1)

    return replace(rows, X=permuted(rows.X), X_test=permuted(rows.X_test))


def _beside(X: pd.DataFrame, more: pd.DataFrame) -> pd.DataFrame:
    return pd.concat([X, more.set_axis(X.index, axis=0)], axis=1)


def _new_names(stem: str, amount: int, taken: Iterable[str]) -> list[str]:
    """Return names that no column has."""
    while any(name.startswith(f"{stem} ") for name in taken):
        stem += "'"
    return [f"{stem} {number}" for number in range(1, amount + 1)]
