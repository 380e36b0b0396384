"""A file or frame of one's own, as a task with what its owner says of it, and as a suite of that task."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.budgets import Budget
from bench.cells import Validation
from bench.config.problems import did_you_mean
from bench.datasets import ColumnKind, ProblemType
from bench.errors import ConfigError
from bench.interventions import NONE
from bench.sources.columns import column_name
from bench.sources.inference import misasked
from bench.sources.notes import listed
from bench.sources.requests import TableOptions
from bench.suites import Suite, TaskReference

OWN = ("target", "problem", "kinds", "group", "time")
"""What only a table of one's own can be told."""
OWN_BUDGET = Budget(seconds=10.0, trials=100)
OWN_FOLDS = 3
MOST_TRAIN_ROWS = 10_000
MOST_TEST_ROWS = 10_000


def task_name(file: str) -> str:
    """Return what cell ids call the table in a file: its name, as far as an id can hold it."""
    return re.sub(r"[^a-z0-9]+", "-", file.split(".", maxsplit=1)[0].lower()).strip("-")[:40] or "data"


def own_suite(task: TaskReference, learners: Sequence[str]) -> Suite:
    """Return the suite that compares learners on one table of one's own: three folds, capped rows."""
    digest = hashlib.sha256(repr((task, tuple(learners))).encode()).hexdigest()[:16]
    return comparison(task.name, f"Own data: {task.name}", (task,), learners, digest)


def comparison(
    name: str, title: str, tasks: Sequence[TaskReference], learners: Sequence[str], digest: str
) -> Suite:
    """Return the suite for tasks that no suite file is about."""
    return Suite(
        name=name,
        title=title,
        note="",
        path=f"(a suite for {name})",
        hash=digest,
        tasks=tuple(tasks),
        learners=tuple(learners),
        budget=OWN_BUDGET,
        validation=Validation("holdout", 25),
        folds=OWN_FOLDS,
        seeds=(0,),
        interventions=(NONE,),
        train_caps=(MOST_TRAIN_ROWS,),
        test_cap=MOST_TEST_ROWS,
        allowed_failures=0.05,
    )


def file_task(path: Path, asked: Mapping[str, Any]) -> TaskReference:
    """Return the task that predicts `target` in a file; `asked` holds what is said of `OWN`.

    Raises:
        ConfigError: there is no such file or column, or no such problem or kind.
        DataError: the file cannot be read.
    """
    from bench.sources.file import column_names

    reference = TaskReference(where=str(_readable(path)), name=task_name(path.name), file=str(path.resolve()))
    return _described(reference, asked, column_names(path))


def frame_task(frame: Any, asked: Mapping[str, Any]) -> TaskReference:
    """Return the task that predicts `target` in a pandas frame. Raises as `file_task`."""
    from bench.sources.frames import frame_names

    return _described(TaskReference(where="the frame", name="frame"), asked, frame_names(frame))


def _readable(path: Path) -> Path:
    """Return the path of a file. Raises ConfigError where there is none."""
    if path.is_dir():
        raise ConfigError(f"{path}: is a folder: name a file in it")
    if path.exists() and not path.is_file():
        raise ConfigError(f"{path}: is no ordinary file, which alone can be read twice: make it one")
    if not path.is_file():
        near = [each.name for each in path.parent.glob("*") if each.is_file()] if path.parent.is_dir() else []
        raise ConfigError(f"{path}: there is no such file{did_you_mean(path.name, near)}")
    return path


def _described(reference: TaskReference, asked: Mapping[str, Any], names: Sequence[str]) -> TaskReference:
    """Return the reference with what the caller says of its columns. Raises ConfigError."""
    where = reference.where
    if "target" not in asked:
        raise ConfigError(
            f"{where}: say which column to predict: --target COLUMN, or target=... (columns: {listed(names)})"
        )
    roles = {role: asked[role] for role in ("target", "group", "time") if role in asked}
    for role, label in roles.items():
        if not isinstance(label, Hashable):
            raise ConfigError(f"{where}: {role}: give the name of a column, not a {type(label).__name__}")
    described = replace(
        reference,
        problem=_problem(where, asked.get("problem")),
        kinds={column_name(label): kind for label, kind in _kinds(where, asked.get("kinds", {})).items()},
        target=column_name(roles["target"]),
        group=None if "group" not in roles else column_name(roles["group"]),
        time=None if "time" not in roles else column_name(roles["time"]),
    )
    wrong = misasked(TableOptions.of(described), names)
    if wrong:
        raise ConfigError(*(f"{where}: {line}" for line in wrong))
    return described


def _problem(where: str, given: Any) -> ProblemType | None:
    if given is not None and given not in list(ProblemType):
        raise ConfigError(f"{where}: problem: {given!r} is none of {', '.join(ProblemType)}")
    return None if given is None else ProblemType(given)


def _kinds(where: str, given: Any) -> dict[Any, ColumnKind]:
    if not isinstance(given, Mapping):
        raise ConfigError(
            f'{where}: kinds: give a dictionary of columns, such as {{"zip": "categorical"}}, not {given!r}'
        )
    wrong = {label: kind for label, kind in given.items() if kind not in list(ColumnKind)}
    if wrong:
        known = ", ".join(ColumnKind)
        raise ConfigError(
            *(f"{where}: kinds: {kind!r} for {label!r} is none of {known}" for label, kind in wrong.items())
        )
    return {label: ColumnKind(kind) for label, kind in given.items()}
