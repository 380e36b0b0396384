"""The shape of a suite file. Pydantic stays in this package: what leaves it are frozen nouns."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bench.budgets import GIB
from bench.config.limits import (
    LARGEST_MEMORY_BYTES,
    LONGEST_BUDGET_S,
    MOST_CORES,
    MOST_FOLDS,
    MOST_REPEATS,
    MOST_TRIALS,
    SMALLEST_MEMORY_BYTES,
)
from bench.errors import ConfigError
from bench.facts import ACCEPTABLE
from bench.interventions import NONE, parse_intervention
from bench.suites import FULL

FEWEST_TRAIN_ROWS = 20
_UNITS = {"GiB": GIB, "MiB": 1024**2, "GB": 10**9, "MB": 10**6}


def _name(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", value):
        message = "use lower-case letters, digits, '.', '_' and '-' (it becomes part of cell ids)"
        raise ValueError(message)
    return value


def _memory(value: str) -> str:
    if not re.fullmatch(r"\d{1,12}(\.\d+)? (GiB|MiB|GB|MB)", value):
        message = 'write a size such as "4 GiB" or "800 MB"'
        raise ValueError(message)
    if not SMALLEST_MEMORY_BYTES <= _bytes(value) <= LARGEST_MEMORY_BYTES:
        message = "give a cell between 64 MiB and 1 PiB"
        raise ValueError(message)
    return value


def _bytes(value: str) -> int:
    number, unit = value.split()
    return int(float(number) * _UNITS[unit])


def _validation(value: str) -> str:
    match = re.fullmatch(r"holdout|holdout:(\d+)|cv:(\d+)", value)
    if not match:
        message = 'write "holdout", "holdout:25" (per cent of the training rows) or "cv:4" (folds)'
        raise ValueError(message)
    per_cent, folds = match.groups()
    if per_cent is not None and not 5 <= int(per_cent) <= 50:
        message = "hold out between 5 and 50 per cent"
        raise ValueError(message)
    if folds is not None and not 2 <= int(folds) <= 10:
        message = "use between 2 and 10 folds"
        raise ValueError(message)
    return value


def no_switch(value: object) -> object:
    """Return a value that is not true or false, which TOML's reader would take for 1 and 0."""
    if isinstance(value, bool):
        message = "write a number, not true or false"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns it into a line with the key
    return value


def _train_rows(value: object) -> tuple[int | None, ...]:
    sizes = value if isinstance(value, list) else [value]
    for size in sizes:
        whole = isinstance(size, int) and not isinstance(size, bool) and size >= FEWEST_TRAIN_ROWS
        if not (whole or (isinstance(value, list) and size == FULL)):
            message = (
                f"{size!r} is no number of rows: write one from {FEWEST_TRAIN_ROWS}, or a list of several "
                f'such as [250, 1000, "{FULL}"], "{FULL}" for all rows'
            )
            raise ValueError(message)
    if not sizes:
        message = "name at least one number of rows, or leave the key out for all rows"
        raise ValueError(message)
    return tuple(None if size == FULL else size for size in _each_once(sizes))


def _each_once(values: list[Any]) -> list[Any]:
    if len(set(values)) < len(values):
        message = "name each one once: the same cells would be planned twice"
        raise ValueError(message)
    return values


def _acceptable(value: str) -> str:
    if value not in ACCEPTABLE:
        message = f"{value!r} leaves no table out that could be run: name some of {', '.join(ACCEPTABLE)}"
        raise ValueError(message)
    return value


def intervention_name(value: str) -> str:
    """Return an intervention as it is written; raise ValueError where there is none such."""
    try:
        return str(parse_intervention(value))
    except ConfigError as error:
        raise ValueError(str(error)) from None


def _with_references(values: list[str]) -> list[str]:
    for value in values:
        reference = parse_intervention(value).kind.reference
        if reference not in (NONE, *values):
            message = f'"{value}" is compared with "{reference}": name that as well'
            raise ValueError(message)
    return values


Name = Annotated[str, AfterValidator(_name)]


