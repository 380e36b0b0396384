"""From a frame of numbers and categories to the matrix a model fits on; fitted on the fit rows alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Self

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_numeric_dtype
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer
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


BLOCK = 256
"""Columns that are worked on at a time: of thousands of pixels, a copy takes a gigabyte."""


class ColumnReader:
    """Reads a frame as numbers and category codes, the way the fit rows defined them.

    Columns go by position. An infinite number reads as the largest (smallest) finite one of the fit rows.
    """

    def __init__(self, X: pd.DataFrame) -> None:
        """Note the columns' kinds, the categories that occur, the finite extremes and what is missing."""
        kinds = [not is_numeric_dtype(dtype) or is_bool_dtype(dtype) for dtype in X.dtypes]
        self.numeric = [i for i, categorical in enumerate(kinds) if not categorical]
        self.categories = {
            i: _categories(X.iloc[:, i]).cat.remove_unused_categories().cat.categories
            for i, c in enumerate(kinds)
            if c
        }
        self._low, self._high = np.zeros((2, len(self.numeric)))
        self.missing = np.zeros(len(self.numeric), dtype=bool)
        """Which numbers the fit rows lack somewhere."""
        for block in self.blocks():
            numbers = self._raw_numbers(X, block)
            finite = np.isfinite(numbers)
            seen = finite.any(axis=0)
            low = numbers.min(axis=0, initial=np.inf, where=finite)
            high = numbers.max(axis=0, initial=-np.inf, where=finite)
            self._low[block], self._high[block] = np.where(seen, low, 0.0), np.where(seen, high, 0.0)
            self.missing[block] = np.isnan(numbers).any(axis=0)

    def blocks(self) -> Iterator[slice]:
        """Yield which of the numbers are read at a time."""
        for start in range(0, len(self.numeric), BLOCK):
            yield slice(start, min(start + BLOCK, len(self.numeric)))

    def read(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, d) float64, new, by columns: the numbers, then the codes; NaN is missing."""
        n_numbers = len(self.numeric)
        values = np.empty((len(X), n_numbers + len(self.categories)), order="F")
        for block in self.blocks():
            values[:, block] = self.numbers(X, block)
        values[:, n_numbers:] = self.codes(X)
        return values

    def numbers(self, X: pd.DataFrame, block: slice) -> np.ndarray:
        """Return a block of the numbers, float64, new, by columns; NaN is missing."""
        numbers = self._raw_numbers(X, block)
        if np.isinf(numbers).any():
            low, high = self._low[block], self._high[block]
            numbers = np.where(np.isposinf(numbers), high, np.where(np.isneginf(numbers), low, numbers))
        np.clip(numbers, -LARGEST, LARGEST, out=numbers)
        return np.asfortranarray(numbers)

    def single(self, X: pd.DataFrame) -> np.ndarray | None:
        """Return (n, d) float32, the frame's own memory, where it holds just what `read` would copy."""
        if self.categories or any(dtype != np.float32 for dtype in X.dtypes):
            return None
        values: np.ndarray = X.to_numpy()
        if any((np.abs(values[:, block]) > LARGEST).any() for block in self.blocks()):
            return None
        return values

    def codes(self, X: pd.DataFrame) -> np.ndarray:
        """Return the category codes (n, k) float64, NaN where missing."""
        codes = np.empty((len(X), len(self.categories)), order="F")
        for number, (i, levels) in enumerate(self.categories.items()):
            column = X.iloc[:, i]
            known = _categories(column).cat.set_categories(levels).cat.codes.to_numpy(dtype=np.float64)
            codes[:, number] = np.where(column.isna().to_numpy(), np.nan, known)
        return codes

    def _raw_numbers(self, X: pd.DataFrame, block: slice) -> np.ndarray:
        """Return a copy of a block of the numbers."""
        return X.iloc[:, self.numeric[block]].to_numpy(dtype=np.float64, na_value=np.nan, copy=True)


def _categories(column: pd.Series) -> pd.Series:
    """Return a column as categories: text and truth values are of these as well."""
    return column if isinstance(column.dtype, pd.CategoricalDtype) else column.astype("category")


