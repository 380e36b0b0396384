"""Whoever an intervention must leave as they are is left so, and at test time nothing else is changed."""

from __future__ import annotations

import mmap

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.budgets import Budget
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.interventions import KINDS, NONE, Part, parse_intervention
from bench.learners import BuildContext
from bench.runner.cell import load_cell, run_cell
from bench.runner.state import PAGE_BYTES, Phase, State
from bench.search.configurations import with_fixed
from bench.search.search import Search, run_search

AMOUNTS = {
    "noise-columns": 20, "dilute-columns": 50, "shuffled-columns": 20, "drop-columns": 50,
    "feature-noise": 50, "translate": 2, "crop": 60, "occlude": 30, "rotate-images": 40, "blur": 10,
}  # fmt: skip
TABLES = ("wdbc", "wine", "sk-diabetes")
"""Two classes, three and a number; all columns numeric and without ties."""
N_TRIALS = 3
"""The default and two drawn configurations."""


def asked(kind):
    return f"{kind.name}:{AMOUNTS[kind.name]}" if kind.amount else kind.name


CONTROLS = [
    (asked(kind), kind.reference, learner, table)
    for kind in KINDS.values()
    for learner in kind.unmoved
    for table in (("digits-8x8",) if kind.images else TABLES)
]


def fitted(name, config, training):
    fit, held = training.folds[0]
    context = BuildContext(problem=training.problem, n_classes=training.n_classes, seed=3)
    estimator = registry.learner(name).build(config, context)
    validation = (training.X.iloc[held].reset_index(drop=True), training.y[held])
    return estimator.fit(training.X.iloc[fit].reset_index(drop=True), training.y[fit], validation=validation)


def scores(estimator, X):
    """Decision values (n, k): values, or one for each class."""
    for said in ("decision_function", "predict_proba"):
        if hasattr(estimator, said):
            values = np.asarray(getattr(estimator, said)(X), dtype=np.float64)
            return values if values.ndim == 2 else np.column_stack([-values, values])
    return np.asarray(estimator.predict(X), dtype=np.float64)[:, None]


def configs(name, problem):
    found = (registry.learner(name).space(problem).trial("control", trial) for trial in range(N_TRIALS))
    return [config for config in found if config is not None]


@pytest.mark.parametrize(("text", "reference", "name", "table"), CONTROLS)
def test_whoever_must_not_notice_does_not(order_under, text, reference, name, table):
    """Decision values agree to 1e-6 of the largest, labels but where two classes are that near."""
    (plain, plain_test, _), (training, test, _) = (
        load_cell(order_under(each, table)) for each in (reference, text)
    )
    assert not training.X.equals(plain.X) or not test.X.equals(plain_test.X)
    for drawn in configs(name, plain.problem):
        before, after = (
            fitted(name, with_fixed(drawn, parse_intervention(each).fixed(data.X.shape[1])), data)
            for each, data in ((reference, plain), (text, training))
        )
        told, again = scores(before, plain_test.X), scores(after, test.X)
        scale = np.abs(told).max()
        assert np.abs(told - again).max() <= 1e-6 * scale, (drawn, np.abs(told - again).max() / scale)
        if plain.problem.is_classification:
            second, first = np.sort(told, axis=1)[:, -2:].T
            clear = first - second > 1e-6 * scale
            assert np.array_equal(before.predict(plain_test.X)[clear], after.predict(test.X)[clear])


@pytest.mark.parametrize(
    ("text", "reference", "name", "table"),
    [
        ("noise-columns:200", NONE, "knn", "digits-8x8"),
        ("rotate-features", "scaled-features", "tree", "wdbc"),
        ("rotate-features", "scaled-features", "xgboost", "wine"),
        ("warp-features", NONE, "linear", "wine"),
        ("translate:2", NONE, "linear", "digits-8x8"),
    ],
)
def test_others_notice(order_under, text, reference, name, table):
    """So that the control could fail."""
    (plain, plain_test, _), (training, test, _) = (
        load_cell(order_under(each, table)) for each in (reference, text)
    )
    (config, *_) = configs(name, plain.problem)
    told = [
        scores(fitted(name, config, data), tested.X)
        for data, tested in ((plain, plain_test), (training, test))
    ]
    assert np.abs(told[0] - told[1]).max() > 0.01 * np.abs(told[0]).max()


