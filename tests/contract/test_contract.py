"""The contract finds what is wrong: for each of its checks, a learner that is whole but for one thing."""

from __future__ import annotations

import re
import sys
import time

import numpy as np
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.linear_model import Ridge

from bench.datasets import ProblemType
from bench.deadlines import DeadlinePassed
from bench.spaces import Choice, Space
from bench.testing import LearnerContract, check_learner
from bench.testing.check import all_checks, failure, make_subject
from bench.zoo.declaration import ZooLearner
from bench.zoo.wrapped import wrap

REGRESSION = ProblemType.REGRESSION


class Line(RegressorMixin, BaseEstimator):
    """A straight line in one column, and an offset for one category: quick, and whole."""

    def __init__(self, step=0, seed=0):
        self.step = step
        self.seed = seed

    def fit(self, X, y, *, validation=None, deadline=None):
        if deadline is not None and deadline.remaining_s() <= 0:
            raise DeadlinePassed
        self.mean_ = y.mean()
        self.slope_ = 0.0 if (y == y[0]).all() else 20.0
        return self

    def predict(self, X):
        return self.mean_ + self.slope_ * X["a"].fillna(0).to_numpy()


class Lines(ZooLearner):
    """The learner around it, or around another one."""

    name = family = "lines"
    title = "Lines"
    polls_deadline = True

    def __init__(self, estimator=Line, **members):
        self.estimator = estimator
        for name, value in members.items():
            setattr(self, name, value)

    def space(self, problem):
        return Space({"step": 0}, {"step": Choice((1, 2))})

    def limit(self, shape):
        return None if shape.problem is REGRESSION else "numbers alone"

    def warm_up(self, problem, device="cpu"):
        pass

    def build(self, config, context):
        return self.estimator(**config, seed=context.seed)


class Nan(Line):
    def predict(self, X):
        return np.where(np.arange(len(X)) == 3, np.nan, super().predict(X))


class Wide(Line):
    def predict(self, X):
        return super().predict(X)[:, None]


class Truncated(Line):
    truncated_ = True


class Mean(Line):
    def predict(self, X):
        return np.full(len(X), self.mean_)


class Choosy(Line):
    def predict(self, X):
        if X["a"].isna().any():
            raise ValueError("Input contains NaN")
        return super().predict(X)


class Crowd(Line):
    def predict(self, X):
        return super().predict(X) + len(X)


class Random(Line):
    def predict(self, X):
        return super().predict(X) + self.noise_

    def fit(self, X, y, **options):
        self.noise_ = np.random.default_rng().random()
        return super().fit(X, y, **options)


class Careless(Line):
    def fit(self, X, y, **options):
        fitted = super().fit(X, y, **options)
        X["gaps"] = 0.0
        return fitted


class Deaf(Line):
    def fit(self, X, y, *, validation=None, deadline=None):
        return super().fit(X, y)


class Late(Line):
    def fit(self, X, y, *, deadline=None, **options):
        end = time.process_time() + (1.2 if len(X) > 1000 else 0)
        while time.process_time() < end:
            pass
        return super().fit(X, y)


class Sticky(Line):
    def __init__(self, step=0, seed=0):
        super().__init__(step, seed)
        self.seen_ = True


class Stubborn(Line):
    def fit(self, X, y, **options):
        fitted = super().fit(X, y, **options)
        self.slope_ = 20.0
        return fitted


class Brittle(Line):
    def fit(self, X, y, **options):
        if self.step:
            raise ValueError(f"step {self.step} cannot be taken")
        return super().fit(X, y, **options)


class Dependent(Line):
    def fit(self, X, y, *, validation=None, deadline=None):
        assert len(validation[0]) > 0
        return super().fit(X, y, validation=validation, deadline=deadline)


FAULTS = {
    Nan: ("predictions", "a prediction is not a finite number"),
    Wide: ("predictions", r"predict gives \(60, 1\)"),
    Truncated: ("predictions", "`truncated_` is set although"),
    Mean: ("learns", "R2 on an easy signal is"),
    Choosy: ("strange-rows", "ValueError: Input contains NaN"),
    Crowd: ("rows-alone", "a row alone is predicted otherwise: 1 of 1 numbers differ"),
    Random: (
        "repeats",
        "a second fit with the same seed, after a warm-up and with a far deadline, is another",
    ),
    Careless: ("repeats", "DataFrame"),
    Deaf: ("passed-deadline", "polls_deadline is True, but a fit whose deadline has passed does not raise"),
    Late: ("near-deadline", "a fit with 0.03 s to its deadline took 1"),
    Sticky: ("clones", "a clone keeps seen_"),
    Stubborn: ("constant-target", "a target of 3s is not predicted"),
    Brittle: ("configurations", "ValueError: step . cannot be taken"),
    Dependent: ("no-validation", "TypeError"),
}