class TreeEncoder(TransformerMixin, BaseEstimator):
    """For trees: numbers as they are, categories as ordinal codes, missing and unseen as NaN.

    `categorical_` holds the positions of the codes, for models that split categories natively. With `single`,
    numbers that are kept in single precision, as pixels are, stay so: the frame's own memory, not to be
    written to, for models that read numbers so anyway or take both alike.
    """

    def __init__(self, *, single: bool = False) -> None:
        self.single = single

    def fit(self, X: pd.DataFrame, y: np.ndarray | None = None) -> Self:
        """Note the columns."""
        self.reader_ = ColumnReader(X)
        first = len(self.reader_.numeric)
        self.categorical_ = tuple(range(first, first + len(self.reader_.categories)))
        return self

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, d) float64, with `single` where it can be float32, NaN where missing."""
        own = self.reader_.single(X) if self.single else None
        if own is not None:
            return own
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
        self.scalers_ = [self._scaler(len(X)) for _ in self.reader_.blocks()]
        self.medians_ = np.zeros(len(self.reader_.numeric))
        for block in self.reader_.blocks():
            self.medians_[block] = _medians(self.reader_.numbers(X, block))
        self.categories_ = self._categories(len(X), y)
        parts = self._numbers(X, [each.fit_transform for each in self.scalers_])
        if self.reader_.categories:
            parts.append(self.categories_.fit_transform(self.reader_.codes(X), y))
        return _joined(parts)

    def transform(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, p) float64, nothing missing."""
        parts = self._numbers(X, [each.transform for each in self.scalers_])
        if self.reader_.categories:
            parts.append(self.categories_.transform(self.reader_.codes(X)))
        return _joined(parts)

    def _numbers(self, X: pd.DataFrame, scale: list[Callable[[np.ndarray], np.ndarray]]) -> list[np.ndarray]:
        """Return the scaled numbers (n, d) and the flags of those that are missing, a block at a time.

        In which order they lie in memory is how scikit-learn's ColumnTransformer leaves it: products of
        another would be rounded otherwise.
        """
        by_columns = self.reader_.missing.any() and not self.reader_.categories
        scaled = np.empty((len(X), len(self.reader_.numeric)), order="F" if by_columns else "C")
        flags = []
        for block, scale_block in zip(self.reader_.blocks(), scale, strict=True):
            numbers = self.reader_.numbers(X, block)
            gaps = np.isnan(numbers)
            flags.append(gaps[:, self.reader_.missing[block]])
            if gaps.any():
                numbers[gaps] = np.broadcast_to(self.medians_[block], numbers.shape)[gaps]
            scaled[:, block] = scale_block(numbers)
        return [scaled, *(each for each in flags if each.shape[1])]

    def _categories(self, n_rows: int, y: np.ndarray) -> ColumnTransformer:
        sizes = {i: len(levels) for i, levels in enumerate(self.reader_.categories.values())}
        few = [i for i, size in sizes.items() if size <= ONE_HOT_LEVELS]
        many = [i for i, size in sizes.items() if size > ONE_HOT_LEVELS]
        one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        folds = KFold(N_FOLDS, shuffle=True, random_state=self.seed)
        means = TargetEncoder(target_type=self._target_type(y), cv=folds)
        return ColumnTransformer(
            [
                ("one_hot", one_hot, few),
                ("target_means", make_pipeline(means, self._scaler(n_rows)), many),
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


def _medians(numbers: np.ndarray) -> np.ndarray:
    """Return the median of what is there in each column, 0 where nothing is.

    Those of scikit-learn's SimpleImputer, by selection; it sorts, and takes twelve times as long.
    """
    known = (column[~np.isnan(column)] for column in numbers.T)
    return np.array([np.median(column) if len(column) else 0.0 for column in known])


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    """Return columns side by side, float64; what is alone is not copied."""
    return np.asarray(parts[0] if len(parts) == 1 else np.hstack(parts), dtype=np.float64)
