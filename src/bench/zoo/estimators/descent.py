"""L-BFGS on a smooth convex loss, ended by its tolerance, its last iteration or the deadline."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from sklearn.exceptions import ConvergenceWarning

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock

MAX_ITERATIONS = 1000
GRADIENT_TOLERANCE = 1e-5
"""The largest slope of a mean loss at the end: a tenth of what scikit-learn's logistic regression asks."""
LOSS_TOLERANCE = 64 * np.finfo(np.float64).eps
"""The relative fall of the loss below which no digit is left to win, as in scikit-learn."""

Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]
"""From a point to the loss and its gradient there."""
Bounds = Sequence[tuple[float | None, float | None]]


@dataclass(frozen=True, slots=True)
class Descent:
    """Where a descent ended."""

    point: np.ndarray
    truncated: bool
    """Whether the deadline ended it."""


class _OutOfTime(Exception):
    """The next evaluation would run past the deadline."""


def descend(
    loss: Loss, start: np.ndarray, *, deadline: Deadline | None = None, bounds: Bounds | None = None
) -> Descent:
    """Return the lowest point found from `start` on; warn (ConvergenceWarning) where it is no minimum yet.

    Raises DeadlinePassed where the deadline left no time to get anywhere.
    """
    clock = StepClock(deadline)
    best: tuple[float, np.ndarray] = (math.inf, start)
    first: float | None = None

    def watched(point: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal best, first
        if not clock.affords_step():
            raise _OutOfTime
        value, gradient = loss(point)
        first = value if first is None else first
        if value < best[0]:
            best = (value, point.copy())
        clock.step()
        return value, gradient

    options = {"maxiter": MAX_ITERATIONS, "gtol": GRADIENT_TOLERANCE, "ftol": LOSS_TOLERANCE, "maxls": 50}
    try:
        found = minimize(watched, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    except _OutOfTime:
        if first is None or not best[0] < first:
            raise DeadlinePassed("the deadline passed before the first step of the fit") from None
        return Descent(best[1], truncated=True)
    if not found.success:
        warnings.warn(f"L-BFGS: {found.message}", ConvergenceWarning, stacklevel=2)
    return Descent(found.x, truncated=False)
