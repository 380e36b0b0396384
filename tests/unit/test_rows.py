"""Rows of a split, and of the validation inside it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.cells import Validation
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.splits.kfold import deal_folds
from bench.splits.rows import inner_folds, outer_rows
from bench.tasks import Split

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION


def split(fold=0, train_cap=None, test_cap=None, repeat=0):
    return Split(repeat=repeat, fold=fold, train_cap=train_cap, test_cap=test_cap)


@pytest.fixture
def table():
    y = np.repeat([0, 1, 2], [600, 297, 3])
    np.random.default_rng(0).shuffle(y)
    return deal_folds(y, 900, 3, 5), y


def test_uncapped_rows_are_the_fold_and_the_rest(table):
    folds, y = table
    train, test = outer_rows(folds, split(1), y, MULTICLASS, "k")
    assert (test == np.flatnonzero(folds == 1)).all()
    assert (train == np.flatnonzero(folds != 1)).all()


@pytest.mark.parametrize("cap", [10, 57, 300])
def test_a_train_cap_keeps_shares_and_every_class(table, cap):
    folds, y = table
    train, _ = outer_rows(folds, split(0, cap, None), y, MULTICLASS, "k")
    assert len(train) == cap
    assert (np.diff(train) > 0).all()
    share = np.bincount(y[folds != 0]) / (folds != 0).sum()
    assert (np.abs(np.bincount(y[train], minlength=3) - cap * share) < 2).all()
    assert set(y[train]) == {0, 1, 2}


def test_a_larger_train_cap_contains_a_smaller_one(table):
    folds, y = table
    for problem in (MULTICLASS, REGRESSION):
        small, _ = outer_rows(folds, split(0, 40, None), y, problem, "k")
        large, _ = outer_rows(folds, split(0, 200, None), y, problem, "k")
        assert set(small) < set(large)


def test_test_labels_influence_nothing(table):
    folds, y = table
    noise = y.copy()
    noise[folds == 2] = np.random.default_rng(1).permutation(y[folds == 2])
    for problem in (MULTICLASS, REGRESSION):
        before = outer_rows(folds, split(2, 100, 50), y, problem, "k")
        after = outer_rows(folds, split(2, 100, 50), noise, problem, "k")
        assert all((a == b).all() for a, b in zip(before, after, strict=True))
    assert len(before[1]) == 50


def test_caps_depend_on_key_repeat_and_fold(table):
    folds, y = table
    rows = [
        tuple(outer_rows(folds, split(fold, 30, 30, repeat), y, BINARY, key)[1])
        for key, repeat, fold in (("a", 0, 0), ("b", 0, 0), ("a", 1, 0), ("a", 0, 1))
    ]
    assert len(set(rows)) == 4


def test_a_fold_that_does_not_exist(table):
    folds, y = table
    with pytest.raises(DataError, match="r0f7: 900 training and 0 test rows"):
        outer_rows(folds, split(7), y, BINARY, "k")


@given(
    st.lists(st.integers(0, 3), min_size=4, max_size=50),
    st.sampled_from([Validation("holdout", 25), Validation("holdout", 50), Validation("cv", 3)]),
    st.sampled_from([BINARY, REGRESSION]),
)
def test_inner_folds_part_the_training_rows(labels, validation, problem):
    y = np.array(labels)
    pairs = inner_folds(y, validation, problem, "k")
    assert len(pairs) == (validation.amount if validation.method == "cv" else 1)
    for fit, held_out in pairs:
        assert sorted([*fit, *held_out]) == list(range(len(y)))
        if validation.method == "holdout":
            assert len(held_out) == round(len(y) * validation.amount / 100)
            if problem.is_classification and len(fit) >= len(set(labels)):
                assert set(y[fit]) == set(labels)
    if validation.method == "cv":
        assert sorted(row for _, held_out in pairs for row in held_out) == list(range(len(y)))


def test_a_hold_out_is_stratified():
    y = np.repeat([0, 1], [900, 100])
    ((_, held_out),) = inner_folds(y, Validation("holdout", 25), BINARY, "k")
    assert np.bincount(y[held_out]).tolist() == [225, 25]


def test_inner_folds_depend_on_the_key_alone():
    y = np.arange(100) % 2
    first, again, other = (inner_folds(y, Validation("holdout", 25), BINARY, key)[0][1] for key in "aab")
    assert (first == again).all()
    assert (first != other).any()


@pytest.mark.parametrize("validation", [Validation("holdout", 25), Validation("cv", 3)])
def test_too_few_training_rows(validation):
    with pytest.raises(DataError):
        inner_folds(np.array([0]), validation, BINARY, "k")
