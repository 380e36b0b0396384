"""What a server has to serve: tables, tasks on them, and suites of tasks, as values."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import NamedTuple

from loopback_openml.arff import ArffTable, Kind, read_arff


class TaskType(IntEnum):
    """OpenML's task types, by their ids."""

    CLASSIFICATION = 1
    REGRESSION = 2
    LEARNING_CURVE = 3

    @property
    def label(self) -> str:
        """OpenML's name for it."""
        return {1: "Supervised Classification", 2: "Supervised Regression", 3: "Learning Curve"}[self]


@dataclass(frozen=True)
class ServedDataset:
    """A table as OpenML has it: the ARFF file, and what the description says of it."""

    id: int
    name: str
    arff: bytes
    target: str | None
    version: int = 1
    description: str = ""
    format: str = "ARFF"
    licence: str = "Public"
    ignore: tuple[str, ...] = ()
    row_id: str | None = None
    citation: str | None = None
    parquet: bytes | None = None
    status: str = "active"
    tags: tuple[str, ...] = ()
    file_id: int = 0
    """What the ARFF's address holds; 0 stands for the dataset's own id, as with OpenML's first tables."""
    announced_md5: str = ""
    """Said in place of the ARFF's own checksum, where not empty."""

    @property
    def md5(self) -> str:
        """The checksum that the description announces."""
        return self.announced_md5 or hashlib.md5(self.arff, usedforsecurity=False).hexdigest()

    @property
    def file(self) -> int:
        """The id of the ARFF file, which is not always the dataset's."""
        return self.file_id or self.id

    @cached_property
    def table(self) -> ArffTable:
        """What the ARFF holds."""
        return read_arff(self.arff)

    @cached_property
    def qualities(self) -> dict[str, float | None]:
        """OpenML's simple qualities; ignored columns and the row id do not count. None: not defined."""
        attributes, rows = self.table.attributes, self.table.rows
        left_out = {*self.ignore, self.row_id}
        kept = [i for i, attribute in enumerate(attributes) if attribute.name not in left_out]
        missing = [sum(row[i] is None for i in kept) for row in rows]
        kinds = [attributes[i].kind for i in kept]
        sizes = self._class_sizes()
        return {
            "MajorityClassSize": max(sizes) if sizes else None,
            "MinorityClassSize": min(sizes) if sizes else None,
            "NumberOfClasses": len(sizes),
            "NumberOfFeatures": len(kept),
            "NumberOfInstances": len(rows),
            "NumberOfInstancesWithMissingValues": sum(n > 0 for n in missing),
            "NumberOfMissingValues": sum(missing),
            "NumberOfNumericFeatures": kinds.count(Kind.NUMERIC),
            "NumberOfSymbolicFeatures": kinds.count(Kind.NOMINAL),
        }

    def _class_sizes(self) -> list[int]:
        """Return how often each declared level of a nominal target occurs."""
        found = [attribute for attribute in self.table.attributes if attribute.name == self.target]
        if not found or found[0].kind is not Kind.NOMINAL:
            return []
        cells = self.table.column(found[0].name)
        return [cells.count(level) for level in found[0].levels]


class SplitRow(NamedTuple):
    """A line of a split file: the row is for TRAIN or TEST in that fold of that repeat."""

    repeat: int
    fold: int
    rowid: int
    part: str
    sample: int = 0


@dataclass(frozen=True)
class Estimation:
    """An estimation procedure: `folds` and `percentage` are None where the type has none."""

    id: int
    name: str
    type: str
    task_type: TaskType
    repeats: int = 1
    folds: int | None = None
    percentage: int | None = None
    stratified: bool = True


@dataclass(frozen=True)
class ServedTask:
    """A task, with its split file's lines."""

    id: int
    dataset_id: int
    type: TaskType
    target: str
    estimation: Estimation
    splits: tuple[SplitRow, ...]


@dataclass(frozen=True)
class ServedSuite:
    """A study whose entities are tasks; it is found by id and by alias."""

    id: int
    alias: str
    name: str
    tasks: tuple[int, ...]
    description: str = ""
    status: str = "active"


@dataclass(frozen=True)
class Catalogue:
    """All that one server serves."""

    datasets: tuple[ServedDataset, ...] = ()
    tasks: tuple[ServedTask, ...] = ()
    suites: tuple[ServedSuite, ...] = ()

    def dataset(self, dataset_id: int) -> ServedDataset | None:
        """Return the dataset with this id."""
        return next((dataset for dataset in self.datasets if dataset.id == dataset_id), None)

    def task(self, task_id: int) -> ServedTask | None:
        """Return the task with this id."""
        return next((task for task in self.tasks if task.id == task_id), None)

    def suite(self, key: str) -> ServedSuite | None:
        """Return the suite with this id or alias."""
        return next((suite for suite in self.suites if key in (str(suite.id), suite.alias)), None)

    def with_dataset(self, dataset: ServedDataset) -> Catalogue:
        """Return a catalogue with this dataset, in place of one with the same id."""
        others = tuple(other for other in self.datasets if other.id != dataset.id)
        return replace(self, datasets=(*others, dataset))

    def with_tasks(self, tasks: Iterable[ServedTask]) -> Catalogue:
        """Return a catalogue with these tasks too."""
        return replace(self, tasks=(*self.tasks, *tasks))
