"""Where a cell stands: what its earlier attempts leave to do. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bench.budgets import Budget
from bench.trials import TrialStatus


@dataclass(frozen=True, slots=True)
class PastTrial:
    """As much of a stored trial as resuming needs; the latest attempt's, where several tried it."""

    number: int
    status: TrialStatus
    spent_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PastAttempt:
    """The latest attempt at a cell."""

    attempt: int
    budget: Budget
    complete: bool
    """Whether it ended by itself, be it with an error of its learner, or by the guard."""
    space_exhausted: bool
    out_of_memory: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What is left to do of a cell."""

    done: bool
    attempt: int
    """The number of the next attempt, from 1."""
    start_trial: int
    spent_s: float
    valid_before: bool
    fresh: bool = False
    """Whether earlier attempts are to be forgotten."""


def standing(last: PastAttempt | None, trials: Sequence[PastTrial], budget: Budget) -> Standing:
    """Return where a cell stands under a budget.

    Trial t's configuration does not depend on the budget, so a cell's trace is one stream: a larger
    budget goes on with it, at the first trial that the old deadline cut or that is missing; a smaller
    or equal one has nothing to do.
    """
    kept = _unbroken(trials)
    return Standing(
        done=last is not None and nothing_left(last, budget),
        attempt=1 if last is None else last.attempt + 1,
        start_trial=len(kept),
        spent_s=kept[-1].spent_s if kept else 0.0,
        valid_before=any(trial.status.valid for trial in kept),
    )


def nothing_left(last: PastAttempt, budget: Budget) -> bool:
    """Return whether a cell with this latest attempt is done under a budget."""
    if not last.complete or (last.out_of_memory and budget.memory_bytes > last.budget.memory_bytes):
        return False
    return last.space_exhausted or last.budget.covers(budget)


def _unbroken(trials: Sequence[PastTrial]) -> list[PastTrial]:
    """The trials from 0 on, up to the first that is missing or was cut."""
    by_number = {trial.number: trial for trial in trials}
    kept: list[PastTrial] = []
    while (trial := by_number.get(len(kept))) is not None and not trial.status.cut:
        kept.append(trial)
    return kept
