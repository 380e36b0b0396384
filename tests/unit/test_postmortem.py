"""Every way in which a worker can end has one status, one reason, and costs no trial its row."""

from __future__ import annotations

import mmap
import signal
from dataclasses import replace

import pytest

from bench.cells import CellStatus
from bench.execution.postmortem import Death, Remains, conclude, visible
from bench.registry import learner
from bench.runner.state import PAGE_BYTES, Phase, State
from bench.trials import Outcome, TrialStatus


@pytest.fixture
def state():
    state = State(mmap.mmap(-1, PAGE_BYTES))
    state.reset(0.0)
    return state


def remains(death, *, log="", reported=None):
    return Remains(reported=reported, death=death, cpu_s=3.5, log=log)


def trying(state, number, *, billed_wall_s=0.0):
    state.trial = number
    state.billed_wall_s = billed_wall_s
    state.enter(Phase.BILLED)


DEATHS = {
    "guard, time": (
        Death(guard="time", code=-9),
        "",
        TrialStatus.TIMEOUT,
        "killed after 10.0 s of billed work",
    ),
    "guard, memory": (Death(guard="memory", code=-9), "", TrialStatus.OOM, "held more than 4.0 GiB"),
    "segfault": (Death(code=-signal.SIGSEGV), "", TrialStatus.CRASH, "SIGSEGV"),
    "abort": (Death(code=-signal.SIGABRT), "", TrialStatus.CRASH, "SIGABRT"),
    "kernel's OOM killer": (Death(code=-signal.SIGKILL), "", TrialStatus.CRASH, "SIGKILL"),
    "exit": (Death(code=7), "", TrialStatus.CRASH, "exit code 7"),
    "bad_alloc": (Death(code=-signal.SIGABRT), "what():  std::bad_alloc", TrialStatus.OOM, "memory cap"),
    "MemoryError": (Death(code=1), "MemoryError: no", TrialStatus.OOM, "memory cap"),
    "ENOMEM": (Death(code=1), "Cannot allocate memory", TrialStatus.OOM, "memory cap"),
    "its server": (Death(cause="its fork server ended"), "MemoryError", TrialStatus.CRASH, "fork server"),
    "guard before log": (Death(guard="time"), "MemoryError", TrialStatus.TIMEOUT, "killed after"),
}


@pytest.mark.parametrize("name", list(DEATHS))
def test_without_a_valid_trial_the_cell_ends_like_its_trial(order, state, name):
    death, log, status, reason = DEATHS[name]
    trying(state, 0)
    outcome, last = conclude(order, state, [], remains(death, log=log))
    assert (outcome.status, last.status) == (CellStatus(status.value), status)
    assert reason in last.reason
    assert outcome.reason == f"trial 0: {last.reason}"
    assert outcome.complete is (status is TrialStatus.TIMEOUT), "what died may go on at the next trial"
    assert (outcome.cpu_s, outcome.log) == (3.5, log)
    assert last.validation_score is None


@pytest.mark.parametrize("name", list(DEATHS))
@pytest.mark.parametrize("before", [False, True])
def test_with_a_valid_trial_the_cell_has_a_score(order, state, make_trial, name, before):
    death, log, status, _ = DEATHS[name]
    trials = [] if before else [make_trial(0)]
    order = replace(order, valid_before=before)
    trying(state, 1)
    outcome, last = conclude(order, state, trials, remains(death, log=log))
    expected = CellStatus.KILLED if status is TrialStatus.TIMEOUT else CellStatus.OK
    assert (outcome.status, last.status, last.number) == (expected, status, 1)


def test_a_worker_that_died_before_its_first_word_blames_no_trial(order):
    page = State(mmap.mmap(-1, PAGE_BYTES))
    page.trial = -1
    outcome, last = conclude(order, page, [], remains(Death(code=-11, phase_s=page.phase_wall_s)))
    assert last is None
    assert (outcome.status, outcome.complete, page.phase_wall_s) == (CellStatus.CRASH, False, 0.0)


def test_a_trial_that_failed_is_no_valid_one(order, state, make_trial):
    trying(state, 1)
    failed = make_trial(0, status=TrialStatus.ERROR, validation_score=None)
    outcome, _ = conclude(order, state, [failed], remains(Death(code=-11)))
    assert outcome.status is CellStatus.CRASH


