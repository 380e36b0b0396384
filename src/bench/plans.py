"""A plan is the list of cells, with a reason for each one that will not run."""

from __future__ import annotations

from dataclasses import dataclass

from bench.budgets import Budget
from bench.cells import Cell
from bench.suites import Suite
from bench.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedCell:
    """A cell with what makes its evidence its own."""

    cell: Cell
    learner: str
    """Where the cell's learner is found: its name, or its import path `package.module:attribute`."""
    evidence_key: str
    learner_hash: str
    lock_hash: str
    not_applicable: str | None = None
    """Why the learner does not apply, where it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """What the plan leaves out altogether: a task, a learner, or training-set sizes of a task."""

    what: str
    """A key path and a name: `tasks[3] (ames)`."""
    reason: str
    unusable: bool = False
    """Whether something outside is missing, so that another day it may run."""
    repeated: bool = False
    """Whether the plan holds the same under another name, rows or a net, so that nothing is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Every cell of a run, before anything is fitted."""

    suite: Suite
    budget: Budget
    """The suite's budget, or what the command line made of it."""
    tasks: tuple[Task, ...]
    cells: tuple[PlannedCell, ...]
    exclusions: tuple[Exclusion, ...]

    @property
    def runnable(self) -> tuple[PlannedCell, ...]:
        """The cells that apply."""
        return tuple(planned for planned in self.cells if planned.not_applicable is None)


TOUR_BELOW_S = 30.0
TOUR_BELOW_SPLITS = 3
TOUR_BELOW_TRIALS = 10


def is_tour(plan: Plan) -> bool:
    """Whether a plan is too short to be evidence.

    That is under 30 billed seconds a cell, under three splits, or under ten trials.
    """
    splits = {(planned.cell.split.repeat, planned.cell.split.fold) for planned in plan.cells}
    seconds, trials = plan.budget.seconds, plan.budget.trials
    return (
        len(splits) < TOUR_BELOW_SPLITS
        or (seconds is not None and seconds < TOUR_BELOW_S)
        or (trials is not None and trials < TOUR_BELOW_TRIALS)
    )
