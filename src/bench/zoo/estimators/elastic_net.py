"""Linear regression with an elastic-net penalty that looks at the clock between sweeps."""

from __future__ import annotations

import warnings
from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet

from bench.budgets import Deadline
from bench.zoo.deadlines import StepClock

STEP_SWEEPS = 100
"""Sweeps over the weights between two looks at the clock; most fits end within the first ones."""
MAX_STEPS = 100


class ElasticNetModel(BaseEstimator):
    """scikit-learn's ElasticNet, a hundred sweeps of coordinate descent at a time.

    Where the first hundred suffice, the model is the library's to the last bit. After `fit`: `net_`,
    `truncated_`.
    """

    def __init__(self, alpha: float = 1.0, l1_ratio: float = 0.5) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p) and y (n,); the first sweeps whatever the clock says."""
        self.net_ = ElasticNet(
            alpha=self.alpha,
            l1_ratio=self.l1_ratio,
            precompute=len(X) > X.shape[1],  # with the Gram matrix a sweep costs p^2 instead of n p
            max_iter=STEP_SWEEPS,
            warm_start=True,
        )
        clock = StepClock(deadline)
        converged, self.truncated_ = False, False
        while not converged and not self.truncated_ and clock.steps < MAX_STEPS:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always", ConvergenceWarning)
                self.net_.fit(X, y)
            clock.step()
            converged = not any(issubclass(each.category, ConvergenceWarning) for each in caught)
            self.truncated_ = not converged and not clock.affords_step()
        if not converged and not self.truncated_:
            text = f"coordinate descent: no convergence in {MAX_STEPS * STEP_SWEEPS} sweeps"
            warnings.warn(text, ConvergenceWarning, stacklevel=2)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return values (n,)."""
        return np.asarray(self.net_.predict(X))
