"""What `bench publish mlflow` says: what would be logged, and what was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from bench.errors import NothingSelectedError, PrerequisiteError

if TYPE_CHECKING:
    from bench.publishing.mlflow_runs import Logged, NotLogged
    from bench.store.sqlite import Store


def publish_mlflow(store: Store, run: dict[str, Any], uri: str | None, *, send: bool) -> None:
    """Show what would be logged of a run, or log what is not there yet.

    Raises:
        NothingSelectedError: no cell of the run has a result.
        PrerequisiteError: MLflow is not installed, or its place cannot be used.
    """
    from bench.publishing.mlflow_runs import logged_runs

    runs, rest = logged_runs(store, run)
    experiment = run["suite"]
    for line in _rest_lines(rest):
        click.echo(line)
    if not runs:
        raise NothingSelectedError(f"run {run['run_id']} has no result to log (see `bench status`)")
    if send:
        _log(runs, experiment, uri)
        return
    for logged in runs:
        click.echo(_line(logged))
    first = runs[0]
    click.echo(f"each with tags {', '.join(first.tags)} and metrics such as {', '.join(first.metrics)}")
    click.echo(
        f"{len(runs)} runs would be logged under the experiment {experiment}; nothing was: --apply logs them"
    )


def _log(runs: Sequence[Logged], experiment: str, uri: str | None) -> None:
    from bench.publishing.tracking import log_runs

    n_logged = n_before = 0
    try:
        for told in log_runs(runs, experiment, uri):
            n_logged, n_before = n_logged + (not told.before), n_before + told.before
            if not told.before:
                click.echo(f"logged: {told.logged.name}: {told.run_id}")
            elif not told.same:
                click.echo(
                    f"logged before, with another result: {told.logged.name}: {told.run_id}; its cell has "
                    "gone on since: delete that run to have this one logged"
                )
    except PrerequisiteError as error:
        raise PrerequisiteError(f"{error}; {n_logged} runs were logged") from error
    click.echo(f"experiment {experiment}: {n_logged} runs were logged, {n_before} were there before")


def _line(logged: Logged) -> str:
    params = ", ".join(f"{name}={value}" for name, value in logged.params.items()) or "no parameters"
    scores = ", ".join(
        f"{name} {logged.metrics[name]:.4g}"
        for name in ("validation_score", "test_score", "spent_s")
        if name in logged.metrics
    )
    return f"{logged.name}: {params}; {scores}"


def _rest_lines(rest: Sequence[NotLogged]) -> Iterator[str]:
    """Yield the reasons why cells have nothing to log, each once."""
    counts = Counter(each.reason for each in rest)
    for reason, n_cells in counts.items():
        one = next(each.name for each in rest if each.reason == reason)
        yield f"nothing to log of {n_cells} cells, {one} the first: {reason}"
