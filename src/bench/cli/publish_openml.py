"""What `bench publish openml` says: what would be sent, what cannot be and why, what was."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.errors import NothingSelectedError, PrerequisiteError

if TYPE_CHECKING:
    from bench.publishing.chosen import Shown
    from bench.publishing.openml_posting import Packed
    from bench.publishing.openml_runs import Unfit
    from bench.publishing.remembered import Remembered
    from bench.sources.cache import Cache
    from bench.store.sqlite import Store

TITLES = {
    "default": "each learner's default configuration",
    "tuned": "what the search chose in each fold",
}


def publish_openml(
    store: Store, run: dict[str, Any], show: Shown, cache: Cache, output: Path | None, *, send: bool
) -> None:
    """Make, check, write and perhaps send the runs on OpenML of a run.

    Raises:
        NothingSelectedError: there is nothing that could be sent.
        PrerequisiteError: something that was to be sent was not.
    """
    from bench.publishing.openml_posting import pack
    from bench.publishing.remembered import FOLDER, Remembered
    from bench.sources.openml.publish import check_way
    from bench.sources.openml.settings import server_settings

    remembered, server = Remembered(store.folder, "openml"), server_settings().url
    if send:
        check_way()
    folder = output or store.folder / FOLDER / "openml" / run["run_id"]
    click.echo(f"run {run['run_id']} of suite {run['suite']}: {TITLES[show]}")
    with tempfile.TemporaryDirectory(prefix="bench-") as inside:
        packed, unfit = pack(store, run, show, cache, Path(inside))
        for line in (*_packed_lines(packed, folder), *_unfit_lines(unfit)):
            click.echo(line)
        if not packed:
            raise NothingSelectedError(f"run {run['run_id']} holds nothing that could be a run on OpenML")
        _post(packed, folder, server if send else None, remembered)
    if not send:
        at = f", to {server}" if server else ""
        click.echo(f"{len(packed)} runs are in {folder}; nothing was sent: --apply sends them{at}")


def _post(packed: Sequence[Packed], folder: Path, server: str | None, remembered: Remembered) -> None:
    """Write and perhaps send the runs, and say of each what came of it."""
    from bench.publishing.openml_posting import post
    from bench.sources.openml.publish import Published, Refused

    before = [] if server is None else [p for p in packed if remembered.find(server, p.content_hash)]
    for each in before:
        entry = remembered.find(server or "", each.content_hash) or {}
        click.echo(f"published before: {each.candidate.name}: run {entry['run']}, {entry['url']}")
    n_published = n_refused = 0
    try:
        for event in post(packed, folder, server, remembered):
            match event:
                case Published():
                    n_published += 1
                    click.echo(
                        f"published: {event.name}: run {event.run}, {event.url} (flow {event.flow_url})"
                    )
                case Refused():
                    n_refused += 1
                    click.echo(f"not published: {event.name}: {event.text}", err=True)
                case _:
                    pass
    except PrerequisiteError as error:
        left = len(packed) - len(before) - n_published - n_refused
        so_far = f"; {n_published} runs were published and {left} were not: the same command goes on"
        raise PrerequisiteError(f"{error}{so_far if server else ''}") from error
    if server is not None:
        click.echo(f"{n_published} runs were published, {len(before)} had been before")
    if n_refused:
        raise PrerequisiteError(
            f"{n_refused} of {len(packed)} runs cannot be on OpenML: the reasons are above"
        )


def _packed_lines(packed: Sequence[Packed], folder: Path) -> Iterator[str]:
    """Yield what would be sent, by task."""
    from bench.publishing.openml_posting import files_of

    tasks: dict[int, list[Packed]] = {}
    for each in packed:
        tasks.setdefault(each.candidate.task_id, []).append(each)
    for task_id, runs in tasks.items():
        first = runs[0]
        yield (
            f"OpenML task {task_id} ({first.candidate.dataset['name']}): {len(runs)} runs, "
            f"{len(first.candidate.folds)} folds, {first.n_rows:,} predictions each"
        )
        for each in runs:
            labels = "; it offers no probabilities: confidences are 0 and 1" if each.decided else ""
            yield (
                f"  {each.candidate.name}: flow {each.flow.name}, mean test error "
                f"{each.candidate.mean_score:.4g}{labels}; {files_of(each, folder).name}"
            )


def _unfit_lines(unfit: Iterable[Unfit]) -> Iterator[str]:
    """Yield what cannot be sent, each reason once a task."""
    counts: Counter[tuple[str, str]] = Counter()
    for each in unfit:
        counts[each.task, each.reason] += each.n_cells
    for (task, reason), n_cells in counts.items():
        yield f"cannot be published: {task}, {n_cells} cells: {reason}"
