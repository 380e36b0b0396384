"""A claim: what is said, of what, and by which rule it will be judged. All of it is fixed beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias

from bench.interventions import NONE
from bench.suites import Suite
from bench.verdicts import Rule, Word

Show: TypeAlias = Literal["tuned", "default"]


class Unit(StrEnum):
    """What is drawn: what an interval is about, and what there must be enough of."""

    DATASET = "dataset"
    """The claim is about data: errors are averaged within a dataset, and datasets are the sample."""
    SEED = "seed"
    """The claim is about a mechanism: seeds are the sample, on each dataset anew."""


class Scale(StrEnum):
    """What differences are measured in."""

    RATIO = "ratio"
    """The log of the ratio of two errors."""
    POINTS = "points"
    """The difference of two errors."""
    SLOPE = "slope"
    """The difference of two exponents of error in the number of training rows."""


@dataclass(frozen=True, slots=True)
class Margin:
    """The smallest difference that matters."""

    amount: float
    """Above 0: a log ratio, a difference of errors, or a difference of exponents."""
    scale: Scale


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a claim, or what is expected of it, comes from."""

    cite: str
    says: str
    """In our own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """Learners that stand for one side of a contrast: judged as a family is, by one budget for all."""

    name: str
    learners: tuple[str, ...]
    """As suites name them; with fixed values, `mlp{epochs=300}`, where the claim needs them."""
    show: Show = "tuned"
    """The best validated trial, or the default configuration of the first that applies."""
    share: float = 1.0
    """Of the budget: what is left of it where a learner, and its share, is left out."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two sides, by name: positive values say that the first has the lower error."""

    side: str
    against: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A contrast of errors: D1, D2, D3, D5 and the bound."""

    name: str
    rule: Rule
    pairs: tuple[Pair, ...]
    """Of several the mean is taken, dataset by dataset."""
    margin: Margin
    primary: bool = True
    """Whether the verdict on the claim rests on it."""
    intact: str = NONE
    """The intervention under which sides are compared."""
    altered: str | None = None
    """Of an interaction: the intervention that takes away what the advantage is said to come from."""

    @property
    def interventions(self) -> tuple[str, ...]:
        """Those whose cells it needs."""
        return (self.intact,) if self.altered is None else (self.intact, self.altered)

    @property
    def sides(self) -> tuple[str, ...]:
        """Those whose cells it needs, each once."""
        return tuple(dict.fromkeys(name for pair in self.pairs for name in (pair.side, pair.against)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A bound on an error, which makes a count of cells that keep it."""

    intervention: str
    part: Literal["train", "test"]
    at_most: float
    of_dummy: bool = False
    """Whether the bound is a share of the dummy's test error without an intervention."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """D4: whether all conditions hold together, learner by learner, on each dataset and seed."""

    name: str
    rule: Rule
    side: str
    """Each of its learners is looked at by itself, in its default configuration."""
    conditions: tuple[Condition, ...]
    primary: bool = True

    @property
    def interventions(self) -> tuple[str, ...]:
        """Those whose cells it needs."""
        return tuple(dict.fromkeys(condition.intervention for condition in self.conditions))


Contrast: TypeAlias = Comparison | Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Controls:
    """What must come out as known, or the verdict is INVALID."""

    same: tuple[str, ...] = ()
    """Sides run twice, with another seed: what they differ by is noise."""
    null: tuple[str, ...] = ()
    """Learners that must not notice what an interaction alters."""
    positive: Pair | None = None
    """Two sides of which the first is known to be better."""
    permuted_labels: tuple[str, ...] = ()
    """Sides that must be at chance where training labels say nothing."""
    permuted_tasks: tuple[str, ...] = ()
    """On which tasks; all of a profile that has none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What is said, and how it is judged."""

    id: str
    """Its place in the list of claims: `TAB-3`."""
    name: str
    """Its file's: `rotated-features`."""
    title: str
    statement: str
    note: str
    sources: tuple[Source, ...]
    unit: Unit
    fewest: int
    """Datasets, or seeds on each dataset, under which nothing is decided."""
    sides: Mapping[str, Side]
    contrasts: tuple[Contrast, ...]
    controls: Controls
    expected: Word
    because: str
    """Why that is expected, with what is published."""
    profiles: Mapping[str, Suite]
    """`small` and `full`: what is run, as a suite."""
    control_seeds: Mapping[str, int] = field(default_factory=dict)
    """The seed of a profile that is there for a control alone, where it has one other: of sides run twice."""
    path: str
    hash: str
    """Of what the file says, 16 hex digits; comments and spaces do not count."""

    @property
    def comparisons(self) -> Iterator[Comparison]:
        """The contrasts of errors."""
        return (each for each in self.contrasts if isinstance(each, Comparison))

    @property
    def learners(self) -> tuple[str, ...]:
        """Every learner that the claim needs, each once, in the order of the sides."""
        return tuple(dict.fromkeys(name for side in self.sides.values() for name in side.learners))
