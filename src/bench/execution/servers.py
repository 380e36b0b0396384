"""Fork servers as their parent sees them: one for each set of libraries, started when it is first needed."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bench.orders import Order
from bench.registry import learner as find_learner
from bench.runner.processes import waited_s

START_LIMIT_S = 120.0
"""How long a server may take to import its libraries."""
END_LIMIT_S = 1.5
"""How long servers may take to end what runs below them before they are killed themselves."""
MOST_DEATHS = 3
"""A set of libraries whose server died this often gets no new one."""

Key: TypeAlias = tuple[tuple[str, ...], int]
"""What a server has imported, and for how many cores each of its cells is."""


@dataclass(slots=True, eq=False)
class Server:
    """A fork server."""

    key: Key
    process: subprocess.Popen[bytes]
    channel: socket.socket
    launched_at: float
    ready_at: float | None = None

    def send(self, token: int, fds: Sequence[int]) -> bool:
        """Hand over an order; False where the server has ended."""
        try:
            socket.send_fds(self.channel, [str(token).encode()], fds)
        except OSError:
            return False
        return True

    def hear(self) -> dict[str, Any] | None:
        """Return its next message; None where it has ended, or says what is no message."""
        try:
            message = json.loads(self._receive())
        except (OSError, ValueError):
            return None
        return message if isinstance(message, dict) else None

    def _receive(self) -> bytes:
        try:
            return self.channel.recv(1 << 16)
        except ConnectionResetError:
            # It ended with an order unread, which is told first, and once; what it said lies behind.
            return self.channel.recv(1 << 16)

    @property
    def late(self) -> bool:
        """Whether it should have been ready by now; waiting for a core does not count."""
        taken_s = time.monotonic() - self.launched_at - waited_s(self.process.pid)
        return self.ready_at is None and taken_s > START_LIMIT_S


class Servers:
    """Every server of an executor, and the sets of libraries that no server can serve."""

    def __init__(self) -> None:
        """Start with none."""
        self._live: dict[Key, Server] = {}
        self._deaths: Counter[Key] = Counter()
        self._failures: dict[Key, str] = {}

    def __iter__(self) -> Iterator[Server]:
        """Every server that lives, in a list of its own: it may be dropped while one looks."""
        return iter(list(self._live.values()))

    def __contains__(self, server: Server) -> bool:
        """Whether it has not been dropped."""
        return self._live.get(server.key) is server

    def failure(self, order: Order) -> str:
        """Return why no server can serve this order, empty where one can."""
        return self._failures.get(_key(order), "")

    def find(self, order: Order) -> Server:
        """Return the server that has imported what this learner needs; launch it where there is none."""
        key = _key(order)
        if key not in self._live:
            self._live[key] = _launch(key)
        return self._live[key]

    def fail(self, server: Server, reason: str) -> None:
        """Drop a server for good: whatever else needs its libraries fails for the same reason."""
        self._failures[server.key] = reason
        self._drop(server)

    def lose(self, server: Server) -> str:
        """Drop a server that died, and return how; the next order gets a new one, but not for ever."""
        code = self._drop(server)
        how = f"its fork server ended with exit code {code}"
        self._deaths[server.key] += 1
        if self._deaths[server.key] >= MOST_DEATHS:
            libraries = ", ".join(server.key[0]) or "the base libraries"
            self._failures[server.key] = (
                f"{how}, as {MOST_DEATHS - 1} before it did; mend what it imports ({libraries}), "
                "or leave its learners out"
            )
        return how

    def _drop(self, server: Server) -> int:
        del self._live[server.key]
        return _end([server])[0]

    def stop(self) -> None:
        """End every server with all that runs below it; return when they are gone."""
        _end(list(self._live.values()))
        self._live.clear()


def _key(order: Order) -> Key:
    return tuple(find_learner(order.learner).modules), order.cell.cores


def _end(servers: Sequence[Server]) -> list[int]:
    """Ask all servers to end, which kill what is below them first; return their exit codes."""
    for server in servers:
        server.channel.close()
        server.process.terminate()
    deadline = time.monotonic() + END_LIMIT_S
    for server in servers:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.process.wait(max(0.0, deadline - time.monotonic()))
        server.process.kill()
    return [server.process.wait() for server in servers]


def _launch(key: Key) -> Server:
    modules, cores = key
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    arguments = ["-P", "-m", "bench.execution.server", str(theirs.fileno()), str(os.getpid()), *modules]
    with theirs:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            pass_fds=[theirs.fileno()],
            env=environment(cores),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
    return Server(key, process, ours, time.monotonic())


def environment(cores: int) -> dict[str, str]:
    """Return the environment variables of a cell's process: as many threads as cores, the same hashes always.

    Arrow, which holds the names of a frame's columns, would set a GiB aside for itself with the first of
    them, which counts against a cell's memory without being used; from the system it takes what it needs.
    """
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    return {
        **os.environ,
        **dict.fromkeys(threads, str(cores)),
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": _search_path(),
    }


def _search_path() -> str:
    """Where this process finds modules, less the current folder: `python -m` puts it first unasked.

    A file of the user's there must not take the place of a library.
    """
    named = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    here = os.getcwd()  # noqa: PTH109 - compared with a string
    return os.pathsep.join(path for path in sys.path if path and (path != here or path in named))
