"""What a folder of the cache holds: its files' names, and the JSON that describes them.

Standard library only: planning reads descriptions, and no rows.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeVar

from bench.datasets import (
    Dataset,
    Feature,
    FeatureKind,
    Grade,
    ImageShape,
    OfficialSplits,
    Origin,
    ProblemType,
)
from bench.facts import Consequence, Fact

FORMAT = 7
"""The version of the layout; a folder of another one is never looked at."""
DESCRIPTION = "dataset.json"
TARGET = "target.npy"
GROUP = "group.npy"
TIME = "time.npy"
ROWS = "rows.npy"
"""A hash of each row's features."""
IMAGES = "images.npy"
"""uint8 (n_rows, height, width, channels), in place of columns."""

_T = TypeVar("_T")
_NONE = type(None)
_PLAIN: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "int | None": (int, _NONE),
    "str | None": (str, _NONE),
    "tuple[str, ...]": (str,),
    "tuple[int, ...]": (int,),
}
"""The types in JSON of a field, or of a list's items, by how the field is annotated."""


@dataclass(frozen=True, slots=True)
class Description:
    """A table of the cache, and the SHA-256 of each of its files by name."""

    dataset: Dataset
    files: Mapping[str, str]


def array_files(n_features: int) -> list[str]:
    """Return the file names of so many columns, then of the target."""
    return [*(column_file(number) for number in range(n_features)), TARGET]


def column_file(number: int) -> str:
    """Return the file that holds a column."""
    return f"{number:04d}.npy"


def splits_file(procedure: str) -> str:
    """Return the file that holds the folds (repeats, n_rows) of a split procedure."""
    return f"splits-{procedure}.npy"


def render_description(description: Description) -> str:
    """Return the JSON, in ASCII, that `parse_description` reads; it carries a hash of itself."""
    return _render({"dataset": _plain(description.dataset), "files": dict(description.files)})


def parse_description(data: bytes) -> Description | None:
    """Return what a description says; None where it is damaged, or is none of ours, hash or not."""
    try:
        content: dict[str, Any] = json.loads(data)["content"]
        if _render(content).encode() != data:
            return None
        found = Description(_dataset(content["dataset"]), dict(content["files"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    return found if _is_whole(found) else None


def _is_whole(description: Description) -> bool:
    """Whether the parts agree on how many classes and columns there are, and each file has a hash."""
    dataset, files = description.dataset, description.files
    columns = [IMAGES, TARGET] if dataset.image else array_files(len(dataset.features))
    return (
        len(dataset.class_rows) in (0, len(dataset.classes))
        and files.keys() >= {*columns, ROWS}
        and all(isinstance(digest, str) for digest in files.values())
    )


def _render(content: Mapping[str, Any]) -> str:
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"), allow_nan=False)
    return f'{{"format":{FORMAT},"sha256":"{hashlib.sha256(text.encode()).hexdigest()}","content":{text}}}\n'


def _plain(dataset: Dataset) -> dict[str, Any]:
    values = asdict(dataset if dataset.image is None else replace(dataset, features=()))
    return {**values, "target_sd": None if math.isnan(dataset.target_sd) else dataset.target_sd}


def _dataset(values: Mapping[str, Any]) -> Dataset:
    image = None if values["image"] is None else _made(ImageShape, values["image"])
    official = values["official"]
    return _made(
        Dataset,
        values,
        problem=ProblemType(values["problem"]),
        features=tuple(map(_feature, values["features"])) if image is None else image.features(),
        image=image,
        facts=tuple(
            _made(Fact, fact, consequence=Consequence(fact["consequence"])) for fact in values["facts"]
        ),
        target_sd=math.nan if values["target_sd"] is None else values["target_sd"],
        grade=Grade(values["grade"]),
        origin=Origin(values["origin"]),
        official=None if official is None else _made(OfficialSplits, official),
    )


def _feature(values: Mapping[str, Any]) -> Feature:
    return _made(Feature, values, kind=FeatureKind(values["kind"]))


def _made(noun: type[_T], values: Mapping[str, Any], **parsed: Any) -> _T:
    """Return a frozen value of the plain fields, which must be as annotated, and of those parsed already."""
    found = {**values, **parsed}
    for field in fields(noun):  # type: ignore[arg-type]
        types = _PLAIN.get(str(field.type))
        if types is None or field.name not in found:
            continue
        value = found[field.name]
        if "tuple" in str(field.type) and isinstance(value, list):
            value = found[field.name] = tuple(value)
        items = value if "tuple" in str(field.type) else (value,)
        if not isinstance(items, tuple) or not all(isinstance(item, types) for item in items):
            raise TypeError(f"{field.name} is {value!r}")
    return noun(**found)
