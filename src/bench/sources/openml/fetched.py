"""What OpenML says of a task and its table, as its client brought it. Plain values."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.sources.openml.splits import SplitRows


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedFeature:
    """A column as the server describes it."""

    name: str
    kind: str
    """`nominal`, `numeric`, `string` or `date`."""
    n_missing: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTable:
    """A data set of OpenML: its description, and its file in a folder that is about to go."""

    id: int
    name: str
    version: int
    licence: str
    citation: str
    md5: str
    ignored: tuple[str, ...]
    """Columns that are no features by its description: row ids among them."""
    features: tuple[FetchedFeature, ...]
    n_rows: int | None
    path: Path
    is_parquet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchedTask:
    """A supervised task of OpenML."""

    id: int
    is_classification: bool
    target: str
    table: FetchedTable
    splits: SplitRows


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutline:
    """What a run on a supervised task of OpenML has to keep to."""

    id: int
    is_classification: bool
    classes: tuple[str, ...]
    """All that its table declares, in that order, those without a row too; empty for a regression."""
    splits: SplitRows


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteListing:
    """The tasks of a benchmark suite, in its order."""

    id: int
    name: str
    tasks: tuple[int, ...]
