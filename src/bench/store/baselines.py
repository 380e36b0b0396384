"""Baselines as files: one alone, for a repository or a build's artefacts, or by name in a results folder."""

from __future__ import annotations

import gzip
import json
import re
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from bench.baselines import CELLS, TRIALS, Baseline, Columns
from bench.cells import CellStatus
from bench.datasets import ProblemType
from bench.errors import ConfigError, DataError, PrerequisiteError
from bench.trials import TrialStatus

FORMAT = 1
"""Raised when an older bench would misread what a newer one writes."""
FOLDER = "baselines"
SUFFIX = ".json.gz"
MOST_BYTES = 2**29
"""A file that unpacks to more is no baseline."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}", re.ASCII)
_ENTRIES: Mapping[str, tuple[type, ...]] = {
    **dict.fromkeys(("run_id", "suite", "suite_hash", "started_at"), (str,)),
    "budget_s": (int, float, type(None)),
    "budget_trials": (int, type(None)),
    "ended_at": (str, type(None)),
    **dict.fromkeys(("environment", "cells", "trials"), (dict,)),
}


def named_file(results: Path, name: str) -> Path:
    """Return where the baseline of that name is, or would be; raise ConfigError for what can be no name."""
    if not _NAME.fullmatch(name):
        raise ConfigError(f'"{name}" is no name of a baseline: take letters, digits, ".", "_" and "-"')
    return results / FOLDER / f"{name}{SUFFIX}"


def names(results: Path) -> list[str]:
    """Return the names of the baselines of a results folder, in order."""
    return sorted(path.name.removesuffix(SUFFIX) for path in (results / FOLDER).glob(f"*{SUFFIX}"))


def write(baseline: Baseline, path: Path, *, replace: bool = False) -> int:
    """Write a baseline and return its size in bytes; packed where the name ends in `.gz`.

    The same run gives the same bytes. Raises ConfigError where there is a file and it is not to be
    replaced, PrerequisiteError where the folder cannot be written.
    """
    if path.exists() and not replace:
        raise ConfigError(f"{path}: is there already; give --replace, or another name")
    record = {"format": FORMAT, **{each.name: getattr(baseline, each.name) for each in fields(baseline)}}
    content = json.dumps(record, allow_nan=False, separators=(",", ":")).encode()
    if path.suffix == ".gz":
        content = gzip.compress(content, mtime=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False) as file:
            file.write(content)
        made = Path(file.name)
        made.chmod(0o644)
        made.replace(path)
    except OSError as error:
        raise PrerequisiteError(f"{path}: cannot be written ({error.strerror or error})") from error
    return len(content)


def read(path: Path) -> Baseline:
    """Return the baseline of a file.

    Raises:
        PrerequisiteError: it cannot be read, or a newer bench wrote it.
        DataError: it is none, or damaged.
    """
    record = _record(path)
    number = record.get("format")
    if isinstance(number, int) and number > FORMAT:
        raise PrerequisiteError(
            f"{path}: written by a newer bench (format {number}, this one reads {FORMAT}); upgrade with "
            "`pip install -U inductive-bench`, or save the baseline again with this one"
        )
    if number != FORMAT:
        raise _no_baseline(path, "it has no format that bench knows")
    for name, kinds in _ENTRIES.items():
        if name not in record or not _is(record[name], kinds):
            raise _no_baseline(path, f'"{name}" is missing or of another type')
    parts = {name: _columns(record[name], known, path) for name, known in _PARTS.items()}
    wrong = next(_contradictions(**parts), None)
    if wrong is not None:
        raise _no_baseline(path, wrong)
    return Baseline(**{name: record[name] for name in _ENTRIES} | parts)


def drop(results: Path, name: str) -> Path:
    """Remove a baseline by name and return where it was; raise ConfigError where there is none."""
    path = named_file(results, name)
    if not path.is_file():
        raise unknown(results, name)
    path.unlink()
    return path


def unknown(results: Path, name: str) -> ConfigError:
    """Return the error of a name that no baseline has."""
    there = ", ".join(names(results)) or "none yet; `bench baseline save NAME` makes one"
    return ConfigError(f'no baseline "{name}" in {results / FOLDER} (there: {there})')


_PARTS = {"cells": CELLS, "trials": TRIALS}


def _record(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        with gzip.open(path) if packed else path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise _no_baseline(path, f"it is damaged: {error}") from error
    except OSError as error:
        raise PrerequisiteError(f"{path}: cannot be read ({error.strerror or error})") from error
    if len(content) > MOST_BYTES:
        raise _no_baseline(path, f"it unpacks to more than {MOST_BYTES / 2**20:.0f} MiB")
    try:
        record = json.loads(content, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _no_baseline(path, "it is no JSON") from error
    if not isinstance(record, dict):
        raise _no_baseline(path, "it is no JSON object")
    return record


def _columns(found: Mapping[str, Any], known: Mapping[str, tuple[type, ...]], path: Path) -> Columns:
    """Return the known columns of a part; raise DataError where one is not as it should be."""
    for name, kinds in known.items():
        column = found.get(name)
        if not isinstance(column, list) or not all(_is(value, kinds) for value in column):
            raise _no_baseline(path, f'column "{name}" is missing or holds something else')
    if len({len(found[name]) for name in known}) > 1:
        raise _no_baseline(path, "its columns differ in length")
    return {name: found[name] for name in known}


def _contradictions(cells: Columns, trials: Columns) -> Iterator[str]:
    """Yield what no run could have left, though every value is of its type."""
    if not all(0 <= cell < len(cells["cell_id"]) for cell in trials["cell"]):
        yield "a trial is of no cell"
    if len(set(cells["cell_id"])) < len(cells["cell_id"]):
        yield "a cell stands twice"
    ids = list(zip(trials["cell"], trials["trial"], trials["attempt"], strict=True))
    if len(set(ids)) < len(ids):
        yield "a trial stands twice"
    for name, there, known in (
        ("status", cells["status"], {"", *CellStatus}),
        ("status", trials["status"], {*TrialStatus}),
        ("problem", cells["problem"], {*ProblemType}),
    ):
        if not set(there) <= known:
            yield f'a "{name}" is unknown'
    if not all(_is(value, (int, float)) for metrics in trials["metrics"] for value in metrics.values()):
        yield "a metric is no number"


def _no_constant(text: str) -> float:
    raise ValueError(f"{text} is no number")


def _is(value: object, kinds: tuple[type, ...]) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _no_baseline(path: Path, why: str) -> DataError:
    return DataError(f"{path}: is no baseline that can be read: {why}; save it again: `bench baseline save`")
