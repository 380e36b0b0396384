"""What the server says to a path: a pure function of the catalogue."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from loopback_openml import documents, listings
from loopback_openml.content import Catalogue
from loopback_openml.procedures import LEARNING_CURVE, TEN_FOLD

API = "/api/v1/xml"
XML = "text/xml; charset=utf-8"
TEXT = "text/plain; charset=utf-8"
CHANGED = "Tue, 01 Jun 2021 12:00:00 GMT"
"""When every file was last changed."""


@dataclass(frozen=True)
class Answer:
    """A whole HTTP answer, before anything is packed or broken."""

    status: int
    content_type: str
    body: bytes
    packable: bool = True
    """Whether gzip may be used; an object store sends its objects as they are."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What an answer says of its body beside its length and encoding."""
        etag = hashlib.md5(self.body, usedforsecurity=False).hexdigest()
        return (("Content-Type", self.content_type), ("ETag", f'"{etag}"'), ("Last-Modified", CHANGED))


def answer_to(path: str, catalogue: Catalogue, origin: str) -> Answer:
    """Return the answer to a GET of `path`; `origin` is what the addresses in it begin with."""
    plain = path.partition("?")[0]
    for pattern, answer in _ROUTES:
        match = re.fullmatch(pattern, plain)
        if match:
            return answer(catalogue, origin, *match.groups())
    if plain.startswith(API):
        return refusal(100, "Function not valid")
    return Answer(404, "text/html; charset=utf-8", b"<html><body>Not found</body></html>")


def refusal(code: int, message: str) -> Answer:
    """Return an error as OpenML has it: HTTP's 412, and a code of its own."""
    return Answer(412, XML, documents.error(code, message))


def _xml(body: bytes) -> Answer:
    return Answer(200, XML, body)


def _description(catalogue: Catalogue, origin: str, key: str) -> Answer:
    dataset = catalogue.dataset(int(key))
    return _xml(documents.description(dataset, origin)) if dataset else refusal(111, "Unknown dataset")


def _features(catalogue: Catalogue, origin: str, key: str) -> Answer:
    dataset = catalogue.dataset(int(key))
    return _xml(documents.features(dataset)) if dataset else refusal(271, "Unknown dataset")


def _qualities(catalogue: Catalogue, origin: str, key: str) -> Answer:
    dataset = catalogue.dataset(int(key))
    return _xml(documents.qualities(dataset)) if dataset else refusal(361, "Unknown dataset")


def _task(catalogue: Catalogue, origin: str, key: str) -> Answer:
    task = catalogue.task(int(key))
    return _xml(documents.task(task, origin)) if task else refusal(151, "Unknown task")


def _suite(catalogue: Catalogue, origin: str, key: str) -> Answer:
    suite = catalogue.suite(unquote(key))
    if suite is None:
        return refusal(601, "Unknown study")
    tasks = filter(None, map(catalogue.task, suite.tasks))
    return _xml(documents.suite(suite, sorted({task.dataset_id for task in tasks})))


def _dataset_list(catalogue: Catalogue, origin: str, filters: str) -> Answer:
    try:
        found = listings.datasets_of(catalogue, _pairs(filters))
    except ValueError as error:
        return refusal(370, f"Illegal filter specified: {error}")
    return _xml(documents.dataset_list(found)) if found else refusal(372, "No results")


def _task_list(catalogue: Catalogue, origin: str, filters: str) -> Answer:
    try:
        found = listings.tasks_of(catalogue, _pairs(filters))
    except ValueError as error:
        return refusal(480, f"Illegal filter specified: {error}")
    return _xml(documents.task_list(found)) if found else refusal(482, "No results")


def _suite_list(catalogue: Catalogue, origin: str, filters: str) -> Answer:
    try:
        found = listings.suites_of(catalogue, _pairs(filters))
    except ValueError as error:
        return refusal(597, f"Illegal filter specified: {error}")
    return _xml(documents.suite_list(found)) if found else refusal(599, "No results")


def _estimation_procedures(catalogue: Catalogue, origin: str) -> Answer:
    known = (*TEN_FOLD.values(), LEARNING_CURVE, *(task.estimation for task in catalogue.tasks))
    by_id = {estimation.id: estimation for estimation in known}
    return _xml(documents.estimation_procedures([by_id[key] for key in sorted(by_id)]))


def _arff(catalogue: Catalogue, origin: str, key: str) -> Answer:
    found = next((dataset for dataset in catalogue.datasets if dataset.file == int(key)), None)
    return Answer(200, TEXT, found.arff) if found else refusal(111, "Unknown dataset")


def _splits(catalogue: Catalogue, origin: str, key: str) -> Answer:
    task = catalogue.task(int(key))
    dataset = catalogue.dataset(task.dataset_id) if task else None
    if task is None or dataset is None:
        return refusal(151, "Unknown task")
    return Answer(200, TEXT, documents.splits(task, f"dataset_{dataset.id}_{dataset.name}_splits"))


def _parquet(catalogue: Catalogue, origin: str, key: str) -> Answer:
    dataset = catalogue.dataset(int(key))
    if dataset is None or dataset.parquet is None:
        missing = b"<Error><Code>NoSuchKey</Code><Message>Object does not exist</Message></Error>"
        return Answer(404, "application/xml", missing, packable=False)
    return Answer(200, "application/octet-stream", dataset.parquet, packable=False)


def _pairs(filters: str) -> dict[str, str]:
    """Read `/name/value/name/value`. Raises ValueError for a name without a value."""
    parts = [unquote(part) for part in filters.split("/")[1:]]
    return dict(zip(parts[::2], parts[1::2], strict=True))


_ROUTES: tuple[tuple[str, Callable[..., Answer]], ...] = (
    (rf"{API}/data/(\d+)", _description),
    (rf"{API}/data/features/(\d+)", _features),
    (rf"{API}/data/qualities/(\d+)", _qualities),
    (rf"{API}/data/list((?:/.*)?)", _dataset_list),
    (rf"{API}/task/(\d+)", _task),
    (rf"{API}/task/list((?:/.*)?)", _task_list),
    (rf"{API}/study/list((?:/.*)?)", _suite_list),
    (rf"{API}/study/([^/]+)", _suite),
    (rf"{API}/estimationprocedure/list", _estimation_procedures),
    (r"/data/v1/download/(\d+)(?:/.*)?", _arff),
    (r"/api_splits/get/(\d+)/.*", _splits),
    (r"/datasets/\d+/(\d+)/dataset_\d+\.pq", _parquet),
)
