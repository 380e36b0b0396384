"""From tasks of OpenML to the cache, in the child process that fills it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from bench.datasets import Origin
from bench.errors import BenchError, DataError
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.sources.filling import Tell, telling
from bench.sources.keeping import keep_table
from bench.sources.openml.client import Client, ServerFaultError, UnreachableError, openml_client
from bench.sources.openml.settings import server_settings
from bench.sources.openml.splits import fetched_splits
from bench.sources.openml.table import fetched_content, fetched_provenance
from bench.sources.requests import TableRequest

if TYPE_CHECKING:
    from bench.sources.openml.fetched import FetchedTask

FAULTS_IN_A_ROW = 2
"""So many tables in a row that the server fails to serve are taken for a server that is down."""


def fill_from_openml(requests: Sequence[TableRequest], cache: Cache, tell: Tell) -> None:
    """Fetch the tables of tasks and keep them; once the server gives no answer it is asked no more.

    Tells `unreachable` of a table that another source may have, `failed` of one that is as it should not be.
    """
    try:
        with openml_client(server_settings()) as client:
            _fill(client, requests, cache, tell)
    except BenchError as error:  # the client itself cannot be had
        for request in requests:
            tell("unreachable", name=request.name, text=str(error))


def _fill(client: Client, requests: Sequence[TableRequest], cache: Cache, tell: Tell) -> None:
    down: UnreachableError | None = None
    faults = 0
    for request in requests:
        if down is not None:
            tell("unreachable", name=request.name, text=str(down))
            continue
        try:
            with telling(request.name, tell, aside=UnreachableError):
                keep_task(client.task(request.openml_task or 0), request.name, cache)
        except UnreachableError as error:
            tell("unreachable", name=request.name, text=str(error))
            faults += 1
            if not isinstance(error, ServerFaultError) or faults == FAULTS_IN_A_ROW:
                down = error
        else:
            faults = 0


def keep_task(task: FetchedTask, name: str, cache: Cache) -> None:
    """Keep the table and the splits of a task. Raises DataError where they do not hold together."""
    content = fetched_content(task)
    if content.n_unlabelled:
        raise DataError(
            f"OpenML task {task.id}: its target is missing in {content.n_unlabelled:,} rows, which its "
            "splits count and nothing can be scored on"
        )
    splits = fetched_splits(task.id, task.splits, len(content.target))
    provenance = fetched_provenance(task, name, _origin(task.table.id), splits.official)
    keep_table(content, content.describe(provenance), cache, splits.folds)


def _origin(data_id: int) -> Origin:
    """Return where the rows of a data set come from, as far as the catalogue has looked at it."""
    known = (table.origin for table in catalog().values() if table.openml_id == data_id)
    return next(known, Origin.UNKNOWN)
