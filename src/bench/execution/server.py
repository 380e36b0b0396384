"""A fork server: imports libraries once, never fits, and forks one process for each cell.

Fork after import costs tens of milliseconds against seconds for a fresh interpreter, with the same
isolation. It is safe only while this process has never run an OpenMP region: so it imports, sets one
thread a core, and checks its own threads before it forks.

Started as `python -m bench.execution.server FD PARENT MODULE...`: its end of a socket pair, its parent's
process number, and what to import.
"""

from __future__ import annotations

import contextlib
import faulthandler
import importlib
import json
import mmap
import os
import pickle
import signal
import socket
import sys
import traceback
from collections.abc import Sequence
from select import select
from types import FrameType
from typing import NoReturn

from bench.cells import CellStatus
from bench.execution import linux, wire
from bench.orders import Order
from bench.runner.processes import children, threads
from bench.runner.state import PAGE_BYTES, State
from bench.trials import Outcome

HARMLESS_THREADS = ("jemalloc_bg_thd",)
"""A memory allocator's background thread, which holds no lock over a fork."""


def main(arguments: Sequence[str]) -> None:
    """Import, then fork a worker for each order until the other end closes; leave no process behind.

    SIGTERM, which also comes when the parent dies, ends the same way. While libraries are imported it just
    kills: they may hang in compiled code, where no handler would run.
    """
    fd, parent, *modules = arguments
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    linux.die_with_parent(int(parent), signal.SIGTERM)
    linux.adopt_orphans()
    with socket.socket(fileno=int(fd)) as channel:
        problem = _import(["bench.runner.cell", *modules]) or _thread_problem()
        signal.signal(signal.SIGTERM, _leave)
        try:
            if problem:
                _say(channel, failed=problem)
            else:
                _say(channel, ready=True)
                _Server(channel).serve()
        except ConnectionError:
            pass  # the other end has gone, without a word
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            linux.end_descendants()


def _leave(_signal: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    linux.end_descendants()
    os._exit(0)


def _import(modules: Sequence[str]) -> str:
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to say it
            text = " ".join(str(error).split())[:500]
            return f"cannot import {module}: {type(error).__name__}: {text}; install or mend it"
    return ""


def _thread_problem() -> str:
    names = threads(os.getpid())
    extra = [name for name in names[1:] if name not in HARMLESS_THREADS]
    if not extra:
        return ""
    return f"imports started threads ({', '.join(extra)}); forking would not be safe: leave its learners out"


def _say(channel: socket.socket, **message: object) -> None:
    channel.sendall(json.dumps(message).encode() + b"\n")


class _Server:
    """Forks, reaps, and leaves no descendant of a finished cell behind."""

    def __init__(self, channel: socket.socket) -> None:
        self._channel = channel
        self._workers: dict[int, int] = {}
        self._wake, write_end = os.pipe()
        os.set_blocking(self._wake, False)
        os.set_blocking(write_end, False)
        self._wake_writer = write_end
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)

    def serve(self) -> None:
        """Fork on every order and report every end, until the other end closes."""
        while True:
            readable, _, _ = select([self._channel.fileno(), self._wake], [], [])
            if self._wake in readable:
                os.read(self._wake, 4096)
                self._reap()
            if self._channel.fileno() in readable:
                content, fds, _, _ = socket.recv_fds(self._channel, 4096, 4, socket.MSG_CMSG_CLOEXEC)
                if not content:
                    return
                self._fork(int(content), fds)

    def _fork(self, token: int, fds: list[int]) -> None:
        server = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            _say(self._channel, refused=token, reason=f"no process could be made for it: {error.strerror}")
            return
        finally:
            if os.getpid() == server:
                for fd in fds:
                    os.close(fd)
        if pid == 0:
            signal.set_wakeup_fd(-1)
            os.close(self._wake)
            os.close(self._wake_writer)
            self._channel.close()
            _work(server, fds)
        with contextlib.suppress(OSError):  # it does so itself, and may be gone already
            os.setpgid(pid, pid)
        self._workers[pid] = token
        _say(self._channel, started=token, pid=pid)

    def _reap(self) -> None:
        while True:
            try:
                ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if ended is None:
                return
            token = self._workers.pop(ended.si_pid, None)
            if token is not None:
                linux.kill_group(ended.si_pid)
            _, status, usage = os.wait4(ended.si_pid, 0)
            self._kill_adopted()
            if token is not None:
                code = os.waitstatus_to_exitcode(status)
                _say(self._channel, ended=token, code=code, cpu_s=usage.ru_utime + usage.ru_stime)

    def _kill_adopted(self) -> None:
        """Kill what a finished cell left behind: a worker adopts its own orphans while it lives."""
        for pid in children(os.getpid()):
            if pid not in self._workers:
                linux.kill(pid)


def _work(server: int, fds: list[int]) -> NoReturn:
    """Be a worker: take on the limits, run the cell, say how it ended, and leave without tearing down."""
    order_fd, pipe, page_fd, log = fds
    code = 1
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        linux.die_with_parent(server, signal.SIGKILL)
        linux.adopt_orphans()
        os.dup2(log, 1)
        os.dup2(log, 2)
        faulthandler.enable(file=log, all_threads=False)
        with os.fdopen(order_fd, "rb") as file:
            order, cores = pickle.load(file)  # noqa: S301 - written by the parent of this very process
        _run(order, cores, pipe, State(mmap.mmap(page_fd, PAGE_BYTES)))
        code = 0
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:  # noqa: BLE001 - the log is all that is left of it
        with contextlib.suppress(BaseException):
            traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _run(order: Order, cores: frozenset[int], pipe: int, state: State) -> None:
    from bench.environments import gpu_names
    from bench.runner.cell import run_cell

    reports = wire.Reports(pipe, state)
    limits = {"time": "guard"}
    try:
        limits["cores"] = linux.pin(cores)
        linux.forget_peak_memory()
        if order.cell.device == "cpu":
            limits["memory"] = linux.cap_memory(order.budget.memory_bytes)
        else:
            limits["memory"] = "guard"  # a device driver maps far more memory than it uses
            limits["device"] = ", ".join(gpu_names()) or order.cell.device
        outcome = run_cell(order, state, reports, limits)
    except MemoryError as error:
        outcome = Outcome(
            status=CellStatus.OOM, complete=False, reason=f"out of memory: {error}", limits=limits
        )
    except Exception as error:  # noqa: BLE001 - the parent records it
        traceback.print_exc()
        text = " ".join(str(error).split())[:500]
        outcome = Outcome(
            status=CellStatus.ERROR, complete=False, reason=f"{type(error).__name__}: {text}", limits=limits
        )
    reports.ended(outcome)


if __name__ == "__main__":
    main(sys.argv[1:])
