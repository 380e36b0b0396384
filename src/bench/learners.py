"""What a learner is to the harness: a name, a family, a search space, limits, and an estimator to build."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from bench.augmentations import NONE
from bench.budgets import Deadline
from bench.datasets import ImageShape, ProblemType
from bench.spaces import Config, Space
from bench.tasks import TaskShape

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """A named inductive bias: at most three learners, declared once."""

    name: str
    title: str
    bias: str
    """The bias, in one sentence."""
    learners: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What an estimator may use, beside its configuration."""

    problem: ProblemType
    n_classes: int
    """0 for a regression."""
    seed: int
    threads: int = 1
    device: str = "cpu"
    image: ImageShape | None = None
    """What the rows are, where they are images."""
    augmentation: str = NONE
    """How the fit rows are to be augmented, for a learner that does it itself: see `bench.augmentations`."""


@runtime_checkable
class Estimator(Protocol):
    """A scikit-learn estimator that takes a frame of numeric and categorical columns.

    After `fit` it may carry `truncated_` (the deadline cut the fit short, the model is the best so
    far) and `converged_`; where absent they read as False and True.
    A classifier has `predict_proba` (n, classes seen) or `decision_function`, and `classes_`.
    """

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        validation: tuple[pd.DataFrame, np.ndarray] | None = None,
        deadline: Deadline | None = None,
    ) -> Any:
        """Fit on X (n, d) and y (n,); stop early on `validation` alone, and at the deadline."""
        ...

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return labels or values, shape (n,)."""
        ...


class Learner(Protocol):
    """One way to learn, declared once. Importing its module must not import what it fits with."""

    name: str
    family: str
    title: str
    version: int
    """Raised by hand whenever results may change: old evidence then no longer counts as this learner's."""
    packages: tuple[str, ...]
    """Distributions beyond numpy, scipy and scikit-learn whose versions change its results."""
    modules: tuple[str, ...]
    """What its fork server imports before the first cell."""
    polls_deadline: bool
    """Whether a fit stops by itself at the deadline; otherwise only the guard stops it."""
    devices: tuple[str, ...]
    """What it can fit on, of `cpu` and `cuda`."""

    def space(self, problem: ProblemType) -> Space:
        """Return the search space."""
        ...

    def limit(self, shape: TaskShape) -> str | None:
        """Return why this learner does not apply to such a task, or None."""
        ...

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Do on data of its own what only the first fit on a device in a process pays for. Never billed."""
        ...

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""
        ...


def specification_hash(learner: Learner) -> str:
    """Return a hash of what the learner declares: its name, version, packages and spaces.

    A learner may carry `source_hash`, of what else its results depend on: one that is found by import path
    carries a hash of its file, so that evidence of other code does not count as its own.
    """
    spaces = {problem.value: learner.space(problem).describe() for problem in ProblemType}
    spec = [learner.name, learner.version, learner.packages, spaces]
    source = getattr(learner, "source_hash", "")
    spec += [source] if source else []
    return hashlib.sha256(json.dumps(spec, sort_keys=True).encode()).hexdigest()[:16]
