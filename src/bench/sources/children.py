"""The processes that fill the cache, several at once, and what they tell."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from typing import IO, Any, TypeAlias

from bench.sources.cache import Cache
from bench.sources.requests import TableRequest

Told: TypeAlias = "dict[str, Any]"
"""An event: its `kind` (`line`, `done`, `failed`, `unreachable`) and what goes with it."""

MOST_CHILDREN = 4


def run_children(batches: Sequence[Sequence[TableRequest]], cache: Cache) -> Iterator[Told]:
    """Yield what the children tell that meet the batches; none outlives the iterator.

    Each request ends in one event `done`, `failed` or `unreachable`, also where its child dies.
    """
    children = _Children(batches, cache)
    jobs = min(MOST_CHILDREN, os.cpu_count() or 1, len(batches))
    threads = [threading.Thread(target=children.work, daemon=True) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    try:
        left = jobs
        while left:
            event = children.told.get()
            if event is None:
                left -= 1
            else:
                yield event
    finally:
        children.stop()
        for thread in threads:
            thread.join()


class _Children:
    """Children as they run, each heard by a thread of its own."""

    def __init__(self, batches: Sequence[Sequence[TableRequest]], cache: Cache) -> None:
        self.told: queue.SimpleQueue[Told | None] = queue.SimpleQueue()
        """Events, and None for each thread that has ended."""
        self._waiting = deque(batches)
        self._cache = cache
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def work(self) -> None:
        """Meet batches until none is left."""
        try:
            with contextlib.suppress(IndexError):
                while not self._stopped:
                    self._meet(self._waiting.popleft())
        finally:
            self.told.put(None)

    def stop(self) -> None:
        """End every child and begin no other."""
        self._stopped = True
        for child in tuple(self._running):
            _kill(child)

    def _meet(self, batch: Sequence[TableRequest]) -> None:
        """Have one child meet a batch, and tell a failure for each request that it left open."""
        left = [request.name for request in batch]
        with (
            tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr,
            tempfile.TemporaryDirectory(prefix="bench-") as folder,  # a child that is killed leaves its own
        ):
            child = _start(self._cache, stderr, folder)
            self._running.add(child)
            if self._stopped:  # while this one started
                _kill(child)
            try:
                for event in _converse(child, json.dumps([request.to_json() for request in batch])):
                    if event["kind"] != "line":
                        left.remove(event["name"])
                    self.told.put(event)
                ended = f"ended with code {child.wait()}"
            except (ValueError, KeyError, TypeError) as error:
                ended = f"told what is no event ({type(error).__name__}: {error})"
            finally:
                _kill(child)
                child.wait()
                self._running.discard(child)
            stderr.seek(0)
            last = next(reversed([line.strip() for line in stderr if line.strip()]), "no message")
        for name in left:
            text = f"the process that converts tables {ended}: {last}"
            self.told.put({"kind": "failed", "name": name, "error": "DataError", "text": text})


def _kill(child: subprocess.Popen[str]) -> None:
    """End a child with whatever it has started: the clients of registries, and what they start."""
    with contextlib.suppress(ProcessLookupError):
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)


def _start(cache: Cache, stderr: IO[str], folder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.sources.filling", str(cache.root.absolute())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={
            **os.environ,
            "TMPDIR": folder,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        encoding="utf-8",
        start_new_session=True,
    )


def _converse(child: subprocess.Popen[str], text: str) -> Iterator[Told]:
    if child.stdin is None or child.stdout is None:
        raise TypeError("the child's input and output must be pipes")
    with child.stdout:
        # A child that died at once is told by its exit code, not by its closed input.
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(text)
        for line in child.stdout:
            yield json.loads(line)
