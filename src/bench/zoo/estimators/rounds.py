"""How many rounds of boosting: early stopping and the deadline, the same for every library."""

from __future__ import annotations

from bench.budgets import Deadline
from bench.zoo.deadlines import Patience, StepClock

MAX_ROUNDS = 1000
PATIENCE_ROUNDS = 50
"""Rounds without a better validation loss before the end."""


class RoundsMonitor:
    """Is told each round's validation loss and says when to stop."""

    def __init__(
        self, deadline: Deadline | None, wanted: int, *, patience_rounds: int = PATIENCE_ROUNDS
    ) -> None:
        """Watch this deadline (None never comes) over at most so many wanted rounds."""
        self._clock = StepClock(deadline)
        self._wanted = wanted
        self._patience = Patience(patience_rounds)
        self._rounds = 0
        self.truncated = False

    def stop(self, loss: float | None) -> bool:
        """Take note of the round that has ended (no loss without validation rows); whether to stop."""
        step = self._rounds
        self._rounds += 1
        self._clock.step()
        if loss is not None:
            self._patience.improved(step, loss)
            if self._patience.over(step):
                return True
        # After the last wanted round the model is whole, however little time is left.
        self.truncated = self._rounds < self._wanted and not self._clock.affords_step()
        return self.truncated

    @property
    def best_rounds(self) -> int:
        """How many rounds to predict with: up to the best loss, or all of them without validation rows."""
        return self._patience.best_step + 1 if self._patience.best_step >= 0 else self._rounds


def wanted_rounds(learning_rate: float, *, validated: bool) -> int:
    """Return the most rounds to grow.

    Without validation rows nothing can stop them early: then learning rate times rounds is 10, as in
    LightGBM's defaults (0.1 and 100).
    """
    return MAX_ROUNDS if validated else min(MAX_ROUNDS, round(10 / learning_rate))
