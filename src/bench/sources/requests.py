"""What is asked of the cache: a table of the catalogue, or a local file. Standard library only."""

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


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFile:
    """A CSV file of one's own, and what it does not say about itself."""

    path: Path
    target: str
    problem: ProblemType | None = None
    kinds: Mapping[str, ColumnKind] = field(default_factory=dict)

    @property
    def cached_name(self) -> str:
        """The name of its table: the file's, and a hash of its bytes and of these options.

        Raises DataError where the file cannot be read.
        """
        digest = hashlib.sha256(
            json.dumps([self.target, self.problem, dict(self.kinds)], sort_keys=True).encode()
        )
        try:
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
    """Where it is a local file; otherwise the name is the catalogue's."""

    @classmethod
    def of_file(cls, file: LocalFile) -> TableRequest:
        """Return the request for a local file; raise DataError where it cannot be read."""
        return cls(name=file.cached_name, file=file)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        if self.file is None:
            return {"name": self.name, "file": None}
        file = self.file
        kinds = {column: kind.value for column, kind in file.kinds.items()}
        values = {
            "path": str(file.path.absolute()),
            "target": file.target,
            "problem": file.problem,
            "kinds": kinds,
        }
        return {"name": self.name, "file": values}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> TableRequest:
        """Return the request that `to_json` wrote."""
        file = values["file"]
        if file is None:
            return cls(name=values["name"])
        problem = None if file["problem"] is None else ProblemType(file["problem"])
        kinds = {column: ColumnKind(kind) for column, kind in file["kinds"].items()}
        local = LocalFile(path=Path(file["path"]), target=file["target"], problem=problem, kinds=kinds)
        return cls(name=values["name"], file=local)
