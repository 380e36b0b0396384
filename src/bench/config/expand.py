"""From a suite and its tables to a plan: every cell, and why each other one is left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase

from bench.cells import Cell, Validation, evidence_key
from bench.environments import lock_hash
from bench.errors import ConfigError
from bench.learners import Learner, specification_hash
from bench.plans import Exclusion, Plan, PlannedCell
from bench.suites import Suite
from bench.tasks import Split, Task, TaskShape


def expand(
    suite: Suite, tasks: Sequence[Task], learners: Sequence[Learner], exclusions: Sequence[Exclusion]
) -> Plan:
    """Return the plan: every task x split x learner x intervention x seed, and what is left out."""
    cells = tuple(
        _planned(cell, learner)
        for task, learner in itertools.product(tasks, learners)
        for cell in _cells(suite, task, learner)
    )
    return Plan(
        suite=suite, budget=suite.budget, tasks=tuple(tasks), cells=cells, exclusions=tuple(exclusions)
    )


def select(cells: Sequence[PlannedCell], expression: str) -> tuple[PlannedCell, ...]:
    """Return the cells whose id matches: globs or plain parts of an id, joined by `or`, `and`, `not`.

    Raises:
        ConfigError: the expression cannot be read.
    """
    alternatives = [part.split(" and ") for part in f" {expression.strip()} ".split(" or ")]
    terms = [[term.strip() for term in part] for part in alternatives]
    if any(not term.removeprefix("not ").strip() for part in terms for term in part):
        raise ConfigError(
            f'-k "{expression}": an empty term; write for example -k "cmc/*/xgboost or not svm"'
        )
    return tuple(
        planned for planned in cells if any(all(_matches(planned.cell.id, t) for t in part) for part in terms)
    )


def _matches(cell_id: str, term: str) -> bool:
    if term.startswith("not "):
        return not _matches(cell_id, term[4:].strip())
    return fnmatchcase(cell_id, f"*{term}*")


def _cells(suite: Suite, task: Task, learner: Learner) -> Iterator[Cell]:
    folds = range(min(suite.folds, task.splits.n_folds))
    for fold, intervention, seed in itertools.product(folds, suite.interventions, suite.seeds):
        yield Cell(
            task=task,
            split=Split(repeat=0, fold=fold, train_cap=suite.train_cap, test_cap=suite.test_cap),
            learner=learner.name,
            family=learner.family,
            intervention=intervention,
            seed=seed,
            device="cpu",
            cores=suite.budget.cores,
            validation=suite.validation,
        )


def _planned(cell: Cell, learner: Learner) -> PlannedCell:
    learner_hash, lock = specification_hash(learner), lock_hash(learner.packages)
    return PlannedCell(
        cell=cell,
        evidence_key=evidence_key(cell.id, cell.task.fingerprint, learner_hash, lock),
        learner_hash=learner_hash,
        lock_hash=lock,
        not_applicable=learner.limit(task_shape(cell.task, cell.split, cell.validation)),
    )


def task_shape(task: Task, split: Split, validation: Validation) -> TaskShape:
    """Return what a learner may know beforehand: how many rows one of its models will be fitted on."""
    folds = task.splits.n_folds
    train = task.dataset.n_rows * (folds - 1) // folds
    if split.train_cap is not None:
        train = min(train, split.train_cap)
    share = 1 - validation.amount / 100 if validation.method == "holdout" else 1 - 1 / validation.amount
    features = task.dataset.features
    return TaskShape(
        problem=task.problem,
        n_rows=round(train * share),
        n_numeric=len(features) - task.dataset.n_categorical,
        levels=tuple(len(feature.levels) for feature in features if feature.levels),
        n_classes=len(task.dataset.classes),
    )
