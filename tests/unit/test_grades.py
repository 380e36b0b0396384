"""What a table's grade claims, proven: against a copy from elsewhere, a computation, or published numbers."""

import csv
import gzip
import hashlib
import json
import re
from collections import Counter

import numpy as np
import pytest

from bench.datasets import Grade
from bench.sources import packages
from bench.sources.catalog import SCIKIT_LEARN, catalog

PROVEN_SAME_VALUES = {"credit-g", "diabetes", "tic-tac-toe", "titanic", "mnist", "fashion-mnist"}
"""By the tests below; the images by those of their official files."""
LEFT_OUT = {
    "adult-census": 1,  # OpenML's id
    "magic-telescope": 1,  # OpenML's ID
}
"""How many of OpenML's columns a copy here does not have."""


def published(root):
    lines = (root / "tests/unit/openml_numbers.csv").read_text().splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {int(row.pop("openml_id")): {k: v for k, v in row.items() if k != "source"} for row in rows}


def graded(grade):
    return sorted(name for name, table in catalog().items() if table.grade is grade)


def test_every_claim_of_the_same_values_has_its_proof():
    assert set(graded(Grade.SAME_VALUES)) == PROVEN_SAME_VALUES


@pytest.mark.parametrize("name", graded(Grade.SAME_SHAPE))
def test_the_same_shape_is_that_of_published_numbers(name, root):
    table, numbers = catalog()[name], published(root)
    assert table.openml_id in numbers, "a shape that nobody published cannot be the same"


@pytest.mark.parametrize("name", [n for n, table in catalog().items() if table.grade is not Grade.NONE])
def test_no_published_number_is_missed(name, root):
    table = catalog()[name]
    numbers = published(root).get(table.openml_id)
    if numbers is None:
        assert table.grade is not Grade.SAME_SHAPE
        return
    expected = table.expected
    n_features = expected.n_numeric + expected.n_categorical + 1  # and the class
    sizes = re.match(r"k=(\d+) max (\d+) min (\d+)", expected.target)
    classes, majority, minority = sizes.groups() if sizes else ("", "", "")
    found = {
        "rows": str(expected.n_rows),
        "features": str(n_features + LEFT_OUT.get(name, 0)),
        "missing": str(expected.n_missing),
        "classes": classes,
        "majority": majority,
        "minority": minority,
    }
    told = {key: value for key, value in numbers.items() if value}
    assert {key: found[key] for key in told} == told


# -- the same values: a second copy, or a computation ------------------------------------------------------


def rows_of(table):
    """Return the multiset of rows, the class last, as numbers and texts."""
    X = table.X
    labels = np.array(table.dataset.classes, dtype=object)[table.y]
    return Counter(zip(*(X[column].tolist() for column in X), labels.tolist(), strict=True))


@pytest.mark.network
def test_diabetes_holds_the_rows_of_the_copy_in_openmls_order(fetched):
    ours, other = rows_of(fetched("diabetes")), rows_of(fetched("diabetes-weka"))
    assert sum(ours.values()) == 768
    assert ours == other


@pytest.mark.network
def test_credit_g_holds_the_rows_of_the_copy_in_openmls_order_with_a_code_for_each_word(fetched):
    ours, other = fetched("credit-g"), fetched("credit-g-weka")
    numeric = [feature.name for feature in ours.dataset.features if not feature.levels]
    nominal = [feature.name for feature in ours.dataset.features if feature.levels]
    assert len(numeric) == 7
    assert [feature.name for feature in other.dataset.features] == list(ours.X)
    assert Counter(zip(*(ours.X[c] for c in numeric), strict=True)) == Counter(
        zip(*(other.X[c] for c in numeric), strict=True)
    )
    words = {column: word_of_code(ours, other, numeric, column) for column in nominal}
    assert all(len(set(word.values())) == len(word) for word in words.values()), "two codes for one word"
    spelt = [[words[c][code] for code in ours.X[c]] if c in words else ours.X[c] for c in ours.X]
    assert Counter(zip(*spelt, class_of(ours), strict=True)) == Counter(
        zip(*(other.X[c] for c in ours.X), class_of(other), strict=True)
    )


def class_of(table):
    """Return the classes by their share of rows: 300 are bad."""
    return (table.y == int(np.argmin(table.dataset.class_rows))).tolist()


def word_of_code(ours, other, numeric, column):
    """Return each code's word, learnt from the rows whose numbers occur once."""
    keys = [list(zip(*(table.X[c] for c in numeric), strict=True)) for table in (ours, other)]
    word_at = dict(zip(keys[1], other.X[column], strict=True))
    once = {key for key, n in Counter(keys[0]).items() if n == 1}
    return {code: word_at[key] for key, code in zip(keys[0], ours.X[column], strict=True) if key in once}


@pytest.mark.network
def test_tic_tac_toe_holds_every_board_on_which_a_game_ends(fetched):
    """Enumerated from the rules: x begins, and a game ends with three in a row or a full board."""
    found = set()

    def play(board, turn):
        lines = [board[i : i + 3] for i in (0, 3, 6)] + [board[i::3] for i in range(3)]
        won = any(set(line) == {player} for line in [*lines, board[::4], board[2:7:2]] for player in "xo")
        if won or "b" not in board:
            wins = [board[::4], board[2:7:2], *lines]
            found.add((*board, "positive" if any(line == "xxx" for line in wins) else "negative"))
            return
        for place in [i for i, mark in enumerate(board) if mark == "b"]:
            play(board[:place] + turn + board[place + 1 :], "o" if turn == "x" else "x")

    play("b" * 9, "x")
    assert len(found) == 958
    assert set(rows_of(fetched("tic-tac-toe"))) == found


def test_titanic_is_openmls_own_file_less_two_columns():
    table = catalog()["titanic"]
    answer = packages.installed_file(
        f"{table.member.rpartition('/')[0]}/api-v1-jd-40945.json.gz"
    ).read_bytes()
    data = gzip.decompress(packages.installed_file(table.member).read_bytes())
    md5 = json.loads(gzip.decompress(answer))["data_set_description"]["md5_checksum"]
    assert table.package == SCIKIT_LEARN
    assert hashlib.md5(data, usedforsecurity=False).hexdigest() == md5
    assert set(table.drop) == {"boat", "body"}


# -- beside the row order that a split hash proves ---------------------------------------------------------


@pytest.mark.network
def test_sonar_is_its_other_copy_rounded(fetched):
    ours, other = fetched("sonar").X.to_numpy(), fetched("sonar-mlbench").X.to_numpy()
    assert 0 < np.abs(ours - other).max() <= 0.0005 + 1e-12
