"""Tasks with their splits: OpenML's own where they can be recomputed, seeded ones, and irregular ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bench.splits.weka import held_out_folds
from loopback_openml.arff import Kind
from loopback_openml.content import Estimation, ServedDataset, ServedTask, SplitRow, TaskType

_CLASSIFICATION, _REGRESSION = TaskType.CLASSIFICATION, TaskType.REGRESSION
TEN_FOLD = {
    _CLASSIFICATION: Estimation(1, "10-fold Crossvalidation", "crossvalidation", _CLASSIFICATION, folds=10),
    _REGRESSION: Estimation(
        7, "10-fold Crossvalidation", "crossvalidation", _REGRESSION, folds=10, stratified=False
    ),
}
REPEATED_ID = {_CLASSIFICATION: 901, _REGRESSION: 902}
"""Ids of our own: these procedures differ in their numbers of repeats and folds."""
HOLDOUT_ID = {_CLASSIFICATION: 6, _REGRESSION: 12}
LEARNING_CURVE = Estimation(13, "10-fold Learning Curve", "learningcurve", TaskType.LEARNING_CURVE, folds=10)


def ten_fold_task(task_id: int, dataset: ServedDataset) -> ServedTask:
    """Return the task with the 10-fold splits that OpenML makes for a table in this row order."""
    kind = task_type(dataset)
    folds = held_out_folds(_labels(dataset), len(dataset.table.rows))
    return ServedTask(task_id, dataset.id, kind, _target(dataset), TEN_FOLD[kind], tuple(_in_turn(0, folds)))


def repeated_task(
    task_id: int, dataset: ServedDataset, repeats: int, folds: int, seed: int = 0
) -> ServedTask:
    """Return a task of `repeats` x `folds`, stratified for a class: seeded here, not OpenML's splits."""
    kind, draw = task_type(dataset), random.Random(seed)
    estimation = Estimation(
        REPEATED_ID[kind],
        f"{repeats} times {folds}-fold Crossvalidation",
        "crossvalidation",
        kind,
        repeats,
        folds,
        stratified=kind is _CLASSIFICATION,
    )
    labels = _labels(dataset) or [0] * len(dataset.table.rows)
    rows: list[SplitRow] = []
    for repeat in range(repeats):
        order = sorted(range(len(labels)), key=lambda row: (labels[row], draw.random()))
        rows += _in_turn(repeat, [order[fold::folds] for fold in range(folds)])
    return ServedTask(task_id, dataset.id, kind, _target(dataset), estimation, tuple(rows))


def holdout_task(task_id: int, dataset: ServedDataset, percentage: int = 33) -> ServedTask:
    """Return a task with one fold: as OpenML does it, the first rows of Weka's shuffle are for testing."""
    kind, n_rows = task_type(dataset), len(dataset.table.rows)
    (shuffled,) = held_out_folds(None, n_rows, n_folds=1)
    n_test = round(n_rows * percentage / 100)
    estimation = Estimation(
        HOLDOUT_ID[kind],
        f"{percentage}% Holdout set",
        "holdout",
        kind,
        percentage=percentage,
        stratified=False,
    )
    rows = (
        *(SplitRow(0, 0, row, "TRAIN") for row in shuffled[n_test:]),
        *(SplitRow(0, 0, row, "TEST") for row in shuffled[:n_test]),
    )
    return ServedTask(task_id, dataset.id, kind, _target(dataset), estimation, rows)


def learning_curve_task(task_id: int, dataset: ServedDataset, samples: int = 3) -> ServedTask:
    """Return a task of ever larger training samples, each twice the one before; its target is a class."""
    whole = ten_fold_task(task_id, dataset)
    rows: list[SplitRow] = []
    for fold in range(10):
        train = [row for row in whole.splits if (row.fold, row.part) == (fold, "TRAIN")]
        test = [row for row in whole.splits if (row.fold, row.part) == (fold, "TEST")]
        for sample in range(samples):
            kept = train[: len(train) >> (samples - 1 - sample)]
            rows += (row._replace(sample=sample) for row in (*kept, *test))
    return replace(whole, type=TaskType.LEARNING_CURVE, estimation=LEARNING_CURVE, splits=tuple(rows))


def with_a_gap(task: ServedTask) -> ServedTask:
    """Return the task with one row in neither TRAIN nor TEST of its first fold."""
    gone = task.splits[0]
    return replace(task, splits=tuple(row for row in task.splits if row[:3] != gone[:3]))


def with_an_overlap(task: ServedTask) -> ServedTask:
    """Return the task with one training row of its first fold in the fold's TEST too."""
    both = next(row for row in task.splits if row.part == "TRAIN")
    return replace(task, splits=(*task.splits, both._replace(part="TEST")))


def task_type(dataset: ServedDataset) -> TaskType:
    """Return what kind of task the target makes. Raises ValueError where it makes none."""
    (kind,) = (a.kind for a in dataset.table.attributes if a.name == dataset.target)
    if kind is Kind.STRING:
        raise ValueError(f"{dataset.name}: the target {dataset.target!r} is text, which makes no task")
    return _CLASSIFICATION if kind is Kind.NOMINAL else _REGRESSION


def _labels(dataset: ServedDataset) -> list[int] | None:
    """Return the class codes (n_rows,), in declared order, or None for a regression."""
    if task_type(dataset) is _REGRESSION:
        return None
    (levels,) = (a.levels for a in dataset.table.attributes if a.name == dataset.target)
    codes = {level: code for code, level in enumerate(levels)}
    return [codes[cell] for cell in dataset.table.column(_target(dataset)) if cell is not None]


def _target(dataset: ServedDataset) -> str:
    if dataset.target is None:
        raise ValueError(f"{dataset.name} has no target")
    return dataset.target


def _in_turn(repeat: int, folds: Sequence[Sequence[int]]) -> Iterator[SplitRow]:
    """Yield the lines of a repeat: each fold's training rows, then its test rows."""
    for fold, test in enumerate(folds):
        for other, rows in enumerate(folds):
            if other != fold:
                yield from (SplitRow(repeat, fold, row, "TRAIN") for row in rows)
        yield from (SplitRow(repeat, fold, row, "TEST") for row in test)
