"""Which procedure splits a table. Standard library only, so that a plan is made without numpy."""

from __future__ import annotations

from bench.datasets import Dataset
from bench.tasks import SplitPlan

OPENML_CV10 = "openml-cv10"
KFOLD3 = "kfold3"


def split_plan(dataset: Dataset, openml_task_id: int | None) -> SplitPlan:
    """Return OpenML's own ten folds where row ids mean OpenML's rows and a task has them, else our three.

    `openml_task_id` is a task of ten-fold cross-validation on this table, or None.
    """
    if openml_task_id is not None and dataset.grade.carries_official_splits:
        return SplitPlan(procedure=OPENML_CV10, openml_task_id=openml_task_id)
    return SplitPlan(procedure=KFOLD3)
