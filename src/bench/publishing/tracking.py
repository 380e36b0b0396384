"""The one module that knows MLflow's client: mlflow-skinny, or the whole of mlflow."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bench.errors import PrerequisiteError
from bench.publishing.mlflow_runs import KEY_TAG, Logged

PAGE = 1000
"""Runs that are asked for at once; so many metrics, but a tenth of other things, may be sent together."""
_SETTINGS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",  # what is sent goes to the server that was named, and to no other
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",  # a server that is away is noticed in seconds
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
}
"""Of MLflow, where the user has not set them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of a run that was to be logged."""

    logged: Logged
    run_id: str
    """MLflow's."""
    before: bool
    """Whether it was there already, so that nothing was logged."""
    same: bool = True
    """Whether what is there has the same result; evidence may have gone on since."""


def log_runs(runs: Sequence[Logged], experiment: str, uri: str | None) -> Iterator[Told]:
    """Log the runs that an experiment does not hold yet, and yield what came of each.

    A run bears its evidence key only once all else of it is there: what was cut short is logged anew.
    Raises PrerequisiteError where MLflow is not installed, or the server or folder cannot be used.
    """
    client = _client(uri)
    with _telling(client):
        experiment_id = _experiment(client, experiment)
        there = {each.data.tags[KEY_TAG]: each for each in _runs(client, experiment_id)}
    for logged in runs:
        found = there.get(logged.evidence_key)
        if found is not None:
            same = all(
                found.data.tags.get(name) == logged.tags[name]
                for name in ("bench.trial", "bench.prediction_hash")
            )
            yield Told(logged=logged, run_id=found.info.run_id, before=True, same=same)
            continue
        with _telling(client):
            run_id = _log(client, experiment_id, logged)
        yield Told(logged=logged, run_id=run_id, before=False)


def _client(uri: str | None) -> Any:
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        from mlflow import MlflowClient
    except ImportError as error:
        raise PrerequisiteError(
            "runs are logged through the package mlflow-skinny, which is not installed: "
            "pip install 'inductive-bench[mlflow]'"
        ) from error
    logging.getLogger("mlflow").setLevel(logging.ERROR)
    try:
        return MlflowClient(tracking_uri=uri)
    except Exception as error:
        raise _unusable(uri or "its own place", error) from error


def _experiment(client: Any, name: str) -> str:
    found = client.get_experiment_by_name(name)
    return str(client.create_experiment(name) if found is None else found.experiment_id)


def _runs(client: Any, experiment_id: str) -> Iterator[Any]:
    """Yield the runs of an experiment that were logged from here, page by page."""
    token = None
    while True:
        page = client.search_runs([experiment_id], max_results=PAGE, page_token=token)
        yield from (run for run in page if KEY_TAG in run.data.tags)
        token = page.token
        if not token:
            return


def _log(client: Any, experiment_id: str, logged: Logged) -> str:
    from mlflow.entities import Metric, Param, RunTag

    tags = [RunTag(name, value) for name, value in logged.tags.items() if name != KEY_TAG]
    metrics = [Metric(name, value, logged.ended_ms, 0) for name, value in logged.metrics.items()]
    params = [Param(name, value) for name, value in logged.params.items()]
    run = client.create_run(experiment_id, start_time=logged.begun_ms, run_name=logged.name)
    run_id = str(run.info.run_id)
    step = PAGE // 10
    for start in range(0, max(len(metrics), len(params), len(tags)), step):
        part = slice(start, start + step)
        client.log_batch(run_id, metrics=metrics[part], params=params[part], tags=tags[part])
    client.set_terminated(run_id, end_time=logged.ended_ms)
    client.set_tag(run_id, KEY_TAG, logged.evidence_key)
    return run_id


@contextmanager
def _telling(client: Any) -> Iterator[None]:
    """Turn what MLflow raises into one line of ours."""
    try:
        yield
    except Exception as error:
        raise _unusable(client.tracking_uri, error) from error


def _unusable(uri: str, error: Exception) -> PrerequisiteError:
    said = " ".join(str(error).split())[:600] or type(error).__name__
    return PrerequisiteError(
        f"MLflow at {uri} cannot be used ({said}): name a server, or what your MLflow can write, with --uri"
    )
