"""From a suite's name to a suite, with every error of the file at once."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from bench.arms import is_arm
from bench.budgets import Budget
from bench.cells import Validation
from bench.config.problems import did_you_mean, problem_lines
from bench.config.schema import SuiteFile, TaskTable
from bench.datasets import ColumnKind, ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.registry import broken
from bench.registry import learner as find_learner
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
    named = [f"{path}: {problem}" for problem in _unknown_names(content, known_learners, known_tables)]
    try:
        parsed = SuiteFile.model_validate(content)
    except ValidationError as error:
        raise ConfigError(*problem_lines(str(path), error, SuiteFile), *named) from error
    tasks = tuple(task_reference(f"tasks[{i}]", task, path.parent) for i, task in enumerate(parsed.tasks))
    twice = _named_twice("learners", parsed.learners) + _named_twice("tasks", [task.name for task in tasks])
    if named or twice:
        raise ConfigError(*named, *(f"{path}: {problem}" for problem in twice))
    return suite_of(parsed, tasks, path, hashlib.sha256(raw).hexdigest()[:16])


def task_reference(where: str, task: TaskTable, folder: Path) -> TaskReference:
    """Return a task as a suite has it; files are found from the folder. `where` is its key path."""
    stem = re.sub(r"[^a-z0-9]+", "-", Path(task.file or "").stem.lower()).strip("-")
    asked = None if task.openml_task is None else f"openml-{task.openml_task}"
    name = task.name or task.dataset or asked or stem or "file"
    return TaskReference(
        where=where,
        name=name,
        dataset=task.dataset,
        openml_task=task.openml_task,
        file=None if task.file is None else str((folder / task.file).resolve()),
        target=task.target,
        problem=None if task.problem is None else ProblemType(task.problem),
        kinds={column: ColumnKind(kind) for column, kind in task.kinds.items()},
        group=task.group,
        time=task.time,
    )


def _unknown_names(
    content: Mapping[str, Any], known_learners: Collection[str], known_tables: Collection[str]
) -> Iterator[str]:
    """Yield the learners and tables that do not exist; the file may have any other error as well."""
    learners, tasks = content.get("learners"), content.get("tasks")
    called: dict[str, str] = {}
    for i, name in enumerate(learners if isinstance(learners, list) else ()):
        if isinstance(name, str) and (":" in name or is_arm(name)):
            yield from _reference_problems(i, name, called)
        elif isinstance(name, str) and name not in known_learners and name not in broken():
            hint = did_you_mean(name, known_learners)
            yield f'learners[{i}]: unknown learner "{name}"{hint} (see `bench list learners`)'
    for i, task in enumerate(tasks if isinstance(tasks, list) else ()):
        name = task.get("dataset") if isinstance(task, dict) else None
        if isinstance(name, str) and name not in known_tables:
            hint = did_you_mean(name, known_tables)
            yield f'tasks[{i}].dataset: unknown table "{name}"{hint} (see `bench list tables`)'


def _reference_problems(index: int, reference: str, called: dict[str, str]) -> Iterator[str]:
    """Yield what is wrong with an import path or an arm; `called` says which one has which name so far.

    What an installed package declares and cannot be used is left out of the plan, which says why.
    """
    try:
        name = find_learner(reference).name
    except ConfigError as error:
        yield f"learners[{index}]: {error}"
        return
    except PrerequisiteError:
        return
    if called.setdefault(name, reference) != reference:
        yield f'learners[{index}]: {reference} is called "{name}", and so is {called[name]}; rename one'


def _named_twice(what: str, names: Sequence[str]) -> list[str]:
    return [f'{what}: "{name}" is named {count} times' for name, count in Counter(names).items() if count > 1]


def suite_of(parsed: SuiteFile, tasks: tuple[TaskReference, ...], path: Path, digest: str) -> Suite:
    """Return the suite of a file that was read, with its tasks and the hash of what it says."""
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
        repeats=parsed.repeats,
        seeds=tuple(parsed.seeds),
        interventions=tuple(parsed.interventions),
        train_caps=parsed.caps.train_rows,
        test_cap=parsed.caps.test_rows,
        augmentation=parsed.augmentation,
        device=parsed.device,
        exact_limit_s=parsed.exact_limit_s,
        allowed_failures=parsed.allowed_failures,
        accept=tuple(parsed.accept),
    )
