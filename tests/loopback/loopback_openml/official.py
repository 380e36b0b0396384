"""OpenML's own files, as the installed scikit-learn ships them for its own tests."""

from __future__ import annotations

import gzip
import importlib.util
import json
from functools import cache
from pathlib import Path
from typing import Any

from loopback_openml.content import Catalogue, ServedDataset, ServedSuite, ServedTask
from loopback_openml.procedures import ten_fold_task

WHOLE = (3, 61, 62, 561, 40675, 40945, 42585)
"""The tables that scikit-learn ships uncut: kr-vs-kp, iris, zoo, cpu, glass2, Titanic, penguins."""
TASK_OF = {3: 3, 61: 59, 62: 60, 561: 4729}
"""OpenML's 10-fold tasks on them, by dataset."""


def official_catalogue() -> Catalogue:
    """Return all of it, with suite 99 cut down to the classification tasks that are here."""
    suites = (
        ServedSuite(99, "OpenML-CC18", "OpenML-CC18 Curated Classification benchmark", (3, 59, 60)),
        ServedSuite(353, "loopback-regression", "A regression", (4729,)),
    )
    return Catalogue(official_datasets(), official_tasks(), suites)


@cache
def official_datasets() -> tuple[ServedDataset, ...]:
    """Return the tables, each file as OpenML serves it: byte for byte, as its published checksum shows."""
    return tuple(_official(dataset_id) for dataset_id in WHOLE)


@cache
def official_tasks() -> tuple[ServedTask, ...]:
    """Return the tasks whose splits are known to be OpenML's."""
    datasets = {dataset.id: dataset for dataset in official_datasets()}
    return tuple(ten_fold_task(task_id, datasets[dataset_id]) for dataset_id, task_id in TASK_OF.items())


def published(dataset_id: int, kind: str) -> dict[str, Any]:
    """Return OpenML's own answer: `jd` for the description, `jdf` for features, `jdq` for qualities."""
    path = _folder(dataset_id) / f"api-v1-{kind}-{dataset_id}.json.gz"
    (content,) = json.loads(gzip.decompress(path.read_bytes())).values()
    return dict(content)


def _official(dataset_id: int) -> ServedDataset:
    said = published(dataset_id, "jd")
    (path,) = _folder(dataset_id).glob("data-v1-dl-*.arff.gz")
    dataset = ServedDataset(
        id=dataset_id,
        name=said["name"],
        arff=gzip.decompress(path.read_bytes()),
        target=said["default_target_attribute"],
        version=int(said["version"]),
        description=said["description"],
        format=said["format"],
        licence=said["licence"],
        ignore=_several(said.get("ignore_attribute")),
        status=said["status"],
        tags=_several(said.get("tag")),
        file_id=int(said["file_id"]),
    )
    if dataset.md5 != said["md5_checksum"]:
        raise ValueError(f"{path} is not the file that OpenML's description of {dataset_id} announces")
    return dataset


def _several(said: str | list[str] | None) -> tuple[str, ...]:
    """Return what JSON has as nothing, one text or a list of them."""
    return (said,) if isinstance(said, str) else tuple(said or ())


def _folder(dataset_id: int) -> Path:
    spec = importlib.util.find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("scikit-learn is not installed")
    return Path(spec.origin).parent / "datasets/tests/data/openml" / f"id_{dataset_id}"
