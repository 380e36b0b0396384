"""The search loop, on a clock that only the learner and the runner move."""

from __future__ import annotations

import math
import warnings
import weakref
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest
from sklearn.exceptions import ConvergenceWarning

from bench.budgets import DEFAULT_FACTOR, Budget
from bench.datasets import ProblemType
from bench.deadlines import DeadlinePassed
from bench.search.search import LATE_SHARE, Search, TrainingData, run_search
from bench.spaces import Choice, Float, Space
from bench.trials import Flag, TrialStatus

X = pd.DataFrame({"x": np.arange(12.0)})
Y = np.arange(12.0) % 4


def folds(count):
    places = np.arange(12)
    if count == 1:
        return ((places[:9], places[9:]),)
    return tuple((places[places % count != k], places[places % count == k]) for k in range(count))


@dataclass
class Clock:
    """A meter that bills what moves its time inside `billing`, and nothing else."""

    billed_s: float = 0.0
    billing_trial: int | None = None
    asked: int = 0
    billed: list = field(default_factory=list)

    def spend(self, seconds):
        if self.billing_trial is not None:
            self.billed_s += seconds

    def spent_s(self):
        self.asked += 1
        return self.billed_s

    @contextmanager
    def billing(self, number):
        assert self.billing_trial is None
        self.billing_trial, before = number, self.billed_s
        yield
        self.billing_trial = None
        self.billed.append((number, self.billed_s - before))


class Model:
    """An estimator whose fit does what a test says."""

    def __init__(self, config, context, behave):
        self.config, self.context, self.behave = config, context, behave

    def fit(self, X, y, *, validation=None, deadline=None):
        self.rows, self.validation, self.deadline = X.index.to_numpy(), validation, deadline
        self.behave(self)
        return self

    def predict(self, X):
        return np.full(len(X), self.config.get("value", 1.0))


class Fake:
    """A learner of such models."""

    def __init__(self, behave=lambda model: None, *, space=None, polls=False):
        self.behave, self.polls_deadline, self.models = behave, polls, []
        self.search_space = space or Space({"value": 1.0}, {"value": Float(low=0.0, high=3.0)})

    def space(self, problem):
        return self.search_space

    def build(self, config, context):
        self.models.append(Model(config, context, self.behave))
        return self.models[-1]


def searched(learner, budget, *, clock=None, n_folds=1, start=0, on_candidate=None):
    clock = clock or Clock()
    found = []

    def take(candidate):
        assert clock.billing_trial is None, "what becomes of a candidate is not billed"
        found.append(candidate)
        return on_candidate(candidate) if on_candidate else None

    data = TrainingData(
        problem=ProblemType.REGRESSION, n_classes=0, target_sd=2.0, X=X, y=Y, folds=folds(n_folds)
    )
    search = Search(learner=learner, data=data, key="key", budget=budget, start_trial=start)
    return run_search(search, clock, take), found


def seconds(seconds, trials=None):
    return Budget(seconds=seconds, trials=trials)


TRIALS = Budget(seconds=None, trials=3)


def taking(clock, *costs):
    """A fit of each of these costs in turn, the last one for ever after."""
    left = list(costs)
    return lambda model: clock.spend(left.pop(0) if len(left) > 1 else left[0])


def test_models_are_not_held_while_the_next_are_fitted():
    """A nearest neighbour is as large as its rows: two of them need not fit into memory."""
    alive = weakref.WeakSet()

    class Forgetful(Fake):
        def build(self, config, context):
            assert not alive, "the model before this one is still there"
            model = Model(config, context, self.behave)
            alive.add(model)
            return model

    data = TrainingData(problem=ProblemType.REGRESSION, n_classes=0, target_sd=2.0, X=X, y=Y, folds=folds(1))
    statuses = []
    search = Search(learner=Forgetful(), data=data, key="key", budget=TRIALS)
    assert run_search(search, Clock(), lambda each: statuses.append(each.status)) == "trials"
    assert statuses == [TrialStatus.OK] * 3


# -- ends -------------------------------------------------------------------------------------------


def test_it_ends_with_its_trials():
    ended, found = searched(Fake(), TRIALS)
    assert (ended, [each.number for each in found]) == ("trials", [0, 1, 2])


def test_it_ends_with_its_seconds():
    clock = Clock()
    ended, found = searched(Fake(taking(clock, 1.0)), seconds(3.0, trials=99), clock=clock)
    assert (ended, len(found)) == ("seconds", 3)
    assert {each.status for each in found} == {TrialStatus.OK}


def test_it_ends_with_its_space():
    learner = Fake(space=Space({"value": 0.0}, {"value": Choice((0.0, 1.0, 2.0))}))
    ended, found = searched(learner, Budget(seconds=None, trials=99))
    assert ended == "space"
    assert sorted(each.config["value"] for each in found) == [0.0, 1.0, 2.0]
    assert searched(learner, Budget(seconds=None, trials=99), start=3) == ("space", [])


