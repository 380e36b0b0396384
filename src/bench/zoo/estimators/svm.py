"""Support vector machines whose fit ends at the deadline.

libsvm takes no callback and cannot go on with a fit, but it takes a number of iterations: short fits tell
how long one lasts here, and longer ones begin anew with as many as the time left can pay for. Where those
suffice, the model is the one that an unlimited fit gives, to the last bit; where they do not, it is the
solver's state at that point.
"""

from __future__ import annotations

import math
import warnings
from typing import Any, Self

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import SVC, SVR

from bench.budgets import Deadline, NoDeadline

PROBE_ITERATIONS = 250
"""Iterations of the first fit, of each pair of classes: what is spent when hardly any time is left."""
GROWTH = 16
"""How many times the iterations of a fit the next one has at most: a bound on what a wrong estimate costs."""
SHARE = 0.9
"""How much of the time left the iterations may plan with that no fit has timed yet."""


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
        self.truncated_ = not self._solve_within(X, y, deadline)
        return self

    def _solve_within(self, X: np.ndarray, y: np.ndarray, deadline: Deadline) -> bool:
        """Fit with ever more iterations, while the time left pays for more; return whether they sufficed.

        The first iterations compute the kernel's rows that later ones find in the cache, so what another one
        costs is told by the last fit's seconds beyond those of the fit before, and is at most that. A fit is
        given up only when the time left is less than the last one took.
        """
        limit = self.max_iter if self.max_iter > 0 else math.inf
        planned, last_s, last_total = int(min(PROBE_ITERATIONS, limit)), 0.0, 0
        left_s = deadline.remaining_s()
        while not self._solve(X, y, planned) and planned < limit:
            now_s = deadline.remaining_s()
            took_s, left_s = left_s - now_s, now_s
            total, running = int(np.sum(self.n_iter_)), int(np.sum(np.equal(self.n_iter_, planned)))
            each_s = running * max(0.0, took_s - last_s) / max(1, total - last_total)
            more = (GROWTH - 1) * planned
            spare_s = SHARE * (left_s - took_s)
            if spare_s <= 0:
                return False
            if spare_s < more * each_s:
                more = math.floor(spare_s / each_s)
            if more < 1:
                return False
            planned, last_s, last_total = int(min(planned + more, limit)), took_s, total
        return True

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
