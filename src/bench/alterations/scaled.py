"""Numeric columns as one complete, scaled array: the ground that rotating and smoothing stand on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from bench.alterations.rows import Rows

N_QUANTILES = 1000


def scaled_numbers(X: pd.DataFrame, X_test: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return the numeric columns of training rows (n, d) and test rows (m, d), filled and scaled, float64.

    By the training rows alone: what is infinite reads as their largest or smallest number, what is missing
    as their median, and quantiles are mapped to those of a normal distribution. A column of one value there
    is 0 everywhere.
    """
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import QuantileTransformer

    from bench.zoo.preprocessing import ColumnReader

    names = numeric_columns(X)
    reader = ColumnReader(X[names])
    numbers = reader.read(X[names])
    filled_and_scaled = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        QuantileTransformer(
            n_quantiles=min(N_QUANTILES, len(X)), output_distribution="normal", subsample=None
        ),
    )
    scaled = filled_and_scaled.fit_transform(numbers)
    varies = np.ptp(scaled, axis=0) > 0
    return scaled * varies, filled_and_scaled.transform(reader.read(X_test[names])) * varies


def numeric_columns(X: pd.DataFrame) -> list[str]:
    """Return the names of the columns of numbers: neither categories nor truth values."""
    return list(X.select_dtypes("number").columns)


def with_scaled_features(rows: Rows, _amount: int, _generator: np.random.Generator) -> Rows:
    """Keep the numeric columns alone, filled and scaled: what rotated features are compared with."""
    return _as_columns(rows, *scaled_numbers(rows.X, rows.X_test))


def with_rotated_features(rows: Rows, _: int, generator: np.random.Generator) -> Rows:
    """Multiply the scaled features by one random orthogonal matrix (Ng, 2004; Grinsztajn et al., 2022)."""
    train, test = scaled_numbers(rows.X, rows.X_test)
    rotation = orthogonal(train.shape[1], generator)
    return _as_columns(rows, train @ rotation, test @ rotation)


def orthogonal(size: int, generator: np.random.Generator) -> np.ndarray:
    """Return an orthogonal matrix (size, size), each equally likely (Haar).

    By the QR decomposition of a Gaussian matrix, with the diagonal of R made positive: without that it is
    not uniform (Mezzadri, 2007).
    """
    q, r = np.linalg.qr(generator.standard_normal((size, size)))
    return np.asarray(q * np.where(np.diag(r) < 0, -1.0, 1.0))


def _as_columns(rows: Rows, train: np.ndarray, test: np.ndarray) -> Rows:
    names = [f"feature {number}" for number in range(1, train.shape[1] + 1)]
    return replace(
        rows,
        X=pd.DataFrame(train, columns=names, index=rows.X.index),
        X_test=pd.DataFrame(test, columns=names, index=rows.X_test.index),
        image=None,
    )