def test_whichever_end_comes_first():
    clock = Clock()
    assert searched(Fake(taking(clock, 1.0)), seconds(3.0, trials=2), clock=clock)[0] == "trials"


def test_the_default_is_tried_even_when_nothing_is_left():
    clock = Clock(billed_s=5.0)
    ended, found = searched(Fake(), seconds(1.0), clock=clock)
    assert (ended, len(found), found[0].flags) == ("seconds", 1, (Flag.OVER_BUDGET,))


def test_an_earlier_attempt_is_gone_on_with_where_it_stopped():
    learner = Fake()
    _, whole = searched(learner, Budget(seconds=None, trials=6), n_folds=2)
    seeds = [model.context.seed for model in learner.models]
    again = Fake()
    _, rest = searched(again, Budget(seconds=None, trials=6), n_folds=2, start=4)
    assert [(each.number, each.config) for each in rest] == [(e.number, e.config) for e in whole[4:]]
    assert [model.context.seed for model in again.models] == seeds[8:]
    assert len(set(seeds)) == 12, "each fit has a seed of its own"


def test_nothing_left_means_nothing_tried():
    clock = Clock(billed_s=4.0)
    assert searched(Fake(), seconds(4.0), clock=clock, start=2) == ("seconds", [])


def test_a_budget_of_trials_never_looks_at_the_clock():
    clock = Clock()
    learner = Fake(taking(clock, 1e9))
    _, found = searched(learner, TRIALS, clock=clock, n_folds=3)
    assert clock.asked == 0
    assert [each.flags for each in found] == [(), (), ()]
    assert {model.deadline.remaining_s() for model in learner.models} == {math.inf}


# -- billing ----------------------------------------------------------------------------------------


def test_fitting_and_validating_are_billed_and_nothing_else():
    clock = Clock()

    class Slow(Model):
        def predict(self, X):
            clock.spend(0.5)
            return super().predict(X)

    class Learner(Fake):
        def build(self, config, context):
            return Slow(config, context, taking(clock, 1.0))

    def score_the_test_rows(candidate):
        clock.spend(100.0)
        candidate.models[0].predict(X)

    searched(Learner(), TRIALS, clock=clock, n_folds=2, on_candidate=score_the_test_rows)
    assert clock.billed == [(0, 3.0), (1, 3.0), (2, 3.0)]


def test_what_a_failed_trial_took_is_billed():
    clock = Clock()

    def fail(model):
        clock.spend(2.0)
        raise ValueError("no")

    ended, found = searched(Fake(fail), seconds(5.0), clock=clock)
    assert (ended, len(found), clock.billed_s) == ("seconds", 3, 6.0)


def test_a_failure_after_the_deadline_is_still_a_failure():
    """It ended by itself: a larger budget must not try it again, as it would a trial that was cut."""
    clock = Clock()

    def fit(model):
        clock.spend(3.0)
        if model.context.seed != first.models[0].context.seed:
            raise ValueError("no")

    first = Fake(fit)
    _, found = searched(first, seconds(4.0), clock=clock)
    assert [each.status for each in found] == [TrialStatus.OK, TrialStatus.ERROR]


def test_the_reporter_cannot_steer():
    _, plain = searched(Fake(), Budget(seconds=None, trials=8))
    for answer in (True, False, "stop", 0.0):
        _, found = searched(Fake(), Budget(seconds=None, trials=8), on_candidate=lambda _, a=answer: a)
        assert [(e.config, e.validation_score) for e in found] == [
            (e.config, e.validation_score) for e in plain
        ]


def test_an_error_of_the_reporter_is_not_a_trial_that_failed():
    def full_disk(candidate):
        raise OSError("no space left")

    with pytest.raises(OSError, match="no space left"):
        searched(Fake(), TRIALS, on_candidate=full_disk)


# -- folds and deadlines ----------------------------------------------------------------------------


def test_a_fold_gets_its_fair_share_of_what_is_left():
    clock = Clock()
    seen = []

    def fit(model):
        seen.append(model.deadline.remaining_s())
        clock.spend([1.0, 0.5, 3.0, 0.5][len(seen) - 1])
        seen[-1] = (seen[-1], model.deadline.remaining_s())

    searched(Fake(fit), seconds(8.0 / DEFAULT_FACTOR, trials=1), clock=clock, n_folds=4)
    assert seen == [
        (8 / 4, pytest.approx(1.0)),
        (pytest.approx(7 / 3), pytest.approx(7 / 3 - 0.5)),
        (pytest.approx(6.5 / 2), pytest.approx(0.25)),
        (pytest.approx(3.5), pytest.approx(3.0)),
    ]


