"""From a run in the store to runs on OpenML: packed one by one, written into files, sent, remembered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError, PrerequisiteError
from bench.publishing.chosen import Shown
from bench.publishing.openml_runs import Candidate, Unfit, candidates
from bench.publishing.openml_uploads import upload_of
from bench.publishing.remembered import Remembered
from bench.sources.cache import Cache
from bench.sources.openml.publish import Event, Parcel, Published, publish
from bench.sources.openml.uploads import Flow
from bench.store.query import trial_rows
from bench.store.sqlite import Store
from bench.stored import StoredPredictions


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A run that has passed every check that can be made here."""

    candidate: Candidate
    flow: Flow
    n_rows: int
    """Predictions, those of all folds together."""
    decided: bool
    """Whether its confidences are 0 and 1 for want of probabilities."""
    content_hash: str
    upload: Path
    """The JSON of it."""


def pack(
    store: Store, run: dict[str, Any], show: Shown, cache: Cache, inside: Path
) -> tuple[list[Packed], list[Unfit]]:
    """Return the runs on OpenML that a run in the store amounts to, and what amounts to none and why.

    What is sent is left in a folder, `inside`: thousands of rows of each are not to be held at once.
    Raises PrerequisiteError where no predictions of the run are stored.
    """
    found, unfit = candidates(store, run, show)
    if not found:
        return [], unfit
    stored = StoredPredictions(store, run, cache, trial_rows(store, run["run_id"]))
    packages = _packages(store, run)
    packed: list[Packed] = []
    for candidate in found:
        try:
            packed.append(_packed(candidate, stored, run, packages, inside / f"{len(packed)}.json"))
        except (DataError, PrerequisiteError) as error:
            task = candidate.folds[0].cell["task"]
            unfit.append(Unfit(task=task, n_cells=len(candidate.folds), reason=str(error)))
    return packed, unfit


def post(
    packed: Sequence[Packed], folder: Path, server: str | None, remembered: Remembered
) -> Iterator[Event]:
    """Write the files of each run, send those that are new to a server, and yield what came of each.

    Without a server nothing is sent. What was sent is remembered before it is yielded.
    Raises PrerequisiteError as `publish` does.
    """
    by_name = {each.candidate.name: each for each in packed}
    parcels = [
        Parcel(name=name, upload=each.upload, folder=files_of(each, folder), send=server is not None)
        for name, each in by_name.items()
        if server is None or remembered.find(server, each.content_hash) is None
    ]
    for event in publish(parcels) if parcels else ():
        if isinstance(event, Published) and server is not None:
            one = by_name[event.name]
            told = {"task": one.candidate.task_id, "flow": event.flow, "run": event.run, "url": event.url}
            remembered.add(server, one.content_hash, what=event.name, **told)
        yield event


def files_of(packed: Packed, folder: Path) -> Path:
    """Return where the files of a run are put."""
    readable = re.sub(r"[^A-Za-z0-9_.=-]+", "-", packed.candidate.name).strip("-.")[:80]
    return folder / f"{readable}-{packed.content_hash[:8]}"


def _packed(
    candidate: Candidate,
    stored: StoredPredictions,
    run: Mapping[str, Any],
    packages: Mapping[str, str],
    path: Path,
) -> Packed:
    upload = upload_of(candidate, stored, run, packages)
    path.write_text(json.dumps(upload.to_json()), "utf-8")
    return Packed(
        candidate=candidate,
        flow=upload.flow,
        n_rows=sum(len(fold.rows) for fold in upload.folds),
        decided=bool(upload.classes) and not upload.probabilities,
        content_hash=upload.content_hash,
        upload=path,
    )


def _packages(store: Store, run: Mapping[str, Any]) -> Mapping[str, str]:
    """Return the versions that a run was made with."""
    (row,) = store.rows("SELECT record FROM environments WHERE hash = ?", (run["environment"],))
    packages: Mapping[str, str] = json.loads(row["record"])["packages"]
    return packages
