"""A plan is the list of cells, with a reason for each one that will not run."""

from __future__ import annotations

from dataclasses import dataclass

from bench.budgets import Budget
from bench.cells import Cell
from bench.interventions import NONE, parse_intervention
from bench.suites import Suite
from bench.tasks import Split, Task


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
TOUR_BELOW_REPETITIONS = 3
TOUR_BELOW_TRIALS = 10


def is_tour(plan: Plan) -> bool:
    """Whether a plan is too short to be evidence.

    That is under 30 billed seconds a cell, no table with three repetitions, or under ten trials where it is
    not about its interventions alone.
    """
    seconds = plan.budget.seconds
    return (
        repetitions(plan) < TOUR_BELOW_REPETITIONS
        or (seconds is not None and seconds < TOUR_BELOW_S)
        or (_few_trials(plan) and not _contrasts_alone(plan))
    )


def is_of_interventions(plan: Plan) -> bool:
    """Whether a plan is evidence of what interventions change, and of what learners can do none.

    Its cells have a few trials each, as many with an intervention as without it, whatever they cost: their
    errors are compared between the two, and a search so short says little of what a longer one would find.
    """
    return _few_trials(plan) and not is_tour(plan)


def repetitions(plan: Plan) -> int:
    """Return how often the most repeated table is run anew: its (repeat, fold, seed) triples."""
    by_task: dict[str, set[tuple[int, int, int]]] = {}
    for cell in (planned.cell for planned in plan.cells):
        triple = (cell.split.repeat, cell.split.fold, cell.seed)
        by_task.setdefault(cell.task.name, set()).add(triple)
    return max(map(len, by_task.values()), default=0)


def _few_trials(plan: Plan) -> bool:
    return plan.budget.trials is not None and plan.budget.trials < TOUR_BELOW_TRIALS


def _contrasts_alone(plan: Plan) -> bool:
    """Whether trials alone limit the cells, and each one that applies has another to be compared with."""
    if plan.budget.seconds is not None:
        return False
    together: dict[tuple[str, Split, str, int], set[str]] = {}
    for cell in (planned.cell for planned in plan.runnable):
        key = (cell.task.name, cell.split, cell.learner, cell.seed)
        together.setdefault(key, set()).add(cell.intervention)
    return all(map(_is_paired, {frozenset(names) for names in together.values()}))


def _is_paired(names: frozenset[str]) -> bool:
    """Whether each intervention is there with its reference, or is one's reference itself."""
    pairs = {name: parse_intervention(name).kind.reference for name in names if name != NONE}
    pairs = {name: reference for name, reference in pairs.items() if reference in names}
    return names == {*pairs, *pairs.values()}
