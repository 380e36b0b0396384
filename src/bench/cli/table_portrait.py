"""All that is known of a table, for `bench data show`."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Mapping
from typing import Any

from bench.datasets import Dataset, Grade
from bench.errors import ConfigError
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.sources.openml.known import known_tasks, outlined
from bench.sources.outline import outline
from bench.splits.plan import split_plan

MOST_COLUMNS = 40
LONGEST = 200
GRADES: Mapping[Grade, str] = {
    Grade.ORIGINAL: "fetched from OpenML",
    Grade.BYTE_IDENTICAL: "OpenML's own file, byte for byte",
    Grade.SAME_ORDER: "OpenML's sequence of classes, proven by the hash of its splits",
    Grade.SAME_VALUES: "OpenML's values; the order of rows is not known to be OpenML's",
    Grade.SAME_SHAPE: "as many rows, columns and classes as OpenML's table; no more is known",
    Grade.NONE: "not known to be a table of OpenML's",
}


def portrait(name: str, cache: Cache) -> dict[str, Any]:
    """Return what is known of a table, kept or not, as plain JSON values.

    Raises ConfigError where no table is called so, DataError where its description is damaged.
    """
    dataset = cache.describe(name)
    is_kept = dataset is not None
    dataset = dataset or _outlined(name)
    if dataset is None:
        near = difflib.get_close_matches(
            name, [*catalog(), *(f"openml-{task}" for task in known_tasks())], n=1
        )
        hint = f": did you mean {near[0]}?" if near else " (see `bench list tables`)"
        raise ConfigError(f"no table is called {name!r}{hint}")
    features = dataset.features[:MOST_COLUMNS] if is_kept and dataset.image is None else ()
    sizes = dataset.class_rows or (None,) * len(dataset.classes)
    folder = cache.folder(name)
    return {
        "table": dataset.name,
        "title": dataset.title,
        "here": str(folder) if is_kept else "not fetched yet",
        "bytes": sum(path.stat().st_size for path in folder.iterdir()) if is_kept else 0,
        "problem": dataset.problem.value,
        "rows": dataset.n_rows,
        "features": f"{len(dataset.features)}, {dataset.n_categorical} of them categorical",
        "missing values": dataset.n_missing if is_kept else None,
        "target": dataset.target,
        "classes": {label: size for label, size in zip(dataset.classes, sizes, strict=True) if is_kept},
        "columns": {
            feature.name: f"{feature.kind}, {len(feature.levels)} levels, {feature.n_missing} missing"
            if feature.levels
            else f"{feature.kind}, {feature.n_missing} missing"
            for feature in features
        },
        "columns not shown": len(dataset.features) - len(features),
        "OpenML data set": dataset.openml_id,
        "grade": f"{dataset.grade}: {GRADES[dataset.grade]}",
        "splits": split_plan(dataset).procedure if is_kept else None,
        "origin": dataset.origin.value,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "source": dataset.source,
        "MD5": dataset.md5,
        "fingerprint": dataset.fingerprint,
        "notes": [*dataset.notes, *_notes(name)],
        "facts": {fact.code: f"{fact.consequence}: {fact.text}" for fact in dataset.facts},
    }


def portrait_text(record: Mapping[str, Any]) -> str:
    """Return a portrait in lines; whatever a stranger wrote stays on its line."""
    lines = []
    for key, value in record.items():
        if value in (None, "", 0, [], {}):
            continue
        if isinstance(value, dict):
            lines += [
                f"{key}:",
                *(f"  {plain(str(name))}: {plain(str(said))}" for name, said in value.items()),
            ]
        elif isinstance(value, list):
            lines += [f"{key}:", *(f"  {plain(str(said))}" for said in value)]
        else:
            lines.append(f"{key}: {plain(str(value))}")
    return "\n".join(lines)


def plain(text: str) -> str:
    """Return a text on one line and not too long; characters that steer a terminal are spelt out."""
    shown = "".join(
        character if unicodedata.category(character)[0] != "C" else f"\\u{ord(character):04x}"
        for character in " ".join(text.split(" "))
    )
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 3]}..."


def _notes(name: str) -> list[str]:
    """Return what the catalogue says of its copy."""
    known = catalog().get(name)
    texts = (
        () if known is None else (known.note, known.differs and f"no stand-in for OpenML's: {known.differs}")
    )
    return [text for text in texts if text]


def _outlined(name: str) -> Dataset | None:
    if name in catalog():
        return outline(catalog()[name])
    number = name.removeprefix("openml-")
    known = known_tasks().get(int(number)) if number.isdecimal() and name != number else None
    return None if known is None else outlined(known)
