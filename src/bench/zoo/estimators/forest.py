"""Random forests and extra-trees that grow a few trees at a time and look at the clock in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline
from bench.zoo.deadlines import StepClock

STEP_TREES = 5
"""Trees between two looks at the clock; measured to cost nothing against growing all at once."""
LIBRARY = {
    ("random", True): RandomForestClassifier,
    ("random", False): RandomForestRegressor,
    ("extra", True): ExtraTreesClassifier,
    ("extra", False): ExtraTreesRegressor,
}
"""By the kind of splits and whether there are classes."""


class Forest(BaseEstimator):
    """scikit-learn's forests by `warm_start`: the same trees as in one go, and fewer past the deadline.

    `params` are the library's own, `n_estimators` among them; `splits` are those of a "random" forest
    (the best thresholds) or of "extra" trees (thresholds drawn at random). After `fit`: `forest_`,
    `truncated_`.
    """

    def __init__(
        self,
        params: Mapping[str, Any] | None = None,
        *,
        splits: str = "random",
        classification: bool = True,
        seed: int = 0,
        threads: int = 1,
    ) -> None:
        self.params = params
        self.splits = splits
        self.classification = classification
        self.seed = seed
        self.threads = threads

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Grow the trees; the first one whatever the clock says."""
        params = dict(self.params or {})
        wanted = params.pop("n_estimators", 100)
        forest = LIBRARY[self.splits, self.classification](
            n_estimators=1, warm_start=True, random_state=self.seed, n_jobs=self.threads, **params
        )
        clock = StepClock(deadline)
        forest.fit(X, y)
        clock.step()
        tree_s = clock.step_s
        while forest.n_estimators < wanted and clock.affords(max(clock.step_s, STEP_TREES * tree_s)):
            forest.n_estimators = min(wanted, forest.n_estimators + STEP_TREES)
            forest.fit(X, y)
            clock.step()
        self.forest_ = forest
        self.truncated_ = forest.n_estimators < wanted
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        return np.asarray(self.forest_.predict(X))

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return np.asarray(self.forest_.predict_proba(X))
