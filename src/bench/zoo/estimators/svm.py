"""Support vector machines whose fit ends at the deadline.

libsvm takes no callback, but it takes a number of iterations: a short fit tells how long one lasts here,
and a second fit gets as many as the time left can pay for. Where those suffice, the model is the one that
an unlimited fit gives, to the last bit; where they do not, it is the solver's state at that point.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC, SVR

from bench.budgets import Deadline, NoDeadline

PROBE_ITERATIONS = 1000
"""Iterations of the short fit, of each pair of classes."""
SHARE = 0.8
"""How much of the time left the second fit may plan with: predicting comes after it."""


class _Stoppable:
    """`fit` with a deadline, over one of scikit-learn's two machines. After it: `truncated_`.

    A fit that `max_iter` ends is not converged, and says so (ConvergenceWarning).
    """

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p) and y (n,); past the deadline, keep what the solver has."""
        deadline = deadline or NoDeadline()
        started_s = deadline.remaining_s()
        self.truncated_ = False
        if math.isinf(started_s):
            self._solve(X, y, self.max_iter)
            return self
        ended = self._solve(X, y, PROBE_ITERATIONS)
        if not ended:
            left_s = deadline.remaining_s()
            each_s = (started_s - left_s) / max(1, int(np.sum(self.n_iter_)))
            affordable = int(SHARE * left_s / each_s / np.size(self.n_iter_))
            enough = 0 < self.max_iter <= affordable
            if affordable > PROBE_ITERATIONS:
                ended = self._solve(X, y, self.max_iter if enough else affordable) or enough
        self.truncated_ = not ended
        return self

    n_iter_: Any
    fit_status_: int
    max_iter: int

    def _solve(self, X: np.ndarray, y: np.ndarray, iterations: int) -> bool:
        """Fit with at most so many iterations a pair (-1: any number); return whether they sufficed."""
        declared, self.max_iter = self.max_iter, iterations
        try:
            with warnings.catch_warnings():
                if iterations != declared:
                    warnings.simplefilter("ignore", ConvergenceWarning)
                super().fit(X, y)  # type: ignore[misc]
        finally:
            self.max_iter = declared
        return self.fit_status_ == 0


class StoppableSVC(_Stoppable, SVC):
    """The classifier."""


class StoppableSVR(_Stoppable, SVR):
    """The regressor."""
