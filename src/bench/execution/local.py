"""Cells on this machine: each in a process of its own, forked from a server, limited, and killed on time."""

from __future__ import annotations

import json
import mmap
import os
import pickle
import selectors
import signal
import socket
import subprocess
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bench.errors import ConfigError, PrerequisiteError
from bench.execution import linux, wire
from bench.execution.postmortem import Death, Remains, conclude
from bench.execution.progress import Ended, Idle, Loaded, Progress, Started, Tried
from bench.orders import Order
from bench.registry import learner as find_learner
from bench.runner.processes import resident_bytes, tree_resident_bytes, waited_s
from bench.runner.state import PAGE_BYTES, State
from bench.trials import Trial

WAKE_S = 1.0
"""How often the parent looks up unasked: it shares the cores with the cells it times."""
MEMORY_SLACK = 1.1
"""A cell's processes may hold this many times the cap before the guard acts: RLIMIT_DATA caps each alone."""
LOG_TAIL_BYTES = 4096


@dataclass(slots=True, eq=False)
class _Server:
    """A fork server as its parent sees it."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    modules: tuple[str, ...]


@dataclass(slots=True, eq=False)
class _Worker:
    """A cell that is running."""

    token: int
    order: Order
    server: _Server
    cores: frozenset[int]
    pipe: int
    log: int
    state: State
    inbox: wire.Inbox = field(default_factory=wire.Inbox)
    pid: int | None = None
    base_bytes: int = 0
    """What it was forked with: the pages that it shares with its server."""
    trials: list[Trial] = field(default_factory=list)
    death: Death | None = None
    """Why the guard killed it, if it did."""
    outcome: dict[str, Any] | None = None

    @property
    def begun(self) -> bool:
        """Whether the guard has something to watch."""
        return self.pid is not None and self.death is None and self.state.begun

    def overdue_in_s(self) -> float:
        """Return seconds until the guard has to act, if the worker gets its core all the while."""
        return self.state.overdue_in_s(self.order.budget.guard_s, self._waited_s())

    def phase_s(self) -> float:
        """Return seconds of its phase so far, less those that it waited for a core."""
        return self.state.running_s(self._waited_s())

    def _waited_s(self) -> float:
        return 0.0 if self.pid is None else waited_s(self.pid)

    @property
    def memory_limit_bytes(self) -> float:
        """What its processes may hold together before the guard acts."""
        return MEMORY_SLACK * self.order.budget.memory_bytes


class LocalExecutor:
    """Runs cells of so many cores, up to `jobs` at once, each pinned to cores of its own."""

    def __init__(self, jobs: int | None = None, cores: int = 1) -> None:
        """Take `jobs` cells at a time; None uses every core this process may use.

        Raises:
            ConfigError: more cores are asked for than there are.
            PrerequisiteError: this is not Linux.
        """
        linux.require_linux()
        self._cores = cores
        self._free = _core_sets(jobs, cores)
        self.jobs = len(self._free)
        self._selector = selectors.DefaultSelector()
        self._servers: dict[tuple[tuple[str, ...], int], _Server] = {}
        self._workers: dict[int, _Worker] = {}
        self._tokens = 0

    def run(self, orders: Iterable[Order]) -> Iterator[Progress]:
        """Yield what happens until every order has ended; closing the iterator stops every worker first.

        Raises:
            ConfigError: an order wants another number of cores.
            PrerequisiteError: a fork server cannot import what its learners need.
        """
        waiting = iter(orders)
        exhausted = False
        try:
            while True:
                while self._free and not exhausted:
                    order = next(waiting, None)
                    if order is None:
                        exhausted = True
                        break
                    if order.cell.cores != self._cores:
                        raise ConfigError(f"{order.cell.id}: this run gives every cell {self._cores} cores")
                    self._start(order, self._free.pop(0))
                    yield Started(order)
                if not self._workers:
                    return
                yield from self._turn()
        finally:
            self._stop()

    def _start(self, order: Order, cores: frozenset[int]) -> None:
        server = self._server_for(order)
        read_end, write_end = os.pipe()
        os.set_blocking(read_end, False)
        page, log, text = (os.memfd_create(name, os.MFD_CLOEXEC) for name in ("state", "log", "order"))
        os.truncate(page, PAGE_BYTES)
        os.write(text, pickle.dumps((order, cores)))
        os.lseek(text, 0, os.SEEK_SET)
        worker = _Worker(
            token=self._tokens,
            order=order,
            server=server,
            cores=cores,
            pipe=read_end,
            log=log,
            state=State(mmap.mmap(page, PAGE_BYTES)),
        )
        socket.send_fds(server.channel, [str(worker.token).encode()], [text, write_end, page, log])
        for fd in (text, write_end, page):
            os.close(fd)
        self._selector.register(read_end, selectors.EVENT_READ, worker)
        self._workers[worker.token] = worker
        self._tokens += 1

    def _server_for(self, order: Order) -> _Server:
        """The server that has imported what this learner needs: one for each set of libraries, kept lean."""
        modules, cores = find_learner(order.cell.learner).modules, order.cell.cores
        if (modules, cores) not in self._servers:
            server = _launch(modules, cores)
            self._servers[modules, cores] = server
            self._selector.register(server.channel, selectors.EVENT_READ, server)
        return self._servers[modules, cores]

    def _turn(self) -> Iterator[Progress]:
        """Wait for whatever comes first: a message, an end, a deadline, or a second."""
        ready = self._selector.select(self._patience_s())
        for key, _ in ready:
            if isinstance(key.data, _Worker):
                if key.data.token in self._workers:  # its end may have come in the same breath
                    yield from self._listen(key.data)
            else:
                yield from self._hear(key.data)
        self._guard()
        if not ready:
            yield Idle()

    def _patience_s(self) -> float:
        overdue = (worker.overdue_in_s() for worker in self._workers.values() if worker.begun)
        return max(0.001, min([WAKE_S, *overdue]))

    def _listen(self, worker: _Worker) -> Iterator[Progress]:
        """Take in what a worker says."""
        while True:
            try:
                content = os.read(worker.pipe, 1 << 20)
            except BlockingIOError:
                return
            if not content:
                self._selector.unregister(worker.pipe)
                return
            for message, tail in worker.inbox.feed(content):
                if "trial" in message:
                    trial, predictions = wire.read_trial(message, tail)
                    worker.trials.append(trial)
                    yield Tried(worker.order, trial, predictions)
                elif "rows" in message:
                    yield Loaded(worker.order, message["rows"])
                else:
                    worker.outcome = message

    def _hear(self, server: _Server) -> Iterator[Progress]:
        """Take in what a server says."""
        content = server.channel.recv(1 << 16)
        if not content:
            raise PrerequisiteError(
                f"a fork server ({', '.join(server.modules) or 'base libraries'}) ended with exit code "
                f"{server.process.wait()}; every finished trial is kept - run the same command to go on"
            )
        message = json.loads(content)
        if "failed" in message:
            raise PrerequisiteError(
                f"{message['failed']}; install what is missing, or leave its learners out"
            )
        if "started" in message:
            worker = self._workers[message["started"]]
            worker.base_bytes = resident_bytes(server.process.pid)
            worker.pid = message["pid"]
        else:
            yield from self._finish(self._workers[message["ended"]], message["code"], message["cpu_s"])

    def _finish(self, worker: _Worker, code: int, cpu_s: float) -> Iterator[Progress]:
        """The worker and its group are gone: read what it left in its pipe and conclude."""
        if worker.pipe in self._selector.get_map():
            yield from self._listen(worker)
        if worker.pipe in self._selector.get_map():
            self._selector.unregister(worker.pipe)
        del self._workers[worker.token]
        self._free.append(worker.cores)
        log = _tail(worker.log)
        os.close(worker.pipe)
        os.close(worker.log)
        reported = None if worker.outcome is None else wire.read_outcome(worker.outcome)
        death = worker.death or Death(code=code, phase_s=worker.state.phase_wall_s)
        remains = Remains(reported, death, cpu_s, log)
        outcome, last = conclude(worker.order, worker.state, worker.trials, remains)
        if last is not None:
            yield Tried(worker.order, last, None)
        yield Ended(worker.order, outcome)

    def _guard(self) -> None:
        """Kill what is past its time or memory."""
        for worker in self._workers.values():
            if not worker.begun or worker.pid is None:
                continue
            if worker.overdue_in_s() <= 0:
                worker.death = Death(guard="time", phase_s=worker.phase_s())
            elif tree_resident_bytes(worker.pid, worker.base_bytes) > worker.memory_limit_bytes:
                worker.death = Death(guard="memory", phase_s=worker.phase_s())
            if worker.death is not None:
                _kill_group(worker.pid)

    def _stop(self) -> None:
        """Stop every worker and every server; returns when they are gone."""
        for worker in self._workers.values():
            if worker.pid is not None:
                _kill_group(worker.pid)
            os.close(worker.pipe)
            os.close(worker.log)
        for server in self._servers.values():
            server.channel.close()
            server.process.kill()
            server.process.wait()
        self._selector.close()
        self._workers.clear()
        self._servers.clear()


def _core_sets(jobs: int | None, cores: int) -> list[frozenset[int]]:
    """Disjoint sets of cores, one for each cell that may run at once."""
    available = sorted(os.sched_getaffinity(0))
    room = len(available) // cores
    if room < 1 or (jobs or 1) > room:
        raise ConfigError(
            f"--jobs {jobs or 1}: {len(available)} cores have room for {room} cells of {cores} at once; "
            "more would slow each other down and spoil the timing"
        )
    return [frozenset(available[i * cores : (i + 1) * cores]) for i in range(jobs or room)]


def _launch(modules: tuple[str, ...], cores: int) -> _Server:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    arguments = ["-m", "bench.execution.server", str(theirs.fileno()), str(os.getpid()), *modules]
    process = subprocess.Popen(
        [sys.executable, *arguments],
        pass_fds=[theirs.fileno()],
        env={**os.environ, **dict.fromkeys(threads, str(cores)), "PYTHONHASHSEED": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    theirs.close()
    return _Server(process, ours, modules)


def _kill_group(group: int) -> None:
    try:
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return


def _tail(log: int) -> str:
    size = os.fstat(log).st_size
    return os.pread(log, LOG_TAIL_BYTES, max(0, size - LOG_TAIL_BYTES)).decode(errors="replace")
