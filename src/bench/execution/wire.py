"""Messages from a worker: length-prefixed JSON with an optional tail of raw bytes.

JSON, not pickle: a worker whose memory is damaged must not be able to make the parent run anything.
Standard output is no channel for this: libraries print to it.
"""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from bench.cells import CellStatus
from bench.orders import Predictions
from bench.runner.state import State
from bench.trials import Cost, Flag, Outcome, Trial, TrialStatus

MESSAGE_LIMIT_BYTES = 1 << 30
"""No message is longer; what claims to be is noise."""
_MARK = b"\x00msg"
_HEAD = struct.Struct("<4sII")
_NUMBER = (int, float)
_MAYBE = (int, float, type(None))
_TRIAL_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("number",), int),
    **dict.fromkeys(("config", "metrics"), dict),
    **dict.fromkeys(("reason", "finished_at"), str),
    **dict.fromkeys(("validation_score", "test_score", "train_score", "test_score_single"), _MAYBE),
    "spent_s": _NUMBER,
    "prediction_hash": (str, type(None)),
}
_COST_TYPES = dict.fromkeys(("billed_s", "billed_wall_s", "unbilled_s", "unbilled_wall_s"), _NUMBER)
_OUTCOME_TYPES: Mapping[str, type | tuple[type, ...]] = {
    **dict.fromkeys(("ended_by", "reason", "started_at", "ended_at", "log"), str),
    **dict.fromkeys(("wall_s", "warm_up_s"), _NUMBER),
    "complete": bool,
    "limits": dict,
}


class UnreadableError(Exception):
    """What came is no message: something else wrote to the pipe, or the writer is damaged."""


def send(fd: int, message: dict[str, Any], tail: bytes = b"") -> None:
    """Write one message whole; blocks while the pipe is full."""
    text = json.dumps(message).encode()
    content = memoryview(_HEAD.pack(_MARK, len(text), len(tail)) + text + tail)
    while content:
        content = content[os.write(fd, content) :]


class Inbox:
    """Puts messages together again from whatever a pipe has to read."""

    def __init__(self) -> None:
        """Start empty."""
        self._buffer = bytearray()

    def feed(self, content: bytes) -> Iterator[tuple[dict[str, Any], bytes]]:
        """Yield every message that is whole by now.

        Raises:
            UnreadableError: what came is no message; nothing after it can be read.
        """
        self._buffer += content
        while len(self._buffer) >= _HEAD.size:
            mark, text, tail = _HEAD.unpack_from(self._buffer)
            if mark != _MARK or text + tail > MESSAGE_LIMIT_BYTES:
                raise UnreadableError("a message has no proper head")
            end = _HEAD.size + text + tail
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[_HEAD.size : end])
            del self._buffer[:end]
            with _reading():
                message = _expect(json.loads(body[:text]), dict)
            yield message, body[text:]


class Reports:
    """Tells the parent of a worker's progress over a pipe, for as long as the parent takes to listen."""

    def __init__(self, pipe: int, state: State) -> None:
        """Write to this end, and say on the page that the worker does."""
        self._pipe, self._state = pipe, state
        self._worker = os.getpid()

    def loaded(self, rows: Mapping[str, int]) -> None:
        """Send how many rows there are of each kind."""
        self._send({"rows": dict(rows)})

    def tried(self, trial: Trial, predictions: Predictions | None) -> None:
        """Send a trial."""
        self._send(*trial_message(trial, predictions))

    def ended(self, outcome: Outcome) -> None:
        """Send how the attempt ended."""
        self._send(outcome_message(outcome))

    def _send(self, message: dict[str, Any], tail: bytes = b"") -> None:
        if os.getpid() != self._worker:
            os._exit(1)  # a fork that a learner made and let run on: the worker speaks for itself
        with self._state.reporting():
            send(self._pipe, message, tail)


def trial_message(trial: Trial, predictions: Predictions | None) -> tuple[dict[str, Any], bytes]:
    """Return a trial as a message and its predictions as the tail."""
    if predictions is None:
        return {"trial": asdict(trial), "predictions": None}, b""
    head = [predictions.kind, predictions.validation_shape, predictions.test_shape]
    return {"trial": asdict(trial), "predictions": head}, predictions.content


def read_rows(message: dict[str, Any]) -> dict[str, int]:
    """Return how many rows there are of each kind; raise UnreadableError where it does not say so."""
    with _reading():
        return {kind: _expect(count, int) for kind, count in message["rows"].items()}


def read_trial(message: dict[str, Any], tail: bytes) -> tuple[Trial, Predictions | None]:
    """Return the trial and its predictions from such a message; raise UnreadableError for any other."""
    with _reading():
        fields = _checked(message["trial"], _TRIAL_TYPES)
        fields["status"] = TrialStatus(fields["status"])
        fields["flags"] = tuple(Flag(flag) for flag in fields["flags"])
        fields["cost"] = Cost(**_checked(fields["cost"], _COST_TYPES))
        if message["predictions"] is None:
            return Trial(**fields), None
        kind, validation, test = message["predictions"]
        return Trial(**fields), Predictions(_expect(kind, str), tuple(validation), tuple(test), tail)


def outcome_message(outcome: Outcome) -> dict[str, Any]:
    """Return an outcome as a message."""
    return {"outcome": asdict(outcome)}


def read_outcome(message: dict[str, Any]) -> Outcome:
    """Return the outcome from such a message; raise UnreadableError for any other."""
    with _reading():
        fields = _checked(message["outcome"], _OUTCOME_TYPES)
        return Outcome(**{**fields, "status": CellStatus(fields["status"])})


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever a damaged message breaks, one error says so."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError) as error:
        raise UnreadableError(f"{type(error).__name__}: {error}") from error


def _checked(fields: Any, types: Mapping[str, type | tuple[type, ...]]) -> dict[str, Any]:
    for name, kind in types.items():
        _expect(fields[name], kind)
    return dict(fields)


def _expect(value: Any, kind: type | tuple[type, ...]) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.50} is not a {kind}")
    return value
