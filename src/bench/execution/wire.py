"""Messages from a worker: length-prefixed JSON with an optional tail of raw bytes.

JSON, not pickle: a worker whose memory is damaged must not be able to make the parent run anything.
Standard output is no channel for this: libraries print to it.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from bench.cells import CellStatus
from bench.orders import Predictions
from bench.trials import Cost, Flag, Outcome, Trial, TrialStatus

_HEAD = struct.Struct("<II")


def send(fd: int, message: dict[str, Any], tail: bytes = b"") -> None:
    """Write one message whole; blocks while the pipe is full."""
    text = json.dumps(message).encode()
    content = memoryview(_HEAD.pack(len(text), len(tail)) + text + tail)
    while content:
        content = content[os.write(fd, content) :]


class Inbox:
    """Puts messages together again from whatever a pipe has to read."""

    def __init__(self) -> None:
        """Start empty."""
        self._buffer = bytearray()

    def feed(self, content: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield every message that is whole by now."""
        self._buffer += content
        while len(self._buffer) >= _HEAD.size:
            text, tail = _HEAD.unpack_from(self._buffer)
            end = _HEAD.size + text + tail
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            yield json.loads(body[:text]), body[text:]


class Reports:
    """Tells the parent of a worker's progress over a pipe."""

    def __init__(self, pipe: int) -> None:
        """Write to this end."""
        self._pipe = pipe

    def loaded(self, rows: Mapping[str, int]) -> None:
        """Send how many rows there are of each kind."""
        send(self._pipe, {"rows": dict(rows)})

    def tried(self, trial: Trial, predictions: Predictions | None) -> None:
        """Send a trial."""
        send(self._pipe, *trial_message(trial, predictions))


def trial_message(trial: Trial, predictions: Predictions | None) -> tuple[dict[str, Any], bytes]:
    """Return a trial as a message and its predictions as the tail."""
    if predictions is None:
        return {"trial": asdict(trial), "predictions": None}, b""
    head = [predictions.kind, predictions.validation_shape, predictions.test_shape]
    return {"trial": asdict(trial), "predictions": head}, predictions.content


def read_trial(message: dict[str, Any], tail: bytes) -> tuple[Trial, Predictions | None]:
    """Return the trial and its predictions from such a message."""
    fields = dict(message["trial"])
    fields["status"] = TrialStatus(fields["status"])
    fields["flags"] = tuple(Flag(flag) for flag in fields["flags"])
    fields["cost"] = Cost(**fields["cost"])
    if message["predictions"] is None:
        return Trial(**fields), None
    kind, validation, test = message["predictions"]
    return Trial(**fields), Predictions(kind, tuple(validation), tuple(test), tail)


def outcome_message(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a message."""
    return {"outcome": asdict(outcome)}


def read_outcome(message: dict[str, Any]) -> Outcome:
    """Return the outcome from such a message."""
    fields = dict(message["outcome"])
    return Outcome(**{**fields, "status": CellStatus(fields["status"])})
