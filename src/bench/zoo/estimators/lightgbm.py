"""LightGBM on a matrix with category codes, stopped by the validation rows or the deadline."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import lightgbm as lgb
import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline
from bench.zoo.estimators.rounds import RoundsMonitor, wanted_rounds

Matrix = tuple[np.ndarray, np.ndarray]


class LightGBMModel(BaseEstimator):
    """Gradient boosting with `params` as `lightgbm.train` takes them. After `fit`: `booster_`, `rounds_`."""

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
        # Row-wise histograms by decree: the library would else time both ways and so vary from run to run.
        fixed = {"verbosity": -1, "deterministic": True, "force_row_wise": True}
        params = {**fixed, **(self.params or {}), **self._objective(y)}
        rounds = wanted_rounds(params.get("learning_rate", 0.1), validated=validation is not None)
        monitor = RoundsMonitor(deadline, rounds)
        train = lgb.Dataset(X, y, categorical_feature=list(categorical), params=params)
        valid_sets = [train.create_valid(*validation)] if validation is not None else []

        def watch(env: Any) -> None:
            loss = env.evaluation_result_list[0][2] if env.evaluation_result_list else None
            if monitor.stop(loss):
                raise lgb.callback.EarlyStopException(env.iteration, env.evaluation_result_list)

        self.booster_ = lgb.train(params, train, rounds, valid_sets=valid_sets, callbacks=[watch])
        self.rounds_ = monitor.best_rounds
        self.truncated_ = monitor.truncated
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,), or probabilities as the library gives them."""
        threads = (self.params or {}).get("num_threads", 1)
        return np.asarray(self.booster_.predict(X, num_iteration=self.rounds_, num_threads=threads))

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        predicted = self.predict(X)
        return predicted if predicted.ndim == 2 else np.column_stack([1 - predicted, predicted])

    def _objective(self, y: np.ndarray) -> dict[str, Any]:
        if not self.classification:
            return {"objective": "regression", "metric": "l2"}
        n_classes = int(y.max()) + 1
        if n_classes == 2:
            return {"objective": "binary", "metric": "binary_logloss"}
        return {"objective": "multiclass", "metric": "multi_logloss", "num_class": n_classes}
