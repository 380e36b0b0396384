"""What is asked of the cache: a table of the catalogue, or one of one's own. Standard library only."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.datasets import ColumnKind, ProblemType
from bench.errors import DataError
from bench.suites import TaskReference

READING = 3
"""The version of how files and frames are read: what another one made of a file is never looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOptions:
    """What a table of one's own does not say about itself."""

    target: str
    problem: ProblemType | None = None
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)
    group: str | None = None
    time: str | None = None

    @classmethod
    def of(cls, reference: TaskReference) -> TableOptions:
        """Return what a suite says of a file or frame."""
        return cls(
            target=reference.target or "",
            problem=reference.problem,
            kinds=dict(reference.kinds),
            group=reference.group,
            time=reference.time,
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "target": self.target,
            "problem": self.problem,
            "kinds": {column: kind.value for column, kind in self.kinds.items()},
            "group": self.group,
            "time": self.time,
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TableOptions:
        """Return the options that `to_json` wrote."""
        problem = None if values["problem"] is None else ProblemType(values["problem"])
        kinds = {column: ColumnKind(kind) for column, kind in values["kinds"].items()}
        return cls(**{**values, "problem": problem, "kinds": kinds})

    @property
    def digest(self) -> bytes:
        """What, beside the content, tells one reading of a table from another."""
        return json.dumps([READING, self.to_json()], sort_keys=True).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A file of one's own."""

    path: Path
    options: TableOptions

    @property
    def cached_name(self) -> str:
        """The name of its table: the file's, and a hash of its bytes and of what is said of it.

        Raises DataError where the file cannot be read.
        """
        digest = hashlib.sha256(self.options.digest)
        try:
            if self.path.exists() and not self.path.is_file():
                raise DataError(f"{self.path} is no file: name one that can be read from its beginning")
            with self.path.open("rb") as file:
                for block in iter(lambda: file.read(1 << 20), b""):
                    digest.update(block)
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}") from error
        readable = re.sub(r"[^a-z0-9]+", "-", self.path.stem.lower()).strip("-")[:40] or "file"
        return f"{readable}-{digest.hexdigest()[:8]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableRequest:
    """A table that is to be in the cache under a name."""

    name: str
    file: LocalFile | None = None
    """Where it is a local file; otherwise the name is the catalogue's, unless the table was put there."""
    openml_task: int | None = None
    """Where it is the table of a task of OpenML's, with that task's splits."""
    kept: bool = False
    """Whether it was put into the cache, as a data frame is: there is nowhere to fetch it from."""

    @classmethod
    def of(cls, reference: TaskReference) -> TableRequest:
        """Return the request for a task's table; raise DataError where its file cannot be read."""
        if reference.cached is not None:
            return cls(name=reference.cached, kept=True)
        if reference.openml_task is not None:
            return cls.of_task(reference.openml_task)
        if reference.file is None:
            return cls(name=reference.dataset or "")
        return cls.of_file(LocalFile(path=Path(reference.file), options=TableOptions.of(reference)))

    @classmethod
    def of_task(cls, task_id: int) -> TableRequest:
        """Return the request for the table of an OpenML task."""
        return cls(name=f"openml-{task_id}", openml_task=task_id)

    @classmethod
    def of_file(cls, file: LocalFile) -> TableRequest:
        """Return the request for a local file; raise DataError where it cannot be read."""
        return cls(name=file.cached_name, file=file)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        plain = {"name": self.name, "file": None, "openml_task": self.openml_task}
        if self.file is None:
            return plain
        path, options = str(self.file.path.absolute()), self.file.options.to_json()
        return {**plain, "file": {"path": path, "options": options}}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TableRequest:
        """Return the request that `to_json` wrote."""
        file = values["file"]
        if file is None:
            return cls(name=values["name"], openml_task=values["openml_task"])
        local = LocalFile(path=Path(file["path"]), options=TableOptions.from_json(file["options"]))
        return cls(name=values["name"], file=local)
