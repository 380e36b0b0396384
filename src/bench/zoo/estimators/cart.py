"""A regression tree as a base of bagging and boosting: CART (Breiman et al., 1984), with several outputs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from sklearn.tree import DecisionTreeRegressor

from bench.zoo.estimators.bases import Draw


@dataclass(frozen=True, slots=True, kw_only=True)
class TreeBase:
    """A tree that splits by least squares over all outputs; of classes' indicators that is Gini's impurity.

    `max_depth` None grows it until leaves are pure or hold fewer than two `min_samples_leaf` of rows.
    """

    max_depth: int | None = None
    min_samples_leaf: int = 1

    def prepare(self, X: np.ndarray, seed: int) -> Grower:
        """Take the rows X (n, p), without missing values, in the precision that trees are grown in."""
        return Grower(self, single(X))


@dataclass(frozen=True, slots=True)
class Grower:
    """Grows a tree for each draw."""

    base: TreeBase
    fit_features: np.ndarray

    @staticmethod
    def features(X: np.ndarray) -> np.ndarray:
        """Return the rows (n, p) themselves."""
        return single(X)

    def learn(self, targets: np.ndarray, draw: Draw) -> Grown:
        """Return the tree of targets (n, k) on the drawn rows, each counted as often as it is drawn.

        The seed decides between splits that are equally good. A tree is not stopped half-way: no deadline
        is looked at.
        """
        X, y = self.fit_features, targets
        if draw.rows is not None:
            X, y = X[draw.rows], y[draw.rows]
        tree = DecisionTreeRegressor(
            max_depth=self.base.max_depth,
            min_samples_leaf=self.base.min_samples_leaf,
            random_state=draw.seed,
        )
        return Grown(tree.fit(X, np.ascontiguousarray(y, dtype=np.float64), check_input=False))


@dataclass(frozen=True, slots=True)
class Grown:
    """A fitted tree."""

    tree: DecisionTreeRegressor

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Return (n, k)."""
        values = np.asarray(self.tree.predict(features, check_input=False))
        return values if values.ndim == 2 else values[:, None]


def single(X: np.ndarray) -> np.ndarray:
    """Return rows in single precision, row by row in memory: what the library takes without looking."""
    return np.ascontiguousarray(X, dtype=np.float32)
