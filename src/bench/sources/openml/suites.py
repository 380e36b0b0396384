"""The task lists of OpenML's benchmark suites: kept once fetched, and some of them known beforehand."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from bench.errors import BenchError, DataError, PrerequisiteError
from bench.sources.cache import Cache
from bench.sources.openml.fetched import SuiteListing
from bench.sources.openml.known import known_tasks
from bench.sources.openml.reach import unreachable
from bench.sources.openml.settings import server_settings

KNOWN = {
    "99": "cc18",
    "353": "ctr23",
    "334": "grinsztajn-cat-clf",
    "335": "grinsztajn-cat-reg",
    "336": "grinsztajn-num-reg",
    "337": "grinsztajn-num-clf",
    "457": "tabarena",
    "271": "amlb-clf",
    "269": "amlb-reg",
}
"""Suites whose tasks come with bench, by OpenML's number."""
_ERRORS = {error.__name__: error for error in (DataError, PrerequisiteError)}


def suite_listing(reference: str, cache: Cache, say: Callable[[str], None]) -> SuiteListing:
    """Return the tasks of a suite, by number or alias: as kept, else as OpenML has them, else as known here.

    Raises PrerequisiteError where OpenML gives no answer and nothing is known, DataError where it knows none.
    """
    kept = _read(cache, reference)
    if kept is not None:
        return kept
    try:
        listing = _ask(reference)
    except PrerequisiteError as error:
        known = _known(reference)
        if known is None:
            raise
        say(f"{error}; the tasks of suite {reference} are those that come with bench")
        return known
    _keep(cache, reference, listing)
    return listing


def _ask(reference: str) -> SuiteListing:
    """Ask the server in a process of its own, which knows the client."""
    why = unreachable(server_settings())
    if why is not None:
        raise PrerequisiteError(why)
    done = subprocess.run(
        [sys.executable, "-P", "-m", "bench.sources.openml.suites", reference],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    try:
        answer = json.loads(done.stdout)
    except ValueError:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise DataError(f"the process that asks OpenML ended with code {done.returncode}: {last}") from None
    if "error" in answer:
        raise _ERRORS[answer["error"]](answer["text"])
    return _listing(answer)


def _known(reference: str) -> SuiteListing | None:
    if reference not in KNOWN:
        return None
    tasks = tuple(task.task_id for task in known_tasks().values() if KNOWN[reference] in task.suites)
    return SuiteListing(id=int(reference), name=KNOWN[reference], tasks=tasks)


def _path(cache: Cache, reference: str) -> Path:
    return cache.root / "openml-suites" / f"{reference}.json"


def _read(cache: Cache, reference: str) -> SuiteListing | None:
    """Return a kept list; one that cannot be read is as good as none, for it can be had again."""
    try:
        return _listing(json.loads(_path(cache, reference).read_text("utf-8")))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(cache: Cache, reference: str, listing: SuiteListing) -> None:
    path = _path(cache, reference)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        aside.write_text(_plain(listing), "utf-8")
        aside.replace(path)
    except OSError as error:
        raise PrerequisiteError(
            f"the cache {cache.root} cannot be used ({error.strerror}): "
            "set BENCH_CACHE to a folder that can be read and written"
        ) from error


def _plain(listing: SuiteListing) -> str:
    return json.dumps({"id": listing.id, "name": listing.name, "tasks": listing.tasks})


def _listing(values: dict[str, object]) -> SuiteListing:
    tasks = values["tasks"]
    if not isinstance(tasks, list) or not isinstance(values["id"], int):
        raise TypeError("no list of tasks")
    return SuiteListing(id=values["id"], name=str(values["name"]), tasks=tuple(map(int, tasks)))


def _main(reference: str) -> str:
    from bench.sources.openml.client import openml_client

    try:
        with openml_client(server_settings()) as client:
            return _plain(client.suite(int(reference) if reference.isdecimal() else reference))
    except BenchError as error:
        kind = next(base.__name__ for base in type(error).__mro__ if base.__name__ in _ERRORS)
        return json.dumps({"error": kind, "text": str(error)})


if __name__ == "__main__":
    sys.stdout.write(_main(sys.argv[1]))
