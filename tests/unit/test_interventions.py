"""Interventions change one structure, the same for every learner, and nothing else."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.alterations.altered import altered
from bench.alterations.rows import Rows
from bench.cells import Validation
from bench.config.expand import _planned, task_shape
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.interventions import KINDS, NONE, parse_intervention, shape_under
from bench.learners import BuildContext
from bench.runner.cell import load_cell
from bench.sources.cache import Cache
from bench.sources.catalog import record
from bench.sources.convert import convert_record
from bench.splits.plan import split_plan
from bench.tasks import Split, Task

ASKED = ("noise-columns:3", "shuffled-columns:7", "feature-noise:50", "label-noise:30", "random-labels")


def rows(n=400, m=100):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"size": rng.normal(5, 2, n + m), "far": rng.normal(0, 1e6, n + m)})
    X.loc[::7, "size"] = np.nan
    X.loc[3, "far"] = np.inf
    X["colour"] = pd.Categorical.from_codes(rng.integers(-1, 3, n + m), ["red", "green", "blue"])
    return Rows(X[:n], rng.integers(0, 3, n), X[n:].reset_index(drop=True))


def change(text, key="a table/r0f0/s0"):
    return altered(rows(), parse_intervention(text), key)


def same(a, b):
    return a.X.equals(b.X) and np.array_equal(a.y, b.y) and a.X_test.equals(b.X_test)


@pytest.mark.parametrize("text", [NONE, *ASKED, "permute-pixels"])
def test_what_is_written_is_what_is_shown(text):
    assert str(parse_intervention(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("label-nose:20", 'did you mean "label-noise"'),
        ("label-noise", "with N of 1 to 100 per cent"),
        ("label-noise:0", "with N of 1 to 100 per cent"),
        ("label-noise:101", "with N of 1 to 100 per cent"),
        ("label-noise:1.5", "no intervention"),
        ("random-labels:3", "it has no amount"),
        ("", "no intervention"),
    ],
)
def test_what_cannot_be_meant_is_one_line(text, says):
    with pytest.raises(ConfigError, match=says):
        parse_intervention(text)


def test_without_an_intervention_rows_are_themselves():
    there = rows()
    assert altered(there, parse_intervention(NONE), "x") is there


@pytest.mark.parametrize("text", ASKED)
def test_a_change_follows_from_its_key_alone(text):
    assert same(change(text), change(text))
    assert not same(change(text), change(text, "a table/r0f0/s1"))
    assert not same(change(text), rows())


@pytest.mark.parametrize("text", ["noise-columns:3", "shuffled-columns:7"])
def test_what_is_added_leaves_the_rest(text):
    before, after = rows(), change(text)
    for part in ("X", "X_test"):
        old, new = getattr(before, part), getattr(after, part)
        assert new[old.columns].equals(old)
        assert new.shape == (len(old), old.shape[1] + parse_intervention(text).amount)
        assert new.columns.is_unique
    assert np.array_equal(after.y, before.y)


def test_shuffled_columns_hold_what_the_real_ones_hold_in_another_order():
    before, after = rows(), change("shuffled-columns:7")
    for i in range(7):
        old, new = before.X.iloc[:, i % 3], after.X[f"shuffled {i + 1}"]
        assert new.dtype == old.dtype
        assert not new.equals(old)
        pd.testing.assert_series_equal(
            old.value_counts(dropna=False).sort_index(), new.value_counts(dropna=False).sort_index(),
            check_names=False,
        )  # fmt: skip


def test_a_column_that_is_called_like_an_added_one_stays():
    there = dataclasses.replace(rows(), X=rows().X.rename(columns={"far": "noise 1"}))
    there = dataclasses.replace(there, X_test=there.X_test.rename(columns={"far": "noise 1"}))
    found = altered(there, parse_intervention("noise-columns:2"), "x").X
    assert found.columns.is_unique
    assert found["noise 1"].equals(there.X["noise 1"])


def test_noise_in_features_has_the_spread_that_is_asked_for():
    before, after = rows(4000, 2000), altered(rows(4000, 2000), parse_intervention("feature-noise:50"), "x")
    for part in ("X", "X_test"):
        old, new = getattr(before, part), getattr(after, part)
        for name in ("size", "far"):
            finite = np.isfinite(old[name])
            ratio = (new[name] - old[name])[finite].std() / before.X[name][np.isfinite(before.X[name])].std()
            assert ratio == pytest.approx(0.5, rel=0.1)
            assert new[name][~finite].equals(old[name][~finite])
        assert new["colour"].equals(old["colour"])
    assert np.array_equal(after.y, before.y)


def test_noise_in_labels_keeps_the_classes_shares_and_the_features():
    before, after = rows(6000), altered(rows(6000), parse_intervention("label-noise:30"), "x")
    changed = (before.y != after.y).mean()
    assert changed == pytest.approx(0.3 * 2 / 3, abs=0.02), "a third of the drawn labels is the same again"
    np.testing.assert_allclose(np.bincount(after.y) / 6000, np.bincount(before.y) / 6000, atol=0.03)
    assert after.X is before.X or after.X.equals(before.X)


def test_random_labels_are_the_labels_dealt_out_anew():
    before, after = rows(), change("random-labels")
    assert np.array_equal(np.sort(after.y), np.sort(before.y))
    assert (after.y == before.y).mean() == pytest.approx(1 / 3, abs=0.1)
    assert after.X.equals(before.X)
    assert after.X_test.equals(before.X_test)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    cache = Cache(tmp_path_factory.mktemp("digits"))
    for name in ("digits-8x8", "zoo"):
        convert_record(record(name), None, cache)
    return cache


def of(cache, order, intervention, learner="linear", seed=0, name="digits-8x8"):
    dataset = cache.describe(name)
    cell = dataclasses.replace(
        order.cell,
        task=Task(name=name, dataset=dataset, splits=split_plan(dataset)),
        split=Split(repeat=0, fold=0, train_cap=None, test_cap=None),
        validation=Validation("holdout", 25),
        learner=learner,
        intervention=intervention,
        seed=seed,
    )
    return dataclasses.replace(order, cell=cell, learner=learner, cache_root=str(cache.root))


@pytest.mark.parametrize("text", [*ASKED, "permute-pixels"])
def test_every_learner_meets_the_same_rows_and_true_test_labels(digits, order, text):
    (plain, plain_test, n), (training, test, n_too) = (
        load_cell(of(digits, order, each)) for each in (NONE, text)
    )
    other, other_test, _ = load_cell(of(digits, order, text, learner="xgboost"))
    assert other.X.equals(training.X)
    assert np.array_equal(other.y, training.y)
    assert other_test.X.equals(test.X)
    assert np.array_equal(test.y, plain_test.y)
    assert np.array_equal(test.twinless, plain_test.twinless)
    assert n == n_too
    assert all(np.array_equal(a, b) for a, b in zip(training.folds[0], plain.folds[0], strict=True))


def test_permuted_pixels_are_the_same_ones_elsewhere(digits, order):
    (plain, plain_test, _), (training, test, _) = (
        load_cell(of(digits, order, each)) for each in (NONE, "permute-pixels")
    )
    assert list(training.X.columns) == list(plain.X.columns)
    both = np.vstack([plain.X, plain_test.X]), np.vstack([training.X, test.X])
    assert np.array_equal(*(np.sort(each, axis=1) for each in both))
    columns = [sorted(map(tuple, each.T)) for each in both]
    assert columns[0] == columns[1], "the same columns, whole, in another order"
    assert not np.array_equal(*both)


def scores(estimator, X):
    for said in ("decision_function", "predict_proba"):
        if hasattr(estimator, said):
            return np.asarray(getattr(estimator, said)(X), dtype=np.float64)
    raise AssertionError("it has no decision values")


def fitted(name, config, training):
    fit, held = training.folds[0]
    context = BuildContext(problem=ProblemType.MULTICLASS, n_classes=training.n_classes, seed=3)
    estimator = registry.learner(name).build(config, context)
    validation = (training.X.iloc[held].reset_index(drop=True), training.y[held])
    return estimator.fit(training.X.iloc[fit].reset_index(drop=True), training.y[fit], validation=validation)


@pytest.mark.parametrize(
    ("name", "trial"),
    [("dummy", 0), *itertools.product(("linear", "knn", "svm-rbf"), range(3))],
)
def test_whoever_must_not_notice_does_not(digits, order, name, trial):
    """The control: decision values agree to 1e-6 of the largest, labels but where two are that near."""
    (plain, plain_test, _), (training, test, _) = (
        load_cell(of(digits, order, each)) for each in (NONE, "permute-pixels")
    )
    config = registry.learner(name).space(ProblemType.MULTICLASS).trial("control", trial)
    before, after = fitted(name, config, plain), fitted(name, config, training)
    told, again = scores(before, plain_test.X), scores(after, test.X)
    scale = np.abs(told).max()
    assert np.abs(told - again).max() <= 1e-6 * scale, np.abs(told - again).max() / scale
    first, second = np.sort(told, axis=1)[:, -1], np.sort(told, axis=1)[:, -2]
    clear = first - second > 1e-6 * scale
    assert np.array_equal(before.predict(plain_test.X)[clear], after.predict(test.X)[clear])


def test_a_neighbour_notices_columns_of_noise(digits, order):
    """So that the control could fail: what changes distances changes its predictions."""
    config = registry.learner("knn").space(ProblemType.MULTICLASS).default
    (plain, plain_test, _), (training, test, _) = (
        load_cell(of(digits, order, each)) for each in (NONE, "noise-columns:200")
    )
    wrong = [
        (fitted("knn", config, data).predict(tested.X) != tested.y).mean()
        for data, tested in ((plain, plain_test), (training, test))
    ]
    assert wrong[1] > wrong[0] + 0.02


@pytest.mark.parametrize("text", ["noise-columns:3", "shuffled-columns:20", "label-noise:5"])
def test_limits_are_asked_about_the_altered_shape(digits, order, text):
    cell = of(digits, order, text, name="zoo").cell
    planned = shape_under(
        parse_intervention(text), task_shape(cell.task, cell.split, cell.validation), cell.task.dataset
    )
    training, _, _ = load_cell(of(digits, order, text, name="zoo"))
    categorical = training.X.select_dtypes("category")
    assert planned.n_numeric == training.X.shape[1] - categorical.shape[1]
    assert planned.levels == tuple(len(categorical[name].cat.categories) for name in categorical)


def test_a_table_without_what_would_be_changed_does_not_apply(digits, order):
    linear = registry.learner("linear")
    planned = _planned(of(digits, order, "permute-pixels", name="zoo").cell, "linear", linear)
    assert planned.not_applicable == "permute-pixels: the rows of this table are no images"
    assert _planned(of(digits, order, "permute-pixels").cell, "linear", linear).not_applicable is None


def test_evidence_depends_on_the_code_that_alters(digits, order, monkeypatch):
    linear = registry.learner("linear")
    plain, cell = (of(digits, order, each).cell for each in (NONE, "random-labels"))
    keys = [_planned(each, "linear", linear).evidence_key for each in (plain, cell)]
    changed = {name: dataclasses.replace(kind, version=9) for name, kind in KINDS.items()}
    monkeypatch.setattr("bench.interventions.KINDS", changed)
    again = [_planned(each, "linear", linear).evidence_key for each in (plain, cell)]
    assert again[0] == keys[0]
    assert again[1] != keys[1]


def test_every_intervention_says_what_it_destroys_and_whom_it_leaves():
    assert all(kind.destroys for kind in KINDS.values())
    known = registry.learners()
    assert all(set(kind.unmoved) <= set(known) for kind in KINDS.values())
    assert KINDS["permute-pixels"].unmoved == ("dummy", "linear", "knn", "svm-rbf"), "those of the control"
