"""Interventions: what is changed of a task, on purpose and by seed, to see which families notice.

Each destroys or adds exactly one structure. Written as a suite and a cell id show them: `random-labels`, or
`label-noise:20`, with how much of it. All are declared in `KINDS`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType

from bench.datasets import Dataset, Feature, FeatureKind
from bench.errors import ConfigError
from bench.spaces import Config, Value
from bench.tasks import TaskShape

NONE = "none"
RANDOM_LABELS = "random-labels"


class Part(StrEnum):
    """Which part of a cell an intervention changes; all others stay as they are, to the last bit."""

    NOTHING = "nothing"
    FEATURES = "features of training and test rows"
    LABELS = "training labels"
    ROWS = "which rows there are"
    TEST_IMAGES = "test images alone"


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
    part: Part
    destroys: str
    """The structure that is no longer there, or that was added, in one sentence."""
    unmoved: tuple[str, ...] = ()
    """Learners that must not notice: their predictions are those under the reference but for rounding."""
    amount: Amount | None = None
    version: int = 1
    """Raised when the same name and amount would change data in another way; part of the evidence key."""
    reference: str = NONE
    """The intervention that it is contrasted with, itself contrasted with none."""
    fixed: Mapping[str, Value] = field(default_factory=dict)
    """What is held in every configuration that has it: `scaling`, or, where it has one value alone, `p=1`."""
    images: bool = False
    """Whether it needs rows that are images."""
    numeric: int = 0
    """How many numeric columns it needs."""
    keeps_images: bool = True
    """Whether rows that were images still are: a value for each pixel, on one scale, in their order."""


_PER_CENT = Amount(unit="per cent", least=1, most=100)
_MANY = Amount(unit="per cent", least=1, most=1000)
_SHARE = Amount(unit="per cent", least=1, most=99)
_COLUMNS = Amount(unit="columns", least=1, most=1000)
_ONE_PER_COLUMN = "1 / columns"
"""The reciprocal of how many columns there are."""
_NO_AXES: Config = {"scaling": "none", "p=1": 2, "gamma=scale": _ONE_PER_COLUMN}
"""Under scaled features learners scale no more, and do nothing that has axes by the way: neighbours are near
by Euclidean distance, not by Manhattan's, and a kernel is as wide as the number of columns says. What the
library calls "scale" follows from the mean of all numbers, which a rotation changes."""

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        kind.name: kind
        for kind in (
            Kind(name=NONE, part=Part.NOTHING, destroys="nothing: the task as it is"),
            Kind(
                name="noise-columns",
                part=Part.FEATURES,
                destroys="the share of columns that matter: Gaussian columns are added",
                unmoved=("dummy",),
                amount=_COLUMNS,
                keeps_images=False,
            ),
            Kind(
                name="dilute-columns",
                part=Part.FEATURES,
                destroys="the share of columns that matter: so many per cent are added, Gaussian",
                unmoved=("dummy",),
                amount=_MANY,
                keeps_images=False,
            ),
            Kind(
                name="shuffled-columns",
                part=Part.FEATURES,
                destroys="the share of columns that matter: shuffled copies of columns are added",
                unmoved=("dummy",),
                amount=_COLUMNS,
                keeps_images=False,
            ),
            Kind(
                name="drop-columns",
                part=Part.FEATURES,
                destroys="the columns that matter least: the last so many per cent of them are dropped",
                unmoved=("dummy",),
                amount=_SHARE,
                keeps_images=False,
            ),
            Kind(
                name="feature-noise",
                part=Part.FEATURES,
                destroys="the precision of numbers: Gaussian noise, in per cent of a column's SD, is added",
                unmoved=("dummy",),
                amount=_MANY,
                numeric=1,
            ),
            Kind(
                name="warp-features",
                part=Part.FEATURES,
                destroys="the distances within numeric columns: each is bent, and its order kept",
                unmoved=("dummy", "xgboost"),
                numeric=1,
                keeps_images=False,
            ),
            Kind(
                name="scaled-features",
                part=Part.FEATURES,
                destroys="nothing but units, gaps and categories: numeric columns alone, filled and scaled",
                unmoved=("dummy",),
                fixed=_NO_AXES,
                numeric=2,
                keeps_images=False,
            ),
            Kind(
                name="rotate-features",
                part=Part.FEATURES,
                destroys="the axes: scaled features are multiplied by one random rotation",
                unmoved=("dummy", "linear", "knn", "svm-rbf"),
                reference="scaled-features",
                fixed=_NO_AXES,
                numeric=2,
                keeps_images=False,
            ),
            Kind(
                name="permute-pixels",
                part=Part.FEATURES,
                destroys="the neighbourhood of pixels: all images have them in one other order",
                unmoved=("dummy", "linear", "knn", "svm-rbf"),
                version=2,
                images=True,
            ),
            Kind(
                name="label-noise",
                part=Part.LABELS,
                destroys="the truth of some training labels: each is replaced by another row's",
                amount=_PER_CENT,
            ),
            Kind(
                name=RANDOM_LABELS,
                part=Part.LABELS,
                destroys="all that training rows tell of their labels: these are dealt out anew",
            ),
            Kind(
                name="smooth-target",
                part=Part.LABELS,
                destroys="the sharp edges of the target: training labels are averaged over near rows",
                amount=Amount(unit="per cent of the median distance", least=1, most=1000),
                numeric=1,
            ),
            Kind(
                name="subsample",
                part=Part.ROWS,
                destroys="most of the training rows: so many per cent of them are left",
                amount=_SHARE,
            ),
            Kind(
                name="outside-range",
                part=Part.ROWS,
                destroys="the likeness of training and test rows: those above a quantile are tested alone",
                amount=Amount(unit="per cent", least=1, most=90),
                numeric=1,
            ),
            *(
                Kind(
                    name=name,
                    part=Part.TEST_IMAGES,
                    destroys=destroys,
                    unmoved=("dummy",),
                    amount=amount,
                    images=True,
                )
                for name, destroys, amount in (
                    (
                        "translate",
                        "the place of test images: each is moved along an axis",
                        Amount(unit="pixels", least=1, most=1000),
                    ),
                    (
                        "crop",
                        "the size of what test images show: their middle is enlarged to the whole",
                        Amount(unit="per cent of the side", least=1, most=99),
                    ),
                    (
                        "occlude",
                        "a part of each test image: a square somewhere in it is set to 0",
                        Amount(unit="per cent of the area", least=1, most=99),
                    ),
                    (
                        "rotate-images",
                        "the upright of test images: each is turned, one way or the other",
                        Amount(unit="degrees", least=1, most=180),
                    ),
                    (
                        "blur",
                        "the detail of test images: they are blurred by a Gaussian",
                        Amount(unit="tenths of a pixel", least=1, most=1000),
                    ),
                )
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
        return self.kind.part is not Part.NOTHING

    def fixed(self, n_columns: int) -> Mapping[str, Value]:
        """Return what is held in configurations for so many columns, as `Kind.fixed` has it."""
        return {
            name: 1 / n_columns if value == _ONE_PER_COLUMN else value
            for name, value in self.kind.fixed.items()
        }

    def not_applicable(self, dataset: Dataset) -> str | None:
        """Return why a table has not what would be changed, or None."""
        if self.kind.images and dataset.image is None:
            return f"{self}: the rows of this table are no images"
        if self.kind.name == "translate" and dataset.image is not None:
            side = min(dataset.image.height, dataset.image.width)
            if (self.amount or 0) >= side:
                return f"{self}: the images of this table are {side} pixels wide or high, so nothing is left"
        n_numeric = sum(each.kind is FeatureKind.NUMERIC for each in dataset.features)
        if n_numeric < self.kind.numeric:
            there = ("no numeric column", "a single numeric column")[n_numeric]
            return f"{self}: this table has {there}"
        return None


def shape_under(intervention: Intervention, shape: TaskShape, dataset: Dataset) -> TaskShape:
    """Return the shape of a task that has the shape without an intervention.

    Which columns `drop-columns` drops is not known beforehand: no part of the shape returned is smaller than
    what will be there, so that of numbers and categories together there may seem to be more.
    """
    amount, name = intervention.amount or 0, intervention.kind.name
    shape = replace(shape, image=shape.image if intervention.kind.keeps_images else None)
    if name in ("noise-columns", "dilute-columns"):
        added = amount if name == "noise-columns" else columns_added(len(dataset.features), amount)
        return replace(shape, n_numeric=shape.n_numeric + added)
    if name == "shuffled-columns":
        return _with_copies(shape, [dataset.features[i % len(dataset.features)] for i in range(amount)])
    if name == "drop-columns":
        left = columns_left(len(dataset.features), amount)
        return replace(
            shape,
            n_numeric=min(shape.n_numeric, left),
            levels=tuple(sorted(shape.levels, reverse=True)[:left]),
            n_with_missing=min(shape.n_with_missing, left),
        )
    if name in ("scaled-features", "rotate-features"):
        return replace(shape, levels=(), n_with_missing=0)
    if name == "subsample":
        return replace(shape, n_rows=rows_left(shape.n_rows, amount))
    return shape


def _with_copies(shape: TaskShape, copied: list[Feature]) -> TaskShape:
    return replace(
        shape,
        n_numeric=shape.n_numeric + sum(each.kind is FeatureKind.NUMERIC for each in copied),
        levels=(*shape.levels, *(len(each.levels) for each in copied if each.levels)),
        n_with_missing=shape.n_with_missing + sum(each.n_missing > 0 for each in copied),
    )


def columns_added(n_columns: int, per_cent: int) -> int:
    """Return how many columns `dilute-columns` adds: a part of one counts as one, and at least one."""
    return max(1, -(-n_columns * per_cent // 100))


def columns_left(n_columns: int, per_cent: int) -> int:
    """Return how many columns `drop-columns` leaves: at least one."""
    return max(1, n_columns - n_columns * per_cent // 100)


def rows_left(n_rows: int, per_cent: int) -> int:
    """Return how many of some rows `subsample` leaves: a part of one counts as one."""
    return -(-n_rows * per_cent // 100)


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
