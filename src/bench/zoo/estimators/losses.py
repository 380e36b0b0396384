"""The losses that boosting descends, and its step: the negative gradient over a bound on the curvature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import expit, log_expit, log_softmax, softmax


class Loss(Protocol):
    """A loss of scores (n, k) and targets (n,)."""

    def start(self, y: np.ndarray) -> np.ndarray:
        """Return the constant scores (k,) of least loss."""
        ...

    def pull(self, scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the step (n, k) to the least value of a quadratic that bounds the loss from above."""
        ...

    def mean(self, scores: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss."""
        ...


class Squared:
    """Half the squared error; one score. The bound is the loss itself, the step is the residual."""

    def start(self, y: np.ndarray) -> np.ndarray:
        """Return the mean (1,)."""
        return np.array([y.mean()])

    def pull(self, scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the residuals (n, 1)."""
        return y[:, None] - scores

    def mean(self, scores: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss."""
        return float(np.square(y - scores[:, 0]).mean() / 2)


class Logistic:
    """Log loss of two classes; one score, the log odds. Its curvature p(1 - p) is at most 1/4."""

    def start(self, y: np.ndarray) -> np.ndarray:
        """Return the log odds (1,)."""
        share = y.mean()
        return np.array([np.log(share / (1 - share))])

    def pull(self, scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the negative gradient (n, 1) over 1/4."""
        return 4 * (y[:, None] - expit(scores))

    def mean(self, scores: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss."""
        return float(-log_expit(np.where(y == 1, scores[:, 0], -scores[:, 0])).mean())


@dataclass(frozen=True, slots=True)
class Softmax:
    """Log loss of k classes; a score each. Its curvature is at most 1/2 (Boehning, 1992)."""

    n_classes: int

    def start(self, y: np.ndarray) -> np.ndarray:
        """Return the log frequencies (k,)."""
        return np.log(np.bincount(y, minlength=self.n_classes) / len(y))

    def pull(self, scores: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return the negative gradient (n, k) over 1/2."""
        return 2 * (np.eye(self.n_classes)[y] - softmax(scores, axis=1))

    def mean(self, scores: np.ndarray, y: np.ndarray) -> float:
        """Return the mean loss."""
        return float(-log_softmax(scores, axis=1)[np.arange(len(y)), y].mean())


def loss_for(y: np.ndarray, *, classification: bool) -> Loss:
    """Return the loss of values, or of the codes 0..k-1, (n,)."""
    if not classification:
        return Squared()
    n_classes = int(y.max()) + 1
    return Logistic() if n_classes == 2 else Softmax(n_classes)