def test_a_hold_out_gets_all_that_is_left():
    clock = Clock(billed_s=1.0)
    learner = Fake()
    searched(learner, seconds(5.0, trials=2), clock=clock)
    assert [model.deadline.remaining_s() for model in learner.models] == [DEFAULT_FACTOR * 5.0 - 1.0, 4.0]


def test_no_deadline_lies_before_its_fold_begins():
    clock = Clock()
    left = []

    def fit(model):
        left.append(model.deadline.remaining_s())
        clock.spend(5.0)

    searched(Fake(fit), seconds(4.0 / DEFAULT_FACTOR), clock=clock, n_folds=3)
    assert left == [pytest.approx(4 / 3), 0.0, 0.0]


def test_each_model_sees_its_own_rows():
    learner = Fake()
    _, (candidate,) = searched(learner, Budget(seconds=None, trials=1), n_folds=3)
    for model, (fit, held) in zip(learner.models, folds(3), strict=True):
        assert model.rows.tolist() == fit.tolist()
        assert model.validation[0].index.tolist() == held.tolist()
        assert model.validation[1].tolist() == Y[held].tolist()
    assert len(candidate.models) == len(candidate.validation) == 3


def test_the_score_of_folds_is_the_root_of_their_mean_square():
    _, (candidate,) = searched(Fake(), Budget(seconds=None, trials=1), n_folds=3)
    errors = [np.mean((Y[held] - 1.0) ** 2) / 2.0**2 for _, held in folds(3)]
    assert candidate.validation_score == pytest.approx(math.sqrt(np.mean(errors)))
    assert candidate.status is TrialStatus.OK


# -- lateness ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("polls", [False, True])
def test_a_default_past_the_budget_counts_with_a_flag_and_is_the_last(polls):
    clock = Clock()
    ended, found = searched(Fake(taking(clock, 9.0), polls=polls), seconds(4.0), clock=clock)
    assert ended == "seconds"
    assert [(e.status, e.flags) for e in found] == [(TrialStatus.OK, (Flag.OVER_BUDGET,))]
    assert found[0].validation_score is not None


@pytest.mark.parametrize("polls", [False, True])
def test_a_later_trial_that_is_whole_and_too_late_counts_for_nothing(polls):
    """A learner that could have polled has no claim to a model that it finished after the end."""
    clock = Clock()
    ended, found = searched(Fake(taking(clock, 1.0, 9.0), polls=polls), seconds(4.0), clock=clock)
    late = found[1]
    assert (ended, len(found), late.status) == ("seconds", 2, TrialStatus.TIMEOUT)
    assert late.validation_score is None
    assert late.models == late.validation == ()
    assert late.flags == ()
    assert late.config == Fake().search_space.trial("key", 1)
    assert "after the deadline" in late.reason


def test_a_later_trial_that_says_it_was_cut_is_its_best_so_far():
    clock = Clock()
    cost = taking(clock, 1.0, 9.0)

    def fit(model):
        model.truncated_ = clock.billed_s > 0
        cost(model)

    _, found = searched(Fake(fit, polls=True), seconds(4.0), clock=clock)
    assert [each.status for each in found] == [TrialStatus.OK, TrialStatus.TRUNCATED]
    assert found[1].validation_score is not None


@pytest.mark.parametrize(("share", "status"), [(0.9, TrialStatus.TRUNCATED), (1.1, TrialStatus.TIMEOUT)])
def test_a_trial_may_end_late_by_what_a_look_at_the_clock_misses(share, status):
    clock = Clock()
    late_s = 4.0 * LATE_SHARE * share
    _, found = searched(Fake(taking(clock, 1.0, 3.0 + late_s), polls=True), seconds(4.0), clock=clock)
    assert [each.status for each in found] == [TrialStatus.OK, status]


def test_a_trial_that_ends_on_the_dot_is_in_time():
    clock = Clock()
    ended, found = searched(Fake(taking(clock, 2.0)), seconds(4.0), clock=clock)
    assert (ended, [each.status for each in found]) == ("seconds", [TrialStatus.OK] * 2)


@pytest.mark.parametrize("number", [0, 1])
def test_a_fit_that_the_deadline_cut_says_so_itself(number):
    clock = Clock()

    def fit(model):
        late = len(learner.models) == number + 1
        model.truncated_ = late
        clock.spend(3.9 if late else 0.0)

    learner = Fake(fit, polls=True)
    _, found = searched(learner, seconds(4.0, trials=number + 1), clock=clock)
    assert [each.status for each in found] == [TrialStatus.OK] * number + [TrialStatus.TRUNCATED]
    assert found[number].flags == ()


def test_one_truncated_fold_makes_a_truncated_trial():
    def fit(model):
        model.truncated_ = len(learner.models) == 1

    learner = Fake(fit, polls=True)
    _, found = searched(learner, Budget(seconds=None, trials=1), n_folds=3)
    assert found[0].status is TrialStatus.TRUNCATED


