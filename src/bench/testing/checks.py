"""What a learner promises, a function a promise. Each raises AssertionError where it is not kept."""

from __future__ import annotations

import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import numpy as np
import pandas as pd
from sklearn.base import clone, is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import get_tags

from bench.datasets import ProblemType
from bench.deadlines import DeadlinePassed
from bench.learners import Estimator
from bench.testing.rows import N_FIT, N_VALIDATION, Parts, Wall, outputs, strange, strange_images
from bench.testing.subject import Subject, expect, expect_close, expect_same_rows

NEAR_S = 0.03
"""Wall seconds that a fit on many rows is given ..."""
GRACE_S = 1.0
"""... and CPU seconds after which it must have ended."""
TIMES = 60
"""How often the fit rows are repeated for that."""
BETTER = 0.1
"""How much more accurate than the commonest class a classifier must be on an easy signal ..."""
R2 = 0.5
"""... and the R2 that a regressor must reach."""
LARGEST_SEED = 2**31 - 1
"""Of those that bench derives."""


class Check(Protocol):
    """A promise about one problem."""

    def __call__(self, subject: Subject, problem: ProblemType) -> None:
        """Raise AssertionError where it is not kept."""
        ...


def predictions(subject: Subject, problem: ProblemType) -> None:
    """Predictions are finite and of the right shape, probabilities add up, and classes are the fit rows'."""
    estimator, rows = subject.fitted(problem), subject.parts(problem)
    X, y = rows.test[0], rows.fit[1]
    expect(isinstance(estimator, Estimator), "`build` must return an estimator with fit and predict")
    expect(
        is_classifier(estimator) == problem.is_classification,
        "the estimator must be a classifier for classes, and a regressor for numbers",
    )
    expect(not getattr(estimator, "truncated_", False), "`truncated_` is set although there was no deadline")
    expect(estimator.predict(X).shape == (len(X),), f"predict gives {estimator.predict(X).shape}")
    expect(np.isfinite(outputs(estimator, X)).all(), "a prediction is not a finite number")
    if not problem.is_classification:
        return
    expect(list(estimator.classes_) == list(np.unique(y)), f"classes_ are {estimator.classes_}")
    expect(set(estimator.predict(X)) <= set(y), "predict gives labels that no fit row had")
    if hasattr(estimator, "predict_proba"):
        p = estimator.predict_proba(X)
        expect(p.shape == (len(X), len(estimator.classes_)), f"predict_proba gives {p.shape}")
        expect_close(p.sum(axis=1), np.ones(len(X)), "probabilities of a row must add up to 1", rtol=1e-5)
        expect(p.min() >= 0, "a probability is negative")
    else:
        expect(hasattr(estimator, "decision_function"), "it has no predict_proba and no decision_function")


def learns(subject: Subject, problem: ProblemType) -> None:
    """An easy signal is learnt, unless the estimator's tags say that its scores are poor."""
    estimator, rows = subject.fitted(problem), subject.parts(problem)
    tags = get_tags(estimator)
    inner = tags.classifier_tags if problem.is_classification else tags.regressor_tags
    if inner is not None and inner.poor_score:
        return
    X, y = rows.test
    predicted = estimator.predict(X)
    if problem is ProblemType.REGRESSION:
        score = r2_score(y, predicted)
        expect(score > R2, f"R2 on an easy signal is {score:.2f}, under {R2}")
        return
    chance = (y == np.bincount(rows.fit[1]).argmax()).mean()
    score = accuracy_score(y, predicted)
    expect(score > chance + BETTER, f"accuracy on an easy signal is {score:.2f}, chance is {chance:.2f}")


def strange_rows(subject: Subject, problem: ProblemType) -> None:
    """Test rows with new categories, missing, huge and infinite numbers are predicted all the same."""
    said = outputs(subject.fitted(problem), _strange(subject, problem))
    expect(np.isfinite(said).all(), "a prediction of a strange row is not a finite number")


def _strange(subject: Subject, problem: ProblemType) -> pd.DataFrame:
    X = subject.parts(problem).test[0]
    return strange(X) if subject.image is None else strange_images(X)


def rows_alone(subject: Subject, problem: ProblemType) -> None:
    """A row's prediction does not depend on the rows beside it."""
    estimator, X = subject.fitted(problem), subject.parts(problem).test[0]
    whole = outputs(estimator, X)
    order = np.random.default_rng(0).permutation(len(X))
    # A matrix product of another shape rounds otherwise.
    expect_close(
        outputs(estimator, X[:1]), whole[:1], "a row alone is predicted otherwise", rtol=1e-4, atol=1e-5
    )
    text = "rows in another order are predicted otherwise"
    expect_close(outputs(estimator, X.iloc[order]), whole[order], text, rtol=1e-4, atol=1e-5)


