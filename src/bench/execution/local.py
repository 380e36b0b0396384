"""Cells on this machine: each in a process of its own, forked from a server, limited, and killed on time."""

from __future__ import annotations

import os
import selectors
import time
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime

from bench.cells import CellStatus
from bench.errors import ConfigError
from bench.execution import linux
from bench.execution.cores import Cores, core_room, cpu_quota
from bench.execution.postmortem import Death, Remains, conclude
from bench.execution.progress import Ended, Idle, Progress, Started, Tried
from bench.execution.servers import START_LIMIT_S, Server, Servers
from bench.execution.workers import BEGIN_LIMIT_S, Worker, send_order
from bench.orders import Order
from bench.runner.processes import resident_bytes
from bench.trials import Outcome

WAKE_S = 1.0
"""How often the parent looks up unasked: it shares the cores with the cells it times."""
WAKE_FOR_CORES_S = 0.2
"""The same while it waits for cores that other runs hold."""
LATE_S = 2.0
"""When it looks this much later, the parent was stopped or blocked: it listens before it judges."""


class LocalExecutor:
    """Runs cells of so many cores, up to `jobs` at once, each pinned to cores that no other run holds."""

    _selector: selectors.DefaultSelector
    """Made anew by each `run`, and closed with it."""

    def __init__(self, jobs: int | None = None, cores: int = 1) -> None:
        """Take `jobs` cells at a time; None uses every core this process may use.

        Raises:
            ConfigError: more cores are asked for than there are.
            PrerequisiteError: this is not Linux.
        """
        linux.require_linux()
        available = sorted(os.sched_getaffinity(0))
        self.jobs = _jobs(jobs, cores, len(available))
        self._cores_each = cores
        self._cores = Cores(available, cores)
        self._kept: frozenset[int] | None = None
        """Cores of the last cell that ran: a run that has any keeps some until it has asked what is next."""
        self._waiting = False
        self._looked_at = 0.0
        self._was_late = False
        self._servers = Servers()
        self._workers: dict[int, Worker] = {}
        self._tokens = 0

    def run(self, next_order: Callable[[], Order | None]) -> Iterator[Progress]:
        """Yield what happens until there is nothing to start and nothing runs.

        Cores are locked before `next_order` is asked: what it returns can start at once. Closing the
        iterator stops every worker first.

        Raises:
            ConfigError: an order wants another number of cores.
            PrerequisiteError: cores cannot be locked.
        """
        self._selector = selectors.DefaultSelector()
        try:
            while True:
                nothing_left = yield from self._fill(next_order)
                if nothing_left and not self._workers:
                    return
                yield from self._turn()
        finally:
            self._stop()

    def _fill(self, next_order: Callable[[], Order | None]) -> Generator[Progress, None, bool]:
        """Start cells while there is room and something to start; return whether there is nothing."""
        self._waiting = False
        while len(self._workers) < self.jobs:
            cores, self._kept = self._kept or self._cores.take(), None
            if cores is None:
                self._waiting = True
                return False
            order = next_order()
            if order is None:
                self._cores.release(cores)
                return True
            if order.cell.cores != self._cores_each:
                raise ConfigError(f"{order.cell.id}: this run gives every cell {self._cores_each} cores")
            yield from self._start(order, cores)
        return False

    def _start(self, order: Order, cores: frozenset[int]) -> Iterator[Progress]:
        yield Started(order)
        failure = self._servers.failure(order)
        if failure:
            self._release(cores)
            yield Ended(order, _failed(CellStatus.ERROR, failure))
            return
        server = self._servers.find(order)
        if server.channel not in self._selector.get_map():
            self._selector.register(server.channel, selectors.EVENT_READ, server)
        self._tokens += 1
        worker = send_order(self._tokens, order, server, cores)
        if worker is None:
            self._release(cores)
            while server in self._servers:  # its last words may be why: they lie in the channel
                yield from self._hear(server)
            failure = self._servers.failure(order)
            status = CellStatus.ERROR if failure else CellStatus.CRASH
            yield Ended(order, _failed(status, failure or "its fork server had ended"))
            return
        self._workers[worker.token] = worker
        self._selector.register(worker.pipe, selectors.EVENT_READ, worker)

    def _turn(self) -> Iterator[Progress]:
        """Wait for whatever comes first: a message, an end, a deadline, or a second."""
        ready = self._selector.select(self._patience_s())
        for key, _ in ready:
            if isinstance(key.data, Worker):
                if key.data.token in self._workers:  # its end may have come in the same breath
                    yield from self._listen(key.data)
            elif key.data in self._servers:
                yield from self._hear(key.data)
        now = time.monotonic()
        late = now - self._looked_at > WAKE_S + LATE_S
        # At most every other look: one who is slow to take what happens must not disarm the guard.
        self._looked_at = now
        if not late or self._was_late:
            yield from self._guard()
        self._was_late = late and not self._was_late
        if not ready:
            yield Idle()

    def _patience_s(self) -> float:
        begun = (worker for worker in self._workers.values() if worker.begun and worker.death is None)
        wake_s = WAKE_FOR_CORES_S if self._waiting else WAKE_S
        return max(0.001, min([wake_s, *(worker.overdue_in_s() for worker in begun)]))

    def _listen(self, worker: Worker) -> Iterator[Progress]:
        yield from worker.listen()
        if not worker.open:
            self._selector.unregister(worker.pipe)

    def _hear(self, server: Server) -> Iterator[Progress]:
        """Take in what a server says."""
        match server.hear():
            case {"ready": _}:
                server.ready_at = time.monotonic()
            case {"failed": str(reason)}:
                yield from self._fail(server, reason)
            case {"started": token, "pid": int(pid)} if token in self._workers:
                self._workers[token].base_bytes = resident_bytes(server.process.pid)
                self._workers[token].pid = pid
            case {"refused": token, "reason": str(reason)} if token in self._workers:
                yield from self._finish(self._workers[token], Death(cause=reason), None)
            case {"ended": token, "code": int(code), "cpu_s": float(cpu_s)} if token in self._workers:
                worker = self._workers[token]
                death = Death(code=code, phase_s=worker.state.phase_wall_s)
                yield from self._finish(worker, death, cpu_s)
            case _:
                yield from self._lose(server)

    def _finish(self, worker: Worker, death: Death, cpu_s: float | None) -> Iterator[Progress]:
        """The worker and its group are gone: read what it left in its pipe and conclude."""
        yield from worker.listen()
        log = worker.log_tail()
        self._dismiss(worker)
        remains = Remains(worker.outcome, worker.death or death, cpu_s, log)
        outcome, last = conclude(worker.order, worker.state, worker.trials, remains)
        if last is not None:
            yield Tried(worker.order, last, None)
        yield Ended(worker.order, outcome)

    def _dismiss(self, worker: Worker) -> None:
        if worker.pipe in self._selector.get_map():
            self._selector.unregister(worker.pipe)
        worker.close()
        del self._workers[worker.token]
        self._release(worker.cores)

    def _release(self, cores: frozenset[int]) -> None:
        """Let others have these cores; the last ones only when it is known that nothing is left to start."""
        if self._workers or self._kept is not None:
            self._cores.release(cores)
        else:
            self._kept = cores

    def _fail(self, server: Server, reason: str) -> Iterator[Progress]:
        """No cell can have this server: end those that wait for it."""
        self._selector.unregister(server.channel)
        self._servers.fail(server, reason)
        for worker in self._of(server):
            self._dismiss(worker)
            yield Ended(worker.order, _failed(CellStatus.ERROR, reason))

    def _lose(self, server: Server) -> Iterator[Progress]:
        """The server ended by itself, and its cells with it."""
        self._selector.unregister(server.channel)
        how = self._servers.lose(server)
        for worker in self._of(server):
            worker.kill(Death(cause=how, phase_s=worker.state.phase_wall_s))
            yield from self._finish(worker, Death(), None)

    def _of(self, server: Server) -> list[Worker]:
        return [worker for worker in self._workers.values() if worker.server is server]

    def _guard(self) -> Iterator[Progress]:
        """Stop what is past its time or memory, or never gets going."""
        for worker in self._workers.values():
            worker.judge()
        for server in self._servers:
            if server.late:
                yield from self._fail(
                    server, f"its imports did not end within {START_LIMIT_S:.0f} s; mend them"
                )
            elif self._stuck(server):
                yield from self._lose(server)

    def _stuck(self, server: Server) -> bool:
        """Whether a server that is ready leaves an order lying."""
        since = [
            max(w.sent_at, server.ready_at) for w in self._of(server) if w.pid is None and server.ready_at
        ]
        return bool(since) and time.monotonic() - min(since) > BEGIN_LIMIT_S

    def _stop(self) -> None:
        """Stop every worker and every server, with all that they started; returns when they are gone."""
        for worker in self._workers.values():
            worker.kill(Death(cause="stopped"))
            worker.close()
        self._servers.stop()
        self._selector.close()
        self._workers.clear()
        self._cores.close()
        self._kept = None


def _failed(status: CellStatus, reason: str) -> Outcome:
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return Outcome(status=status, complete=False, reason=reason, ended_at=now)


def _jobs(jobs: int | None, cores: int, available: int) -> int:
    room = core_room(cores, available, cpu_quota())
    if (jobs or 1) > room:
        raise ConfigError(
            f"--jobs {jobs or 1}: this process may use {min(available, cpu_quota()):g} cores, "
            f"room for {room} cells of {cores} at once; more would slow each other down and spoil the timing"
        )
    return jobs or room
