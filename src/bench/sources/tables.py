"""From the columns of a file to a table that can be learnt from: features, target, fingerprint."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset, Feature, FeatureKind, Grade, OfficialSplits, Origin, ProblemType
from bench.errors import DataError
from bench.sources.columns import Column, RawColumn, encode, keep

MAX_CLASSES = 20
"""A numeric target of whole numbers with at most this many values is a class, where nothing else is said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What is to be made of a file's columns."""

    target: str
    problem: ProblemType | None = None
    """Told by the target's values where it is not given."""
    drop: frozenset[str] = frozenset()
    kinds: Mapping[str, FeatureKind] = field(default_factory=dict)
    absent_level: Mapping[str, str] = field(default_factory=dict)
    group: str | None = None
    time: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """What a file does not say about its table."""

    name: str
    openml_id: int | None
    grade: Grade
    origin: Origin
    licence: str
    source: str
    title: str = ""
    citation: str = ""
    md5: str = ""
    official: OfficialSplits | None = None


@dataclass(frozen=True, slots=True)
class Groups:
    """The column that groups the rows."""

    name: str
    values: npt.NDArray[np.int32]
    """(n_rows,): codes from 0."""


@dataclass(frozen=True, slots=True)
class Times:
    """The column that orders the rows."""

    name: str
    values: npt.NDArray[np.float64]
    """(n_rows,): finite; what is larger is later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """A table's columns and target as they are kept, without its provenance."""

    columns: tuple[Column, ...]
    target_name: str
    problem: ProblemType
    classes: tuple[str, ...]
    target: npt.NDArray[np.float64] | npt.NDArray[np.int32]
    """(n_rows,): float64 for a regression, else int32 codes into `classes`."""
    group: Groups | None = None
    time: Times | None = None
    notes: tuple[str, ...] = ()
    n_unlabelled: int = 0
    """Rows of the file that are left out because their target is missing."""

    @property
    def features(self) -> tuple[Feature, ...]:
        """The descriptions of the columns."""
        return tuple(column.feature for column in self.columns)

    @property
    def labels(self) -> npt.NDArray[np.int64] | None:
        """The class codes (n_rows,), or None for a regression."""
        return self.target.astype(np.int64) if self.problem.is_classification else None

    def describe(self, provenance: Provenance) -> Dataset:
        """Return the description that plans are made with."""
        return Dataset(
            name=provenance.name,
            problem=self.problem,
            target=self.target_name,
            classes=self.classes,
            class_rows=tuple(np.bincount(self.target.astype(np.int64)).tolist()) if self.classes else (),
            n_rows=len(self.target),
            features=self.features,
            fingerprint=fingerprint(self),
            target_sd=math.nan if self.classes else _spread(self.target),
            openml_id=provenance.openml_id,
            grade=provenance.grade,
            origin=provenance.origin,
            licence=provenance.licence,
            source=provenance.source,
            title=provenance.title,
            citation=provenance.citation,
            md5=provenance.md5,
            official=provenance.official,
            group=None if self.group is None else self.group.name,
            time=None if self.time is None else self.time.name,
            notes=self.notes,
        )


def assemble(raw: Sequence[RawColumn], layout: Layout) -> Content:
    """Return the table that a file holds, without the rows that have no target.

    Raises DataError where it cannot be learnt from.
    """
    by_name = {column.name: column for column in raw}
    _check_names(raw, layout)
    rows = ~by_name[layout.target].missing
    target = by_name[layout.target].only(rows)
    problem, classes, values = _target(target, layout.problem)
    taken = {layout.target, layout.group, layout.time, *layout.drop}
    names = [name for name in by_name if name not in taken]
    if not names:
        raise DataError(f"nothing is left to learn {layout.target!r} from: the table has no other column")
    columns = tuple(
        keep(_with_level(by_name[name], layout.absent_level.get(name)).only(rows), layout.kinds.get(name))
        for name in names
    )
    return Content(
        columns=columns,
        target_name=target.name,
        problem=problem,
        classes=classes,
        target=values,
        group=None if layout.group is None else _groups(by_name[layout.group].only(rows)),
        time=None if layout.time is None else _times(by_name[layout.time].only(rows)),
        n_unlabelled=int((~rows).sum()),
    )


