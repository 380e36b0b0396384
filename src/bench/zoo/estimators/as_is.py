"""The encoder that encodes nothing."""

from __future__ import annotations

from typing import Any, Self

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class AsIs(TransformerMixin, BaseEstimator):
    """For models that take the frame as it is; `categorical_` holds the positions of its categories."""

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Note which columns are categorical."""
        kinds = enumerate(X.dtypes)
        self.categorical_ = tuple(i for i, dtype in kinds if isinstance(dtype, pd.CategoricalDtype))
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """Return X (n, d)."""
        return X
