"""The child that fills the cache: fetches what it is asked for, converts it, keeps it.

`python -m bench.sources.filling ROOT`: requests as JSON on its standard input, one JSON line a step on its
standard output. Neither a damaged file nor the crash of a reader harms whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

from bench.errors import BenchError, DataError
from bench.sources.cache import Cache
from bench.sources.catalog import SCIKIT_LEARN, packages, record
from bench.sources.requests import TableRequest

Tell: TypeAlias = Callable[..., None]
"""Takes the kind of an event, and its values by name."""


def fill(requests: Sequence[TableRequest], cache: Cache, tell: Tell) -> None:
    """Meet the requests one by one: all of OpenML, or none."""
    if any(request.openml_task is not None for request in requests):
        from bench.sources.openml.fill import fill_from_openml

        fill_from_openml(requests, cache, tell)
        return
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        archives = _download(requests, Path(folder), lambda text: tell("line", text=text))
        for request in requests:
            archive = None if request.file else archives[record(request.name).package]
            with telling(request.name, tell):
                if isinstance(archive, BenchError):
                    raise archive
                _convert(request, archive, cache)


@contextmanager
def telling(name: str, tell: Tell, *, aside: type[BenchError] | tuple[()] = ()) -> Iterator[None]:
    """Tell how one table went; what goes wrong with it stops no other, but for what is to be put `aside`."""
    start = time.monotonic()
    try:
        yield
    except aside:
        raise
    except BenchError as error:
        _failed(name, error, tell)
    except Exception as error:  # noqa: BLE001 - one damaged table must not stop the others
        _failed(
            name, DataError(f"{name}: {type(error).__name__}: {' '.join(str(error).split())[:300]}"), tell
        )
    else:
        tell("done", name=name, seconds=time.monotonic() - start)


def _failed(name: str, error: BenchError, tell: Tell) -> None:
    kind = next(base.__name__ for base in type(error).__mro__ if base.__module__ == BenchError.__module__)
    tell("failed", name=name, error=kind, text=str(error))


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


def _convert(request: TableRequest, archive: Path | None, cache: Cache) -> None:
    from bench.sources.convert import convert_file, convert_record

    if request.file is None:
        convert_record(record(request.name), archive, cache)
    else:
        convert_file(request.name, request.file, cache)


def _main(root: str, requests: IO[str], events: IO[str]) -> None:
    def tell(kind: str, **values: Any) -> None:
        events.write(json.dumps({"kind": kind, **values}) + "\n")
        events.flush()

    fill([TableRequest.from_json(values) for values in json.load(requests)], Cache(Path(root)), tell)


if __name__ == "__main__":
    # Whatever a library prints must not be taken for an event.
    _events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    _main(sys.argv[1], sys.stdin, _events)
