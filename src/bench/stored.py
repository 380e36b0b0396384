"""The stored predictions of a run's cells, with the truth of their rows: what ensembles and publishing need.

Predictions are in the store; labels are in the cache of tables and nowhere else, and the split that names
the rows is computed again, by the code that the cell ran.
"""

from __future__ import annotations

import json
import math
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.analysis.ensembles import CellPredictions, TrialKey
from bench.budgets import Budget
from bench.cells import Cell, Validation
from bench.config.claim_suites import FOLDER
from bench.config.load import list_suites
from bench.datasets import Dataset
from bench.errors import DataError, PrerequisiteError
from bench.orders import Order
from bench.runner.cell import load_cell
from bench.scoring.metrics import mean_score, score
from bench.scoring.predictions import Prediction, prediction_hash, stored_predictions
from bench.sources.cache import Cache
from bench.sources.description import splits_file
from bench.sources.shelf import kept_tables
from bench.store import predictions as prediction_files
from bench.store.query import evidence_rows
from bench.store.sqlite import Store
from bench.tasks import Split, SplitPlan, Task

TOLERANCE = 0.05
"""How far the score of stored predictions, in single precision, may be from the one that was recorded.

Means of several models that are equal but for rounding are ties in single precision alone: an area under the
curve of such models (neighbours under cross-validation) was seen to move by 0.005.
"""
_SLOT = (
    *("task", "fingerprint", "splits", "repeat", "fold", "train_cap", "test_cap"),
    *("intervention", "seed", "validation"),
)
"""What decides which rows a cell has, and which labels."""


