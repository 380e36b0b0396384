"""What a worker says arrives as it was said, however the pipe cuts it."""

from __future__ import annotations

import json
import math
import mmap
import os
import struct
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cells import CellStatus
from bench.execution.wire import (
    Inbox,
    Reports,
    UnreadableError,
    outcome_message,
    read_outcome,
    read_rows,
    read_trial,
    send,
    trial_message,
)
from bench.orders import Predictions
from bench.runner.state import PAGE_BYTES, Phase, State
from bench.trials import Cost, Flag, Outcome, Trial, TrialStatus

SOME_TEXT = 'a "quote", a \\, a\nline, \x00, é, 漢, 🙂, \ud800'


def sent(*messages):
    """The bytes that a pipe carries for some messages."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as pipe:
        thread = threading.Thread(
            target=lambda: [send(writing, *each) for each in messages] + [os.close(writing)]
        )
        thread.start()
        content = pipe.read()
        thread.join()
    return content


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
messages = st.lists(
    st.tuples(st.dictionaries(st.text(), json_values, max_size=3), st.binary(max_size=40)), max_size=5
)


@given(messages, st.lists(st.integers(0, 500), max_size=12))
def test_any_cutting_of_the_stream_gives_the_same_messages(messages, cuts):
    stream = sent(*messages)
    ends = [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]
    inbox, found, start = Inbox(), [], 0
    for end in ends:
        found += inbox.feed(stream[start:end])
        start = end
    assert found == messages


def test_a_message_is_given_out_with_its_last_byte_and_not_before():
    stream = sent(({"a": 1}, b"tail"), ({"b": 2}, b""))
    inbox = Inbox()
    arrivals = [i for i in range(len(stream)) for _ in inbox.feed(stream[i : i + 1])]
    assert len(arrivals) == 2
    assert arrivals[1] == len(stream) - 1


def test_a_message_larger_than_a_pipe_arrives_whole():
    tail = os.urandom(300_000)
    (message,) = Inbox().feed(sent(({"n": 1}, tail)))
    assert message == ({"n": 1}, tail)


def test_a_write_that_the_kernel_cuts_short_is_gone_on_with(monkeypatch):
    whole = os.write
    monkeypatch.setattr(os, "write", lambda fd, content: whole(fd, content[:7]))
    message = ({"n": list(range(50))}, b"tail" * 20)
    assert list(Inbox().feed(sent(message))) == [message]


def test_what_is_sent_is_no_pickle():
    """A worker whose memory is damaged must not be able to make its parent run anything."""
    stream = sent(({"n": 1}, b""))
    assert json.loads(bytes(stream[12:])) == {"n": 1}


def travelled(trial, predictions):
    ((message, tail),) = Inbox().feed(sent(trial_message(trial, predictions)))
    return read_trial(message, tail)


def test_a_full_trial_arrives_as_it_was():
    trial = Trial(
        number=7,
        config={"a": None, "b": True, "c": 0.1 + 0.2, "d": SOME_TEXT, "e": 10**15},
        status=TrialStatus.TRUNCATED,
        cost=Cost(billed_s=1e-9, billed_wall_s=math.inf, unbilled_s=0.0, unbilled_wall_s=3.5,
                  peak_memory_bytes=2**40, energy_j=1.5),
        spent_s=12.25,
        validation_score=0.1,
        test_score=math.inf,
        train_score=5e-324,
        test_score_single=1 / 3,
        metrics={"test": {"auc": 0.5, "log_loss": math.inf}, "train": {}},
        flags=(Flag.NOT_CONVERGED, Flag.STARVED),
        prediction_hash="0123456789abcdef",
        reason=SOME_TEXT,
        finished_at="2025-01-01T00:00:00.000+00:00",
    )  # fmt: skip
    predictions = Predictions("probability", (2, 3), (1, 3), bytes(range(36)))
    found, arrived = travelled(trial, predictions)
    assert (found, arrived) == (trial, predictions)
    assert type(found.status) is TrialStatus
    assert [type(flag) for flag in found.flags] == [Flag, Flag]
    assert type(found.cost) is Cost
    assert {type(found.config[name]) for name in "abc"} == {type(None), bool, float}


def test_what_a_trial_lacks_it_still_lacks(make_trial):
    bare = make_trial(0, validation_score=None, test_score=None, status=TrialStatus.ERROR)
    assert travelled(bare, None) == (bare, None)
    empty = Predictions("value", (0,), (0,), b"")
    assert travelled(bare, empty) == (bare, empty)


def test_a_score_that_is_no_number_stays_none(make_trial):
    found, _ = travelled(make_trial(0, validation_score=math.nan, test_score=-math.inf), None)
    assert math.isnan(found.validation_score)
    assert found.test_score == -math.inf


@pytest.mark.parametrize("status", list(TrialStatus))
@pytest.mark.parametrize("flags", [(), tuple(Flag)])
def test_every_status_and_flag_travels(make_trial, status, flags):
    trial = make_trial(1, status=status, flags=flags)
    assert travelled(trial, None)[0] == trial


def test_an_outcome_arrives_as_it_was():
    full = Outcome(
        status=CellStatus.KILLED, complete=True, reason=SOME_TEXT, started_at="a", ended_at="b", wall_s=0.1,
        cpu_s=None, warm_up_s=1e-12, limits={"memory": "RLIMIT_DATA"},
        log="line\n" + SOME_TEXT,
    )  # fmt: skip
    for outcome in (full, replace(full, cpu_s=3.5), *(Outcome(status=s, complete=False) for s in CellStatus)):
        ((message, _),) = Inbox().feed(sent((outcome_message(outcome), b"")))
        found = read_outcome(message)
        assert found == outcome
        assert type(found.status) is CellStatus


def test_a_worker_reports_its_rows_and_its_trials(make_trial):
    reading, writing = os.pipe()
    predictions = Predictions("value", (1,), (2,), b"123456789abc")
    state = Watched(mmap.mmap(-1, PAGE_BYTES))
    state.enter(Phase.UNBILLED)
    reports = Reports(writing, state)
    reports.loaded({"train": 3, "test": 2})
    reports.tried(make_trial(4), predictions)
    reports.ended(Outcome(status=CellStatus.OK, complete=True))
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        rows, trial, outcome = Inbox().feed(pipe.read())
    assert rows == ({"rows": {"train": 3, "test": 2}}, b"")
    assert read_trial(*trial) == (make_trial(4), predictions)
    assert read_outcome(outcome[0]) == Outcome(status=CellStatus.OK, complete=True)
    assert state.entered == [Phase.UNBILLED, *(Phase.REPORTING, Phase.UNBILLED) * 3]


class Watched(State):
    """Remembers its phases."""

    def __init__(self, page):
        super().__init__(page)
        self.entered = []

    def enter(self, phase):
        self.entered.append(phase)
        super().enter(phase)


def test_a_fork_of_a_worker_does_not_speak_for_it(make_trial):
    reading, writing = os.pipe()
    reports = Reports(writing, State(mmap.mmap(-1, PAGE_BYTES)))
    child = os.fork()
    if child == 0:
        try:
            reports.tried(make_trial(0), None)
        finally:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b""


def head(text, tail=0, mark=b"\x00msg"):
    return struct.pack("<4sII", mark, text, tail)


@pytest.mark.parametrize(
    "noise",
    [
        b"Iteration 1, loss = 0.69\n",
        head(2, mark=b"\x00\x00\x00\x00") + b"{}",
        head(2**32 - 1, 2**32 - 1),
        head(2**30, 1),
        head(3) + b"{]}",
        head(2) + b"\xff\xfe",
        head(4) + b"null",
        head(200_000) + b"[" * 200_000,
    ],
)
def test_noise_is_told_from_messages(noise):
    with pytest.raises(UnreadableError):
        list(Inbox().feed(noise))


def test_messages_before_the_noise_are_kept():
    stream = bytes(sent(({"n": 1}, b"tail"))) + b"noise from somewhere"
    messages = Inbox().feed(stream)
    assert next(messages) == ({"n": 1}, b"tail")
    with pytest.raises(UnreadableError):
        next(messages)


DAMAGE = [
    *(
        (name, value)
        for name in ("number", "config", "cost", "flags", "status")
        for value in (None, "x", 1.5)
    ),
    ("spent_s", "x"),
    ("validation_score", "x"),
    ("reason", 3),
    ("surplus", 1),
]


@pytest.mark.parametrize(("name", "value"), DAMAGE)
def test_a_trial_of_other_fields_is_unreadable(make_trial, name, value):
    message, tail = trial_message(make_trial(0), None)
    message["trial"][name] = value
    with pytest.raises(UnreadableError):
        read_trial(message, tail)
    for broken in ({"trial": None, "predictions": None}, {"trial": {}}, {"trial": [1], "predictions": [1]}):
        with pytest.raises(UnreadableError):
            read_trial(broken, b"")


def test_rows_and_outcomes_of_other_fields_are_unreadable():
    for rows in (None, 3, [1], {"train": "x"}, {"train": None}):
        with pytest.raises(UnreadableError):
            read_rows({"rows": rows})
    with pytest.raises(UnreadableError):
        read_outcome({"hello": 1})
    for change in ({"status": "fine"}, {"wall_s": None}, {"complete": 1}, {"limits": []}, {"surplus": 1}):
        message = outcome_message(Outcome(status=CellStatus.OK, complete=True))
        message["outcome"].update(change)
        with pytest.raises(UnreadableError):
            read_outcome(message)