def repeats(subject: Subject, problem: ProblemType) -> None:
    """A second fit, after a warm-up and with a far deadline, is the same to the last bit."""
    rows = subject.parts(problem)
    expected = outputs(subject.fitted(problem), rows.test[0])
    again = subject.warm_fit(problem, rows)
    expect_same_rows(rows, subject.parts(problem))
    text = "a second fit with the same seed, after a warm-up and with a far deadline, is another"
    expect_close(outputs(again, rows.test[0]), expected, text, rtol=0)


def passed_deadline(subject: Subject, problem: ProblemType) -> None:
    """A fit whose deadline has passed raises DeadlinePassed where it polls, and else goes on."""
    try:
        estimator = subject.fit(problem, deadline=Wall(-1))
    except DeadlinePassed:
        expect(subject.learner.polls_deadline, "DeadlinePassed is raised, but polls_deadline is False")
        return
    polls = subject.learner.polls_deadline
    expect(
        not polls, "polls_deadline is True, but a fit whose deadline has passed does not raise DeadlinePassed"
    )
    expect(not getattr(estimator, "truncated_", False), "`truncated_` is set, but polls_deadline is False")


def near_deadline(subject: Subject, problem: ProblemType) -> None:
    """A fit on many rows of noise ends at its deadline, with a model that predicts or with DeadlinePassed."""
    if not subject.learner.polls_deadline:
        return
    rows = subject.parts(problem)
    y = np.random.default_rng(0).permutation(np.tile(rows.fit[1], TIMES))
    X = pd.concat([rows.fit[0]] * TIMES, ignore_index=True)
    subject.learner.warm_up(problem)
    estimator = subject.build(problem)
    begin = time.process_time()
    try:
        estimator.fit(X, y, validation=None, deadline=Wall(NEAR_S))
    except DeadlinePassed:
        estimator = None
    taken_s = time.process_time() - begin
    expect(taken_s < GRACE_S, f"a fit with {NEAR_S} s to its deadline took {taken_s:.2f} CPU seconds")
    if estimator is not None:
        cut = getattr(estimator, "truncated_", False)
        # What ends by itself soon after it last looked at the clock is whole.
        expect(cut or taken_s < 2 * NEAR_S, "a fit ran past its deadline and does not say `truncated_`")
        expect(
            np.isfinite(outputs(estimator, rows.test[0])).all(), "a cut fit predicts what is no finite number"
        )


def clones(subject: Subject, problem: ProblemType) -> None:
    """scikit-learn can clone the estimator: the copy has its parameters and nothing that was fitted."""
    estimator = subject.fitted(problem)
    fresh = clone(estimator)
    left = [name for name in vars(fresh) if name.endswith("_") and not name.startswith("_")]
    expect(not left, f"a clone keeps {', '.join(left)}")
    expect(str(fresh.get_params()) == str(estimator.get_params()), "a clone has other parameters")


def constant_target(subject: Subject, problem: ProblemType) -> None:
    """Where all fit rows have one target, that is what is predicted."""
    rows = subject.parts(problem)
    one = Parts((rows.fit[0], np.full(N_FIT, 3)), (rows.validation[0], np.full(N_VALIDATION, 3)), rows.test)
    predicted = subject.fit(problem, one).predict(rows.test[0])
    expect_close(predicted, np.full(len(predicted), 3), "a target of 3s is not predicted", rtol=1e-6)


def configurations(subject: Subject, problem: ProblemType) -> None:
    """What a search would draw can be fitted: another configuration for each problem."""
    rows, space = subject.parts(problem), subject.learner.space(problem)
    number = 1 + list(ProblemType).index(problem)
    config = space.trial("contract", number) or space.trial("contract", 1)
    if config is None:
        return
    estimator = subject.build(problem, config).fit(*rows.fit, validation=rows.validation, deadline=None)
    said = outputs(estimator, rows.test[0])
    expect(np.isfinite(said).all(), f"a prediction is not a finite number with {dict(config)}")


def no_validation(subject: Subject, problem: ProblemType) -> None:
    """It can be fitted without validation rows, and with the largest seed."""
    rows = subject.parts(problem)
    estimator = subject.build(problem, subject.quick_config(problem), seed=LARGEST_SEED)
    said = outputs(estimator.fit(*rows.fit), rows.test[0])
    expect(np.isfinite(said).all(), "a prediction is not a finite number without validation rows")


CHECKS: Mapping[str, Check] = MappingProxyType(
    {
        check.__name__.replace("_", "-"): check
        for check in (
            predictions, learns, strange_rows, rows_alone, repeats, passed_deadline, near_deadline, clones,
            constant_target, configurations, no_validation,
        )
    }
)  # fmt: skip
"""By name, in the order in which one wants to hear of them."""
