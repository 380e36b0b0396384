"""From a suite's name to a suite, with every error of the file at once."""

from __future__ import annotations

import hashlib
import tomllib
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from pydantic import ValidationError

from bench.budgets import Budget
from bench.cells import Validation
from bench.config.problems import did_you_mean, problem_lines
from bench.config.schema import SuiteFile, TaskTable
from bench.datasets import FeatureKind, ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.suites import Suite, TaskReference


def suite_folders() -> tuple[Path, ...]:
    """Return where suites are looked for, first match first: `./suites`, the package, the source checkout."""
    package = Path(__file__).resolve().parent.parent
    folders = (Path("suites"), package / "_data" / "suites", package.parent.parent / "suites")
    return tuple(folder for folder in folders if folder.is_dir())


def list_suites() -> dict[str, Path]:
    """Return every suite's name and file; the folder that is looked at first wins."""
    found: dict[str, Path] = {}
    for folder in suite_folders():
        for path in sorted(folder.glob("*.toml")):
            found.setdefault(path.stem, path)
    return found


def find_suite(name: str) -> Path:
    """Return the file of a suite, named by path or by name.

    Raises:
        ConfigError: there is none; the text lists those there are.
    """
    if name.endswith(".toml") or "/" in name:
        path = Path(name)
        if path.is_file():
            return path
        raise ConfigError(f"{name}: there is no such suite file")
    suites = list_suites()
    if name in suites:
        return suites[name]
    known = ", ".join(suites) or "none"
    raise ConfigError(
        f'no suite "{name}"{did_you_mean(name, suites)} (known: {known}; or give the path of a .toml file)'
    )


def load_suite(name: str, known_learners: Collection[str], known_tables: Collection[str]) -> Suite:
    """Return the suite of that name or path.

    Raises:
        ConfigError: the file is missing, is not TOML, or has errors; all of them are listed.
        PrerequisiteError: the file cannot be read.
    """
    path = find_suite(name)
    try:
        raw = path.read_bytes()
        content = tomllib.loads(raw.decode())
    except OSError as error:
        raise PrerequisiteError(f"{path}: cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from error
    try:
        parsed = SuiteFile.model_validate(content)
    except ValidationError as error:
        raise ConfigError(*problem_lines(str(path), error, SuiteFile)) from error
    tasks = tuple(_reference(i, task, path.parent) for i, task in enumerate(parsed.tasks))
    problems = _cross_check(parsed, tasks, known_learners, known_tables)
    if problems:
        raise ConfigError(*(f"{path}: {problem}" for problem in problems))
    return _suite(parsed, tasks, path, hashlib.sha256(raw).hexdigest()[:16])


def _reference(index: int, task: TaskTable, folder: Path) -> TaskReference:
    name = task.name or task.dataset or Path(task.file or "").stem.lower()
    return TaskReference(
        where=f"tasks[{index}]",
        name=name,
        dataset=task.dataset,
        file=None if task.file is None else str((folder / task.file).resolve()),
        target=task.target,
        problem=None if task.problem is None else ProblemType(task.problem),
        kinds={column: FeatureKind(kind) for column, kind in task.kinds.items()},
    )


def _cross_check(
    parsed: SuiteFile,
    tasks: tuple[TaskReference, ...],
    known_learners: Collection[str],
    known_tables: Collection[str],
) -> list[str]:
    """Return what the schema alone cannot see: unknown names and names used twice."""
    problems = [
        f'learners[{i}]: unknown learner "{name}"{did_you_mean(name, known_learners)}'
        " (see `bench list learners`)"
        for i, name in enumerate(parsed.learners)
        if name not in known_learners
    ]
    problems += [
        f'{task.where}.dataset: unknown table "{task.dataset}"{did_you_mean(task.dataset, known_tables)}'
        " (see `bench list tables`)"
        for task in tasks
        if task.dataset is not None and task.dataset not in known_tables
    ]
    for what, names in (("learners", parsed.learners), ("tasks", [task.name for task in tasks])):
        problems += [f'{what}: "{name}" is named {n} times' for name, n in Counter(names).items() if n > 1]
    return problems


def _suite(parsed: SuiteFile, tasks: tuple[TaskReference, ...], path: Path, digest: str) -> Suite:
    method, _, amount = parsed.validation.partition(":")
    return Suite(
        name=parsed.name,
        title=parsed.title,
        note=parsed.note,
        path=str(path),
        hash=digest,
        tasks=tasks,
        learners=tuple(parsed.learners),
        budget=Budget(
            seconds=parsed.budget.seconds,
            trials=parsed.budget.trials,
            cores=parsed.budget.cores,
            memory_bytes=parsed.budget.memory_bytes,
        ),
        validation=Validation(method, int(amount or 25)),
        folds=parsed.folds,
        seeds=tuple(parsed.seeds),
        interventions=tuple(parsed.interventions),
        train_cap=parsed.caps.train_rows,
        test_cap=parsed.caps.test_rows,
        allowed_failures=parsed.allowed_failures,
    )
