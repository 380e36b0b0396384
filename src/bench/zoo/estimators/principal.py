"""Principal components by random projection (Halko, Martinsson and Tropp, 2011), in steps that can end."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.estimators.image_features import Learnt, Plan, Then

OVERSAMPLING = 10
POWERS = 4
"""Each brings the directions found nearer to the largest components; four are enough for pixels."""


@dataclass(frozen=True, slots=True)
class Projection:
    """(x - mean) times directions (q, r)."""

    mean: np.ndarray
    directions: np.ndarray

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return (b, r)."""
        return values @ self.directions - self.mean @ self.directions


def principal_directions(
    values: np.ndarray, n_components: int, rng: np.random.Generator, deadline: Deadline | None = None
) -> tuple[Projection, np.ndarray]:
    """Return the projection on the largest components of values (n, q), and the SD (r,) of each on them.

    There are r of them: as many as were asked for, or as there are rows or columns. The values are not
    copied. Raises DeadlinePassed where the deadline passes before the last power.
    """
    n, q = values.shape
    kept = min(n_components, n, q)
    mean = values.mean(axis=0, dtype=np.float64).astype(values.dtype)
    width = min(kept + OVERSAMPLING, n, q)
    found = rng.standard_normal((q, width)).astype(values.dtype)
    clock = StepClock(deadline)
    spread = np.empty(0)
    for _ in range(POWERS + 1):
        if not clock.affords_step():
            raise DeadlinePassed("the deadline passed while principal components were looked for")
        seen = np.linalg.qr(values @ found - mean @ found)[0]
        back = values.T @ seen - np.outer(mean, seen.sum(axis=0))
        found, spread, _ = np.linalg.svd(back, full_matrices=False)
        clock.step()
    return Projection(mean, found[:, :kept]), spread[:kept] / np.sqrt(n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """The largest principal components of another plan's features."""

    plan: Plan
    n_components: int = 50
    """At most: no more than there are fit rows or features."""

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Learn the other plan and the components of what it gives on the fit rows' images (n, h, w, c)."""
        first, values = self.plan.learn(images, seed, deadline)
        projection, _ = principal_directions(values, self.n_components, np.random.default_rng(seed), deadline)
        return Then(first, projection, projection.directions.shape[1]), projection(values)
