"""A cell that is running, as the parent of its server sees it."""

from __future__ import annotations

import mmap
import os
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from bench.execution import linux, wire
from bench.execution.postmortem import Death
from bench.execution.progress import Loaded, Tried
from bench.execution.servers import Server
from bench.orders import Order
from bench.runner.processes import tree_resident_bytes, waited_s
from bench.runner.state import PAGE_BYTES, State
from bench.trials import Outcome, Trial

MEMORY_SLACK = 1.1
"""A cell's processes may hold this many times the cap before the guard acts: RLIMIT_DATA caps each alone."""
BEGIN_LIMIT_S = 30.0
"""How long a server may take to fork a cell, and a cell to begin."""
LOG_TAIL_BYTES = 4096


@dataclass(slots=True, eq=False)
class Worker:
    """A cell that is running."""

    token: int
    order: Order
    server: Server
    cores: frozenset[int]
    pipe: int
    log: int
    state: State
    sent_at: float
    inbox: wire.Inbox = field(default_factory=wire.Inbox)
    pid: int | None = None
    base_bytes: int = 0
    """What it was forked with: the pages that it shares with its server."""
    begun: bool = False
    """Whether it was ever seen to have announced a phase."""
    open: bool = True
    """Whether its pipe may have more to read."""
    trials: list[Trial] = field(default_factory=list)
    death: Death | None = None
    """Why the guard killed it, if it did."""
    outcome: Outcome | None = None

    def listen(self) -> Iterator[Loaded | Tried]:
        """Yield what it says, as far as there is something to read; what cannot be read is its end."""
        while self.open:
            try:
                content = os.read(self.pipe, 1 << 20)
            except BlockingIOError:
                return
            self.open = bool(content)
            try:
                for message, tail in self.inbox.feed(content):
                    heard = self._understand(message, tail)
                    if heard is not None:
                        yield heard
            except wire.UnreadableError:
                self.open = False
                self.kill(Death(cause="sent a message that cannot be read", phase_s=self.phase_s()))

    def _understand(self, message: dict[str, object], tail: bytes) -> Loaded | Tried | None:
        if "trial" in message:
            trial, predictions = wire.read_trial(message, tail)
            before = self.trials[-1].number if self.trials else self.order.start_trial - 1
            if trial.number <= before:
                raise wire.UnreadableError(f"trial {trial.number} after trial {before}")
            self.trials.append(trial)
            return Tried(self.order, trial, predictions)
        if "rows" in message:
            return Loaded(self.order, wire.read_rows(message))
        self.outcome = wire.read_outcome(message)
        return None

    def judge(self) -> None:
        """Kill it if it is past its time or memory, or does not begin."""
        if self.pid is None or self.death is not None:
            return
        self.begun = self.begun or self.state.begun
        if not self.begun:
            if time.monotonic() - self.sent_at - waited_s(self.pid) > BEGIN_LIMIT_S:
                self.kill(Death(cause=f"it did not begin within {BEGIN_LIMIT_S:.0f} s"))
        elif self.overdue_in_s() <= 0:
            self.kill(Death(guard="time", phase_s=self.phase_s()))
        elif tree_resident_bytes(self.pid, self.base_bytes) > MEMORY_SLACK * self.order.budget.memory_bytes:
            self.kill(Death(guard="memory", phase_s=self.phase_s()))

    def kill(self, death: Death) -> None:
        """Kill its whole process group, for this reason; its server reaps it."""
        self.death = self.death or death
        if self.pid is not None:
            linux.kill_group(self.pid)

    def overdue_in_s(self) -> float:
        """Return seconds until the guard has to act, if the worker gets its core all the while."""
        return self.state.overdue_in_s(self.order.budget.guard_s, self._waited_s())

    def phase_s(self) -> float:
        """Return seconds of its phase so far, less those that it waited for a core."""
        return self.state.running_s(self._waited_s())

    def _waited_s(self) -> float:
        return 0.0 if self.pid is None else waited_s(self.pid)

    def log_tail(self) -> str:
        """Return the end of what it printed."""
        size = os.fstat(self.log).st_size
        return os.pread(self.log, LOG_TAIL_BYTES, max(0, size - LOG_TAIL_BYTES)).decode(errors="replace")

    def close(self) -> None:
        """Let go of its pipe and its log."""
        os.close(self.pipe)
        os.close(self.log)


def send_order(token: int, order: Order, server: Server, cores: frozenset[int]) -> Worker | None:
    """Have a server fork a worker for this order; return it, or None where the server has ended."""
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    page, log, text = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("state", "log", "order"))
    os.truncate(page, PAGE_BYTES)
    with os.fdopen(os.dup(text), "wb") as file:
        pickle.dump((order, cores), file)
    os.lseek(text, 0, os.SEEK_SET)
    state = State(mmap.mmap(page, PAGE_BYTES))
    state.trial = -1
    sent = server.send(token, [text, write_end, page, log])
    for fd in (text, write_end, page):
        os.close(fd)
    worker = Worker(
        token=token,
        order=order,
        server=server,
        cores=cores,
        pipe=read_end,
        log=log,
        state=state,
        sent_at=time.monotonic(),
    )
    if not sent:
        worker.close()
        return None
    return worker
