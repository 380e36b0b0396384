"""A file of one's own on the command line: the suite made of it, and where that is kept for next time."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config.changes import Changes, changed
from bench.config.own import OWN, file_task, own_suite
from bench.errors import ConfigError, PrerequisiteError
from bench.suites import Suite

if TYPE_CHECKING:
    from bench.cli.run import RunOptions

DATA_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".arff", ".gz", ".zip")
MOST_SUITES = 1000


def is_data_file(name: str) -> bool:
    """Whether an argument names a table rather than a suite."""
    return name.lower().endswith(DATA_SUFFIXES)


def suite_of_file(options: RunOptions, changes: Changes) -> Suite:
    """Return the suite of a file.

    Raises:
        ConfigError: there is no such file, nothing says what to predict, or a column is not there.
        DataError: the file cannot be read.
    """
    from bench.config.load import list_suites
    from bench.config.write import suite_text
    from bench.registry import learners_of_tables

    path = Path(options.suite)
    if not path.exists() and options.suite in list_suites():
        raise ConfigError(f"{path} is a suite, which says itself what to predict: --target belongs to a file")
    asked = {name: getattr(options, name) for name in OWN if getattr(options, name)}
    task = file_task(path, asked | {"kinds": dict(options.kinds)})
    suite = changed(own_suite(task, list(learners_of_tables())), changes)
    digest = hashlib.sha256(_content(suite_text(suite)).encode()).hexdigest()[:16]
    return replace(suite, path=str(path), hash=digest)


def write_down(suite: Suite, folder: Path) -> Path:
    """Keep a suite beside earlier ones, none of which is ever written over; return its file.

    Raises:
        PrerequisiteError: the folder cannot be written.
    """
    from bench.config.write import suite_text

    content = _content(suite_text(suite))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, MOST_SUITES):
            path = folder / (f"{suite.name}.toml" if number == 1 else f"{suite.name}-{number}.toml")
            if not path.exists():
                path.write_text(content, encoding="utf-8")
                return path
            if path.read_text(encoding="utf-8", errors="replace") == content:
                return path
    except OSError as error:
        raise PrerequisiteError(
            f"{folder}: cannot be written ({error.strerror}): name another folder with --results"
        ) from error
    raise PrerequisiteError(f"{folder}: holds too many suites called {suite.name}: remove some")


def _content(text: str) -> str:
    return f"# Written by `bench run`; yours to change.\n{text}"
