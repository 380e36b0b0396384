"""One pass over the cells of a run that are left: orders out, progress into the store."""

from __future__ import annotations

import dataclasses
import time
from collections import Counter, deque
from collections.abc import Iterator

from bench.cells import CellStatus
from bench.events import CellElsewhere, CellFinished, CellStarted, Event, TrialFinished, Waiting
from bench.execution.progress import Ended, Executor, Idle, Loaded, Progress, Started, Tried
from bench.orders import Order
from bench.plans import Plan, PlannedCell
from bench.registry import learner as find_learner
from bench.search.configurations import searched
from bench.sources.cache import Cache
from bench.store.leases import Holder
from bench.store.resume import Standing
from bench.store.sqlite import Forget, Store
from bench.trials import Outcome

MOST_DEATHS = 5
"""How many times a cell whose process died is taken up again: each time it goes on at the next trial."""
ELSEWHERE_S = 1.0
"""How often to ask whether another run is done with a cell."""


class Shift:
    """Hands out each cell when there is room for it, and keeps what comes back before anyone hears of it."""

    def __init__(self, plan: Plan, store: Store, cache: Cache, run_id: str, forget: Forget) -> None:
        """Take the cells of a plan that the store does not hold, less what it is to forget."""
        self._budget, self._store, self._run_id, self._forget = plan.budget, store, run_id, forget
        self._cache_root = str(cache.root)
        self._holder = Holder.this_process()
        self._running: dict[str, tuple[PlannedCell, Order]] = {}
        self._tried: Counter[str] = Counter()
        self._deaths: Counter[str] = Counter()
        self.waiting = deque(p for p in plan.runnable if not self._standing(p).done)
        self._elsewhere: list[PlannedCell] = []

    def work(self, executor: Executor) -> Iterator[Event]:
        """Yield what happens until every cell is done, here or in another run on this store."""
        told: set[str] = set()
        while self.waiting:
            yield from self._pass(executor)
            for planned in self._elsewhere:
                if planned.evidence_key not in told:
                    yield CellElsewhere(planned.cell)
                    told.add(planned.evidence_key)
            if self._elsewhere:
                time.sleep(ELSEWHERE_S)
                yield Waiting()
            self.waiting.extend(self._elsewhere)
            self._elsewhere.clear()

    def _pass(self, executor: Executor) -> Iterator[Event]:
        progress = executor.run(self._next_order)
        try:
            for happening in progress:
                yield from self._keep(happening)
        finally:
            close = getattr(progress, "close", None)
            if close is not None:
                close()
            for _, order in list(self._running.values()):
                reason = "stopped from outside; the same command goes on with it"
                self._end(order, Outcome(status=CellStatus.INTERRUPTED, complete=False, reason=reason))

    def _next_order(self) -> Order | None:
        """Return what to start now, or None: another run may have done a cell, or be at it."""
        while self.waiting:
            planned = self.waiting.popleft()
            key = planned.evidence_key
            if not self._store.acquire(key, self._holder):
                self._elsewhere.append(planned)
                continue
            order = self._order(planned)
            if order is None:
                self._store.release(key)
                continue
            self._store.start_attempt(order, self._run_id)
            self._running[key] = planned, order
            return order
        return None

    def _order(self, planned: PlannedCell) -> Order | None:
        stands = self._standing(planned)
        if stands.done:
            return None
        return Order(
            cell=planned.cell,
            learner=planned.learner,
            evidence_key=planned.evidence_key,
            attempt=stands.attempt,
            budget=self._budget,
            start_trial=stands.start_trial,
            spent_s=stands.spent_s,
            fresh=stands.fresh,
            valid_before=stands.valid_before,
            cache_root=self._cache_root,
        )

    def _standing(self, planned: PlannedCell) -> Standing:
        return self._store.standing(planned.evidence_key, self._budget, self._forget)

    def _keep(self, happening: Progress) -> Iterator[Event]:
        """Put into the store what happened, and only then say so."""
        match happening:
            case Started(order):
                yield CellStarted(order.cell, order.start_trial)
            case Loaded(order, rows):
                self._store.add_rows(order, rows)
            case Tried(order, trial, predictions):
                self._store.add_trial(order, trial, predictions)
                self._tried[order.evidence_key] += 1
                yield TrialFinished(order.cell, trial)
            case Ended(order, outcome):
                yield from self._ended(order, outcome)
            case Idle():
                yield Waiting()

    def _ended(self, order: Order, outcome: Outcome) -> Iterator[Event]:
        """Keep how an attempt ended; a cell whose process died in a trial goes on at the next one."""
        key = order.evidence_key
        planned = self._running[key][0]
        died = not outcome.complete and self._tried.pop(key, 0) > 0
        if died:
            self._deaths[key] += 1
            if self._deaths[key] >= MOST_DEATHS or not self._something_left(planned):
                outcome, died = dataclasses.replace(outcome, complete=True), False
        self._end(order, outcome)
        if died:
            self.waiting.appendleft(planned)
        else:
            yield CellFinished(order.cell, outcome)

    def _something_left(self, planned: PlannedCell) -> bool:
        stands, budget = self._standing(planned), self._budget
        cell = planned.cell
        learner = find_learner(planned.learner)
        space = searched(learner, cell.task.problem, augmentation=cell.augmentation)
        return (
            (budget.trials is None or stands.start_trial < budget.trials)
            and (budget.seconds is None or stands.spent_s < budget.seconds)
            and (space.size is None or stands.start_trial < space.size)
        )

    def _end(self, order: Order, outcome: Outcome) -> None:
        self._store.end_attempt(order, outcome)
        self._store.release(order.evidence_key)
        del self._running[order.evidence_key]
