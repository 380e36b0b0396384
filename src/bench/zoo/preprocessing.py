"""From a frame of numbers and categories to the matrix a model fits on; fitted on the fit rows alone."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.model_selection import KFold
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

LARGEST = 1e37
"""Larger numbers are cut to this one, which single precision can hold."""
UNSEEN = -1.0
"""The code of a category that no fit row had; a missing one is NaN."""
ONE_HOT_LEVELS = 30
"""A category with more levels is target-encoded instead."""
N_FOLDS = 5
"""Of the cross-fitted target encoding."""
ROBUST_CLIP = 10.0
"""Robustly scaled values are cut here: beyond it they are outliers, and one row would rule every distance."""


class ColumnReader:
    """Reads a frame as numbers and category codes, the way the fit rows defined them.

    Columns go by position. An infinite number reads as the largest (smallest) finite one of the fit rows.
    """

    def __init__(self, X: pd.DataFrame) -> None:
        """Note the columns' kinds, the categories that occur and the finite extremes."""
        kinds = [not is_numeric_dtype(dtype) or is_bool_dtype(dtype) for dtype in X.dtypes]
        self.numeric = [i for i, categorical in enumerate(kinds) if not categorical]
        self.categories = {
            i: _categories(X.iloc[:, i]).cat.remove_unused_categories().cat.categories
            for i, c in enumerate(kinds)
            if c
        }
        numbers = self._raw_numbers(X)
        finite = np.isfinite(numbers)
        seen = finite.any(axis=0)
        self._low = np.where(seen, numbers.min(axis=0, initial=np.inf, where=finite), 0.0)
        self._high = np.where(seen, numbers.max(axis=0, initial=-np.inf, where=finite), 0.0)

    def read(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, d) float64, new: the numbers, then the codes; NaN is missing.

        What need not be copied is not: thousands of columns take gigabytes.
        """
        numbers = self._raw_numbers(X)
        if np.isinf(numbers).any():
            numbers = np.where(
                np.isposinf(numbers), self._high, np.where(np.isneginf(numbers), self._low, numbers)
            )
        np.clip(numbers, -LARGEST, LARGEST, out=numbers)
        if not self.categories:
            return numbers
        codes = [self._codes(X.iloc[:, i], levels) for i, levels in self.categories.items()]
        return np.column_stack([numbers, *codes])

    def _raw_numbers(self, X: pd.DataFrame) -> np.ndarray:
        """Return a copy of the numbers."""
        return X.iloc[:, self.numeric].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)

    @staticmethod
    def _codes(column: pd.Series, levels: pd.Index) -> np.ndarray:
        known = _categories(column).cat.set_categories(levels).cat.codes.to_numpy(dtype=np.float64)
        return np.where(column.isna().to_numpy(), np.nan, known)


def _categories(column: pd.Series) -> pd.Series:
    """Return a column as categories: text and truth values are of these as well."""
    return column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")


class TreeEncoder(TransformerMixin, BaseEstimator):
    """For trees: numbers as they are, categories as ordinal codes, missing and unseen as NaN.

    `categorical_` holds the positions of the codes, for models that split categories natively.
    """

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> Self:
        """Note the columns."""
        self.reader_ = ColumnReader(X)
        first = len(self.reader_.numeric)
        self.categorical_ = tuple(range(first, first + len(self.reader_.categories)))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, d) float64, NaN where missing."""
        values = self.reader_.read(X)
        codes = values[:, len(self.reader_.numeric) :]
        codes[codes == UNSEEN] = np.nan
        return values


class DenseEncoder(TransformerMixin, BaseEstimator):
    """For distances, kernels, weights and nets: complete, scaled, dense.

    Numbers: median for missing, a flag column where the fit rows had missing ones, then `scaling`:
    "standard"; "robust" (median and quartiles, cut at +-10); "quantile" (to a normal distribution); "none"
    (as they are), for numbers that are scaled already.
    Categories: one-hot up to 30 levels, else the mean target of the level, cross-fitted inside the fit rows
    (Micci-Barreca, 2001; scikit-learn's TargetEncoder) and scaled as a number.
    """

    def __init__(self, *, scaling: str = "standard", classification: bool = True, seed: int = 0) -> None:
        self.scaling = scaling
        self.classification = classification
        self.seed = seed

    def fit(self, X: pd.DataFrame, y: np.ndarray) -> Self:
        """Fit on X (n, d) and the target, class codes or numbers, (n,)."""
        self.fit_transform(X, y)
        return self

    def fit_transform(self, X: pd.DataFrame, y: np.ndarray, **fit_params: Any) -> np.ndarray:
        """Fit, and return the fit rows (n, p), whose target encodings are cross-fitted."""
        self.reader_ = ColumnReader(X)
        values = self.reader_.read(X)
        self.columns_ = self._columns(values, y)
        return np.asarray(self.columns_.fit_transform(values, y), dtype=np.float64)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, p) float64, nothing missing."""
        return np.asarray(self.columns_.transform(self.reader_.read(X)), dtype=np.float64)

    def _columns(self, values: np.ndarray, y: np.ndarray) -> ColumnTransformer:
        numeric = list(range(len(self.reader_.numeric)))
        sizes = {len(numeric) + i: len(levels) for i, levels in enumerate(self.reader_.categories.values())}
        few = [i for i, size in sizes.items() if size <= ONE_HOT_LEVELS]
        many = [i for i, size in sizes.items() if size > ONE_HOT_LEVELS]
        impute = SimpleImputer(strategy="median", keep_empty_features=True)
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        folds = KFold(N_FOLDS, shuffle=True, random_state=self.seed)
        means = TargetEncoder(target_type=self._target_type(y), cv=folds)
        return ColumnTransformer(
            [
                ("numbers", make_pipeline(impute, self._scaler(len(values))), numeric),
                ("missing", MissingIndicator(error_on_new=False), numeric),
                ("one_hot", one_hot, few),
                ("target_means", make_pipeline(means, self._scaler(len(values))), many),
            ]
        )

    def _target_type(self, y: np.ndarray) -> str:
        if not self.classification:
            return "continuous"
        return "binary" if len(np.unique(y)) <= 2 else "multiclass"

    def _scaler(self, n_rows: int) -> TransformerMixin | Pipeline:
        if self.scaling == "none":
            return FunctionTransformer()
        if self.scaling == "standard":
            return StandardScaler()
        if self.scaling == "robust":
            clip = FunctionTransformer(np.clip, kw_args={"a_min": -ROBUST_CLIP, "a_max": ROBUST_CLIP})
            return make_pipeline(RobustScaler(unit_variance=True), clip)
        if self.scaling == "quantile":
            n_quantiles = min(1000, n_rows)
            return QuantileTransformer(
                n_quantiles=n_quantiles, output_distribution="normal", random_state=self.seed
            )
        raise ValueError(f"scaling {self.scaling!r} is none of 'standard', 'robust', 'quantile', 'none'")
