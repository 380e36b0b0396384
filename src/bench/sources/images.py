"""A table of images: written to a file band by band as it is read, never whole in memory."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.datasets import Dataset, Feature, ImageShape, ProblemType
from bench.errors import DataError
from bench.sources import archives
from bench.sources.catalog import Images, Reader, TableRecord
from bench.sources.pixels import idx_bands, idx_labels, json_labels, png_bands
from bench.sources.tables import Provenance

_FILES = {Reader.IDX: (idx_bands, idx_labels), Reader.PNG: (png_bands, json_labels)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageContent:
    """Images and labels as they are kept, without their provenance."""

    shape: ImageShape
    file: Path
    """A .npy file of uint8 (n_rows, height, width, channels)."""
    target_name: str
    problem: ProblemType
    classes: tuple[str, ...]
    target: npt.NDArray[np.int32]
    """(n_rows,): codes into `classes`."""
    fingerprint: str
    """SHA-256 of shape, pixels, names and labels, in row order."""
    n_published_test: int | None = None

    @property
    def features(self) -> tuple[Feature, ...]:
        """The descriptions of the columns."""
        return self.shape.features()

    def describe(self, provenance: Provenance) -> Dataset:
        """Return the description that plans are made with."""
        return Dataset(
            name=provenance.name,
            problem=self.problem,
            target=self.target_name,
            classes=self.classes,
            class_rows=tuple(np.bincount(self.target, minlength=len(self.classes)).tolist()),
            n_rows=len(self.target),
            features=self.features,
            fingerprint=self.fingerprint,
            target_sd=math.nan,
            openml_id=provenance.openml_id,
            grade=provenance.grade,
            origin=provenance.origin,
            licence=provenance.licence,
            source=provenance.source,
            image=self.shape,
            n_published_test=self.n_published_test,
        )


def read_image_record(
    record: TableRecord, images: Images, archive: Path | None, folder: Path
) -> ImageContent:
    """Return a table of images of the catalogue, as it is read; what is unpacked and written is in `folder`.

    Raises DataError where its files are not what they should be, PrerequisiteError where a package to read
    them is missing.
    """
    if archive is None:
        from bench.sources.loaders import read_images

        pixels, codes = read_images(record.member)
        return write_images([pixels], codes, record, images, folder)
    bands_of, labels_of = _FILES[record.reader]
    names = [*images.labels, *images.pixels]
    paths = archives.extract(archive, [f"{record.member}/{name}" for name in names], folder)
    n_labels = len(images.labels)
    codes = np.concatenate(
        [labels_of(path, name) for path, name in zip(paths[:n_labels], images.labels, strict=True)]
    )

    def bands() -> Iterator[npt.NDArray[np.uint8]]:
        for path, name in zip(paths[n_labels:], images.pixels, strict=True):
            yield from bands_of(path, name, images.shape)
            path.unlink()

    return write_images(bands(), codes, record, images, folder)


def write_images(
    bands: Iterable[npt.NDArray[np.uint8]],
    codes: npt.NDArray[np.int32],
    record: TableRecord,
    images: Images,
    folder: Path,
) -> ImageContent:
    """Write bands of images (n, height, width, channels) to a file in `folder`; return them with labels.

    Raises DataError where there are not as many images as labels.
    """
    file = folder / "images.npy"
    classes = tuple(str(code) for code in np.unique(codes).tolist())
    shape = images.shape
    sizes = (shape.height, shape.width, shape.channels)
    digest = hashlib.sha256(_line(["image", *sizes]))
    header = {"descr": "|u1", "fortran_order": False, "shape": (len(codes), *sizes)}
    n_images = 0
    with file.open("wb") as kept:
        np.lib.format.write_array_header_1_0(kept, header)
        for band in bands:
            pixels = np.ascontiguousarray(band, dtype=np.uint8).tobytes()
            kept.write(pixels)
            digest.update(pixels)
            n_images += len(band)
    if n_images != len(codes):
        raise DataError(f"{record.member} holds {n_images:,} images and {len(codes):,} labels")
    codes = np.searchsorted(np.unique(codes), codes).astype(np.int32)
    digest.update(_line([record.target, record.problem.value, classes]))
    digest.update(codes.astype("<i4").tobytes())
    return ImageContent(
        shape=shape,
        file=file,
        target_name=record.target,
        problem=record.problem,
        classes=classes,
        target=codes,
        fingerprint=digest.hexdigest(),
        n_published_test=images.test_rows,
    )


def _line(values: list[object]) -> bytes:
    return json.dumps(values, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
