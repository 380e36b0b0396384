"""What every learner promises, whatever it fits with."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone, is_classifier
from sklearn.metrics import r2_score
from sklearn.utils.estimator_checks import check_estimator

from bench import registry
from bench.datasets import ProblemType
from bench.learners import BuildContext, Estimator, Learner
from bench.zoo.deadlines import DeadlinePassed

N_FIT, N_VALIDATION, N_TEST = 160, 60, 60
PROBLEMS = tuple(ProblemType)
LEARNERS = tuple(registry.learners())

pytestmark = pytest.mark.filterwarnings("ignore:Skipping features without any observed values")

each_learner = pytest.mark.parametrize("name", LEARNERS)
each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.value)


class Wall:
    """A deadline so many wall seconds from now."""

    def __init__(self, seconds):
        self._end = time.monotonic() + seconds

    def remaining_s(self):
        return self._end - time.monotonic()


def table(problem, seed=0):
    """Rows with a plain signal in numbers and categories, missing cells, and useless columns."""
    n = N_FIT + N_VALIDATION + N_TEST
    rng = np.random.default_rng(seed)
    a, b, missing = rng.normal(size=(3, n))
    colour = rng.integers(0, 3, n)
    signal = 2 * a + np.array([-1.5, 0.0, 1.5])[colour]
    X = pd.DataFrame({"a": a, "b": b, "gaps": np.where(missing > 0, np.nan, missing)})
    X["colour"] = pd.Categorical.from_codes(np.where(missing > 1.5, -1, colour), ["red", "green", "blue"])
    X["many"] = pd.Categorical([f"v{i}" for i in rng.integers(0, 40, n)])
    X["constant"] = 1.0
    X["empty"] = np.nan
    X["one_level"] = pd.Categorical(["only"] * n)
    X["no_level"] = pd.Categorical([None] * n, categories=["never"])
    X["infinite"] = np.where(np.arange(n) % 7 == 0, np.inf, b)
    if problem is ProblemType.REGRESSION:
        return X, 100 + 10 * (signal + 0.1 * rng.normal(size=n))
    if problem is ProblemType.BINARY:
        return X, (signal > 0).astype(int)
    y = np.digitize(signal, [-2.0, 0.0, 2.0])
    return X, np.where(np.arange(n) < N_FIT, np.where(y == 2, 1, y), y)


def parts(problem, seed=0):
    X, y = table(problem, seed)
    cut = N_FIT + N_VALIDATION
    return (X[:N_FIT], y[:N_FIT]), (X[N_FIT:cut], y[N_FIT:cut]), (X[cut:], y[cut:])


def fit(name, problem, *, deadline=None, seed=7, rows=None):
    learner = registry.learner(name)
    context = BuildContext(problem=problem, n_classes=n_classes(problem), seed=seed)
    estimator = learner.build(learner.space(problem).default, context)
    (X, y), validation, _ = parts(problem) if rows is None else rows
    return estimator.fit(X, y, validation=validation, deadline=deadline)


def n_classes(problem):
    return {ProblemType.BINARY: 2, ProblemType.MULTICLASS: 4, ProblemType.REGRESSION: 0}[problem]


def outputs(estimator, X):
    """Everything an estimator says of X, as one array (n, ...)."""
    said = [estimator.predict(X)]
    methods = ("predict_proba", "decision_function")
    said.extend(getattr(estimator, method)(X) for method in methods if hasattr(estimator, method))
    if hasattr(estimator, "predict_distribution"):
        said.extend(estimator.predict_distribution(X))
    return np.column_stack([np.asarray(each, dtype=float).reshape(len(X), -1) for each in said])


@pytest.fixture(scope="module")
def fitted():
    """Each learner's default fit of each problem, made once."""
    made = {}

    def get(name, problem):
        if (name, problem) not in made:
            rows, again = parts(problem), parts(problem)
            made[name, problem] = fit(name, problem, rows=rows)
            for (X, y), (X_before, y_before) in zip(rows, again, strict=True):
                pd.testing.assert_frame_equal(X, X_before)  # what a fit is given, it leaves as it was
                np.testing.assert_array_equal(y, y_before)
        return made[name, problem]

    return get