class FileTable(BaseModel):
    """A table of a file: no key but those it declares, no value of another type."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class BudgetTable(FileTable):
    """`[budget]`: what one cell may spend."""

    seconds: Annotated[float, Field(gt=0, le=LONGEST_BUDGET_S)] | None = None
    trials: Annotated[int, Field(ge=1, le=MOST_TRIALS)] | None = None
    cores: Annotated[int, Field(ge=1, le=MOST_CORES)] = 1
    memory: Annotated[str, AfterValidator(_memory)] = "4 GiB"

    @property
    def memory_bytes(self) -> int:
        """The memory cap in bytes."""
        return _bytes(self.memory)

    @model_validator(mode="after")
    def _some_limit(self) -> BudgetTable:
        if self.seconds is None and self.trials is None:
            message = "give seconds, trials or both"
            raise ValueError(message)
        return self


class CapsTable(FileTable):
    """`[caps]`: how many rows a cell may use."""

    train_rows: Annotated[tuple[int | None, ...], BeforeValidator(_train_rows)] = (None,)
    test_rows: Annotated[int, Field(ge=20)] | None = None


class TaskTable(FileTable):
    """`[[tasks]]`: a table of the catalogue, a task of OpenML, or a local file with its target."""

    dataset: str | None = None
    openml_task: Annotated[int, Field(ge=1)] | None = None
    file: str | None = None
    name: Name | None = None
    target: str | None = None
    problem: Literal["binary", "multiclass", "regression"] | None = None
    kinds: dict[str, Literal["numeric", "categorical", "date", "ignore"]] = Field(default_factory=dict)
    group: str | None = None
    time: str | None = None

    @model_validator(mode="after")
    def _one_source(self) -> TaskTable:
        if sum(source is not None for source in (self.dataset, self.openml_task, self.file)) != 1:
            message = "give one of dataset (see `bench list tables`), openml_task (a number) and file"
            raise ValueError(message)
        if self.file is not None and (not self.file.strip() or "\0" in self.file):
            message = "file must be the path of a file"
            raise ValueError(message)
        if self.file is not None and self.target is None:
            message = "a file needs target, the name of the column to predict"
            raise ValueError(message)
        of_a_file = (self.target, self.problem, self.kinds, self.group, self.time)
        if self.file is None and any(each not in (None, {}) for each in of_a_file):
            message = (
                "target, problem, kinds, group and time are for a file; a task or a table of the catalogue "
                "has its own"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _one_role_a_column(self) -> TaskTable:
        if self.group is not None and self.time is not None:
            message = "give group or time, not both: rows are split by one of them"
            raise ValueError(message)
        for role in ("group", "time"):
            column = getattr(self, role)
            if column is not None and column == self.target:
                message = f"{role} names the target: it must be another column"
                raise ValueError(message)
        allowed = {"target": (), "group": (), "time": ("numeric", "date")}
        for role, kinds in allowed.items():
            if self.kinds.get(getattr(self, role)) not in (None, *kinds):
                message = f"kinds names the {role} column, which is no feature: leave it out there"
                raise ValueError(message)
        return self


class SuiteFile(FileTable):
    """A whole suite file."""

    format: Annotated[Literal[1], BeforeValidator(no_switch)]
    name: Name
    title: str
    note: str = ""
    learners: Annotated[list[str], Field(min_length=1)]
    budget: BudgetTable
    validation: Annotated[str, AfterValidator(_validation)] = "holdout"
    folds: Annotated[int, Field(ge=1, le=MOST_FOLDS)] = 1
    repeats: Annotated[int, Field(ge=1, le=MOST_REPEATS)] = 1
    seeds: Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1), AfterValidator(_each_once)] = [0]
    interventions: Annotated[
        list[Annotated[str, AfterValidator(intervention_name)]],
        Field(min_length=1),
        AfterValidator(_each_once),
        AfterValidator(_with_references),
    ] = [NONE]
    augmentation: bool = True
    device: Literal["cpu", "cuda"] = "cpu"
    exact_limit_s: Annotated[float, Field(gt=0)] | None = None
    allowed_failures: Annotated[float, Field(ge=0, le=1)] = 0.0
    accept: Annotated[list[Annotated[str, AfterValidator(_acceptable)]], AfterValidator(_each_once)] = []
    caps: CapsTable = CapsTable()
    tasks: Annotated[list[TaskTable], Field(min_length=1)]
