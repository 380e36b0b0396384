"""Our own folds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.errors import DataError
from bench.splits.kfold import deal_folds, repeated_folds
from bench.tasks import OWN_REPEATS


@given(st.lists(st.integers(0, 4), min_size=5, max_size=60), st.integers(2, 5), st.integers(0, 99))
def test_folds_and_classes_differ_by_one_row_at_most(labels, n_folds, seed):
    y = np.array(labels)
    folds = deal_folds(y, len(y), n_folds, seed)
    for rows in (np.ones(len(y), bool), *(y == code for code in set(labels))):
        counts = np.bincount(folds[rows], minlength=n_folds)
        assert counts.max() - counts.min() <= 1


def test_plain_folds_never_look_at_labels():
    assert (np.bincount(deal_folds(None, 100, 3, 1)) == [34, 33, 33]).all()


def test_repeats_differ_and_are_a_function_of_the_key():
    y = np.arange(90) % 3
    folds = repeated_folds(y, 90, 3, "a")
    assert folds.shape == (OWN_REPEATS, 90)
    assert len({row.tobytes() for row in folds}) == OWN_REPEATS
    assert (folds == repeated_folds(y, 90, 3, "a")).all()
    assert (folds != repeated_folds(y, 90, 3, "b")).any()


def test_the_folds_of_today_are_the_folds_of_tomorrow():
    # Stored evidence names these rows: a change here is a new procedure, under a new name.
    assert deal_folds(np.arange(12) % 3, 12, 3, 0).tolist() == [1, 1, 2, 2, 2, 0, 0, 1, 2, 0, 0, 1]


def test_too_few_rows():
    with pytest.raises(DataError, match="2 rows cannot be split into 3 folds"):
        deal_folds(None, 2, 3, 0)
