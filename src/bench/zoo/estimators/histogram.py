"""scikit-learn's histogram gradient boosting, stopped by the validation rows or the deadline."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline
from bench.zoo.estimators.rounds import RoundsMonitor, wanted_rounds

Matrix = tuple[np.ndarray, np.ndarray]
MAX_LEVELS = 255
"""The library's bins, one for each category; a category with more levels is split as an ordinal number."""


class _Watched:
    """Hands the validation loss of each round to a monitor and lets it say when to stop.

    The library offers no callback, and going on with a fit (`warm_start`) bins the rows again each time.
    But it asks this method of its own after each round, and once before the first.
    """

    monitor: RoundsMonitor
    asked: int = 0
    validation_score_: list[float]

    def _check_early_stopping_loss(self, *args: Any, **kwargs: Any) -> bool:
        super()._check_early_stopping_loss(*args, **kwargs)  # type: ignore[misc]
        self.asked += 1
        if self.asked == 1:
            return False
        return self.monitor.stop(-self.validation_score_[-1] if self.validation_score_ else None)


class _WatchedClassifier(_Watched, HistGradientBoostingClassifier):
    """The classifier."""


class _WatchedRegressor(_Watched, HistGradientBoostingRegressor):
    """The regressor."""


class HistogramModel(BaseEstimator):
    """Gradient boosting with `params` as the library takes them. After `fit`: `booster_`, `rounds_`.

    Categories are split natively up to 255 levels, beyond that as ordinal numbers. The trees are those
    of the library's own fit of `rounds_` iterations, to the last bit.
    """

    def __init__(
        self, params: Mapping[str, Any] | None = None, *, classification: bool = True, seed: int = 0
    ) -> None:
        self.params = params
        self.classification = classification
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        validation: Matrix | None = None,
        deadline: Deadline | None = None,
        categorical: tuple[int, ...] = (),
    ) -> Self:
        """Boost until the validation loss has stopped falling, the deadline, or the last round."""
        params = {"learning_rate": 0.1, **(self.params or {})}
        X = np.where(np.isnan(X).all(axis=0), 0.0, X)  # a column with no value at all cannot be binned
        library = _WatchedClassifier if self.classification else _WatchedRegressor
        rounds = wanted_rounds(params["learning_rate"], validated=validation is not None)
        booster = library(
            **params,
            max_iter=rounds,
            categorical_features=[i for i in categorical if _levels(X[:, i]) <= MAX_LEVELS],
            early_stopping=True,  # asks `_check_early_stopping_loss`, which decides
            validation_fraction=None,
            random_state=self.seed,
        )
        monitor = booster.monitor = RoundsMonitor(deadline, rounds)
        booster.fit(X, y, **({"X_val": validation[0], "y_val": validation[1]} if validation else {}))
        if booster.asked != booster.n_iter_ + 1:
            raise RuntimeError(
                f"this scikit-learn asked {booster.asked} times in {booster.n_iter_} rounds whether to stop, "
                "so no deadline can be kept: use a version that is known to work"
            )
        self.booster_, self.rounds_, self.truncated_ = booster, monitor.best_rounds, monitor.truncated
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        return self._at_best(self.booster_.staged_predict(X))

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return self._at_best(self.booster_.staged_predict_proba(X))

    def _at_best(self, stages: Any) -> np.ndarray:
        return np.asarray(next(islice(stages, self.rounds_ - 1, None)))


def _levels(codes: np.ndarray) -> int:
    return len(np.unique(codes[~np.isnan(codes)]))
