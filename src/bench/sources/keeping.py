"""From a table that was read to the cache, with the folds of every procedure that it may be split by."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.datasets import Dataset, Grade, Origin
from bench.sources.cache import Cache
from bench.sources.description import GROUP, IMAGES, ROWS, TARGET, TIME, array_files, splits_file
from bench.sources.facts.collecting import Outer, all_facts, twin_facts
from bench.sources.facts.twins import image_hashes, row_hashes
from bench.sources.images import ImageContent
from bench.sources.tables import Content, Provenance
from bench.splits import grouped, kfold, timed, twins, weka
from bench.splits.plan import GROUP3, KFOLD3, TIME3, TWINS3, split_plan
from bench.splits.structure import INDEPENDENT, Structure

if TYPE_CHECKING:
    import numpy.typing as npt

FOLDS = 3


def keep_table(
    content: Content, dataset: Dataset, cache: Cache, fetched: npt.NDArray[np.int16] | None = None
) -> None:
    """Look at the facts of a table, split it and store it.

    OpenML's splits are kept as they were `fetched`, (repeats, n_rows), else recomputed.

    Raises DataError where its rows, groups or times are too few to be split.
    """
    columns = [*(column.data for column in content.columns), content.target]
    hashes = row_hashes(content.columns, dataset.n_rows)
    codes = twins.twin_codes(hashes)
    official = split_plan(dataset).official
    found = replace(dataset, facts=twin_facts(content, codes, official=official))
    procedure = split_plan(found).procedure
    structure = _structure(content, codes, procedure)
    folds = _folds(content, structure, dataset.fingerprint)
    if official:
        folds[procedure] = _recomputed(content) if fetched is None else fetched
    arrays: dict[str, npt.NDArray[Any]] = dict(zip(array_files(len(content.columns)), columns, strict=True))
    arrays |= {splits_file(each): repeats for each, repeats in folds.items()}
    arrays[ROWS] = hashes
    if content.group is not None:
        arrays[GROUP] = content.group.values
    if content.time is not None:
        arrays[TIME] = content.time.values
    outer = Outer(folds[procedure][0], structure)
    cache.store(replace(found, facts=all_facts(content, found, codes, outer)), arrays)


def _structure(content: Content, codes: npt.NDArray[np.int32], procedure: str) -> Structure:
    if content.group is not None:
        return Structure(group=content.group.values)
    if content.time is not None:
        return Structure(time=content.time.values)
    return Structure(twins=codes) if procedure == TWINS3 else INDEPENDENT


def _folds(content: Content, structure: Structure, key: str) -> dict[str, npt.NDArray[np.int16]]:
    """Return the folds (repeats, n_rows) of our own procedure for a table."""
    labels, n_rows = content.labels, len(content.target)
    if structure.group is not None:
        return {GROUP3: grouped.repeated_groups(structure.group, labels, FOLDS, key)}
    if structure.time is not None:
        return {TIME3: timed.windows(structure.time, FOLDS)[None, :]}
    if structure.twins is not None:
        return {TWINS3: twins.repeated_twins(structure.twins, labels, FOLDS, key)}
    return {KFOLD3: kfold.repeated_folds(labels, n_rows, FOLDS, key)}


def _recomputed(content: Content) -> npt.NDArray[np.int16]:
    """Return OpenML's ten folds (1, n_rows), as its server draws them."""
    labels = content.labels
    return weka.fold_of_row(None if labels is None else labels.tolist(), len(content.target))[None, :]


def keep_images(content: ImageContent, dataset: Dataset, cache: Cache) -> None:
    """Store a table of images; its rows are independent, and carry no splits of OpenML's.

    Those that are published in a training and a test part are split so, others into folds. The checks of
    columns and the reference fits are for tables: of images only the twins are looked for.
    """
    labels = content.target.astype("int64")
    if dataset.n_published_test is None:
        folds = kfold.repeated_folds(labels, dataset.n_rows, FOLDS, dataset.fingerprint)
    else:
        folds = (np.arange(dataset.n_rows) < dataset.n_rows - dataset.n_published_test)[None].astype(np.int16)
    arrays: dict[str, npt.NDArray[Any]] = {
        TARGET: content.target,
        ROWS: image_hashes(content.file),
        splits_file(split_plan(dataset).procedure): folds,
    }
    cache.store(dataset, arrays, {IMAGES: content.file})


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
