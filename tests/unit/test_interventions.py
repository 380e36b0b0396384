"""Interventions change one structure, the same for every learner, and nothing else."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.alterations.altered import CHANGES, altered
from bench.alterations.draws import DRAWS
from bench.alterations.rows import Rows
from bench.config.expand import Named, planned_cell, task_shape
from bench.datasets import FeatureKind, ProblemType
from bench.errors import ConfigError
from bench.interventions import KINDS, NONE, Part, parse_intervention, shape_under
from bench.runner.cell import load_cell

ASKED = (
    *("noise-columns:3", "shuffled-columns:7", "feature-noise:50", "label-noise:30", "random-labels"),
    *("warp-features", "rotate-features", "dilute-columns:40"),
)
DECIDED = ("scaled-features", "drop-columns:40", "smooth-target:30")
"""Nothing is drawn for them where rows are few."""


def rows(n=400, m=100):
    rng = np.random.default_rng(1)
    X = pd.DataFrame({"size": rng.normal(5, 2, n + m), "far": rng.normal(0, 1e6, n + m)})
    X.loc[::7, "size"] = np.nan
    X.loc[3, "far"] = np.inf
    X["colour"] = pd.Categorical.from_codes(rng.integers(-1, 3, n + m), ["red", "green", "blue"])
    y = rng.integers(0, 3, n)
    return Rows(X[:n], y, X[n:].reset_index(drop=True), ProblemType.MULTICLASS)


def change(text, key="a table/r0f0/s0"):
    return altered(rows(), parse_intervention(text), key)


def same(a, b):
    return a.X.equals(b.X) and np.array_equal(a.y, b.y) and a.X_test.equals(b.X_test)


@pytest.mark.parametrize("text", [NONE, *ASKED, *DECIDED, "permute-pixels"])
def test_what_is_written_is_what_is_shown(text):
    assert str(parse_intervention(text)) == text


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("label-nose:20", 'did you mean "label-noise"'),
        ("label-noise", "with N of 1 to 100 per cent"),
        ("label-noise:0", "with N of 1 to 100 per cent"),
        ("label-noise:101", "with N of 1 to 100 per cent"),
        ("dilute-columns:1001", "with N of 1 to 1000 per cent"),
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


@pytest.mark.parametrize("text", DECIDED)
def test_what_needs_no_draw_is_the_same_by_every_key(text):
    assert same(change(text), change(text, "a table/r0f0/s1"))
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


@pytest.mark.parametrize(
    ("per_cent", "n_columns", "added"),
    [(1, 3, 1), (33, 3, 1), (34, 3, 2), (100, 3, 3), (101, 3, 4), (1000, 3, 30), (50, 1, 1), (10, 20, 2)],
)
def test_diluting_adds_so_many_per_cent_of_the_columns_rounded_up(per_cent, n_columns, added):
    there = rows()
    wide = pd.concat([there.X["far"].rename(f"far {i}") for i in range(n_columns)], axis=1)
    held = pd.concat([there.X_test["far"].rename(f"far {i}") for i in range(n_columns)], axis=1)
    there = dataclasses.replace(there, X=wide, X_test=held)
    after = altered(there, parse_intervention(f"dilute-columns:{per_cent}"), "x")
    for old, new in ((there.X, after.X), (there.X_test, after.X_test)):
        assert new[old.columns].equals(old)
        assert new.shape == (len(old), n_columns + added)
        assert new.columns.is_unique
    noise = np.vstack([after.X, after.X_test])[:, n_columns:]
    assert np.abs(noise.mean(axis=0)).max() < 0.25
    assert np.abs(noise.std(axis=0) - 1).max() < 0.2
    assert np.array_equal(after.y, there.y)


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


@pytest.mark.parametrize("text", [*ASKED, *DECIDED, "permute-pixels"])
def test_every_learner_meets_the_same_rows_and_true_test_labels(order_under, text):
    (plain, plain_test, n), (training, test, n_too) = (load_cell(order_under(each)) for each in (NONE, text))
    other, other_test, _ = load_cell(order_under(text, learner="xgboost"))
    assert other.X.equals(training.X)
    assert np.array_equal(other.y, training.y)
    assert other_test.X.equals(test.X)
    assert np.array_equal(test.y, plain_test.y)
    assert np.array_equal(test.twinless, plain_test.twinless)
    assert n == n_too
    assert all(np.array_equal(a, b) for a, b in zip(training.folds[0], plain.folds[0], strict=True))


def test_permuted_pixels_are_the_same_ones_elsewhere(order_under):
    (plain, plain_test, _), (training, test, _) = (
        load_cell(order_under(each)) for each in (NONE, "permute-pixels")
    )
    assert list(training.X.columns) == list(plain.X.columns)
    both = np.vstack([plain.X, plain_test.X]), np.vstack([training.X, test.X])
    assert np.array_equal(*(np.sort(each, axis=1) for each in both))
    columns = [sorted(map(tuple, each.T)) for each in both]
    assert columns[0] == columns[1], "the same columns, whole, in another order"
    assert not np.array_equal(*both)


@pytest.mark.parametrize(
    "text",
    [
        *("noise-columns:3", "dilute-columns:30", "shuffled-columns:20", "label-noise:5"),
        *("scaled-features", "rotate-features"),
    ],
)
def test_limits_are_asked_about_the_altered_shape(order_under, text):
    cell = order_under(text, "zoo").cell
    planned = shape_under(
        parse_intervention(text), task_shape(cell.task, cell.split, cell.validation), cell.task.dataset
    )
    training, _, _ = load_cell(order_under(text, "zoo"))
    categorical = training.X.select_dtypes("category")
    assert planned.n_numeric == training.X.shape[1] - categorical.shape[1]
    assert planned.levels == tuple(len(categorical[name].cat.categories) for name in categorical)


def test_the_planned_shape_is_at_least_what_dropping_leaves(order_under):
    """Which columns go is not known, so it has one of each kind."""
    shapes = {}
    for text in (NONE, "drop-columns:90"):
        cell = order_under(text, "penguins").cell
        shapes[text] = shape_under(
            parse_intervention(text), task_shape(cell.task, cell.split, cell.validation), cell.task.dataset
        )
    planned, whole = shapes["drop-columns:90"], shapes[NONE]
    training, _, _ = load_cell(order_under("drop-columns:90", "penguins"))
    categorical = training.X.select_dtypes("category")
    assert training.X.shape[1] == 1
    assert planned.n_numeric == 1 >= training.X.shape[1] - categorical.shape[1]
    assert planned.levels == (max(whole.levels),)
    assert planned.n_with_missing == 1
    assert planned.n_rows == whole.n_rows


def test_a_table_without_what_would_be_changed_does_not_apply(order_under):
    linear = registry.learner("linear")
    planned = planned_cell(order_under("permute-pixels", "zoo").cell, Named("linear", linear))
    assert planned.not_applicable == "permute-pixels: the rows of this table are no images"
    assert planned_cell(order_under("permute-pixels").cell, Named("linear", linear)).not_applicable is None
    for text in ("scaled-features", "rotate-features"):
        dataset = order_under(text, "zoo").cell.task.dataset
        numbers = [each for each in dataset.features if each.kind is FeatureKind.NUMERIC]
        one = dataclasses.replace(dataset, features=tuple(numbers[:1]))
        none = dataclasses.replace(dataset, features=())
        asked = parse_intervention(text)
        assert asked.not_applicable(one) == f"{text}: this table has a single numeric column"
        assert asked.not_applicable(none) == f"{text}: this table has no numeric column"


def test_evidence_depends_on_the_code_that_alters(order_under, monkeypatch):
    linear = registry.learner("linear")
    plain, cell = (order_under(each).cell for each in (NONE, "random-labels"))
    keys = [planned_cell(each, Named("linear", linear)).evidence_key for each in (plain, cell)]
    changed = {name: dataclasses.replace(kind, version=9) for name, kind in KINDS.items()}
    monkeypatch.setattr("bench.interventions.KINDS", changed)
    again = [planned_cell(each, Named("linear", linear)).evidence_key for each in (plain, cell)]
    assert again[0] == keys[0]
    assert again[1] != keys[1]


def test_every_intervention_says_what_it_destroys_and_whom_it_leaves():
    assert all(kind.destroys for kind in KINDS.values())
    known = registry.learners()
    assert all(set(kind.unmoved) <= set(known) for kind in KINDS.values())


def test_every_kind_is_done_by_exactly_one_function():
    done = [*CHANGES, *DRAWS]
    assert sorted(done) == sorted(name for name in KINDS if name != NONE)
    assert set(DRAWS) == {name for name, kind in KINDS.items() if kind.part is Part.ROWS}


def test_what_an_intervention_is_compared_with_is_compared_with_none_itself():
    for kind in KINDS.values():
        assert KINDS[kind.reference].reference == NONE
        assert kind.reference == NONE or KINDS[kind.reference].amount is None
        assert kind.fixed == KINDS[kind.reference].fixed or kind.reference == NONE
