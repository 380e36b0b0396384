"""Gradient boosting of any base (Friedman, 2001): each round fits the negative gradient of the loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit, softmax
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from bench.budgets import Deadline, NoDeadline
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators.bases import Base, Draw, Member, add_up
from bench.zoo.estimators.losses import loss_for
from bench.zoo.estimators.rounds import MAX_ROUNDS, RoundsMonitor, wanted_rounds

PATIENCE_ROUNDS = 20
"""Rounds without a better validation loss before the end."""

Matrix = tuple[np.ndarray, np.ndarray]


@dataclass(slots=True)
class _Sheet:
    """Rows, and their scores so far."""

    features: Any
    y: np.ndarray
    scores: np.ndarray


class Boosting(BaseEstimator):
    """Functional gradient descent with `shrinkage`; the rounds up to the best validation loss are kept.

    A round fits one member, with an output a score, by least squares to the loss's negative gradient. The
    step is that gradient over a bound on the loss's curvature (1 for squared loss; 1/4 for two classes, 1/2
    for more: Boehning, 1992), which a line search or Newton's weights would change each round: so the rows'
    equations stay the same, and no separable class makes a step infinite. Without validation rows shrinkage
    times rounds is 10. After `fit`: `start_`, `features_`, `total_`, `rounds_` and `truncated_`.
    """

    def __init__(
        self,
        base: Base,
        *,
        shrinkage: float = 0.1,
        max_rounds: int = MAX_ROUNDS,
        classification: bool = True,
        seed: int = 0,
    ) -> None:
        self.base = base
        self.shrinkage = shrinkage
        self.max_rounds = max_rounds
        self.classification = classification
        self.seed = seed

    def fit(
        self,
        X: np.ndarray,
        y: np.ndarray,
        *,
        validation: Matrix | None = None,
        deadline: Deadline | None = None,
    ) -> Self:
        """Boost on X (n, p) and codes or standardised values y (n,); the clock is looked at between rounds.

        Raises DeadlinePassed where there was no time for the first round.
        """
        deadline = deadline if deadline is not None else NoDeadline()
        wanted = min(self.max_rounds, wanted_rounds(self.shrinkage, validated=validation is not None))
        monitor = RoundsMonitor(deadline, wanted, patience_rounds=PATIENCE_ROUNDS)
        loss = loss_for(y, classification=self.classification)
        self.start_ = loss.start(y)
        prepared = self.base.prepare(X, self.seed)
        self.features_ = prepared.features
        if deadline.remaining_s() <= 0:
            raise DeadlinePassed("the deadline passed while the base was prepared, before the first round")
        fit = self._sheet(prepared.fit_features, y)
        held_out = None
        if validation is not None:
            held_out = self._sheet(self.features_(validation[0]), validation[1])
        rng = np.random.default_rng(self.seed)
        members: list[Member] = []
        cut = False
        for _ in range(wanted):
            try:
                draw = Draw(rows=None, seed=int(rng.integers(2**31)), deadline=deadline)
                members.append(prepared.learn(loss.pull(fit.scores, y), draw))
            except DeadlinePassed:
                cut = True
                break
            fit.scores += self.shrinkage * members[-1].predict(fit.features)
            if held_out is not None:
                held_out.scores += self.shrinkage * members[-1].predict(held_out.features)
            if monitor.stop(None if held_out is None else loss.mean(held_out.scores, held_out.y)):
                break
        return self._keep(members[: monitor.best_rounds], truncated=cut or monitor.truncated)

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Return codes or values (n,)."""
        return self.predict_proba(X).argmax(axis=1) if self.classification else self._scores(X)[:, 0]

    @available_if(lambda self: self.classification)
    def predict_proba(self, X: np.ndarray) -> np.ndarray:
        """Return probabilities (n, k)."""
        scores = self._scores(X)
        if scores.shape[1] > 1:
            return np.asarray(softmax(scores, axis=1))
        return expit(np.concatenate([-scores, scores], axis=1))

    def _scores(self, X: np.ndarray) -> np.ndarray:
        return self.start_ + self.total_.predict(self.features_(X))

    def _sheet(self, features: Any, y: np.ndarray) -> _Sheet:
        return _Sheet(features, y, np.tile(self.start_, (len(y), 1)))

    def _keep(self, members: list[Member], *, truncated: bool) -> Self:
        if not members:
            raise DeadlinePassed("the deadline passed before the first round was fitted")
        self.total_ = add_up(members, self.shrinkage)
        self.rounds_ = len(members)
        self.truncated_ = truncated
        return self
