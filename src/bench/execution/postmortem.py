"""What became of a worker, from how it ended: its own word, the guard's, or the kernel's."""

from __future__ import annotations

import signal
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from bench.cells import CellStatus
from bench.orders import Order
from bench.registry import learner as find_learner
from bench.runner.state import Phase, State
from bench.search.configurations import trial_config
from bench.trials import Cost, Outcome, Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class Death:
    """Why a worker ended without a word of its own."""

    guard: str = ""
    """`time` or `memory`, where the guard killed it."""
    cause: str = ""
    """What ended it, where that was neither the guard nor its own doing."""
    code: int = 0
    """Its exit code, negative for a signal."""
    phase_s: float = 0.0
    """How long its last phase lasted, less what it waited for a core where that is known."""


@dataclass(frozen=True, slots=True)
class Remains:
    """What is left of a worker, beside its trials."""

    reported: Outcome | None
    """Its own word, where it had time for one."""
    death: Death
    cpu_s: float | None
    """CPU seconds that the kernel counted; None where nobody was left to ask it."""
    log: str


def visible(text: str) -> str:
    """Return a text of a learner's, or of whoever else, with what a terminal would obey spelt out.

    Line ends and tabs are spelt out as well: what is shown so is one line.
    """
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def conclude(
    order: Order, state: State, trials: list[Trial], remains: Remains
) -> tuple[Outcome, Trial | None]:
    """Return how the attempt ended, and the trial that ended with it, if one was being tried.

    What the guard stopped on time has used its budget; what died otherwise may go on at the next trial.
    """
    if (said := remains.reported) is not None:
        log = remains.log + said.log
        return replace(said, cpu_s=remains.cpu_s, log=log, reason=visible(said.reason)), None
    status, reason = _death_told(order, state, remains.death, remains.log)
    last = _last_trial(order, state, trials, (status, reason, remains.death.phase_s))
    valid = order.valid_before or any(trial.status.valid for trial in trials)
    outcome = Outcome(
        status=_cell_status(status, valid=valid),
        complete=status is TrialStatus.TIMEOUT,
        reason=reason if last is None else f"trial {last.number}: {reason}",
        ended_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
        cpu_s=remains.cpu_s,
        log=remains.log,
    )
    return outcome, last


def _death_told(order: Order, state: State, death: Death, log: str) -> tuple[TrialStatus, str]:
    if death.guard == "time":
        if state.phase is Phase.BILLED:
            return TrialStatus.TIMEOUT, f"killed after {order.budget.guard_s:.1f} s of billed work"
        doing = state.phase.name.lower().replace("_", " ")
        limit_s = state.unbilled_limit_s(order.budget.guard_s)
        return TrialStatus.TIMEOUT, f"killed after {limit_s:.0f} s of {doing}"
    if death.guard == "memory":
        return TrialStatus.OOM, f"its processes held more than {order.budget.memory_bytes / 2**30:.1f} GiB"
    if not death.cause and any(
        sign in log for sign in ("bad_alloc", "MemoryError", "Cannot allocate memory")
    ):
        return TrialStatus.OOM, "the memory cap was reached"
    return TrialStatus.CRASH, death.cause or _ending(death.code)


def _ending(code: int) -> str:
    if code >= 0:
        return f"the process left with exit code {code}"
    try:
        return f"the process was ended by {signal.Signals(-code).name}"
    except ValueError:
        return f"the process was ended by signal {-code}"


def _cell_status(status: TrialStatus, *, valid: bool) -> CellStatus:
    if valid:
        return CellStatus.KILLED if status is TrialStatus.TIMEOUT else CellStatus.OK
    return CellStatus(status.value)


def _last_trial(
    order: Order, state: State, trials: list[Trial], told: tuple[TrialStatus, str, float]
) -> Trial | None:
    """The trial that the worker was at: a failure is a row, never a gap."""
    number = state.trial
    if number < order.start_trial or any(trial.number == number for trial in trials):
        return None
    cell, (status, reason, phase_s) = order.cell, told
    config = trial_config(find_learner(order.learner), cell, number)
    billing = state.phase is Phase.BILLED
    billed_s = phase_s if billing else state.last_billed_s
    spent_s = (trials[-1].spent_s if trials else order.spent_s) + billed_s
    cost = Cost(
        billed_s=billed_s,
        billed_wall_s=billed_s,
        unbilled_s=0.0 if billing else phase_s,
        unbilled_wall_s=0.0 if billing else phase_s,
        peak_memory_bytes=None,
    )
    return Trial(
        number=number,
        config=dict(config or {}),
        status=status,
        cost=cost,
        spent_s=spent_s,
        reason=reason,
        finished_at=datetime.now(UTC).isoformat(timespec="milliseconds"),
    )