@each_learner
def test_it_is_declared_as_a_learner(name):
    learner = registry.learner(name)
    assert isinstance(learner.name, str)
    declared = {*Learner.__annotations__, "space", "limit", "warm_up", "build"}
    assert all(hasattr(learner, member) for member in declared)
    assert learner.modules


@each_learner
@each_problem
def test_it_predicts_finite_numbers_of_the_right_shape(name, problem, fitted):
    estimator = fitted(name, problem)
    assert isinstance(estimator, Estimator)
    assert is_classifier(estimator) == problem.is_classification
    (_, y), _, (X, _) = parts(problem)
    assert estimator.predict(X).shape == (N_TEST,)
    assert np.isfinite(outputs(estimator, X)).all()
    assert (estimator.truncated_, estimator.converged_) == (False, True)
    if problem.is_classification:
        np.testing.assert_array_equal(estimator.classes_, np.unique(y))
        assert set(estimator.predict(X)) <= set(y)
        if hasattr(estimator, "predict_proba"):
            p = estimator.predict_proba(X)
            assert p.shape == (N_TEST, len(estimator.classes_))
            np.testing.assert_allclose(p.sum(1), 1.0, rtol=1e-5)
            assert p.min() >= 0


@each_learner
@each_problem
def test_it_learns_an_easy_signal(name, problem, fitted):
    _, _, (X, y) = parts(problem)
    predicted = fitted(name, problem).predict(X)
    if problem is ProblemType.REGRESSION:
        score = r2_score(y, predicted)
        assert score < 0.1 if name == "dummy" else score > 0.5
        return
    chance = (y == np.bincount(parts(problem)[0][1]).argmax()).mean()
    right = (predicted == y).mean()
    assert right == chance if name == "dummy" else right > chance + 0.1


@each_learner
@each_problem
def test_strange_test_rows_are_predicted(name, problem, fitted):
    estimator = fitted(name, problem)
    X = parts(problem)[2][0].copy()
    X["colour"] = pd.Categorical(["violet"] * N_TEST)
    X["many"] = pd.Categorical([None] * N_TEST, categories=["new", "v1"])
    X["no_level"] = pd.Categorical(["found"] * N_TEST)
    X["a"] = np.nan
    X.iloc[:5, X.columns.get_loc("b")] = -np.inf
    X.iloc[5:9, X.columns.get_loc("b")] = 1e300
    X["constant"] = -3.0
    X["empty"] = 4.0
    assert np.isfinite(outputs(estimator, X)).all()


@each_learner
@each_problem
def test_rows_are_predicted_one_by_one_and_in_any_order(name, problem, fitted):
    estimator = fitted(name, problem)
    X = parts(problem)[2][0]
    whole = outputs(estimator, X)
    close = {"rtol": 1e-4, "atol": 1e-5}  # a matrix product of other shape rounds otherwise
    np.testing.assert_allclose(outputs(estimator, X[:1]), whole[:1], **close)
    order = np.random.default_rng(0).permutation(N_TEST)
    np.testing.assert_allclose(outputs(estimator, X.iloc[order]), whole[order], **close)


@each_learner
@each_problem
def test_a_far_deadline_and_a_warm_up_change_no_bit(name, problem, fitted):
    registry.learner(name).warm_up(problem)
    X = parts(problem)[2][0]
    expected = outputs(fitted(name, problem), X)
    np.testing.assert_array_equal(outputs(fit(name, problem, deadline=Wall(3600)), X), expected)


def digest(name):
    X = parts(ProblemType.MULTICLASS)[2][0]
    said = outputs(fit(name, ProblemType.MULTICLASS), X)
    return hashlib.sha256(np.ascontiguousarray(said).tobytes()).hexdigest()


