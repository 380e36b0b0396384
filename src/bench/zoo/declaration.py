"""What the learners of the zoo have in common, where they do not say otherwise."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator
from bench.spaces import Config, Space
from bench.tasks import TaskShape

COMMON_MODULES = ("numpy", "pandas", "bench.zoo.preprocessing", "bench.zoo.composite")
"""What every estimator of the zoo is made of."""


class ZooLearner(ABC):
    """A learner of the zoo (see `bench.learners.Learner`); its module imports nothing heavy."""

    name: str
    family: str
    title: str
    version: int = 1
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = COMMON_MODULES
    polls_deadline: bool = False
    devices: tuple[str, ...] = ("cpu",)
    needs_images: bool = False
    """Whether its rows must be images."""
    for_experiments: bool = False
    """Whether it stands in no suite of all learners: others are much the same, and experiments name it."""
    augments: bool = False
    """Whether it augments images itself, as the context says; else its fit rows come with their copies."""

    @abstractmethod
    def space(self, problem: ProblemType) -> Space:
        """Return the search space."""

    @abstractmethod
    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator."""

    def lacks(self, device: str) -> str | None:
        """Return what this machine lacks for a variant of another learner; others need nothing special."""
        return None

    def limit(self, shape: TaskShape) -> str | None:
        """Return why this learner does not apply to such a task; most always apply."""
        return None

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Fit the default configuration on made-up rows: lazy imports are paid for before the clock."""
        from bench.zoo.warming import warm_up_table

        X, y = warm_up_table(problem)
        n_classes = len(set(y.tolist())) if problem.is_classification else 0
        context = BuildContext(problem=problem, n_classes=n_classes, seed=0, device=device)
        estimator = self.build(self.space(problem).default, context)
        estimator.fit(X[:48], y[:48], validation=(X[48:], y[48:]))
        estimator.predict(X[48:])
