"""A table as the catalogue describes it, before it is here: enough for a plan's cells and most limits."""

from __future__ import annotations

import math
import re

from bench.datasets import Dataset, Feature, FeatureKind
from bench.sources.catalog import TableRecord


def outline(record: TableRecord) -> Dataset:
    """Return what the catalogue says of a table; numbers stand for the names of columns and classes."""
    expected = record.expected
    n_classes = re.match(r"k=(\d+)", expected.target)
    return Dataset(
        name=record.name,
        problem=record.problem,
        target=record.target,
        classes=tuple(str(i) for i in range(int(n_classes[1]))) if n_classes else (),
        n_rows=expected.n_rows,
        features=_features(record),
        fingerprint=expected.fingerprint,
        target_sd=math.nan,
        openml_id=record.openml_id,
        grade=record.grade,
        origin=record.origin,
        licence=record.licence,
        source=f"{record.package}: {record.member}",
        official=record.official,
        image=None if record.images is None else record.images.shape,
        n_published_test=None if record.images is None else record.images.test_rows,
    )


def _features(record: TableRecord) -> tuple[Feature, ...]:
    if record.images is not None:
        return record.images.shape.features()
    expected = record.expected
    kinds = [FeatureKind.NUMERIC] * expected.n_numeric + [FeatureKind.CATEGORICAL] * expected.n_categorical
    return tuple(Feature(name=str(i), kind=kind) for i, kind in enumerate(kinds))
