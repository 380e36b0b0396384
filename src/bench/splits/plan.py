"""Which procedure splits a table. Standard library only, so that a plan is made without numpy."""

from __future__ import annotations

from bench.datasets import Dataset
from bench.facts import Consequence
from bench.tasks import SplitPlan

OPENML_CV10 = "openml-cv10"
KFOLD3 = "kfold3"
GROUP3 = "group3"
TIME3 = "time3"
TWINS3 = "twins3"
PUBLISHED = "published-last"
"""One split, of the last so many rows, which follow."""
_TITLES = {
    KFOLD3: "seeded 3-fold",
    TWINS3: "seeded 3-fold, equal rows on one side",
    GROUP3: "3 folds of whole groups",
    TIME3: "3 folds, each later than what it learns from",
}


def split_plan(dataset: Dataset) -> SplitPlan:
    """Return OpenML's own splits where row ids mean OpenML's rows and a task has them, else our three folds.

    A table that is published in a training and a test part is split so.
    Ours keep groups together, or the past before the future, where the table has a column for it; else rows
    that are equal in every feature, where a fact of the table says that they are to be kept together.
    """
    official = dataset.official
    if official is not None and dataset.grade.carries_official_splits:
        return SplitPlan(procedure=official.procedure, openml_task_id=official.openml_task_id)
    if dataset.n_published_test is not None:
        return SplitPlan(procedure=f"{PUBLISHED}{dataset.n_published_test}")
    if dataset.group is not None:
        return SplitPlan(procedure=GROUP3)
    if dataset.time is not None:
        return SplitPlan(procedure=TIME3)
    together = any(fact.consequence is Consequence.GROUP for fact in dataset.facts)
    return SplitPlan(procedure=TWINS3 if together else KFOLD3)


def split_title(splits: SplitPlan) -> str:
    """Return a procedure in words, as a plan shows it."""
    if splits.official:
        return "OpenML's own splits"
    if splits.procedure.startswith(PUBLISHED):
        return "the published training and test rows"
    return _TITLES[splits.procedure]
