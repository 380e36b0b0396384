"""What happens during a run, as values: the session yields them, whoever shows them decides how."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bench.cells import Cell
from bench.plans import Plan
from bench.trials import Outcome, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStarted:
    """The plan is fixed and the run is on record."""

    run_id: str
    plan: Plan
    done_before: int
    """Cells whose evidence the store already holds under this budget."""
    to_do: int


@dataclass(frozen=True, slots=True)
class CellStarted:
    """A cell was handed to a worker."""

    cell: Cell
    continues_at: int
    """The trial it starts with; above 0 where it goes on with an earlier attempt."""


@dataclass(frozen=True, slots=True)
class TrialFinished:
    """A trial is in the store."""

    cell: Cell
    trial: Trial


@dataclass(frozen=True, slots=True)
class CellFinished:
    """An attempt at a cell ended, whichever way."""

    cell: Cell
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing happened for a second; a moment to redraw."""


@dataclass(frozen=True, slots=True)
class CellElsewhere:
    """Another run on this store holds the cell."""

    cell: Cell


@dataclass(frozen=True, slots=True)
class RunFinished:
    """Every cell was seen to."""

    run_id: str


Event: TypeAlias = (
    RunStarted | CellStarted | TrialFinished | CellFinished | Waiting | CellElsewhere | RunFinished
)