def test_a_default_that_was_truncated_past_the_budget_is_over_it_as_well():
    clock = Clock()

    def fit(model):
        model.truncated_ = True
        clock.spend(4.5)

    _, found = searched(Fake(fit, polls=True), seconds(4.0), clock=clock)
    assert [(each.status, each.flags) for each in found] == [(TrialStatus.TRUNCATED, (Flag.OVER_BUDGET,))]


# -- failures ---------------------------------------------------------------------------------------


def raising(error):
    def fit(model):
        raise error

    return fit


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (DeadlinePassed(), TrialStatus.TIMEOUT, "the deadline passed before there was a model"),
        (DeadlinePassed("no round was done"), TrialStatus.TIMEOUT, "no round was done"),
        (MemoryError(), TrialStatus.OOM, "out of memory"),
        (MemoryError("Unable to allocate 9 GiB"), TrialStatus.OOM, "out of memory: Unable to allocate 9 GiB"),
        (RuntimeError("std::bad_alloc"), TrialStatus.OOM, "RuntimeError: std::bad_alloc"),
        (RuntimeError("[enforce fail] CPUAllocator: can't allocate memory: you tried"),
         TrialStatus.OOM, "RuntimeError: [enforce fail] CPUAllocator: can't allocate memory: you tried"),
        (RuntimeError("CUDA out of memory."), TrialStatus.OOM, "RuntimeError: CUDA out of memory."),
        (ValueError("bad\n  depth"), TrialStatus.ERROR, "ValueError: bad depth"),
        (KeyError("x"), TrialStatus.ERROR, "KeyError: 'x'"),
        (ZeroDivisionError(), TrialStatus.ERROR, "ZeroDivisionError: "),
    ],
)  # fmt: skip
def test_a_failure_is_a_result(error, status, reason):
    ended, found = searched(Fake(raising(error)), TRIALS)
    assert ended == "trials"
    assert {(each.status, each.reason) for each in found} == {(status, reason)}
    assert all(each.validation_score is None and each.models == () for each in found)
    assert found[2].config == Fake().search_space.trial("key", 2)


def test_a_failure_in_one_fold_is_one_of_the_trial():
    def fit(model):
        if len(learner.models) == 3:
            raise ValueError("third fold")

    learner = Fake(fit)
    _, found = searched(learner, Budget(seconds=None, trials=2), n_folds=3)
    assert [each.status for each in found] == [TrialStatus.ERROR, TrialStatus.OK]
    assert found[0].models == ()


def test_the_reason_of_a_failure_is_one_line_of_bounded_length():
    _, found = searched(Fake(raising(ValueError("a\n" * 5000))), TRIALS)
    assert "\n" not in found[0].reason
    assert len(found[0].reason) <= 500


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_being_stopped_is_no_result(stop):
    with pytest.raises(stop):
        searched(Fake(raising(stop())), TRIALS)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_prediction_that_is_not_finite_has_no_score(value):
    learner = Fake(space=Space({"value": value}))
    _, (candidate,) = searched(learner, TRIALS, n_folds=2)
    assert (candidate.status, candidate.validation_score) == (TrialStatus.NAN, None)
    assert candidate.models == ()
    assert "not finite" in candidate.reason


def warn(category):
    return lambda model: warnings.warn("did not converge", category, stacklevel=1)


def test_not_converged_is_a_flag_and_the_trial_counts():
    _, found = searched(Fake(warn(ConvergenceWarning)), TRIALS)
    assert {(each.status, each.flags) for each in found} == {(TrialStatus.OK, (Flag.NOT_CONVERGED,))}


def test_not_converged_is_seen_however_warnings_are_filtered():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _, found = searched(Fake(warn(ConvergenceWarning)), TRIALS)
    assert [each.flags for each in found] == [(Flag.NOT_CONVERGED,)] * 3


def test_other_warnings_are_no_flag():
    _, found = searched(Fake(warn(UserWarning)), TRIALS)
    assert [each.flags for each in found] == [()] * 3


def test_a_model_may_say_itself_that_it_did_not_converge():
    def fit(model):
        model.converged_ = len(learner.models) != 2

    learner = Fake(fit)
    _, found = searched(learner, Budget(seconds=None, trials=2), n_folds=2)
    assert [each.flags for each in found] == [(Flag.NOT_CONVERGED,), ()]


def test_a_default_may_carry_both_flags():
    clock = Clock()

    def fit(model):
        clock.spend(9.0)
        model.converged_ = False

    _, found = searched(Fake(fit), seconds(4.0), clock=clock)
    assert found[0].flags == (Flag.NOT_CONVERGED, Flag.OVER_BUDGET)
