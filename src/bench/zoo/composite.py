"""An encoder and a model as one scikit-learn estimator: what every learner of the zoo builds.

A model fits on a matrix (n, p) and on class codes 0..k-1 or a standardised target. Its `fit` may also take
`validation` (matrix, target), `deadline` and `categorical` (positions of category codes): it is given what
it asks for. A classifier offers `predict_proba` (n, k) or `decision_function` and `predict`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import assert_all_finite, get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, has_fit_parameter, validate_data

from bench.budgets import Deadline, NoDeadline
from bench.zoo.deadlines import DeadlinePassed

Rows = tuple[pd.DataFrame, np.ndarray]


def _model_has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(getattr(self, "model_", self.model), method)


class _Tabular(BaseEstimator):
    """The parts that classifiers and regressors share."""

    def __init__(self, encoder: Any, model: Any) -> None:
        self.encoder = encoder
        self.model = model

    def __sklearn_tags__(self) -> Any:
        """Missing values and categories are welcome."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True
        return tags

    def _frame(self, X: Any, *, reset: bool = False) -> pd.DataFrame:
        """Return X as a frame, its columns checked against those of the fit."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X
        checked = validate_data(self, X, reset=reset, dtype=np.float64, ensure_all_finite=False)
        return pd.DataFrame(checked)

    def _encode(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        encoded: np.ndarray = self.encoder_.transform(self._frame(X))
        return encoded

    def _fit(self, model: Any, rows: Rows, validation: Rows | None, deadline: Deadline | None) -> Self:
        """Fit encoder and model on rows with coded targets; note truncation and convergence."""
        X, y = rows
        deadline = deadline if deadline is not None else NoDeadline()
        self.encoder_ = clone(self.encoder)
        encoded = self.encoder_.fit_transform(X, y)
        extras: dict[str, Any] = {}
        if has_fit_parameter(model, "categorical"):
            extras["categorical"] = self.encoder_.categorical_
        if has_fit_parameter(model, "validation") and validation is not None:
            extras["validation"] = (self.encoder_.transform(validation[0]), validation[1])
        if has_fit_parameter(model, "deadline"):
            extras["deadline"] = deadline
            if deadline.remaining_s() <= 0:
                raise DeadlinePassed("the deadline passed while the rows were encoded, before the fit began")
        self.model_ = clone(model)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ConvergenceWarning)
            self.model_.fit(encoded, y, **extras)
        for warning in caught:
            if not issubclass(warning.category, ConvergenceWarning):
                warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        self.truncated_ = bool(getattr(self.model_, "truncated_", False))
        self.converged_ = not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
        return self


class TabularClassifier(ClassifierMixin, _Tabular):
    """Encoder, then classifier. `classes_` are the labels of the fit rows, sorted.

    With a single label there is nothing to learn: the model is then a constant.
    """

    def __sklearn_tags__(self) -> Any:
        """As bad as its model: a dummy is not held to a score."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.model).classifier_tags
        tags.classifier_tags.poor_score = inner is not None and inner.poor_score
        return tags

    def fit(
        self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None, deadline: Deadline | None = None
    ) -> Self:
        """Fit on X (n, d) and labels y (n,). Raises DeadlinePassed where no model came of it in time.

        Validation rows of a class that the fit rows lack have no code and say nothing about when to stop.
        """
        frame = self._frame(X, reset=True)
        y = _target(y, frame)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        model = self.model if len(self.classes_) > 1 else DummyClassifier(strategy="prior")
        return self._fit(model, (frame, codes), self._coded(validation), deadline)

    def _coded(self, validation: tuple[Any, Any] | None) -> Rows | None:
        if validation is None:
            return None
        frame, y = self._frame(validation[0]), np.asarray(validation[1])
        known = np.isin(y, self.classes_)
        return (frame[known], np.searchsorted(self.classes_, y[known])) if known.any() else None

    def predict(self, X: Any) -> np.ndarray:
        """Return labels (n,)."""
        encoded = self._encode(X)
        if hasattr(self.model_, "predict_proba"):
            codes = self.model_.predict_proba(encoded).argmax(axis=1)
        else:
            codes = self.model_.predict(encoded)
        return np.asarray(self.classes_[codes])

    @available_if(_model_has("predict_proba"))
    def predict_proba(self, X: Any) -> np.ndarray:
        """Return probabilities (n, k), columns as in `classes_`."""
        encoded = self._encode(X)
        return np.asarray(self.model_.predict_proba(encoded))

    @available_if(_model_has("decision_function"))
    def decision_function(self, X: Any) -> np.ndarray:
        """Return scores (n,) for two classes, (n, k) for more."""
        encoded = self._encode(X)
        return np.asarray(self.model_.decision_function(encoded))


class TabularRegressor(RegressorMixin, _Tabular):
    """Encoder, then regressor on the target scaled to mean 0 and SD 1 over the fit rows.

    With a single value there is nothing to learn: the model is then a constant.
    """

    def __sklearn_tags__(self) -> Any:
        """As bad as its model: a dummy is not held to a score."""
        tags = super().__sklearn_tags__()
        inner = get_tags(self.model).regressor_tags
        tags.regressor_tags.poor_score = inner is not None and inner.poor_score
        return tags

    def fit(
        self, X: Any, y: Any, *, validation: tuple[Any, Any] | None = None, deadline: Deadline | None = None
    ) -> Self:
        """Fit on X (n, d) and values y (n,). Raises DeadlinePassed where no model came of it in time."""
        frame = self._frame(X, reset=True)
        y = _target(y, frame).astype(np.float64)
        assert_all_finite(y, input_name="y")
        self.target_mean_ = float(y.mean())
        constant = bool((y == y[0]).all())
        self.target_sd_ = 1.0 if constant else float(y.std())
        model = DummyRegressor() if constant else self.model
        scaled = None
        if validation is not None:
            values = np.asarray(validation[1], dtype=np.float64)
            scaled = (self._frame(validation[0]), (values - self.target_mean_) / self.target_sd_)
        return self._fit(model, (frame, (y - self.target_mean_) / self.target_sd_), scaled, deadline)

    def predict(self, X: Any) -> np.ndarray:
        """Return values (n,) in the target's unit."""
        encoded = self._encode(X)
        return np.asarray(self.model_.predict(encoded)) * self.target_sd_ + self.target_mean_

    @available_if(_model_has("predict_distribution"))
    def predict_distribution(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Return the mean and the SD (n,) of a normal predictive distribution, in the target's unit."""
        encoded = self._encode(X)
        mean, sd = self.model_.predict_distribution(encoded)
        return mean * self.target_sd_ + self.target_mean_, sd * self.target_sd_


def _target(y: Any, X: pd.DataFrame) -> np.ndarray:
    y = column_or_1d(y, warn=True)
    if len(y) != len(X):
        raise ValueError(f"y has {len(y)} values for {len(X)} rows")
    return np.asarray(y)


def tabular(encoder: Any, model: Any, *, classification: bool) -> TabularClassifier | TabularRegressor:
    """Return encoder and model as one classifier or regressor."""
    return (TabularClassifier if classification else TabularRegressor)(encoder, model)
