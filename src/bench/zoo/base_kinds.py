"""The bases of bagging and boosting, trees and others, and what the learners made of them share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.learners import BuildContext
from bench.spaces import Choice, Config, Float, Int, Parameter
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.polynomial_cost import n_encoded, n_products, too_large

if TYPE_CHECKING:
    from bench.zoo.estimators.bases import Base

MOST_LANDMARKS = 500

Limit = Callable[[TaskShape, int], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseKind:
    """A base: what it is called, how it is configured, and which tasks are too large for it."""

    name: str
    title: str
    scaling: str
    default: Config
    parameters: Mapping[str, Parameter]
    make: Callable[[Mapping[str, Any], BuildContext], Base]
    n_features: Callable[[TaskShape], int] | None = None
    """Features that least squares is solved for, at most; None where there is no such system."""
    packages: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu",)
    max_rounds: int = 1000
    """Of boosting, whatever the validation rows say."""
    trees: bool = False
    """Whether it is a tree: its learners are for experiments that vary the base alone."""

    def limit(self, shape: TaskShape, systems: int) -> str | None:
        """Return why a task is too large for so many systems of equations a fit, or None."""
        if self.n_features is None:
            return None
        features = self.n_features(shape)
        return too_large(f"{self.title}: {features:,} features", shape.n_rows, features, systems=systems)


def _polynomial(values: Mapping[str, Any], _context: BuildContext) -> Base:
    from bench.zoo.estimators.ridge import PolynomialBase

    return PolynomialBase(**values)


def _products(shape: TaskShape) -> int:
    return n_products(n_encoded(shape), degree=2)


def _nystroem(values: Mapping[str, Any], _context: BuildContext) -> Base:
    from bench.zoo.estimators.ridge import NystroemBase

    return NystroemBase(**values)


def _landmarks(shape: TaskShape) -> int:
    return min(MOST_LANDMARKS, shape.n_rows)


def _net(values: Mapping[str, Any], context: BuildContext) -> Base:
    from bench.zoo.estimators.small_net import NetBase

    return NetBase(**values, threads=context.threads, device=context.device)


def _tree(values: Mapping[str, Any], _context: BuildContext) -> Base:
    from bench.zoo.estimators.cart import TreeBase

    return TreeBase(**values)


POLYNOMIAL = BaseKind(
    name="polynomial",
    title="ridge on products of two features",
    scaling="standard",
    default={"penalty": 1.0},
    parameters={"penalty": Float(low=1e-2, high=1e3, log=True)},
    make=_polynomial,
    n_features=_products,
    modules=("bench.zoo.estimators.ridge",),
)
NYSTROEM = BaseKind(
    name="nystroem",
    title="ridge on a Gaussian kernel",
    scaling="standard",
    default={"landmarks": 200, "width": 1.0, "penalty": 0.1},
    parameters={
        "landmarks": Choice((100, 200, MOST_LANDMARKS)),
        "width": Float(low=0.3, high=10.0, log=True),
        "penalty": Float(low=1e-3, high=1e2, log=True),
    },
    make=_nystroem,
    n_features=_landmarks,
    modules=("bench.zoo.estimators.ridge",),
)
NET = BaseKind(
    name="mlp",
    title="MLP of two layers",
    scaling="robust",
    default={"width": 64, "learning_rate": 5e-3, "epochs": 24},
    parameters={
        "width": Choice((32, 64)),
        "learning_rate": Float(low=1e-3, high=2e-2, log=True),
        "epochs": Int(low=2, high=32, log=True),
    },
    make=_net,
    packages=("torch",),
    modules=("bench.zoo.estimators.small_net", "torch._dynamo"),
    devices=("cpu", "cuda"),
    max_rounds=100,
)
LEAF = Int(low=1, high=20, log=True)
DEEP_TREE = BaseKind(
    name="tree",
    title="deep CART trees",
    scaling="standard",
    default={"max_depth": None, "min_samples_leaf": 1},
    parameters={"min_samples_leaf": LEAF},
    make=_tree,
    modules=("bench.zoo.estimators.cart",),
    trees=True,
)
"""What is bagged: the bias of a tree is small where it is deep, and averaging takes its variance."""
SMALL_TREE = BaseKind(
    name="tree",
    title="small CART trees",
    scaling="standard",
    default={"max_depth": 3, "min_samples_leaf": 1},
    parameters={"max_depth": Int(low=2, high=6), "min_samples_leaf": LEAF},
    make=_tree,
    modules=("bench.zoo.estimators.cart",),
    trees=True,
)
"""What is boosted."""
KINDS = (POLYNOMIAL, NYSTROEM, NET)
"""Those that are no trees."""


class OnBase(ZooLearner):
    """A learner that fits many members of one base by a scheme."""

    scheme: str
    """`bagging` or `boosting`: what its estimator's module is called."""
    prefix: str
    own: tuple[str, ...]
    """What of a configuration is the scheme's; the rest is the base's."""
    polls_deadline = True

    def __init__(self, kind: BaseKind) -> None:
        """Take this base."""
        self.kind = kind
        self.name = f"{self.prefix}-{kind.name}"
        self.title = f"{self.scheme.capitalize()} of {kind.title}"
        self.packages = kind.packages
        self.modules = (*COMMON_MODULES, f"bench.zoo.estimators.{self.scheme}", *kind.modules)
        self.devices = kind.devices
        self.for_experiments = kind.trees
        if kind.trees:
            self.family = "schemes-on-trees"

    def base(self, config: Config, context: BuildContext) -> Base:
        """Return the base that a configuration asks for."""
        return self.kind.make(
            {name: value for name, value in config.items() if name not in self.own}, context
        )