def test_a_fresh_process_repeats_every_bit(request):
    code = f"""
import sys
sys.path.insert(0, {str(request.path.parent)!r})
from test_learners import LEARNERS, digest
print(*map(digest, LEARNERS))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [digest(name) for name in LEARNERS]


@pytest.mark.parametrize("name", ["random-forest", "xgboost", "lightgbm", "mlp", "gp-exact"])
def test_another_seed_is_another_fit(name, fitted):
    if name in ("xgboost", "lightgbm", "gp-exact"):
        learner = registry.learner(name)
        config = dict(learner.space(ProblemType.REGRESSION).default)
        config |= {"xgboost": {"subsample": 0.5}, "gp-exact": {"optimise_rows": 60}}.get(
            name, {"bagging_fraction": 0.5, "bagging_freq": 1}
        )
        (X, y), _, (test, _) = parts(ProblemType.REGRESSION)
        contexts = [BuildContext(problem=ProblemType.REGRESSION, n_classes=0, seed=seed) for seed in (1, 2)]
        one, two = (learner.build(config, context).fit(X, y).predict(test) for context in contexts)
    else:
        X = parts(ProblemType.REGRESSION)[2][0]
        one = fitted(name, ProblemType.REGRESSION).predict(X)
        two = fit(name, ProblemType.REGRESSION, seed=8).predict(X)
    assert (one != two).any()


@each_learner
@each_problem
def test_a_deadline_that_has_passed_is_kept(name, problem):
    if registry.learner(name).polls_deadline:
        with pytest.raises(DeadlinePassed):
            fit(name, problem, deadline=Wall(-1))
    else:
        assert not fit(name, problem, deadline=Wall(-1)).truncated_


@pytest.mark.parametrize("name", [name for name in LEARNERS if registry.learner(name).polls_deadline])
@each_problem
def test_a_near_deadline_cuts_the_fit(name, problem):
    """On sixty times the rows with labels of noise, where no default fit ends in time."""
    rows, _, (X, _) = parts(problem)
    y = np.random.default_rng(0).permutation(np.tile(rows[1], 60))
    many = (pd.concat([rows[0]] * 60, ignore_index=True), y)
    registry.learner(name).warm_up(problem)
    begin = time.process_time()
    try:
        estimator = fit(name, problem, deadline=Wall(0.03), rows=(many, None, None))
    except DeadlinePassed:
        pass
    else:
        assert estimator.truncated_
        assert np.isfinite(outputs(estimator, X)).all()
    assert time.process_time() - begin < 1.0


@each_learner
@each_problem
def test_sklearn_can_clone_it(name, problem, fitted):
    estimator = fitted(name, problem)
    fresh = clone(estimator)
    assert not hasattr(fresh, "model_")
    assert str(fresh.get_params()) == str(estimator.get_params())


@each_learner
@pytest.mark.parametrize("problem", [ProblemType.BINARY, ProblemType.REGRESSION])
def test_a_target_of_one_value_is_a_constant(name, problem):
    rows, validation, (X, _) = parts(problem)
    one = np.full(N_FIT, 3)
    estimator = fit(name, problem, rows=((rows[0], one), (validation[0], np.full(N_VALIDATION, 3)), None))
    np.testing.assert_allclose(estimator.predict(X), 3, rtol=1e-6)


@each_learner
@each_problem
def test_every_configuration_can_be_fitted(name, problem):
    """The first drawn ones, and the names in them."""
    learner = registry.learner(name)
    rows, validation, (X, _) = parts(problem)
    context = BuildContext(problem=problem, n_classes=n_classes(problem), seed=0)
    for number in (1, 2):
        config = learner.space(problem).trial("contract", number)
        if config is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                estimator = learner.build(config, context).fit(*rows, validation=validation)
            assert np.isfinite(outputs(estimator, X)).all(), config


SINGLE_PRECISION = {"mlp": {"check_methods_subset_invariance": "asks for seven digits, a net has about six"}}


@pytest.mark.slow
@each_learner
@pytest.mark.parametrize("problem", [ProblemType.BINARY, ProblemType.REGRESSION])
def test_it_passes_scikit_learn_s_own_checks(name, problem):
    learner = registry.learner(name)
    context = BuildContext(problem=problem, n_classes=n_classes(problem), seed=0)
    estimator = learner.build(learner.space(problem).default, context)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        checked = check_estimator(
            estimator, on_skip=None, on_fail=None, expected_failed_checks=SINGLE_PRECISION.get(name)
        )
    failed = {check["check_name"]: check["exception"] for check in checked if check["status"] == "failed"}
    assert failed == {}
