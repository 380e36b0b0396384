"""From a table that was read to the cache, with the folds of every procedure that it may be split by."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.datasets import Dataset, Grade, Origin
from bench.sources.cache import GROUP, IMAGES, TARGET, TIME, Cache, array_files, splits_file
from bench.sources.images import ImageContent
from bench.sources.tables import Content, Provenance
from bench.splits import grouped, kfold, timed, weka
from bench.splits.plan import GROUP3, KFOLD3, OPENML_CV10, TIME3, split_plan

if TYPE_CHECKING:
    import numpy.typing as npt

FOLDS = 3


def keep_table(content: Content, dataset: Dataset, openml_task_id: int | None, cache: Cache) -> None:
    """Store a table. Raises DataError where its rows, groups or times are too few to be split."""
    columns = [*(column.data for column in content.columns), content.target]
    arrays: dict[str, npt.NDArray[Any]] = dict(zip(array_files(len(content.columns)), columns, strict=True))
    labels, key = content.labels, dataset.fingerprint
    if content.group is not None:
        arrays[GROUP] = content.group.values
        arrays[splits_file(GROUP3)] = grouped.repeated_groups(content.group.values, labels, FOLDS, key)
    elif content.time is not None:
        arrays[TIME] = content.time.values
        arrays[splits_file(TIME3)] = timed.windows(content.time.values, FOLDS)[None, :]
    else:
        arrays[splits_file(KFOLD3)] = kfold.repeated_folds(labels, dataset.n_rows, FOLDS, key)
    if split_plan(dataset, openml_task_id).official:
        codes = None if labels is None else labels.tolist()
        arrays[splits_file(OPENML_CV10)] = weka.fold_of_row(codes, dataset.n_rows)[None, :]
    cache.store(dataset, arrays)


def keep_images(content: ImageContent, dataset: Dataset, cache: Cache) -> None:
    """Store a table of images; its rows are independent, and carry no splits of OpenML's."""
    folds = kfold.repeated_folds(content.target.astype("int64"), dataset.n_rows, FOLDS, dataset.fingerprint)
    cache.store(dataset, {TARGET: content.target, splits_file(KFOLD3): folds}, {IMAGES: content.file})


def own_provenance(name: str, source: str) -> Provenance:
    """Return what is known of a table of one's own beside its content."""
    return Provenance(
        name=name,
        openml_id=None,
        grade=Grade.NONE,
        origin=Origin.UNKNOWN,
        licence="unknown",
        source=source,
    )
