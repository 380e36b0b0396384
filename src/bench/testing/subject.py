"""The learner under test, with the fits that several checks look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from bench.budgets import Deadline
from bench.datasets import ImageShape, ProblemType
from bench.learners import BuildContext, Learner
from bench.spaces import Config, Value
from bench.testing.rows import N_CLASSES, Parts, Wall, parts, shape

N_ROWS = (210, 1_000, 10_000, 100_000, 1_000_000)
"""Sizes of table that a learner is asked about: it may be meant for large ones alone."""
SEED = 7
IMAGE = ImageShape(12, 12, 1)
"""Of the rows of a learner that needs images."""


@dataclass(slots=True)
class Subject:
    """A learner, and what of it was fitted so far."""

    learner: Learner
    expected_failed_checks: Mapping[str, str] = field(default_factory=dict)
    """Checks of scikit-learn that it cannot pass: name to the property of the method that forbids it."""
    quick: Mapping[str, Value] = field(default_factory=dict)
    """What of its default configuration is made cheaper where a check does not need the default."""
    _fitted: dict[ProblemType, Any] = field(default_factory=dict)

    @property
    def image(self) -> ImageShape | None:
        """The shape of its rows, where they must be images."""
        return IMAGE if getattr(self.learner, "needs_images", False) else None

    def parts(self, problem: ProblemType) -> Parts:
        """Return rows that it can be fitted on."""
        return parts(problem, self.image)

    @property
    def problems(self) -> tuple[ProblemType, ...]:
        """The problems that it applies to, at some size of table."""
        return tuple(
            problem
            for problem in ProblemType
            if any(self.learner.limit(shape(problem, n, self.image)) is None for n in N_ROWS)
        )

    def build(self, problem: ProblemType, config: Config | None = None, *, seed: int = SEED) -> Any:
        """Return an unfitted estimator, of the default configuration where none is given."""
        context = BuildContext(problem=problem, n_classes=N_CLASSES[problem], seed=seed, image=self.image)
        if config is None:
            config = self.learner.space(problem).default
        return self.learner.build(config, context)

    def fit(self, problem: ProblemType, rows: Parts | None = None, deadline: Deadline | None = None) -> Any:
        """Return the default configuration, fitted."""
        rows = rows or self.parts(problem)
        return self.build(problem).fit(*rows.fit, validation=rows.validation, deadline=deadline)

    def fitted(self, problem: ProblemType) -> Any:
        """Return the default configuration fitted without a deadline, once."""
        if problem not in self._fitted:
            self._fitted[problem] = self.fit(problem)
        return self._fitted[problem]

    def quick_config(self, problem: ProblemType) -> Config:
        """Return the default configuration, made cheaper."""
        default = self.learner.space(problem).default
        return {**default, **{name: value for name, value in self.quick.items() if name in default}}

    def warm_fit(self, problem: ProblemType, rows: Parts) -> Any:
        """Return a second fit, after a warm-up and with a deadline that is far away."""
        self.learner.warm_up(problem)
        return self.fit(problem, rows, Wall(3600))


def expect(condition: object, text: str) -> None:
    """Raise AssertionError with this text unless the condition holds, under `python -O` too."""
    if not condition:
        raise AssertionError(text)


def expect_close(found: np.ndarray, wanted: np.ndarray, text: str, *, rtol: float, atol: float = 0.0) -> None:
    """Raise AssertionError unless two arrays are close; both tolerances 0 asks for every bit."""
    expect(found.shape == wanted.shape, f"{text}: shape {found.shape}, not {wanted.shape}")
    near = np.isclose(found, wanted, rtol=rtol, atol=atol, equal_nan=True)
    if near.all():
        return
    off = np.abs(found - wanted)[~near].max()
    expect(condition=False, text=f"{text}: {(~near).sum()} of {near.size} numbers differ, by up to {off:.3g}")


def expect_same_rows(rows: Parts, wanted: Parts) -> None:
    """Raise AssertionError unless what a fit was given is as it was."""
    for now, before in ((rows.fit, wanted.fit), (rows.validation, wanted.validation)):
        pd.testing.assert_frame_equal(now[0], before[0])
        np.testing.assert_array_equal(now[1], before[1])