def test_its_own_word_counts_before_everything_else(order, state):
    said = Outcome(status=CellStatus.OK, complete=True, ended_by="space", wall_s=1.0)
    trying(state, 3)
    death = Death(guard="time", code=-9)
    outcome, last = conclude(order, state, [], remains(death, log="noise", reported=said))
    assert last is None
    assert outcome == replace(said, cpu_s=3.5, log="noise")


@pytest.mark.parametrize(
    ("phase", "text"),
    [
        (Phase.LOADING, "killed after 30 s of loading"),
        (Phase.ALTERING, "killed after 600 s of altering"),
        (Phase.WARM_UP, "killed after 30 s of warm up"),
        (Phase.UNBILLED, "killed after 30 s of unbilled"),
    ],
)
def test_an_unbilled_phase_that_took_too_long_is_named(order, state, phase, text):
    state.enter(phase)
    outcome, last = conclude(order, state, [], remains(Death(guard="time", code=-9)))
    assert last is None, "no trial had begun"
    assert (outcome.status, outcome.reason) == (CellStatus.TIMEOUT, text)


def test_no_trial_is_invented(order, state, make_trial):
    """Before the first trial, and between two of them, there is none to blame."""
    assert conclude(order, state, [], remains(Death(code=-11)))[1] is None
    trying(state, 2)
    state.enter(Phase.UNBILLED)
    trials = [make_trial(number) for number in range(3)]
    outcome, last = conclude(order, state, trials, remains(Death(code=-11)))
    assert last is None
    assert outcome.status is CellStatus.OK
    later = replace(order, start_trial=4)
    assert conclude(later, state, [], remains(Death(code=-11)))[1] is None, "of an earlier attempt"


@pytest.mark.parametrize("number", [0, 5])
def test_the_last_trial_has_the_configuration_that_it_tried(order, state, number):
    trying(state, number)
    _, last = conclude(order, state, [], remains(Death(code=-11)))
    space = learner("xgboost").space(order.cell.task.problem)
    assert last.config == space.trial(order.cell.search_key, number)
    assert last.finished_at.endswith("+00:00")


def test_the_last_trial_is_billed_for_what_it_took(order, state, make_trial):
    order = replace(order, start_trial=3, spent_s=10.0)
    trials = [make_trial(3, spent_s=11.0), make_trial(4, spent_s=12.0)]
    state.last_billed_s = 1.0
    trying(state, 5, billed_wall_s=12.0)
    _, last = conclude(order, state, trials, remains(Death(guard="time", code=-9, phase_s=2.5)))
    assert (last.cost.billed_s, last.cost.billed_wall_s, last.spent_s) == (2.5, 2.5, 14.5)
    assert (last.cost.unbilled_s, last.cost.peak_memory_bytes) == (0.0, None)


def test_the_first_trial_of_a_later_attempt_adds_to_what_the_earlier_ones_spent(order, state):
    order = replace(order, start_trial=3, spent_s=10.0)
    trying(state, 3, billed_wall_s=10.0)
    _, last = conclude(order, state, [], remains(Death(code=-11, phase_s=0.5)))
    assert (last.number, last.cost.billed_s, last.spent_s) == (3, 0.5, 10.5)


def test_a_trial_that_died_while_it_was_scored_keeps_its_bill(order, state, make_trial):
    trying(state, 1, billed_wall_s=1.0)
    state.last_billed_s = 3.0
    state.enter(Phase.UNBILLED)
    _, last = conclude(order, state, [make_trial(0)], remains(Death(guard="time", code=-9, phase_s=30.0)))
    assert (last.cost.billed_s, last.spent_s) == (3.0, 4.0)
    assert last.cost.unbilled_wall_s == 30.0


def test_a_reason_neither_repeats_its_status_nor_reaches_the_terminal(order, state):
    outcome, _ = conclude(order, state, [], remains(Death(code=7)))
    assert (outcome.status, outcome.reason) == (CellStatus.CRASH, "the process left with exit code 7")
    said = Outcome(status=CellStatus.ERROR, complete=True, reason="no \x1b[31mred\x07 \u202eor\x9b2J, 5 µm\r")
    outcome, _ = conclude(order, state, [], remains(Death(), reported=said))
    assert outcome.reason == r"no \x1b[31mred\x07 \u202eor\x9b2J, 5 µm\r"
    assert visible(outcome.reason) == outcome.reason
