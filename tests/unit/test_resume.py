"""Nothing finished is repeated, nothing that was cut is forgotten, whatever happened in between."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budgets import Budget
from bench.store.resume import PastAttempt, PastTrial, Standing, standing
from bench.trials import TrialStatus

KEPT = [status for status in TrialStatus if not status.cut]
CUT = [TrialStatus.TRUNCATED, TrialStatus.TIMEOUT]


def past(budget, *, attempt=1, complete=True, space_exhausted=False):
    return PastAttempt(attempt=attempt, budget=budget, complete=complete, space_exhausted=space_exhausted)


def budget(seconds=None, trials=None):
    return Budget(seconds=seconds, trials=trials)


def trials(*statuses):
    return [PastTrial(number, status, number + 1.0) for number, status in enumerate(statuses)]


def test_a_new_cell_has_everything_to_do():
    assert standing(None, (), budget(4.0)) == Standing(
        done=False, attempt=1, start_trial=0, spent_s=0.0, valid_before=False
    )


@pytest.mark.parametrize("status", KEPT)
def test_a_trial_that_ended_by_itself_is_kept_however_it_ended(status):
    stands = standing(past(budget(4.0)), trials(TrialStatus.OK, status), budget(9.0))
    assert (stands.start_trial, stands.spent_s, stands.done) == (2, 2.0, False)


@pytest.mark.parametrize("status", CUT)
def test_a_trial_that_was_cut_is_repeated_and_not_paid_for(status):
    stands = standing(past(budget(4.0)), trials(TrialStatus.OK, status, TrialStatus.OK), budget(9.0))
    assert (stands.start_trial, stands.spent_s, stands.valid_before) == (1, 1.0, True)


def test_a_gap_is_filled():
    found = [trial for trial in trials(*[TrialStatus.OK] * 5) if trial.number != 2]
    assert standing(past(budget(4.0)), found, budget(9.0)).start_trial == 2


def test_the_later_of_two_rows_of_a_trial_counts():
    found = [*trials(TrialStatus.OK, TrialStatus.TIMEOUT), PastTrial(1, TrialStatus.OK, 5.0)]
    assert standing(past(budget(4.0)), found, budget(9.0)).spent_s == 5.0
    assert standing(past(budget(4.0)), found[::-1], budget(9.0)).start_trial == 1


@pytest.mark.parametrize(
    ("statuses", "valid"),
    [
        ((), False),
        ((TrialStatus.ERROR, TrialStatus.OOM), False),
        ((TrialStatus.ERROR, TrialStatus.OK), True),
        ((TrialStatus.TRUNCATED,), False),
        ((TrialStatus.NAN, TrialStatus.TIMEOUT, TrialStatus.OK), False),
    ],
)
def test_valid_before_is_of_the_trials_that_are_kept(statuses, valid):
    assert standing(past(budget(4.0)), trials(*statuses), budget(9.0)).valid_before is valid


@pytest.mark.parametrize(
    ("last", "asked", "done"),
    [
        (past(budget(4.0)), budget(4.0), True),
        (past(budget(4.0)), budget(3.0, 10), True),
        (past(budget(4.0)), budget(4.1), False),
        (past(budget(4.0, 10)), budget(4.0), False),
        (past(budget(4.0), complete=False), budget(4.0), False),
        (past(budget(4.0), complete=False), budget(1.0), False),
        (past(budget(4.0), space_exhausted=True), budget(4000.0), True),
        (past(budget(4.0), complete=False, space_exhausted=True), budget(4.0), False),
    ],
)
def test_when_a_cell_is_done(last, asked, done):
    assert standing(last, trials(TrialStatus.OK), asked).done is done


def test_attempts_are_counted():
    assert standing(past(budget(4.0), attempt=7), (), budget(4.0)).attempt == 8


# -- whole histories --------------------------------------------------------------------------------


@dataclass
class World:
    """A cell whose trials cost and end the same whenever they are tried, and what a run does with it."""

    ends: list[tuple[float, TrialStatus]]
    """What each configuration costs and comes to, given the time; the space ends with the list."""
    rows: list[PastTrial] = field(default_factory=list)
    last: PastAttempt | None = None
    tried: list[list[int]] = field(default_factory=list)

    def run(self, budget, stop_after=math.inf):
        """One attempt; it is stopped from outside after so many trials."""
        stands = standing(self.last, self.rows, budget)
        if stands.done:
            return stands
        spent, reason, complete = stands.spent_s, "space", True
        self.tried.append([])
        for number in range(stands.start_trial, len(self.ends)):
            if budget.trials is not None and number >= budget.trials:
                reason = "trials"
                break
            if number > 0 and budget.seconds is not None and spent >= budget.seconds:
                reason = "seconds"
                break
            if len(self.tried[-1]) >= stop_after:
                reason, complete = "stopped", False
                break
            cost, status = self.ends[number]
            spent += cost
            if number > 0 and budget.seconds is not None and spent > budget.seconds and status.valid:
                status = TrialStatus.TRUNCATED if number % 2 else TrialStatus.TIMEOUT
            self.rows.append(PastTrial(number, status, spent))
            self.tried[-1].append(number)
        exhausted = reason == "space"
        self.last = past(budget, attempt=stands.attempt, complete=complete, space_exhausted=exhausted)
        return stands

    def trace(self):
        """The latest row of each trial."""
        return {row.number: row for row in self.rows}


INTRINSIC = [TrialStatus.OK] * 5 + [TrialStatus.ERROR, TrialStatus.CRASH, TrialStatus.OOM, TrialStatus.NAN]
worlds = st.builds(
    World,
    st.lists(st.tuples(st.sampled_from([0.25, 0.5, 1.0, 3.0]), st.sampled_from(INTRINSIC)), max_size=12),
)
asked = st.builds(
    budget,
    seconds=st.none() | st.sampled_from([0.5, 1.0, 2.0, 4.0, 8.0]),
    trials=st.none() | st.integers(1, 14),
)
histories = st.lists(st.tuples(asked, st.sampled_from([0, 1, 2, math.inf, math.inf])), max_size=8)


@given(worlds, histories)
def test_a_kept_trial_is_never_repeated_and_a_cut_one_always(world, history):
    for wanted, stop_after in history:
        before = world.trace()
        stands = world.run(wanted, stop_after)
        if stands.done:
            assert len(world.rows) == sum(map(len, world.tried)), "nothing was tried"
            continue
        for number in world.tried[-1]:
            assert number not in before or before[number].status.cut, "a kept trial was repeated"
        first_cut = next((n for n in sorted(before) if before[n].status.cut), len(before))
        assert stands.start_trial == first_cut
        if world.tried[-1]:
            assert world.tried[-1][0] == first_cut


@given(worlds, histories, asked)
def test_what_is_spent_is_what_the_kept_trials_cost(world, history, wanted):
    for each, stop_after in history:
        world.run(each, stop_after)
    stands = standing(world.last, world.rows, wanted)
    assert stands.spent_s == sum(cost for cost, _ in world.ends[: stands.start_trial])
    kept = [world.trace()[number] for number in range(stands.start_trial)]
    assert not any(trial.status.cut for trial in kept)
    assert stands.valid_before == any(trial.status.valid for trial in kept)
    assert stands.attempt == len(world.tried) + 1


@given(worlds, histories, asked)
def test_a_finished_run_of_a_budget_leaves_nothing_of_it_to_do(world, history, wanted):
    for each, stop_after in history:
        world.run(each, stop_after)
    world.run(wanted)
    rows = list(world.rows)
    assert world.run(wanted).done
    assert world.run(budget(wanted.seconds and wanted.seconds / 2, wanted.trials)).done
    assert world.rows == rows


@given(worlds, histories, st.sampled_from([4.0, 8.0]), st.none() | st.integers(1, 14))
def test_a_continued_trace_is_that_of_a_fresh_run(world, history, seconds, number):
    """Asking for more and more, with any interruptions, comes to what one run of the last budget finds."""
    smaller = [
        (budget(each.seconds and min(each.seconds, seconds), min(each.trials or 99, number or 99)), stop)
        for each, stop in history
        if each.seconds is not None
    ]
    for wanted, stop_after in sorted(smaller, key=lambda pair: (pair[0].seconds, pair[0].trials)):
        world.run(wanted, stop_after)
    fresh = World(world.ends)
    for each in (world, fresh):
        each.run(budget(seconds, number))
    assert world.trace() == fresh.trace()
