"""XGBoost on a matrix with category codes, stopped by the validation rows or the deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import xgboost as xgb
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline
from bench.zoo.estimators.rounds import RoundsMonitor, wanted_rounds

Matrix = tuple[np.ndarray, np.ndarray]


class _Watch(xgb.callback.TrainingCallback):
    """Passes the validation loss of each round to the monitor."""

    def __init__(self, monitor: RoundsMonitor) -> None:
        super().__init__()
        self._monitor = monitor

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """Return whether to stop."""
        losses = next(iter(evals_log["validation"].values())) if evals_log else [None]
        return self._monitor.stop(losses[-1])


class XGBoostModel(BaseEstimator):
    """Gradient boosting with `params` as `xgboost.train` takes them. After `fit`: `booster_`, `rounds_`."""

    def __init__(self, params: Mapping[str, Any] | None = None, *, classification: bool = True) -> None:
        self.params = params
        self.classification = classification

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
        params = {"tree_method": "hist", "verbosity": 0, **(self.params or {}), **self._objective(y)}
        rounds = wanted_rounds(params.get("learning_rate", 0.3), validated=validation is not None)
        monitor = RoundsMonitor(deadline, rounds)
        self.feature_types_ = ["c" if i in categorical else "q" for i in range(X.shape[1])]
        train = self._matrix(X, y)
        evals = [(self._matrix(*validation, ref=train), "validation")] if validation is not None else []
        self.booster_ = xgb.train(
            params, train, rounds, evals=evals, callbacks=[_Watch(monitor)], verbose_eval=False
        )
        self.rounds_ = monitor.best_rounds
        self.truncated_ = monitor.truncated
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,), or probabilities as the library gives them."""
        matrix = xgb.DMatrix(
            X, feature_types=self.feature_types_, enable_categorical=True, nthread=self._threads
        )
        predicted: np.ndarray = self.booster_.predict(matrix, iteration_range=(0, self.rounds_))
        return predicted

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        predicted = self.predict(X)
        return predicted if predicted.ndim == 2 else np.column_stack([1 - predicted, predicted])

    @property
    def _threads(self) -> int:
        return int((self.params or {}).get("nthread", 1))

    def _matrix(self, X: np.ndarray, y: np.ndarray, ref: Any = None) -> Any:
        return xgb.QuantileDMatrix(
            X, y, feature_types=self.feature_types_, enable_categorical=True, nthread=self._threads, ref=ref
        )

    def _objective(self, y: np.ndarray) -> dict[str, Any]:
        if not self.classification:
            return {"objective": "reg:squarederror"}
        n_classes = int(y.max()) + 1
        if n_classes == 2:
            return {"objective": "binary:logistic"}
        return {"objective": "multi:softprob", "num_class": n_classes}
