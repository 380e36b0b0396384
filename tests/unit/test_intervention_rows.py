"""Fewer training rows, and test rows outside the range of the training rows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from bench.alterations.draws import _only, redrawn
from bench.cells import Validation
from bench.config.expand import task_shape
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.interventions import NONE, parse_intervention, rows_left, shape_under
from bench.runner.cell import load_cell
from bench.sources.cache import Cache
from bench.splits.rows import SplitRows, split_rows

VALIDATIONS = [Validation("holdout", 25), Validation("cv", 4)]


def drawn(order):
    """Row ids and folds of the cell without an intervention, with its table."""
    cell = order.cell
    cache = Cache(Path(order.cache_root))
    table = cache.load(cell.task.dataset.name)
    folds = cache.fold_of_row(cell.task.dataset.name, cell.task.splits.procedure, cell.split.repeat)
    return split_rows(cell, table.y, folds, table.structure), table


def identified(order, monkeypatch):
    """What a cell loads, its rows by their ids in the table: training, test, and folds of training ids."""
    met = {}

    def seen(rows, _intervention, _key):
        met["rows"] = rows
        return rows

    monkeypatch.setattr("bench.runner.cell.altered", seen)
    training, test, n = load_cell(order)
    _, table = drawn(order)
    ids = {tuple(row): i for i, row in enumerate(table.rows(np.arange(len(table.y))).to_numpy())}
    assert len(ids) == len(table.y), "a table without twins tells rows by their features"
    train = np.array([ids[tuple(row)] for row in training.X.to_numpy()])
    tested = np.array([ids[tuple(row)] for row in test.X.to_numpy()])
    assert np.array_equal(training.y, table.y[train])
    assert np.array_equal(test.y, table.y[tested])
    assert n["train"] == len(train)
    assert n["test"] == len(tested) == len(test.twinless)
    assert (n["fit"], n["validation"]) == tuple(map(len, training.folds[0]))
    return train, tested, [(train[fit], train[held]) for fit, held in training.folds]


@pytest.mark.parametrize("validation", VALIDATIONS, ids=str)
@pytest.mark.parametrize("table", ["wine", "sk-diabetes"])
def test_fewer_rows_are_so_many_of_each_class_in_each_part_of_each_fold(
    order_under, monkeypatch, table, validation
):
    plain, rows = drawn(order_under(NONE, table, validation=validation))
    order = order_under("subsample:30", table, validation=validation)
    train, test, folds = identified(order, monkeypatch)
    assert np.array_equal(test, plain.test)
    assert np.array_equal(train, np.sort(train))
    for (fit, held), (was_fit, was_held) in zip(folds, plain.folds, strict=True):
        for now, before in ((fit, plain.train[was_fit]), (held, plain.train[was_held])):
            assert set(now) <= set(before)
        assert set(fit) | set(held) == set(train)
    for _, was_held in plain.folds:
        before = plain.train[was_held]
        for label in np.unique(rows.y[before]) if table == "wine" else [None]:
            of_it = before if label is None else before[rows.y[before] == label]
            assert np.isin(of_it, train).sum() == rows_left(len(of_it), 30)
    assert len(train) == pytest.approx(0.3 * len(plain.train), abs=4 * 3 + 1)


def test_more_rows_contain_fewer(order_under, monkeypatch):
    found = [
        set(identified(order_under(f"subsample:{share}", "wine"), monkeypatch)[0]) for share in (20, 40, 80)
    ]
    assert found[0] < found[1] < found[2]


def small(problem, y, test=30):
    """A table of so many rows, all but the last ones training rows, every fourth of them validation."""
    y = np.asarray(y)
    places = np.arange(len(y) - test)
    rows = SplitRows(
        places, np.arange(len(y) - test, len(y)), ((places[places % 4 > 0], places[places % 4 == 0]),)
    )
    return rows, SimpleNamespace(y=y, dataset=SimpleNamespace(problem=problem))


def test_a_class_of_one_row_stays():
    rows, table = small(ProblemType.MULTICLASS, [0, 2, 1] + [0, 1] * 200)
    found = redrawn(rows, table, parse_intervention("subsample:10"), "x")
    assert 1 in found.train, "the one row of class 2"
    assert len(found.train) == pytest.approx(0.1 * len(rows.train), abs=5)


def test_where_a_ranking_would_lack_a_class_it_is_said():
    y = np.zeros(200, dtype=np.int64)
    y[[1, 2, 190]] = 1
    rows, table = small(ProblemType.BINARY, y)
    with pytest.raises(DataError, match="the validation rows that are left are of one class"):
        redrawn(rows, table, parse_intervention("subsample:50"), "x")
    y[4] = 1
    assert len(redrawn(rows, table, parse_intervention("subsample:50"), "x").train) > 80
    y[190] = 0
    with pytest.raises(DataError, match="the test rows that are left are of one class"):
        redrawn(rows, table, parse_intervention("subsample:50"), "x")


def test_the_planned_shape_has_as_many_rows_as_there_will_be(order_under):
    order = order_under("subsample:30", "sk-diabetes")
    cell = order.cell
    planned = shape_under(
        parse_intervention("subsample:30"),
        task_shape(cell.task, cell.split, cell.validation),
        cell.task.dataset,
    )
    assert planned.n_rows == pytest.approx(load_cell(order)[2]["fit"], abs=2)


@pytest.mark.parametrize("validation", VALIDATIONS, ids=str)
def test_beyond_the_range_are_the_test_rows_above_every_training_row(order_under, monkeypatch, validation):
    plain, table = drawn(order_under(NONE, "sk-diabetes", validation=validation))
    train, test, folds = identified(
        order_under("outside-range:30", "sk-diabetes", validation=validation), monkeypatch
    )
    X = table.rows(np.arange(len(table.y)))
    apart = [name for name in X if X[name][train].max() < X[name][test].min()]
    assert len(apart) == 1
    values = X[apart[0]].to_numpy()
    # By eyes that know the table: body mass and a serum are what most follows from.
    assert apart[0] in {"bmi", "s5"}
    limit = np.quantile(values[plain.train], 0.7, method="lower")
    assert np.array_equal(train, plain.train[values[plain.train] <= limit])
    assert np.array_equal(test, plain.test[values[plain.test] > limit])
    for (fit, held), (was_fit, was_held) in zip(folds, plain.folds, strict=True):
        assert set(fit) == set(plain.train[was_fit]) & set(train)
        assert set(held) == set(plain.train[was_held]) & set(train)


def test_which_number_is_left_out_of_range_does_not_depend_on_test_rows(order_under, monkeypatch):
    """Test labels and features may be anything: the rows that are learnt from are the same."""
    order = order_under("outside-range:30", "sk-diabetes")
    before, _, _ = identified(order, monkeypatch)
    plain, _ = drawn(order)
    load = Cache.load

    def spoilt(self, name):
        table = load(self, name)
        table.y[plain.test] = table.y[plain.test][::-1]
        return table

    monkeypatch.setattr(Cache, "load", spoilt)
    training, _, n = load_cell(order)
    assert n["train"] == len(before)
    assert len(training.X) == len(before)


@pytest.mark.parametrize(
    ("text", "table", "says"),
    [
        ("subsample:1", "wine", "training rows are left, at least 20"),
        ("outside-range:1", "wine", "test rows are left, at least 20"),
        ("outside-range:50", "iris", "test rows are left, at least 20"),
    ],
)
def test_where_too_little_is_left_it_is_said(order_under, text, table, says):
    with pytest.raises(DataError, match=rf"{text} on {table}/r0f0.*{says}.*ask for another amount"):
        load_cell(order_under(text, table))


def test_folds_follow_the_rows_that_are_left():
    rows = SplitRows(np.array([2, 3, 5, 7, 11]), np.array([13]), ((np.array([0, 1, 3]), np.array([2, 4])),))
    found = _only(rows, np.array([1, 3, 4]))
    assert found.train.tolist() == [3, 7, 11]
    assert [each.tolist() for each in found.folds[0]] == [[0, 1], [2]]
