"""Bagging of any base (Breiman, 1996): members fitted to bootstrap rows, their predictions averaged."""

from __future__ import annotations

from typing import Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline, NoDeadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.bases import Base, Draw, Member, add_up

SMALLEST_SHARE = 0.05
"""Below it, a predicted share of a class stands for ever smaller probabilities instead of none."""


class Bagging(BaseEstimator):
    """The mean of `n_members` members of a base, each fitted to n of the n fit rows drawn with replacement.

    Classes: the members fit the classes' indicator columns by least squares, so that the mean holds shares,
    which may leave 0..1; see `shares_to_probabilities`. Without `bootstrap` every member has all rows, and
    one member is the base itself. After `fit`: `features_`, `mean_`, `n_members_` and `truncated_`.
    """

    def __init__(
        self,
        base: Base,
        *,
        n_members: int = 10,
        bootstrap: bool = True,
        classification: bool = True,
        seed: int = 0,
    ) -> None:
        self.base = base
        self.n_members = n_members
        self.bootstrap = bootstrap
        self.classification = classification
        self.seed = seed

    def fit(self, X: np.ndarray, y: np.ndarray, *, deadline: Deadline | None = None) -> Self:
        """Fit on X (n, p) and codes or standardised values y (n,); members past the deadline are left out.

        Raises DeadlinePassed where there was no time for the first.
        """
        deadline = deadline if deadline is not None else NoDeadline()
        targets = np.eye(int(y.max()) + 1)[y] if self.classification else y[:, None].astype(np.float64)
        rng = np.random.default_rng(self.seed)
        prepared = self.base.prepare(X, self.seed)
        clock = StepClock(deadline)
        members: list[Member] = []
        while len(members) < self.n_members and clock.affords_step():
            rows = rng.integers(0, len(X), len(X)) if self.bootstrap else None
            draw = Draw(rows=rows, seed=int(rng.integers(2**31)), deadline=deadline)
            try:
                members.append(prepared.learn(targets, draw))
            except DeadlinePassed:
                break
            clock.step()
        if not members:
            raise DeadlinePassed("the deadline passed before the first member was fitted")
        self.features_ = prepared.features
        self.mean_ = add_up(members, 1 / len(members))
        self.n_members_ = len(members)
        self.truncated_ = len(members) < self.n_members
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        outputs = self._outputs(X)
        return outputs.argmax(axis=1) if self.classification else outputs[:, 0]

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        return shares_to_probabilities(self._outputs(X))

    def _outputs(self, X: np.ndarray) -> np.ndarray:
        return self.mean_.predict(self.features_(X))


def shares_to_probabilities(shares: np.ndarray) -> np.ndarray:
    """Return probabilities (n, k) for shares (n, k) fitted by least squares, in the same order.

    A share under 0.05 goes on as an exponential that starts with the same value and slope: clipping at 0
    would make ties of rows that are told apart.
    """
    floor = SMALLEST_SHARE
    tail = floor * np.exp(np.clip(shares, -10.0, floor) / floor - 1)
    positive = np.where(shares < floor, tail, np.clip(shares, floor, 10.0))
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))
