"""Predictions, one file a cell: the default's, every incumbent's and those of the best 25 trials.

A file is a row of records, each a line of JSON (trial, attempt, kind, shapes) and the float32 values,
validation then test. Records are appended as trials end, so that a killed run loses none; when the cell
ends the file is written anew, atomically, with just what is to be kept. A torn last record is ignored.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.orders import Predictions

KEPT_BEST = 25


@dataclass(frozen=True, slots=True)
class Record:
    """The predictions of one trial."""

    trial: int
    attempt: int
    predictions: Predictions


def append(path: Path, record: Record) -> None:
    """Add a record; a reader sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(_pack(record))
        file.flush()
        os.fsync(file.fileno())


def read(path: Path) -> dict[int, Record]:
    """Return the latest whole record of each trial; empty where there is no file."""
    return {record.trial: record for record in _records(path)}


def mend(path: Path) -> None:
    """Cut off a record that a killed run left torn, so that the next one can be found."""
    compact(path, read(path))


def compact(path: Path, keep: Collection[int]) -> None:
    """Leave in the file the latest record of each trial to keep, and nothing else."""
    if not path.is_file():
        return
    records = read(path)
    fresh = path.with_suffix(".tmp")
    with fresh.open("wb") as file:
        for trial in sorted(set(keep) & set(records)):
            file.write(_pack(records[trial]))
    fresh.replace(path)


def to_keep(scores: Mapping[int, float]) -> set[int]:
    """Return which trials' predictions are kept, from the validation scores (errors) of the valid ones."""
    kept = {0} & set(scores)
    best = float("inf")
    for trial in sorted(scores):
        if scores[trial] < best:
            best = scores[trial]
            kept.add(trial)
    return kept | set(sorted(scores, key=lambda trial: (scores[trial], trial))[:KEPT_BEST])


def _pack(record: Record) -> bytes:
    predictions = record.predictions
    head = {
        "trial": record.trial,
        "attempt": record.attempt,
        "kind": predictions.kind,
        "validation": predictions.validation_shape,
        "test": predictions.test_shape,
        "bytes": len(predictions.content),
    }
    return json.dumps(head).encode() + b"\n" + predictions.content


def _records(path: Path) -> Iterator[Record]:
    if not path.is_file():
        return
    size = path.stat().st_size
    with path.open("rb") as file:
        while line := file.readline():
            if not line.endswith(b"\n"):
                return
            try:
                head = json.loads(line)
                Record(head["trial"], head["attempt"], Predictions(head["kind"], (), (), b""))
            except (ValueError, KeyError, TypeError):
                return
            if file.tell() + head["bytes"] > size:
                return
            shapes = tuple(head["validation"]), tuple(head["test"])
            content = file.read(head["bytes"])
            yield Record(head["trial"], head["attempt"], Predictions(head["kind"], *shapes, content))
