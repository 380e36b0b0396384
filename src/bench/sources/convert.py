"""From a file to the cache: read, check against the catalogue, split, store. Runs in a child process."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from bench.datasets import FeatureKind
from bench.errors import DataError
from bench.sources import packages
from bench.sources.arff import read_arff
from bench.sources.cache import Cache
from bench.sources.catalog import Expectation, Images, Reader, TableRecord
from bench.sources.catalog import packages as pinned
from bench.sources.columns import RawColumn
from bench.sources.delimited import read_delimited
from bench.sources.file import read_file
from bench.sources.images import ImageContent, read_image_record
from bench.sources.keeping import keep_images, keep_table, own_provenance
from bench.sources.loaders import read_loader
from bench.sources.orange import read_orange
from bench.sources.pickles import read_frame
from bench.sources.rda import read_rda
from bench.sources.requests import LocalFile
from bench.sources.tables import Content, Layout, Provenance, assemble, fingerprint
from bench.sources.unpacking import decode, unpack


def convert_record(record: TableRecord, archive: Path | None, cache: Cache) -> None:
    """Store a table of the catalogue; `archive` is its package's checked file, None for scikit-learn.

    Raises DataError where what is read is not what the catalogue expects.
    """
    if record.images is not None:
        _convert_images(record, record.images, archive, cache)
        return
    content = read_record(record, archive)
    _compare(observe(content), record)
    keep_table(content, content.describe(_provenance(record)), cache)


def _convert_images(record: TableRecord, images: Images, archive: Path | None, cache: Cache) -> None:
    with tempfile.TemporaryDirectory(prefix="bench-images-") as folder:
        content = read_image_record(record, images, archive, Path(folder))
        _compare(observe(content), record)
        keep_images(content, content.describe(_provenance(record)), cache)


def _compare(found: Expectation, record: TableRecord) -> None:
    if found != record.expected:
        raise DataError(
            f"{record.package}: {record.member} was not read as it should be: {_differences(found, record)}"
        )


def _provenance(record: TableRecord) -> Provenance:
    package = pinned().get(record.package)
    version = packages.installed_version() if package is None else package.version
    return Provenance(
        name=record.name,
        openml_id=record.openml_id,
        grade=record.grade,
        origin=record.origin,
        licence=record.licence,
        source=packages.source(record, version),
        official=record.official,
    )


def convert_file(name: str, file: LocalFile, cache: Cache) -> None:
    """Store a local file's table under a name.

    Raises DataError where it cannot be learnt from, PrerequisiteError where a package to read it is missing.
    """
    content = read_file(file.path, file.options)
    dataset = content.describe(own_provenance(name, f"local file {file.path.name}"))
    try:
        keep_table(content, dataset, cache)
    except DataError as error:
        raise DataError(f"{file.path}: {error}") from None


def read_record(record: TableRecord, archive: Path | None) -> Content:
    """Return a table of the catalogue as it is read, not yet checked; raise DataError."""
    layout = Layout(
        target=record.target,
        problem=record.problem,
        drop=frozenset(record.drop),
        kinds=record.kinds,
        absent_level=record.absent_level,
    )
    return assemble(_read(record, archive), layout)


def observe(content: Content | ImageContent) -> Expectation:
    """Return what was read, in the words of the catalogue."""
    features = content.features
    n_numeric = sum(feature.kind is FeatureKind.NUMERIC for feature in features)
    return Expectation(
        n_rows=len(content.target),
        n_numeric=n_numeric,
        n_categorical=len(features) - n_numeric,
        n_missing=sum(feature.n_missing for feature in features),
        target=_summary(content),
        fingerprint=content.fingerprint if isinstance(content, ImageContent) else fingerprint(content),
    )


def _read(record: TableRecord, archive: Path | None) -> list[RawColumn]:
    if record.reader is Reader.LOADER:
        return read_loader(record.member)
    data = packages.read_member(record, archive)
    if record.reader is Reader.ARFF:
        return read_arff(decode(unpack(data, record.member)[0]), record.member)
    if record.reader is Reader.FRAME:
        return read_frame(data, record.member)
    if record.reader is Reader.RDA:
        return read_rda(data, record.member)
    if record.reader is Reader.ORANGE:
        return read_orange(data, record.member)
    return read_delimited(data, record.member, header=record.header, missing=record.missing)


def _summary(content: Content | ImageContent) -> str:
    if not content.classes:
        return f"mean {content.target.mean():.5g}"
    counts = Counter(content.target.tolist()).values()
    return f"k={len(counts)} max {max(counts)} min {min(counts)}"


def _differences(found: Expectation, record: TableRecord) -> str:
    names = [name for name in Expectation.__slots__ if getattr(found, name) != getattr(record.expected, name)]
    return "; ".join(
        f"{name} is {getattr(found, name)}, not {getattr(record.expected, name)}" for name in names
    )
