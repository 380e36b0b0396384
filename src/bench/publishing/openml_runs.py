"""Which runs on OpenML the cells of a run amount to, and why the others amount to none.

A run there is one flow with one setting on every fold of a task: here the cells of a learner on a task that
differ in the fold alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.cells import CellStatus
from bench.datasets import Grade
from bench.errors import DataError
from bench.interventions import NONE
from bench.publishing.chosen import Shown, chosen_trials
from bench.store.query import cell_rows, evidence_rows
from bench.store.sqlite import Store
from bench.tasks import SplitPlan
from bench.trials import TrialStatus

Record = Mapping[str, Any]

_SETTING = (
    *("task", "fingerprint", "splits", "train_cap", "test_cap", "learner", "intervention", "seed"),
    *("device", "cores", "validation", "learner_hash", "lock_hash"),
)
"""What the cells of one run on OpenML share."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldCell:
    """A cell, which is one fold, and the trial that stands for it."""

    cell: Record
    """A row of `evidence_rows`."""
    trial: Record
    """A row of `trial_rows`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """The cells that make one run on OpenML."""

    name: str
    """`openml-59/tree/s0`: what cell ids share, as far as it tells candidates apart."""
    task_id: int
    show: Shown
    dataset: Record
    """What the store knows of the table."""
    folds: tuple[FoldCell, ...]
    """By repeat and fold."""

    @property
    def mean_score(self) -> float:
        """The mean primary error of the folds."""
        return float(sum(each.trial["test_score"] for each in self.folds) / len(self.folds))


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Cells that make no run on OpenML."""

    task: str
    n_cells: int
    reason: str


def candidates(store: Store, run: dict[str, Any], show: Shown) -> tuple[list[Candidate], list[Unfit]]:
    """Return the runs on OpenML that the cells of a run make by what is recorded of them, and the rest."""
    standing = {row["evidence_key"]: row for row in cell_rows(store, run["run_id"])}
    trials = chosen_trials(store, run, show)
    asked = {task["name"]: task["openml_task"] for task in json.loads(run["record"])["suite"]["tasks"]}
    datasets = {row["fingerprint"]: json.loads(row["record"]) for row in _datasets(store)}
    groups: dict[tuple[object, ...], list[Record]] = {}
    for row in evidence_rows(store, run["run_id"]):
        groups.setdefault(tuple(row[name] for name in _SETTING), []).append(row)
    found, unfit = [], []
    for cells in groups.values():
        first, dataset = cells[0], datasets[cells[0]["fingerprint"]]
        try:
            task_id = _task_id(first, dataset, asked.get(first["task"]))
            folds = [
                FoldCell(cell=cell, trial=_trial(cell, standing, trials, show)) for cell in _all_folds(cells)
            ]
        except DataError as error:
            unfit.append(Unfit(task=first["task"], n_cells=len(cells), reason=str(error)))
            continue
        found.append(
            Candidate(name=_name(first), task_id=task_id, show=show, dataset=dataset, folds=tuple(folds))
        )
    return found, unfit


def _datasets(store: Store) -> list[dict[str, Any]]:
    return store.rows("SELECT fingerprint, record FROM datasets")


def _name(cell: Record) -> str:
    return f"{cell['task']}/{cell['learner']}/s{cell['seed']}" + (
        "" if cell["train_cap"] is None else f"-n{cell['train_cap']}"
    )


def _task_id(cell: Record, dataset: Record, asked: int | None) -> int:
    """Return the task of OpenML that a cell is on. Raises DataError where it is on none."""
    official, grade = dataset["official"], Grade(dataset["grade"])
    if not SplitPlan(procedure=cell["splits"]).official:
        if not grade.carries_official_splits:
            known = (
                f"{grade}, so that row ids may mean other rows than there" if dataset["openml_id"] else grade
            )
            raise DataError(f"its table is no table in OpenML's row order (grade: {known})")
        raise DataError(f"its splits are bench's own ({cell['splits']}), not those of a task of OpenML")
    if not grade.carries_official_splits:
        raise DataError(f"its table is not known to be in OpenML's row order (grade: {grade})")
    if cell["intervention"] != NONE:
        raise DataError(f"its rows were changed ({cell['intervention']}): OpenML's are not")
    found = asked or (official and official["openml_task_id"])
    if not found:
        raise DataError("no task of OpenML is known for it")
    return int(found)


def _all_folds(cells: Sequence[Record]) -> list[Record]:
    """Return the cells of a task's folds in their order. Raises DataError where some folds have none."""
    splits = SplitPlan(procedure=cells[0]["splits"])
    there = {(cell["repeat"], cell["fold"]): cell for cell in cells}
    wanted = [(repeat, fold) for repeat in range(splits.n_repeats) for fold in range(splits.n_folds)]
    missing = [place for place in wanted if place not in there]
    if missing:
        more = f"--folds {splits.n_folds}" + (
            f" --repeats {splits.n_repeats}" if splits.n_repeats > 1 else ""
        )
        raise DataError(
            f"the run would be incomplete: {len(wanted) - len(missing)} of the task's {len(wanted)} folds "
            f"were run; `bench run` with {more} runs the others"
        )
    return [there[place] for place in wanted]


def _trial(cell: Record, standing: Mapping[str, Record], trials: Mapping[str, Record], show: Shown) -> Record:
    """Return the trial that stands for a cell. Raises DataError where none does."""
    found = trials.get(cell["evidence_key"])
    if found is not None and found["status"] == TrialStatus.TRUNCATED and show == "default":
        raise DataError(
            f"repeat {cell['repeat']}, fold {cell['fold']}: its budget cut the default configuration short; "
            "a larger --budget fits it to its end"
        )
    if found is not None and found["test_score"] is not None:
        return found
    state = standing[cell["evidence_key"]]
    if state["status"] == CellStatus.NOT_APPLICABLE:
        raise DataError(f"the learner does not apply: {state['reason']}")
    what = "default configuration" if show == "default" else "configuration"
    raise DataError(
        f"the run would be incomplete: repeat {cell['repeat']}, fold {cell['fold']} has no {what} with a "
        f"valid score ({state['status'] or 'not begun'})"
    )
