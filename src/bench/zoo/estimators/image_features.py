"""Features of images that are fixed or found without labels, and a model on them.

What makes features is a plan: `learn` sees the fit rows' images and returns a map from images to features
and what it gives on them, block by block, looking at the clock.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import has_fit_parameter

from bench.budgets import Deadline
from bench.zoo.deadlines import DeadlinePassed, StepClock
from bench.zoo.image_features_cost import MAX_BYTES

Labelled = tuple[np.ndarray, np.ndarray]


class FeatureMap(Protocol):
    """From images (b, h, w, c) to features (b, q), float32."""

    @property
    def n_features(self) -> int:
        """How many numbers an image becomes."""
        ...

    def block(self, images: np.ndarray) -> int:
        """Return how many of these images are best mapped at a time."""
        ...

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return the features of some images."""
        ...


Learnt = tuple[FeatureMap, np.ndarray]
"""A map, and the fit rows' features."""


class Plan(Protocol):
    """How features are found."""

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Find them on the fit rows' images (n, h, w, c). Raises DeadlinePassed and MemoryError."""
        ...


def mapped(features: FeatureMap, images: np.ndarray, deadline: Deadline | None = None) -> np.ndarray:
    """Return the features of images (n, h, w, c) in blocks, (n, q).

    Raises DeadlinePassed where they could not all be made in time, and MemoryError, before making any,
    where they would take too much.
    """
    n, q = len(images), features.n_features
    if 4 * n * q > MAX_BYTES:
        raise MemoryError(
            f"{q:,} features of {n:,} images would take {4 * n * q / 1e9:.1f} GB; "
            f"limit {MAX_BYTES / 1e9:.1f} GB"
        )
    found = np.empty((n, q), dtype=np.float32)
    clock, block = StepClock(deadline), features.block(images)
    for start in range(0, n, block):
        if not clock.affords_step():
            raise DeadlinePassed(f"the deadline passed when {start} of {n} images had features")
        found[start : start + block] = features(images[start : start + block])
        clock.step()
    return found


@dataclass(frozen=True, slots=True)
class Then:
    """A map followed by what is done to its features, (b, q) to (b, r)."""

    first: FeatureMap
    last: Callable[[np.ndarray], np.ndarray]
    n_features: int

    def block(self, images: np.ndarray) -> int:
        """Return as many as the first takes."""
        return self.first.block(images)

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return (b, r)."""
        return self.last(self.first(images))


@dataclass(frozen=True, slots=True)
class Pixels:
    """The numbers of the image as they are: plan and map at once. What is made of them is a view."""

    n_features: int = 0

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Return what gives the pixels, and those of the fit rows, which are not copied."""
        flat = images.reshape(len(images), -1)
        return Pixels(flat.shape[1]), flat

    def block(self, images: np.ndarray) -> int:
        """Return a thousand."""
        return 1000

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Return (b, h w c)."""
        return images.reshape(len(images), -1)


@dataclass(frozen=True, slots=True)
class Standardised:
    """Another plan's features, each scaled to mean 0 and SD 1 of the fit rows."""

    plan: Plan

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Learn the other plan and note mean and SD; a feature that does not vary becomes 0."""
        first, values = self.plan.learn(images, seed, deadline)
        scaler = Scaler.of(values)
        return Then(first, scaler, first.n_features), scaler.apply(values)


@dataclass(frozen=True, slots=True)
class Unit:
    """Another plan's features, all multiplied by one number: the variances of the fit rows add up to 1.

    They are taken about the mean of all, as where scikit-learn says `gamma="scale"`; that is then 1.
    """

    plan: Plan

    def learn(self, images: np.ndarray, seed: int, deadline: Deadline | None = None) -> Learnt:
        """Learn the other plan and note the factor; features that do not vary stay as they are."""
        first, values = self.plan.learn(images, seed, deadline)
        total = values.var(dtype=np.float64) * values.shape[1]
        factor = np.full(1, 1 / np.sqrt(total) if total > 0 else 1, dtype=np.float32)
        scaler = Scaler(np.zeros(1, dtype=np.float32), factor)
        return Then(first, scaler, first.n_features), scaler.apply(values)


@dataclass(frozen=True, slots=True)
class Scaler:
    """(x - mean) times scale."""

    mean: np.ndarray
    scale: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> Self:
        """Return the scaling to mean 0 and SD 1 of values (n, q), computed a few columns at a time."""
        mean, scale = np.empty((2, values.shape[1]), dtype=np.float32)
        for start in range(0, values.shape[1], 64):
            some = values[:, start : start + 64].astype(np.float64)
            mean[start : start + 64] = some.mean(axis=0)
            sd = some.std(axis=0)
            varies = sd > 1e-6 * np.maximum(1.0, np.abs(some).max(axis=0))
            scale[start : start + 64] = np.where(varies, 1 / np.where(varies, sd, 1), 0)
        return cls(mean, scale)

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Scale values in place, and return them."""
        values -= self.mean
        values *= self.scale
        return values

    def __call__(self, values: np.ndarray) -> np.ndarray:
        """Return scaled values (b, q)."""
        return (values - self.mean) * self.scale


def _has(method: str) -> Callable[[Any], bool]:
    return lambda self: hasattr(getattr(self, "model_", self.model), method)


class FeatureModel(ClassifierMixin, BaseEstimator):
    """Features of images by a plan, then a classifier on them. After `fit`: `features_`, `model_`.

    The classifier is given validation rows, as features, and the deadline where its `fit` asks for them.
    """

    def __init__(self, plan: Plan, model: Any, *, seed: int = 0) -> None:
        self.plan = plan
        self.model = model
        self.seed = seed

    def fit(
        self,
        images: np.ndarray,
        y: np.ndarray,
        *,
        validation: Labelled | None = None,
        deadline: Deadline | None = None,
    ) -> Self:
        """Fit on images (n, h, w, c) and class codes y (n,). Raises DeadlinePassed and MemoryError."""
        self.features_, values = self.plan.learn(images, self.seed, deadline)
        if deadline is not None and deadline.remaining_s() <= 0:
            raise DeadlinePassed("the deadline passed while features were made, before the fit began")
        extras: dict[str, Any] = {}
        if has_fit_parameter(self.model, "deadline"):
            extras["deadline"] = deadline
        if has_fit_parameter(self.model, "validation") and validation is not None:
            extras["validation"] = (mapped(self.features_, validation[0], deadline), validation[1])
        self.model_ = clone(self.model).fit(values, y, **extras)
        self.truncated_ = bool(getattr(self.model_, "truncated_", False))
        return self

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Return class codes (m,)."""
        return np.asarray(self.model_.predict(self._features(images)))

    @available_if(_has("predict_proba"))
    def predict_proba(self, images: np.ndarray) -> np.ndarray:
        """Return probabilities (m, k)."""
        return np.asarray(self.model_.predict_proba(self._features(images)))

    @available_if(_has("decision_function"))
    def decision_function(self, images: np.ndarray) -> np.ndarray:
        """Return scores (m,) for two classes, (m, k) for more."""
        return np.asarray(self.model_.decision_function(self._features(images)))

    def _features(self, images: np.ndarray) -> np.ndarray:
        return mapped(self.features_, images)
