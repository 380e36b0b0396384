"""The models that are bagged or boosted in place of trees: least squares for several outputs at once.

What depends on the rows alone is computed once and shared by all rounds (`Base.prepare`); a round is then
one `Prepared.learn`. Anything with these two methods can be bagged and boosted, trees included.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bench.budgets import Deadline


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What one member or round learns from."""

    rows: np.ndarray | None
    """Positions among the fit rows, repeats allowed; None for all of them, once."""
    seed: int
    deadline: Deadline


class Member(Protocol):
    """A fitted model of features: (n, k) values, for features as `Prepared.features` returns them."""

    def predict(self, features: Any) -> np.ndarray:
        """Return (n, k)."""
        ...


class Prepared(Protocol):
    """A base that has seen the fit rows."""

    @property
    def fit_features(self) -> Any:
        """What members predict the fit rows from."""
        ...

    @property
    def features(self) -> Callable[[np.ndarray], Any]:
        """From rows X (n, p) to what members predict from; it outlives the fit rows."""
        ...

    def learn(self, targets: np.ndarray, draw: Draw) -> Member:
        """Return a model fitted to targets (n, k) of all fit rows, by least squares over the drawn ones.

        Raises DeadlinePassed where the deadline came before the model was whole.
        """
        ...


class Base(Protocol):
    """A kind of model, with its parameters."""

    def prepare(self, X: np.ndarray, seed: int) -> Prepared:
        """Compute what all members share of the fit rows X (n, p)."""
        ...


@dataclass(frozen=True, slots=True)
class Linear:
    """A linear model of the features."""

    weights: np.ndarray
    """(q, k)"""
    intercept: np.ndarray
    """(k,)"""

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return (n, k) for features (n, q)."""
        return np.asarray(features @ self.weights + self.intercept)


@dataclass(frozen=True, slots=True)
class Total:
    """So many times the sum of members."""

    members: Sequence[Member]
    factor: float

    def predict(self, features: Any) -> np.ndarray:
        """Return (n, k)."""
        total = self.members[0].predict(features)
        for member in self.members[1:]:
            total = total + member.predict(features)
        return np.asarray(self.factor * total)


def add_up(members: Sequence[Member], factor: float) -> Member:
    """Return factor times the sum of the members; a sum of linear models is one linear model."""
    linear = [member for member in members if isinstance(member, Linear)]
    if len(linear) < len(members):
        return Total(tuple(members), factor)
    weights = factor * np.sum([member.weights for member in linear], axis=0)
    return Linear(weights, factor * np.sum([member.intercept for member in linear], axis=0))