@pytest.mark.parametrize("n_levels", [40, 3000])
def test_boosted_trees_whose_bins_end_at_values_see_no_warp_on_any_row(order_under, n_levels):
    """With fewer values than bins and with more, missing ones, and test values that no fit row had."""
    from bench.alterations.altered import altered
    from bench.alterations.rows import Rows

    rng = np.random.default_rng(0)
    X = pd.DataFrame(np.round(rng.standard_normal((4000, 4)) ** 3 * n_levels / 6) / 100)
    X = X.set_axis(list("abcd"), axis=1)
    y = (X["a"] * X["b"] + X["c"] + rng.standard_normal(4000) > 0).to_numpy(np.int64)
    X.loc[::9, "d"] = np.nan
    there = Rows(X[:3000], y[:3000], X[3000:].reset_index(drop=True), ProblemType.BINARY)
    met = altered(there, parse_intervention("warp-features"), "x")
    told = []
    for rows in (there, met):
        context = BuildContext(problem=ProblemType.BINARY, n_classes=2, seed=3)
        config = registry.learner("xgboost").space(ProblemType.BINARY).default
        model = registry.learner("xgboost").build(config, context)
        held = (rows.X[2000:].reset_index(drop=True), rows.y[2000:])
        told.append(model.fit(rows.X[:2000], rows.y[:2000], validation=held).predict_proba(rows.X_test))
    assert np.array_equal(*told)


class _Meter:
    def spent_s(self):
        return 0.0

    def billing(self, number):
        from contextlib import nullcontext

        return nullcontext()


@pytest.mark.parametrize("kind", [each for each in KINDS.values() if each.part is Part.TEST_IMAGES])
def test_test_time_changes_leave_all_that_is_learnt_from(order_under, kind):
    (plain, plain_test, n), (training, test, n_too) = (
        load_cell(order_under(each)) for each in (NONE, asked(kind))
    )
    pd.testing.assert_frame_equal(training.X, plain.X, check_exact=True)
    assert np.array_equal(training.y, plain.y)
    assert np.array_equal(test.y, plain_test.y)
    assert n == n_too
    assert not test.X.equals(plain_test.X)
    validated = []
    for data in (plain, training):
        found = []
        search = Search(
            learner=registry.learner("knn"), data=data, key="key", budget=Budget(seconds=None, trials=2)
        )
        run_search(search, _Meter(), found.append)
        validated.append([each.validation_score for each in found])
    assert validated[0] == validated[1]


def test_what_is_fixed_leaves_all_other_draws(order_under):
    """The trial's record has what was fixed, and the rest as it is drawn without."""
    plain, _, _ = load_cell(order_under("scaled-features", "wine"))
    fixed = parse_intervention("scaled-features").fixed(plain.X.shape[1])
    for name in ("knn", "svm-rbf", "linear", "tree"):
        found = {False: [], True: []}
        for held, into in found.items():
            search = Search(
                learner=registry.learner(name),
                data=plain,
                key="key",
                budget=Budget(seconds=None, trials=6),
                fixed=fixed if held else {},
            )
            run_search(search, _Meter(), into.append)
        for without, under in zip(found[False], found[True], strict=True):
            assert under.status.valid, under.reason
            assert under.config == {
                key: "none"
                if key == "scaling"
                else 2
                if key == "p"
                else 1 / 13
                if value == "scale"
                else value
                for key, value in without.config.items()
            }
        assert name == "tree" or any(
            each.config != other.config for each, other in zip(*found.values(), strict=True)
        )


@pytest.mark.parametrize(("text", "phase"), [(NONE, Phase.LOADING), ("random-labels", Phase.ALTERING)])
def test_altering_has_a_phase_of_its_own_whose_limit_it_is_held_to(order_under, monkeypatch, text, phase):
    state = State(mmap.mmap(-1, PAGE_BYTES))
    seen = []

    def load(order):
        seen.append(state.phase)
        raise DataError("enough")

    monkeypatch.setattr("bench.runner.cell.load_cell", load)
    with pytest.raises(DataError, match="enough"):
        run_cell(order_under(text), state, report=None, limits={})
    assert seen == [phase]