class StoredPredictions(Mapping[str, CellPredictions]):
    """The predictions of the cells of a run by evidence key; a cell's file is read when it is asked for."""

    def __init__(
        self, store: Store, run: Mapping[str, Any], cache: Cache, trials: Sequence[Mapping[str, Any]]
    ) -> None:
        """Take the cells of a run that have a file of predictions; `trials` are its trials (`trial_rows`).

        Raises PrerequisiteError where none has, or the cache cannot be read.
        """
        self._store, self._run, self._cache = store, run, cache
        self._kept = kept_tables(cache)
        self._evidence = {row["evidence_key"]: row for row in evidence_rows(store, run["run_id"])}
        self._keys = [key for key in self._evidence if store.predictions_path(key).is_file()]
        self._recorded = {(t["evidence_key"], t["trial"], t["attempt"]): t for t in trials}
        self._truths: dict[tuple[object, ...], CellPredictions] = {}
        if not self._keys:
            raise PrerequisiteError(
                f"{store.folder}: holds no predictions of run {run['run_id']}, so there is nothing to "
                f"ensemble or publish; fit it again with `{self._command()} --fresh`"
            )

    def __len__(self) -> int:
        """Return how many cells have a file."""
        return len(self._keys)

    def __iter__(self) -> Iterator[str]:
        """Yield the evidence keys of those cells."""
        return iter(self._keys)

    def __getitem__(self, key: str) -> CellPredictions:
        """Return the predictions of a cell; raise KeyError where there is no file of them.

        Raises:
            PrerequisiteError: the cache does not hold the table, or holds another one of its name.
            DataError: the stored predictions are not those that were recorded, or are of other rows.
        """
        records = prediction_files.read(self._store.predictions_path(key))
        self._check_whole(key, [record.predictions.content for record in records.values()])
        if not records:
            raise KeyError(key)
        validation: dict[TrialKey, Prediction] = {}
        tested: dict[TrialKey, Prediction] = {}
        for number, record in records.items():
            trial = (number, record.attempt)
            try:
                validation[trial], tested[trial] = stored_predictions(record.predictions)
            except ValueError as error:  # its shapes do not fit its numbers
                raise self._damaged(key, f"those of trial {number}") from error
        found = replace(self._truth(self._evidence[key]), validation=validation, test=tested)
        self._check_hashes(key, found)
        self._check_rows(key, found)
        return found

    def test_rows(self, key: str) -> npt.NDArray[np.intp]:
        """Return the ids of all rows that a cell's fold tests, as its table counts them, in ascending order.

        Raises PrerequisiteError as for its predictions, and DataError where these are of other rows: of some
        alone, or of altered ones.
        """
        evidence = self._evidence[key]
        name = self._dataset(evidence).name
        rows = np.flatnonzero(
            self._cache.fold_of_row(name, evidence["splits"], evidence["repeat"]) == evidence["fold"]
        )
        labels, _ = self._cache.load_target(name)
        tested = self._truth(evidence).y_test
        if not np.array_equal(labels[rows], tested):
            raise DataError(f"{len(tested):,} rows were tested, which are not the {len(rows):,} of its fold")
        return rows

    def _truth(self, evidence: Mapping[str, Any]) -> CellPredictions:
        """Return the labels of a cell's rows, which cells of other learners share, without predictions."""
        slot = tuple(evidence[name] for name in _SLOT)
        if slot not in self._truths:
            training, test, _ = load_cell(self._order(evidence))
            held = [held for _, held in training.folds]
            self._truths[slot] = CellPredictions(
                problem=training.problem,
                target_sd=training.target_sd,
                y_validation=training.y[np.concatenate(held)],
                y_test=test.y,
                fold_rows=tuple(map(len, held)),
                validation={},
                test={},
            )
        return self._truths[slot]

    def _dataset(self, evidence: Mapping[str, Any]) -> Dataset:
        """Return the table of a cell as the cache holds it.

        The store knows it by one name, and by its rows: a task of OpenML's and a mirror of it are the same.
        """
        splits, name = splits_file(evidence["splits"]), evidence["dataset"]
        for kept in self._kept:
            found = kept.dataset
            if found and found.fingerprint == evidence["fingerprint"] and (kept.folder / splits).is_file():
                return found
        if self._cache.describe(name) is None:
            raise PrerequisiteError(
                f"the labels of table {name} are needed, and the cache {self._cache.root} does not hold "
                f"it: `{self._command()}` fetches it and fits nothing twice"
            )
        raise PrerequisiteError(
            f"the labels of table {name} are needed, and the cache {self._cache.root} holds other "
            f"rows of that name: name the run's own with --cache, or fit again with `{self._command()}`"
        )

    def _order(self, evidence: Mapping[str, Any]) -> Order:
        dataset = self._dataset(evidence)
        validation = evidence["validation"]
        method = validation.rstrip(string.digits)
        caps = {name: evidence[name] for name in ("repeat", "fold", "train_cap", "test_cap")}
        shared = {
            name: evidence[name] for name in ("learner", "family", "intervention", "seed", "device", "cores")
        }
        cell = Cell(
            task=Task(name=evidence["task"], dataset=dataset, splits=SplitPlan(procedure=evidence["splits"])),
            split=Split(**caps),
            validation=Validation(method, int(validation.removeprefix(method))),
            **shared,
        )
        return Order(
            cell=cell,
            learner=cell.learner,
            evidence_key=evidence["evidence_key"],
            attempt=0,
            budget=Budget(seconds=None, trials=None),
            start_trial=0,
            spent_s=0.0,
            cache_root=str(self._cache.root),
        )

    def _check_whole(self, key: str, contents: Sequence[bytes]) -> None:
        """Refuse the file of a cell that ended unless a whole record ends it: damage hides all after it."""
        path = self._store.predictions_path(key)
        ended = self._store.rows(
            "SELECT ended_at FROM attempts WHERE evidence_key = ? ORDER BY attempt DESC LIMIT 1", (key,)
        )
        if not ended or ended[0]["ended_at"] is None or not path.is_file():
            return  # a cell that is running, or was killed, may be in the middle of a record
        content = path.read_bytes()
        if content and not content.endswith(tuple(contents)):
            raise self._damaged(key, "some of them")

    def _check_hashes(self, key: str, found: CellPredictions) -> None:
        """Refuse predictions that are not, to the bit, those that were recorded."""
        for trial, validation in found.validation.items():
            recorded = self._recorded.get((key, *trial))
            if recorded is None:  # of another run
                continue
            if len(validation.values) != sum(found.fold_rows):
                continue  # of other rows, as `_check_rows` says
            folds = [_part(validation, rows) for rows in _fold_slices(found)]
            if prediction_hash(*folds, found.test[trial]) != recorded["prediction_hash"]:
                raise self._damaged(key, f"those of trial {trial[0]}")

    def _damaged(self, key: str, which: str) -> DataError:
        return DataError(
            f"{self._evidence[key]['cell_id']}: stored predictions are damaged, {which} at least, in "
            f"{self._store.predictions_path(key)}; fit it again with `{self._command()} --fresh`"
        )

    def _check_rows(self, key: str, found: CellPredictions) -> None:
        """Refuse labels that are not those of the rows that were predicted: one trial tells."""
        trial = next((trial for trial in sorted(found.test) if (key, *trial) in self._recorded), None)
        if trial is None:
            return
        recorded = self._recorded[key, *trial]
        parts = _fold_slices(found)
        try:
            folds = [_score(found, found.y_validation[rows], found.validation[trial], rows) for rows in parts]
            scores = mean_score(found.problem, folds), _score(found, found.y_test, found.test[trial])
        except (ValueError, IndexError):  # another number of rows
            scores = math.nan, math.nan
        expected = recorded["validation_score"], recorded["test_score"]
        if not all(
            math.isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
            for a, b in zip(scores, expected, strict=True)
        ):
            raise DataError(
                f"{recorded['cell_id']}: stored predictions do not score what was recorded: they are of "
                f"other rows than this bench splits off; fit it again with `{self._command()} --fresh`"
            )

    def _command(self) -> str:
        """Return the command that makes the run again."""
        path = json.loads(self._run["record"])["suite"]["path"]
        name = self._run["suite"]
        if name.startswith(FOLDER):
            return f"bench claims run {name.removeprefix(FOLDER)} --results {self._store.folder}"
        known = list_suites().get(name)
        same = known is not None and known.resolve() == Path(path).resolve()
        return f"bench run {name if same else path} --results {self._store.folder}"


def _fold_slices(of: CellPredictions) -> list[slice]:
    """Return where each fold's rows are among the validation rows."""
    ends = np.cumsum(of.fold_rows).tolist()
    return [slice(end - n, end) for end, n in zip(ends, of.fold_rows, strict=True)]


def _part(of: Prediction, rows: slice) -> Prediction:
    return replace(of, values=of.values[rows], sd=None if of.sd is None else of.sd[rows])


def _score(of: CellPredictions, y: Any, prediction: Prediction, rows: slice = slice(None)) -> float:
    """Return the primary error of some rows of a prediction; raise ValueError where their number differs."""
    return score(of.problem, y, _part(prediction, rows), of.target_sd)
