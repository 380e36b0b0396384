"""Facts that leave a table out of a plan: whatever they let through can be scored on every split."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from bench.cells import Validation
from bench.config.fitness import unfit
from bench.datasets import ProblemType
from bench.splits.kfold import deal_folds
from bench.splits.rows import inner_folds, outer_rows
from bench.tasks import Split, SplitPlan

HOLDOUT = Validation("holdout", 25)


@pytest.mark.parametrize("validation", [HOLDOUT, Validation("holdout", 10), Validation("cv", 4)], ids=str)
@pytest.mark.parametrize("n_folds", [3, 10])
def test_what_is_let_through_has_both_classes_everywhere(cell, validation, n_folds):
    splits = SplitPlan(procedure=f"kfold{n_folds}")
    refused = 0
    for rare in range(1, 40):
        dataset = replace(
            cell.task.dataset, problem=ProblemType.BINARY, n_rows=200 + rare, class_rows=(200, rare)
        )
        if unfit(dataset, splits, validation) is not None:
            assert refused == rare - 1, "a table with more rows of the rarer class is refused"
            refused = rare
            continue
        y = np.repeat([0, 1], [200, rare])
        folds = deal_folds(y, len(y), n_folds, seed=rare)
        for fold in range(n_folds):
            split = Split(repeat=0, fold=fold, train_cap=None, test_cap=None)
            train, test = outer_rows(folds, split, y, ProblemType.BINARY, "key")
            assert set(y[test]) == {0, 1}
            for fit, held in inner_folds(y[train], validation, ProblemType.BINARY, "key"):
                assert set(y[train][fit]) == set(y[train][held]) == {0, 1}
    assert 2 < refused < 20


def test_targets_that_cannot_be_squared_and_tiny_tables_are_refused(cell):
    table = replace(cell.task.dataset, problem=ProblemType.REGRESSION, class_rows=(), n_rows=500)
    plan = SplitPlan(procedure="kfold3")
    assert unfit(replace(table, target_sd=2.0), plan, HOLDOUT) is None
    for spread in (0.0, 1e-200, 1e200, math.inf, math.nan):
        assert "standard deviation" in unfit(replace(table, target_sd=spread), plan, HOLDOUT)
    assert "too few" in unfit(replace(table, target_sd=2.0, n_rows=3), plan, HOLDOUT)


@pytest.mark.parametrize("problem", ProblemType)
def test_a_hold_out_of_openml_s_is_judged_and_not_counted_for_ever(cell, problem):
    rows = {ProblemType.BINARY: (150, 50), ProblemType.MULTICLASS: (100, 50, 50)}.get(problem, ())
    dataset = replace(cell.task.dataset, problem=problem, n_rows=200, class_rows=rows, target_sd=2.0)
    for procedure in ("openml-holdout33", "openml-holdout10x3"):
        assert unfit(dataset, SplitPlan(procedure=procedure), HOLDOUT) is None
