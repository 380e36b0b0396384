"""A file of one's own on the command line: the suite made of it, and where that is written for next time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.config.own import Changes, changed, own_suite, task_name
from bench.datasets import ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.suites import Suite, TaskReference

if TYPE_CHECKING:
    from bench.cli.run import RunOptions

DATA_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".arff", ".gz", ".zip")
MOST_LISTED = 12
LONGEST_SHOWN = 60
HEAD = "# Written by `bench run`; yours to change. Content "


def is_data_file(name: str) -> bool:
    """Whether an argument names a table rather than a suite."""
    return name.lower().endswith(DATA_SUFFIXES)


def suite_of_file(options: RunOptions, changes: Changes) -> Suite:
    """Return the suite of a file, written down in the results folder unless this is a dry run.

    Raises:
        ConfigError: there is no such file, or nothing says what to predict.
    """
    from bench.config.problems import did_you_mean
    from bench.config.write import suite_text
    from bench.registry import learners
    from bench.sources.file import column_names

    path = Path(options.suite)
    if not path.is_file():
        near = [each.name for each in path.parent.glob("*") if each.is_file()] if path.parent.is_dir() else []
        raise ConfigError(f"{path}: there is no such file{did_you_mean(path.name, near)}")
    names = column_names(path)
    if options.target is None:
        raise ConfigError(f"{path}: say which column to predict: --target COLUMN ({_listed(names)})")
    columns = {"--target": options.target, "--group": options.group, "--time": options.time}
    asked = [*columns.items(), *(("--kind", column) for column, _ in options.kinds)]
    wrong = [
        f"{path}: {option}: there is no column {name!r}{did_you_mean(name, names)} ({_listed(names)})"
        for option, name in asked
        if name is not None and name not in names
    ]
    if wrong:
        raise ConfigError(*wrong)
    task = TaskReference(
        where=str(path),
        name=task_name(path.name),
        file=str(path.resolve()),
        target=options.target,
        problem=None if options.problem is None else ProblemType(options.problem),
        kinds=dict(options.kinds),
        group=options.group,
        time=options.time,
    )
    suite = changed(own_suite(task, list(learners())), changes)
    text = suite_text(suite)
    kept = path if options.dry_run else _write(text, options.results / "suites", suite.name)
    if not options.dry_run and not options.as_json:
        click.echo(f"  suite for next time, yours to change: {kept}")
    return replace(suite, path=str(kept), hash=hashlib.sha256(text.encode()).hexdigest()[:16])


def _write(text: str, folder: Path, name: str) -> Path:
    """Write the suite beside earlier ones; one that somebody has changed since is left alone."""
    content = f"{HEAD}{hashlib.sha256(text.encode()).hexdigest()[:16]}.\n{text}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(1, 1000):
            path = folder / (f"{name}.toml" if number == 1 else f"{name}-{number}.toml")
            if not path.exists() or _untouched(path):
                path.write_text(content, encoding="utf-8")
                return path
    except OSError as error:
        raise PrerequisiteError(
            f"{folder}: cannot be written ({error.strerror}): name another folder with --results"
        ) from error
    raise PrerequisiteError(f"{folder}: holds too many suites called {name}: remove some")


def _untouched(path: Path) -> bool:
    """Whether a file is as `_write` left it."""
    first, _, rest = path.read_text(encoding="utf-8", errors="replace").partition("\n")
    return first == f"{HEAD}{hashlib.sha256(rest.encode()).hexdigest()[:16]}."


def _listed(names: Sequence[str]) -> str:
    """The columns of a file, as far as they can be shown."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"columns: {', '.join(name[:LONGEST_SHOWN] for name in names[:MOST_LISTED])}{more}"
