"""Every learner of bench keeps the contract that plug-ins are held to, and a little more."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import pytest

from bench import registry
from bench.datasets import ProblemType
from bench.learners import BuildContext
from bench.testing import LearnerContract
from bench.testing.rows import N_CLASSES, outputs, parts

LEARNERS = tuple(registry.learners())
PROBLEMS = tuple(ProblemType)
SINGLE_PRECISION = "asks for seven digits, and single precision has about six"

QUICK = MappingProxyType(
    {
        "random-forest": {"n_estimators": 10},
        "extra-trees": {"n_estimators": 10},
        "mlp": {"n_layers": 1, "width": 16, "embedding": "none"},
        "residual-mlp": {"n_layers": 1, "width": 16, "embedding": "none"},
        "gp-exact": {"optimise_rows": 60},
        "bagged-polynomial": {"n_members": 2},
        "bagged-nystroem": {"n_members": 2},
        "bagged-mlp": {"n_members": 2, "width": 16, "epochs": 16},
        "boosted-polynomial": {"shrinkage": 1.0},
        "boosted-nystroem": {"shrinkage": 1.0},
        "bagged-tree": {"n_members": 2},
        "boosted-tree": {"shrinkage": 1.0},
        "boosted-mlp": {"width": 16, "epochs": 4, "shrinkage": 1.0},
    }
)
"""What scikit-learn's hundred fits need not do in full."""

SLOW = (
    *("residual-conv-net", "conv-net-bf16", "vit", "vit-conv-init", "residual-mlp", "xgboost-hog"),
    *("xgboost-pca", "bagged-polynomial", "bagged-nystroem", "boosted-polynomial", "boosted-nystroem"),
)
"""Variants of nets, features and schemes that others of their kind are checked for at every run; up to
minutes each."""

EXPECTED_FAILED = MappingProxyType(
    {
        "mlp": {"check_methods_subset_invariance": SINGLE_PRECISION},
        "residual-mlp": {"check_methods_subset_invariance": SINGLE_PRECISION},
    }
)
"""Checks of scikit-learn that a method cannot pass, and why."""


def _contract(name):
    members = {
        "learner": registry.learner(name),
        "quick": QUICK.get(name, {}),
        "expected_failed_checks": EXPECTED_FAILED.get(name, {}),
    }
    if name in SLOW:
        members["pytestmark"] = pytest.mark.slow
    return type(f"Test_{name.replace('-', '_')}", (LearnerContract,), members)


for _name in LEARNERS:
    globals()[f"Test_{_name.replace('-', '_')}"] = _contract(_name)
del _name


def fit(name, problem, config=None, seed=7):
    learner = registry.learner(name)
    context = BuildContext(problem=problem, n_classes=N_CLASSES[problem], seed=seed)
    rows = parts(problem)
    config = {**learner.space(problem).default, **(config or {})}
    return learner.build(config, context).fit(*rows.fit, validation=rows.validation)


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.value)
def test_the_dummy_learns_nothing(problem):
    (X, y), rows = parts(problem).test, parts(problem).fit
    expected = rows[1].mean() if problem is ProblemType.REGRESSION else np.bincount(rows[1]).argmax()
    np.testing.assert_allclose(fit("dummy", problem).predict(X), expected)
    assert len(y) == len(X)


@pytest.mark.parametrize("name", ["linear", "svm-rbf", "mlp", "gp-exact"])
def test_a_default_fit_converges(name):
    assert all(fit(name, problem).converged_ for problem in PROBLEMS)


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("random-forest", {"n_estimators": 5}),
        ("xgboost", {"subsample": 0.5}),
        ("lightgbm", {"bagging_fraction": 0.5, "bagging_freq": 1}),
        ("mlp", {}),
        ("gp-exact", {"optimise_rows": 60}),
    ],
)
def test_another_seed_is_another_fit(name, config):
    X = parts(ProblemType.REGRESSION).test[0]
    one, two = (fit(name, ProblemType.REGRESSION, config, seed).predict(X) for seed in (1, 2))
    assert (one != two).any()


def test_the_table_has_what_a_learner_may_meet():
    """Else the contract would promise less than it says."""
    rows = parts(ProblemType.MULTICLASS)
    X = rows.fit[0]
    assert {2} <= set(rows.validation[1]) - set(rows.fit[1])
    assert np.isinf(X["infinite"]).any()
    assert X["empty"].isna().all()
    assert X["colour"].isna().any()
    assert not np.isnan(outputs(fit("dummy", ProblemType.MULTICLASS), rows.test[0])).any()
