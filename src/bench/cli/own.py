"""A file of one's own on the command line: the suite made of it, and where that is kept for next time."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from bench.config.own import Changes, changed, own_suite, task_name
from bench.datasets import ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.suites import Suite, TaskReference

if TYPE_CHECKING:
    from bench.cli.run import RunOptions

DATA_SUFFIXES = (".csv", ".tsv", ".txt", ".dat", ".parquet", ".pq", ".arff", ".gz", ".zip")
MOST_LISTED = 12
LONGEST_SHOWN = 60
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
    from bench.config.write import suite_text
    from bench.registry import learners
    from bench.sources.file import column_names

    path = _file(options.suite)
    if options.target is None:
        raise ConfigError(
            f"{path}: say which column to predict: --target COLUMN ({_listed(column_names(path))})"
        )
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
    wrong = column_problems(task)
    if wrong:
        raise ConfigError(*wrong)
    suite = changed(own_suite(task, list(learners())), changes)
    digest = hashlib.sha256(_content(suite_text(suite)).encode()).hexdigest()[:16]
    return replace(suite, path=str(path), hash=digest)


def column_problems(task: TaskReference) -> list[str]:
    """Return what is wrong with the columns that a task names, a line each.

    Raises:
        DataError: its file cannot be read.
    """
    from bench.config.problems import did_you_mean
    from bench.sources.file import column_names

    names = column_names(Path(task.file or ""))
    roles = [("target", task.target), ("group", task.group), ("time", task.time)]
    problems = [
        f"{task.where}: {role}: there is no column {name!r}{did_you_mean(name, names)} ({_listed(names)})"
        for role, name in (*roles, *(("kind", column) for column in task.kinds))
        if name is not None and name not in names
    ]
    if task.group is not None and task.time is not None:
        problems.append(f"{task.where}: give a group or a time column, not both")
    for role, name in roles[1:]:
        if name is not None and name == task.target:
            problems.append(f"{task.where}: {role}: {name!r} is what is to be predicted")
    if task.target in task.kinds:
        problems.append(f"{task.where}: kind: {task.target!r} is the target: say --problem instead")
    return problems


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


def _file(name: str) -> Path:
    """The file that an argument names."""
    from bench.config.load import list_suites
    from bench.config.problems import did_you_mean

    path = Path(name)
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder: name a file")
    if path.exists():
        return path
    if name in list_suites():
        raise ConfigError(f"{name} is a suite, which says itself what to predict: --target belongs to a file")
    near = [each.name for each in path.parent.glob("*") if each.is_file()] if path.parent.is_dir() else []
    raise ConfigError(f"{path}: there is no such file{did_you_mean(path.name, near)}")


def _listed(names: Sequence[str]) -> str:
    """The columns of a file, as far as they can be shown."""
    more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
    return f"columns: {', '.join(name[:LONGEST_SHOWN] for name in names[:MOST_LISTED])}{more}"
