"""What was published from a results folder, so that it is not published twice.

One JSON file for each place; an entry is added as soon as the place has said that it has taken the run, and
for nothing else.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.errors import PrerequisiteError

FOLDER = "published"
FORMAT = 1


class Remembered:
    """The entries of a file, by where they went and by what they hold."""

    def __init__(self, results: Path, place: str) -> None:
        """Read the file of a place, where there is one.

        Raises PrerequisiteError where it cannot be read: what it knew would be published again.
        """
        self._path = results / FOLDER / f"{place}.json"
        self._entries: list[dict[str, Any]] = []
        try:
            content = json.loads(self._path.read_text("utf-8"))
            self._entries = [dict(entry) for entry in {FORMAT: content["published"]}[content["format"]]]
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PrerequisiteError(
                f"{self._path} cannot be read ({error}), and says what was published before: mend it, or "
                "move it away to publish all of it again"
            ) from error

    def find(self, server: str, content_hash: str) -> Mapping[str, Any] | None:
        """Return the entry of what was published there with that content, or None."""
        wanted = (server, content_hash)
        return next((e for e in self._entries if (e["server"], e["content"]) == wanted), None)

    def add(self, server: str, content_hash: str, **told: Any) -> None:
        """Keep for good that something was published; raise PrerequisiteError where that cannot be."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        self._entries.append({"server": server, "content": content_hash, "at": at, **told})
        aside = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            aside.write_text(json.dumps({"format": FORMAT, "published": self._entries}, indent=1), "utf-8")
            aside.replace(self._path)
        except OSError as error:
            raise PrerequisiteError(
                f"{self._path} cannot be written ({error.strerror}), so that what was published now would be "
                f"published again: {told}"
            ) from error
