"""What is known of the tasks of OpenML's benchmark suites without asking it. Standard library only.

`_data/openml/tasks.csv` holds a row for each; `_data/openml/README.md` says where the figures come from.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from types import MappingProxyType

from bench.datasets import Dataset, Feature, FeatureKind, Grade, OfficialSplits, Origin, ProblemType


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownTask:
    """A task of a suite. None, or an empty text, where no source told."""

    task_id: int
    dataset_id: int | None
    name: str
    problem: ProblemType
    target: str
    rows: int | None
    features: int | None
    """Without the target."""
    categorical: int | None
    classes: int | None
    """0 for a regression."""
    missing: int | None
    licence: str
    procedure: str
    """`cv10`, `cv3x10`, `holdout33`: as in split procedures, less `openml-`."""
    data_md5: str
    splits_md5: str
    suites: tuple[str, ...]


@lru_cache
def known_tasks() -> Mapping[int, KnownTask]:
    """Return the known tasks by number."""
    text = resources.files("bench").joinpath("_data/openml/tasks.csv").read_text("utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({int(row["task_id"]): _task(row) for row in rows})


def outlined(task: KnownTask) -> Dataset | None:
    """Return a known task's table as far as a plan's cells need it; None where its size is not known.

    Numbers stand for the names of columns and classes; columns of unknown kind are taken for numbers.
    """
    if task.rows is None or task.features is None or not task.procedure:
        return None
    n_categorical = task.categorical or 0
    kinds = [FeatureKind.CATEGORICAL] * n_categorical
    kinds += [FeatureKind.NUMERIC] * (task.features - n_categorical)
    return Dataset(
        name=f"openml-{task.task_id}",
        problem=task.problem,
        target=task.target,
        classes=tuple(str(code) for code in range(task.classes or 0)),
        n_rows=task.rows,
        features=tuple(Feature(name=str(i), kind=kind) for i, kind in enumerate(kinds)),
        fingerprint="",
        target_sd=math.nan,
        openml_id=task.dataset_id,
        grade=Grade.ORIGINAL,
        origin=Origin.UNKNOWN,
        licence=task.licence or "unknown",
        source=f"OpenML task {task.task_id}",
        title=task.name,
        official=OfficialSplits(openml_task_id=task.task_id, procedure=f"openml-{task.procedure}"),
    )


def _task(row: Mapping[str, str]) -> KnownTask:
    return KnownTask(
        task_id=int(row["task_id"]),
        dataset_id=_number(row["dataset_id"]),
        name=row["name"],
        problem=ProblemType(row["problem"]),
        target=row["target"],
        rows=_number(row["rows"]),
        features=_number(row["features"]),
        categorical=_number(row["categorical"]),
        classes=_number(row["classes"]),
        missing=_number(row["missing"]),
        licence=row["licence"],
        procedure=row["procedure"],
        data_md5=row["data_md5"],
        splits_md5=row["splits_md5"],
        suites=tuple(filter(None, row["suites"].split(";"))),
    )


def _number(text: str) -> int | None:
    return int(text) if text else None