def fingerprint(content: Content) -> str:
    """Return the SHA-256 of names, kinds, levels and values of every column and the target, in row order."""
    digest = hashlib.sha256()
    for column in content.columns:
        feature = column.feature
        digest.update(_line([feature.name, feature.kind.value, feature.levels]))
        digest.update(_bytes(column.data))
    digest.update(_line([content.target_name, content.problem.value, content.classes]))
    digest.update(_bytes(content.target))
    for role, binding in (("group", content.group), ("time", content.time)):
        if binding is not None:
            digest.update(_line([role, binding.name]))
            digest.update(_bytes(binding.values))
    return digest.hexdigest()


def _check_names(raw: Sequence[RawColumn], layout: Layout) -> None:
    names = [column.name for column in raw]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"column {twice!r} occurs more than once: give each column a name of its own")
    for name in (layout.target, *layout.drop, *layout.kinds, *layout.absent_level):
        if name not in names:
            raise DataError(f"there is no column {name!r}: the columns are {', '.join(names)}")


def _with_level(column: RawColumn, level: str | None) -> RawColumn:
    """Give a category back that was read as a missing value."""
    if level is None:
        return column
    return RawColumn(column.name, [level if text is None else text for text in column.texts])


def _groups(column: RawColumn) -> Groups:
    """Return codes; rows without a value are one group."""
    levels, codes = encode(column)
    return Groups(column.name, np.where(codes < 0, np.int32(len(levels)), codes))


def _times(column: RawColumn) -> Times:
    values = keep(column, FeatureKind.NUMERIC).data.astype(np.float64)
    if np.isnan(values).any():
        raise DataError(f"the time {column.name!r} is missing in some rows, which have no place in it")
    return Times(column.name, values)


def _target(
    column: RawColumn, problem: ProblemType | None
) -> tuple[ProblemType, tuple[str, ...], npt.NDArray[np.float64] | npt.NDArray[np.int32]]:
    numbers = column.numbers
    if problem is None:
        problem = ProblemType.REGRESSION if numbers is not None and _is_measured(numbers) else None
    if problem is ProblemType.REGRESSION:
        values = keep(column, FeatureKind.NUMERIC).data
        if len(values) == 0 or values.min() == values.max():
            raise DataError(
                f"the target {column.name!r} has the same value in every row: there is nothing to learn"
            )
        return problem, (), values
    classes, codes = encode(column)
    if len(classes) < 2:
        raise DataError(
            f"the target {column.name!r} has {len(classes)} class: there is nothing to tell apart"
        )
    found = ProblemType.BINARY if len(classes) == 2 else ProblemType.MULTICLASS
    if problem not in (None, found):
        raise DataError(
            f"the target {column.name!r} has {len(classes)} classes, so the problem is {found}, not {problem}"
        )
    return found, classes, codes


def _spread(values: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> float:
    """Return the SD (ddof 0), also where squares are too large for double precision."""
    with np.errstate(over="ignore", invalid="ignore"):
        spread = float(np.std(values))
    if math.isfinite(spread):
        return spread
    largest = float(np.abs(values).max())
    return float(np.std(values / largest)) * largest


def _is_measured(numbers: npt.NDArray[np.float64]) -> bool:
    distinct = np.unique(numbers)
    return len(distinct) > MAX_CLASSES or bool((distinct != np.floor(distinct)).any())


def _line(values: Sequence[object]) -> bytes:
    return json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def _bytes(values: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> bytes:
    return values.astype(values.dtype.newbyteorder("<")).tobytes()
