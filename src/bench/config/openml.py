"""`openml:suite/99` and `openml:task/59` as suites, and any suite by what names it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence

from bench.config.load import load_suite
from bench.config.own import comparison
from bench.errors import ConfigError, DataError
from bench.registry import learners, learners_of_tables
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.suites import Suite, TaskReference

PREFIX = "openml:"
_REFERENCE = re.compile(r"openml:(suite|task)/([A-Za-z0-9][A-Za-z0-9._-]{0,99})")


def named_suite(name: str, cache: Cache, say: Callable[[str], None]) -> Suite:
    """Return the suite of a name or path, or the one that `openml:...` stands for.

    Raises:
        ConfigError: there is none, or it has errors.
        PrerequisiteError: its file cannot be read, or OpenML, which alone knows it, gives no answer.
        DataError: OpenML knows no such suite.
    """
    if not name.startswith(PREFIX):
        return load_suite(name, learners(), catalog())
    match = _REFERENCE.fullmatch(name)
    if match is None or (match[1] == "task" and not match[2].isdecimal()):
        raise ConfigError(f"{name}: write openml:suite/99 (a number or an alias) or openml:task/59")
    if match[1] == "task":
        return _suite(name, f"openml-task-{match[2]}", f"OpenML task {match[2]}", (int(match[2]),))
    from bench.sources.openml.suites import suite_listing

    listing = suite_listing(match[2], cache, say)
    if not listing.tasks:
        raise DataError(f"OpenML suite {match[2]} holds no tasks")
    return _suite(
        name, f"openml-suite-{listing.id}", f"OpenML suite {listing.id}: {listing.name}", listing.tasks
    )


def _suite(name: str, short: str, title: str, tasks: Sequence[int]) -> Suite:
    """Return the suite that compares every learner on tasks of OpenML, with rows capped for a first look."""
    references = tuple(
        TaskReference(where=f"{name}, task {task}", name=f"openml-{task}", openml_task=task)
        for task in dict.fromkeys(tasks)
    )
    digest = hashlib.sha256(repr((references, learners_of_tables())).encode()).hexdigest()[:16]
    return comparison(short, title, references, list(learners_of_tables()), digest)
