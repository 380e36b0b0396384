"""Interventions: what is changed of a task, on purpose and by seed, to see which families notice.

Each destroys or adds exactly one structure. Written as a suite and a cell id show them: `random-labels`, or
`label-noise:20`, with how much of it.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bench.datasets import Dataset, FeatureKind
from bench.errors import ConfigError
from bench.tasks import TaskShape

NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much of an intervention: a whole number."""

    unit: str
    least: int
    most: int

    def __str__(self) -> str:
        """`1 to 100 per cent`."""
        return f"{self.least} to {self.most} {self.unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What an intervention is, declared once."""

    name: str
    destroys: str
    """The structure that is no longer there, or that was added."""
    unmoved: tuple[str, ...] = ()
    """Learners that must not notice: their predictions stay the same but for rounding."""
    amount: Amount | None = None
    version: int = 1
    """Raised when the same name and amount would change data in another way; part of the evidence key."""
    images: bool = False
    """Whether it needs rows that are images."""
    numbers: bool = False
    """Whether it needs a numeric column."""


_PER_CENT = Amount(unit="per cent", least=1, most=100)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(name=NONE, destroys="nothing: the task as it is"),
            Kind(
                name="noise-columns",
                destroys="the share of columns that matter: Gaussian columns are added",
                amount=Amount(unit="columns", least=1, most=1000),
            ),
            Kind(
                name="shuffled-columns",
                destroys="the share of columns that matter: shuffled copies of columns are added",
                amount=Amount(unit="columns", least=1, most=1000),
            ),
            Kind(
                name="feature-noise",
                destroys="the precision of numbers: Gaussian noise, in per cent of a column's SD, is added",
                amount=Amount(unit="per cent", least=1, most=1000),
                numbers=True,
            ),
            Kind(
                name="label-noise",
                destroys="the truth of some training labels: each is replaced by another row's",
                amount=_PER_CENT,
            ),
            Kind(
                name="random-labels",
                destroys="all that training rows tell of their labels: these are dealt out anew",
            ),
            Kind(
                name="permute-pixels",
                destroys="the neighbourhood of pixels: all images have them in one other order",
                unmoved=("dummy", "linear", "knn", "svm-rbf"),
                images=True,
            ),
        )
    }
)


@dataclass(frozen=True, slots=True)
class Intervention:
    """One that is asked for."""

    kind: Kind
    amount: int | None = None

    def __str__(self) -> str:
        """`label-noise:20`: as suites and cell ids have it."""
        return self.kind.name if self.amount is None else f"{self.kind.name}:{self.amount}"

    @property
    def changes(self) -> bool:
        """Whether it changes anything."""
        return self.kind.name != NONE

    def not_applicable(self, dataset: Dataset) -> str | None:
        """Return why a table has not what would be changed, or None."""
        if self.kind.images and dataset.image is None:
            return f"{self}: the rows of this table are no images"
        if self.kind.numbers and all(each.kind is not FeatureKind.NUMERIC for each in dataset.features):
            return f"{self}: this table has no numeric column"
        return None


def shape_under(intervention: Intervention, shape: TaskShape, dataset: Dataset) -> TaskShape:
    """Return the shape of a task that has the shape without an intervention."""
    added = intervention.amount or 0
    if intervention.kind.name == "noise-columns":
        return replace(shape, n_numeric=shape.n_numeric + added)
    if intervention.kind.name == "shuffled-columns":
        copied = [dataset.features[i % len(dataset.features)] for i in range(added)]
        levels = tuple(len(each.levels) for each in copied if each.levels)
        return replace(
            shape,
            n_numeric=shape.n_numeric + sum(each.kind is FeatureKind.NUMERIC for each in copied),
            levels=(*shape.levels, *levels),
            n_with_missing=shape.n_with_missing + sum(each.n_missing > 0 for each in copied),
        )
    return shape


def parse_intervention(text: str) -> Intervention:
    """Return the intervention that is written so.

    Raises ConfigError, naming those there are, or what amounts it may have.
    """
    match = re.fullmatch(r"([a-z-]+)(?::(\d{1,6}))?", text)
    kind = KINDS.get(match[1]) if match else None
    if match is None or kind is None:
        near = difflib.get_close_matches(text.partition(":")[0], KINDS, n=1)
        hint = f' - did you mean "{near[0]}"?' if near else ""
        raise ConfigError(f'no intervention "{text}"{hint} (known: {", ".join(KINDS)})')
    amount = None if match[2] is None else int(match[2])
    wanted = kind.amount
    if wanted is None and amount is not None:
        raise ConfigError(f'intervention "{text}": write "{kind.name}", it has no amount')
    if wanted is not None and (amount is None or not wanted.least <= amount <= wanted.most):
        raise ConfigError(f'intervention "{text}": write "{kind.name}:N", with N of {wanted}')
    return Intervention(kind, amount)
