"""The child that writes runs in OpenML's forms and sends them.

`python -m bench.sources.openml.sending`: orders as JSON on its standard input, one JSON line a step on its
standard output. The key that it sends with is read from the user's configuration, and told to nobody.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from bench.errors import BenchError, DataError, PrerequisiteError
from bench.sources.openml.client import Client, UnreachableError, openml_client
from bench.sources.openml.fetched import TaskOutline
from bench.sources.openml.forms import PREDICTIONS, RUN, flow_form, forms
from bench.sources.openml.settings import api_key, server_settings
from bench.sources.openml.uploads import Upload

Tell: TypeAlias = Callable[..., None]
"""Takes the kind of an event, and its values by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A run to be written into a folder, and sent."""

    name: str
    upload: Path
    """Its JSON."""
    folder: Path
    send: bool


def meet(orders: Iterable[Order], key: str, tell: Tell) -> None:
    """Write each run and send those that are to be sent.

    Tells `written` or `published` of a run, or `refused` where it cannot be what it says; a server that gives
    no answer, or does not take the key, is told as `stopped`, and is asked no more.
    """
    with openml_client(server_settings()) as client:
        outlines: dict[int, TaskOutline] = {}
        for order in orders:
            try:
                _meet(client, order, key, outlines, tell)
            except DataError as error:
                tell("refused", name=order.name, text=str(error))


def _meet(client: Client, order: Order, key: str, outlines: dict[int, TaskOutline], tell: Tell) -> None:
    upload = Upload.from_json(json.loads(order.upload.read_text("utf-8")))
    if not order.send:
        _write(order.folder, forms(client.openml, upload, upload.classes, None))
        tell("written", name=order.name)
        return
    if upload.task_id not in outlines:
        outlines[upload.task_id] = client.outline(upload.task_id)
    outline = outlines[upload.task_id]
    compare(upload, outline)
    flow_id = _published_flow(client, upload, key)
    files = forms(client.openml, upload, outline.classes, flow_id)
    _write(order.folder, files)
    run_id = _published_run(client, upload, files, flow_id, key)
    urls = client.openml.OpenMLFlow.url_for_id(flow_id), client.openml.OpenMLRun.url_for_id(run_id)
    tell("published", name=order.name, flow=flow_id, run=run_id, flow_url=urls[0], url=urls[1])


def compare(upload: Upload, outline: TaskOutline) -> None:
    """Refuse a run whose classes or test rows are not those of the task; raise DataError."""
    where = f"OpenML task {outline.id}"
    if outline.is_classification != bool(upload.classes):
        raise DataError(f"{where} is {'a' if outline.is_classification else 'no'} classification there")
    unknown = [label for label in upload.classes if label not in outline.classes]
    if unknown:
        raise DataError(
            f"{where} has the classes {', '.join(outline.classes)}: {', '.join(unknown)} of this table is "
            "none of them, and no label is translated by guess"
        )
    tested = {(fold.repeat, fold.fold): fold.rows for fold in upload.folds}
    if tested.keys() != outline.splits.keys():
        raise DataError(f"{where} has {len(outline.splits)} folds there, and {len(tested)} here")
    for (repeat, fold), (_, test) in outline.splits.items():
        if tested[repeat, fold] != tuple(np.sort(test).tolist()):
            raise DataError(
                f"{where}: repeat {repeat}, fold {fold} tests other rows there than here, so that row ids "
                "mean other rows"
            )


@contextmanager
def _authorised(openml: Any, key: str) -> Iterator[None]:
    """Hold the key in the client for as long as something is posted, each post made once.

    A second try of a post whose answer was lost might make a second run. Reading needs no key, which would
    then stand in the address.
    """
    retries = openml.config.connection_n_retries
    openml.config.apikey = key
    openml.config.set_retry_policy("human", n_retries=1)
    try:
        yield
    finally:
        openml.config.apikey = ""
        openml.config.set_retry_policy("human", n_retries=retries)


def _published_flow(client: Client, upload: Upload, key: str) -> int:
    """Return the number of a flow on the server, which is given it where it has none of that name.

    Raises DataError where it has another one of that name and version.
    """
    flow, flows = flow_form(client.openml, upload.flow, upload.parameters), client.openml.flows
    with client.telling(f"flow {flow.name}"):
        with _authorised(client.openml, key):
            flow_id = flows.flow_exists(flow.name, flow.external_version)
            if not flow_id:  # posted as `flow.publish` does it, which would read it again with the key
                flow_id = client.openml.base.OpenMLBase.publish(flow).flow_id
        there = flows.get_flow(flow_id)
        try:
            flows.assert_flows_equal(flow, there, ignore_parameter_values=True)
        except ValueError as error:
            said = " ".join(str(error).split())
            raise DataError(
                f"OpenML has another flow of the name {flow.name} and the version {flow.external_version}, "
                f"{there.openml_url}: {said}"
            ) from error
        return int(flow_id)


def _published_run(client: Client, upload: Upload, files: Mapping[str, str], flow_id: int, key: str) -> int:
    """Post the files of a run and return its number."""
    run = client.openml.OpenMLRun(task_id=upload.task_id, flow_id=flow_id, dataset_id=None)
    named = {"description": (RUN, files[RUN]), "predictions": (PREDICTIONS, files[PREDICTIONS])}
    run._get_file_elements = lambda: named  # noqa: SLF001 - those that were written, none made anew
    try:
        with client.telling(f"run on task {upload.task_id}"), _authorised(client.openml, key):
            return int(run.publish().run_id)
    except UnreachableError as error:
        flow_url = client.openml.OpenMLFlow.url_for_id(flow_id)
        raise UnreachableError(
            f"{error}; should the run have arrived all the same, {flow_url} lists it"
        ) from error


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
    except OSError as error:
        raise PrerequisiteError(
            f"{folder} cannot be written ({error.strerror}): name another folder with --output"
        ) from error


def _main() -> None:
    # Whatever a library prints must not be taken for an event.
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    orders = [_order(values) for values in json.load(sys.stdin)]
    key = ""

    def tell(kind: str, **values: Any) -> None:
        line = json.dumps({"kind": kind, **values})
        events.write((line.replace(key, "(the key)") if key else line) + "\n")
        events.flush()

    try:
        key = api_key() if any(order.send for order in orders) else ""  # before the client is configured
        meet(orders, key, tell)
    except BenchError as error:
        tell("stopped", text=str(error))


def _order(values: Mapping[str, Any]) -> Order:
    paths = {name: Path(values[name]) for name in ("upload", "folder")}
    return Order(name=values["name"], send=values["send"], **paths)


if __name__ == "__main__":
    _main()
