"""Comparisons of what one names: a run of the store, a baseline, a file, or another results folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from bench.baselines import Baseline
from bench.errors import ConfigError
from bench.store import baselines
from bench.store.extraction import extracted
from bench.store.opening import read_store
from bench.store.query import find_run, runs
from bench.store.sqlite import FILE_NAME
from bench.thresholds import DEFAULT, parse_thresholds

if TYPE_CHECKING:
    from bench.analysis.comparison.comparing import Comparison


def compared(
    baseline: str,
    run: str | None,
    results: Path,
    fail_on: Sequence[str] = (),
    *,
    allow_failures: bool = False,
) -> Comparison:
    """Return the comparison of what two names mean; without a run it is the latest of the results folder.

    `fail_on` are thresholds as the command line takes them; without one `error:+2%`.

    Raises:
        ConfigError: a name or threshold means nothing, or there is nothing to compare.
        DataError: a baseline's file is damaged.
        PrerequisiteError: a file or store cannot be read, or a newer bench wrote it.
    """
    from bench.analysis.comparison.comparing import compare

    thresholds = parse_thresholds(tuple(fail_on) or (DEFAULT,))
    sides = named(baseline, results), latest(results) if run is None else named(run, results)
    return compare(*sides, thresholds, allow_failures=allow_failures)


def named(what: str, results: Path) -> Baseline:
    """Return the run that a name means.

    That is, the first of these that there is: a run of the store, a baseline of the results folder, a
    baseline's file, another results folder (its latest run), or `FOLDER:RUN`.
    """
    if (results / FILE_NAME).is_file():
        store = read_store(results)
        try:
            if what in {each["run_id"] for each in runs(store)}:
                return extracted(store, find_run(store, what))
        finally:
            store.close()
    if what in baselines.names(results):
        return baselines.read(baselines.named_file(results, what))
    path = Path(what)
    if _is_file(path):
        return baselines.read(path)
    if _is_file(path / FILE_NAME):
        return latest(path)
    folder, _, run_id = what.rpartition(":")
    if folder and _is_file(Path(folder) / FILE_NAME):
        return latest(Path(folder), run_id)
    there = ", ".join(baselines.names(results)) or "none"
    raise ConfigError(
        f'"{what}" is no run in {results} (see `bench list runs`), no baseline there ({there}), no file and '
        "no results folder"
    )


def _is_file(path: Path) -> bool:
    """Whether there is a file; what is too long for a name is none."""
    try:
        return path.is_file()
    except OSError:
        return False


def latest(results: Path, run_id: str | None = None) -> Baseline:
    """Return the run of that id in a results folder, or its latest."""
    store = read_store(results)
    try:
        return extracted(store, find_run(store, run_id))
    finally:
        store.close()
