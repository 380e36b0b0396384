"""How much columns tell of the target, by one fixed measure on training rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    from bench.datasets import ProblemType

MOST_ROWS = 10_000
"""Of more, so many are drawn."""
N_TREES = 100


def importances(
    X: pd.DataFrame, y: np.ndarray, problem: ProblemType, generator: np.random.Generator
) -> np.ndarray:
    """Return (d,) importances of the columns of X (n, d): shares of the impurity that extra-trees take away.

    Grinsztajn, Oyallon and Varoquaux (2022) rank columns by a random forest; extra-trees (Geurts, Ernst and
    Wehenkel, 2006) do so in less time. Categories are read as codes, missing values as below all others.
    """
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor

    from bench.zoo.preprocessing import ColumnReader

    seed = int(generator.integers(2**31))
    drawn = np.sort(generator.permutation(len(X))[:MOST_ROWS])
    reader = ColumnReader(X)
    numbers = reader.read(X.iloc[drawn])
    lowest = np.where(np.isnan(numbers), np.inf, numbers).min(axis=0, initial=0.0)
    complete = np.where(np.isnan(numbers), lowest - 1, numbers)
    library = ExtraTreesClassifier if problem.is_classification else ExtraTreesRegressor
    forest = library(n_estimators=N_TREES, random_state=seed, n_jobs=1).fit(complete, y[drawn])
    found = np.empty(X.shape[1])
    found[[*reader.numeric, *reader.categories]] = forest.feature_importances_
    return found