def subject(learner, **options):
    return make_subject(learner, options.get("expected_failed_checks"), None)


def test_a_whole_one_keeps_every_promise_about_its_problem():
    whole = subject(Lines())
    checks = [(name, problem) for name, problem in all_checks(whole) if problem is not None]
    assert {problem for _, problem in checks} == {REGRESSION}
    assert [failure(whole, *check) for check in checks] == [""] * len(checks)


@pytest.mark.parametrize("estimator", FAULTS, ids=lambda estimator: estimator.__name__)
def test_a_fault_is_found_by_its_check(estimator):
    check, text = FAULTS[estimator]
    found = failure(subject(Lines(estimator)), check, REGRESSION)
    assert found.startswith(f"{check} (regression): ")
    assert re.search(text, found), found


def test_every_check_of_a_problem_has_a_fault_that_it_finds():
    checks = {name for name, problem in all_checks(subject(Lines())) if problem is not None}
    assert {check for check, _ in FAULTS.values()} == checks


def test_truncation_where_nobody_polls_is_found():
    found = failure(subject(Lines(Truncated, polls_deadline=False)), "passed-deadline", REGRESSION)
    assert "DeadlinePassed is raised, but polls_deadline is False" in found


def test_what_applies_to_nothing_is_found():
    never = Lines(limit=lambda shape: "no")
    assert "applies to no table" in failure(subject(never), "declaration", None).replace(
        "lets it apply", "applies"
    )


def test_what_is_no_learner_is_said_at_once():
    with pytest.raises(AssertionError, match="'broken' is no learner: it lacks family"):
        check_learner(type("Broken", (), {"name": "broken"})())


def test_more_than_five_excuses_are_too_many():
    excuses = {f"check_{i}": "because" for i in range(6)}
    found = failure(subject(Lines(), expected_failed_checks=excuses), "scikit-learn", None)
    assert "6 checks are expected to fail; at most 5 may" in found
    found = failure(subject(Lines(), expected_failed_checks={"check_x": " "}), "scikit-learn", None)
    assert "say which property of the method forbids check_x" in found


def test_scikit_learn_s_checks_are_asked_and_may_be_excused():
    found = failure(subject(Lines()), "scikit-learn", None)
    assert "regression: check_" in found


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Return a function that writes a module and imports it, for processes of their own too."""

    def make(name, code):
        (tmp_path / f"{name}.py").write_text(code)
        monkeypatch.syspath_prepend(tmp_path)
        return __import__(name)

    yield make
    for name in ("own_hashed", "own_heavy", "own_threads"):
        sys.modules.pop(name, None)


HASHED = """
from sklearn.linear_model import Ridge

class Hashed(Ridge):
    def predict(self, X):
        return super().predict(X) + hash("salted") / 2**62
"""
HEAVY = """
from bench.zoo.wrapped import Wrapped, wrap

class Heavy(Wrapped):
    def space(self, problem):
        import sklearn
        return super().space(problem)

light = wrap("heavy", regressor="sklearn.linear_model:Ridge")
LEARNER = Heavy("heavy", light.recipe, {})
"""
THREADS = """
import threading, time
threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
"""


def test_a_fit_that_depends_on_the_process_is_found(module):
    hashed = module("own_hashed", HASHED).Hashed
    found = failure(subject(wrap("hashed", regressor=hashed())), "fresh-process", None)
    assert found == "fresh-process: a fit with the same seed in a process of its own is another"


def test_asking_that_imports_a_library_is_found(module):
    found = failure(subject(module("own_heavy", HEAVY).LEARNER), "fresh-process", None)
    assert "asking for its space imports" in found
    assert "sklearn" in found


def test_modules_that_start_threads_are_found(module):
    module("own_threads", THREADS)
    learner = wrap("threads", regressor=Ridge())
    learner.__dict__["modules"] = (*learner.modules, "own_threads")
    found = failure(subject(learner), "fresh-process", None)
    assert "importing its `modules` starts threads" in found


def test_what_cannot_be_pickled_is_said():
    learner = wrap("lambda", regressor=Ridge(), limit=lambda shape: None)
    found = failure(subject(learner), "fresh-process", None)
    assert "it cannot be pickled" in found
    assert "define its functions and classes in a module" in found


class TestOne(LearnerContract):
    """The class, with its options."""

    learner = wrap("one", regressor=Ridge())
    quick = {"alpha": 2.0}  # noqa: RUF012 - as an author would write it

    def test_its_options_arrive(self, subject):
        assert subject.quick_config(REGRESSION)["alpha"] == 2.0
        assert subject.problems == (REGRESSION,)
