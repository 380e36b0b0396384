"""OpenML's official splits, against published hashes and Java's own generator."""

import random
from collections import Counter

import numpy as np
import pytest
import sklearn.model_selection

from bench.splits.weka import JavaRandom, fold_of_row, held_out_folds, splits_md5


def naive_stratify(order, labels, n_folds):
    """Weka's `Instances.stratify`, statement by statement."""
    rows, index = list(order), 1
    while index < len(rows):
        first = rows[index - 1]
        for j in range(index, len(rows)):
            if labels[rows[j]] == labels[first]:
                rows[index], rows[j] = rows[j], rows[index]
                index += 1
        index += 1
    dealt, start = [], 0
    while len(dealt) < len(rows):
        j = start
        while j < len(rows):
            dealt.append(rows[j])
            j += n_folds
        start += 1
    return dealt


def test_java_random_gives_the_published_sequences():
    # What `new Random(0)` and `new Random(42)` print for nextInt(100) and nextInt(10) in any Java.
    zero, answer = JavaRandom(0), JavaRandom(42)
    assert [zero.next_int(100) for _ in range(10)] == [60, 48, 29, 47, 15, 53, 91, 61, 19, 54]
    assert [answer.next_int(10) for _ in range(10)] == [0, 3, 8, 4, 0, 5, 5, 8, 9, 3]


def test_java_random_takes_the_high_bits_for_a_power_of_two():
    # nextInt(2**k) is the top k of 31 bits: -1155484576 is the first nextInt() of seed 0.
    assert JavaRandom(0).next_int(1 << 30) == (-1155484576 & 0xFFFFFFFF) >> 2
    assert JavaRandom(0).next_int(2) == 1


def test_java_random_stays_below_a_bound_that_wastes_half_its_range():
    generator, bound = JavaRandom(7), (1 << 30) + 1
    drawn = [generator.next_int(bound) for _ in range(500)]
    assert max(drawn) < bound
    assert len(set(drawn)) > 490


@pytest.mark.parametrize(
    ("name", "counts", "md5"), [("iris", (50, 50, 50), "478a48e90ec98ea54c76425cebc992ea")]
)
def test_the_hash_needs_the_labels_alone(name, counts, md5):
    labels = [code for code, count in enumerate(counts) for _ in range(count)]
    assert splits_md5(name, held_out_folds(labels, len(labels))) == md5
    labels[49], labels[50] = labels[50], labels[49]
    assert splits_md5(name, held_out_folds(labels, len(labels))) != md5


@pytest.mark.parametrize("seed", range(5))
def test_stratified_as_statement_by_statement(seed):
    drawn = random.Random(seed)
    n_rows = drawn.randint(40, 200)
    labels = [drawn.choice("aaabbc") for _ in range(n_rows)]
    plain = [row for fold in held_out_folds(None, n_rows) for row in fold]
    dealt = [row for fold in held_out_folds(labels, n_rows) for row in fold]
    assert dealt == naive_stratify(plain, labels, 10)


@pytest.mark.parametrize(("n_rows", "labels"), [(209, None), (157, [i % 3 for i in range(157)])])
def test_every_row_is_tested_once_in_folds_of_weka_sizes(n_rows, labels):
    folds = held_out_folds(labels, n_rows)
    assert sorted(row for fold in folds for row in fold) == list(range(n_rows))
    assert [len(fold) for fold in folds] == [n_rows // 10 + (k < n_rows % 10) for k in range(10)]
    by_row = fold_of_row(labels, n_rows)
    assert all((by_row[fold] == k).all() for k, fold in enumerate(folds))
    if labels:
        for fold in folds:
            assert max(Counter(labels[row] for row in fold).values()) <= len(fold) // 3 + 2


def test_as_even_as_scikit_learns_own():
    labels = np.repeat([0, 1, 2], [100, 60, 11])
    ours = fold_of_row(labels.tolist(), len(labels))
    peer = sklearn.model_selection.StratifiedKFold(10)
    for k, (_, rows) in enumerate(peer.split(labels, labels)):
        assert (
            np.abs(np.bincount(labels[ours == k], minlength=3) - np.bincount(labels[rows], minlength=3)).max()
            <= 1
        )


def test_the_largest_table_takes_no_time():
    labels = [i * 7919 % 26 for i in range(20_000)]
    assert len(np.unique(fold_of_row(labels, 20_000))) == 10
