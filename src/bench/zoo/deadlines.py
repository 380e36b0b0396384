"""How a fit keeps to its deadline: stop with the best so far, before a step that would run past it."""

from __future__ import annotations

import math

from bench.budgets import Deadline, NoDeadline
from bench.deadlines import DeadlinePassed

__all__ = ["DeadlinePassed", "Patience", "StepClock"]


class StepClock:
    """Times the steps of one fit on the deadline's own clock and foretells the next one."""

    def __init__(self, deadline: Deadline | None) -> None:
        """Start the clock; without a deadline it never says stop."""
        self._deadline = deadline if deadline is not None else NoDeadline()
        self._last_s = self._deadline.remaining_s()
        self.step_s = 0.0
        """What the dearest step so far took."""
        self.steps = 0
        """How many steps have ended."""

    def step(self) -> None:
        """Say that a step has ended."""
        self.steps += 1
        now_s = self._deadline.remaining_s()
        if math.isfinite(now_s):
            self.step_s = max(self.step_s, self._last_s - now_s)
        self._last_s = now_s

    def skip(self) -> None:
        """Say that what went on since the last step was none."""
        self._last_s = self._deadline.remaining_s()

    def affords(self, needed_s: float = 0.0) -> bool:
        """Whether more than so many seconds are left."""
        return self._deadline.remaining_s() > needed_s

    def affords_step(self) -> bool:
        """Whether another step like the dearest so far fits."""
        return self.affords(self.step_s)


class Patience:
    """Early stopping: end after so many steps without a better loss on the validation rows."""

    def __init__(self, steps: int) -> None:
        """Wait for `steps` steps beyond the best."""
        self.steps = steps
        self.best_loss = math.inf
        self.best_step = -1

    def improved(self, step: int, loss: float) -> bool:
        """Note the loss of a step and return whether it is the best so far."""
        if loss < self.best_loss:
            self.best_loss, self.best_step = loss, step
        return self.best_step == step

    def over(self, step: int) -> bool:
        """Whether it is time to end after this step."""
        return step - self.best_step >= self.steps
