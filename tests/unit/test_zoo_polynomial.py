"""Polynomials against scikit-learn's ridge and logistic regression on the same products."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

from bench import registry
from bench.datasets import ProblemType
from bench.tasks import TaskShape
from bench.zoo import polynomial_cost, preprocessing
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators import polynomial
from bench.zoo.estimators.polynomial import PolynomialModel
from bench.zoo.polynomial_cost import n_encoded, n_products
from bench.zoo.preprocessing import DenseEncoder


class Passed:
    """A deadline that has passed."""

    def remaining_s(self):
        return -1.0


def rows(n_rows, n_columns, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows + 50, n_columns))
    y = X[:, 0] * X[:, 1] + X[:, 2] ** 2 + 0.3 * rng.normal(size=n_rows + 50)
    return X[:n_rows], y[:n_rows], X[n_rows:]


def products(X, Xt, degree, *, interaction_only=False):
    expand = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False)
    scale = StandardScaler()
    Z = scale.fit_transform(expand.fit_transform(X))
    return Z, scale.transform(expand.transform(Xt.clip(X.min(0), X.max(0))))


@pytest.mark.parametrize(("n_rows", "n_columns"), [(400, 5), (60, 12)], ids=["tall", "wide"])
@pytest.mark.parametrize("degree", [2, 3])
@pytest.mark.parametrize("interaction_only", [False, True])
def test_numbers_are_ridge_regression_on_products(n_rows, n_columns, degree, interaction_only):
    X, y, Xt = rows(n_rows, n_columns)
    Z, Zt = products(X, Xt, degree, interaction_only=interaction_only)
    expected = Ridge(alpha=0.1 * Z.shape[1], solver="svd").fit(Z, y).predict(Zt)
    got = PolynomialModel(degree, interaction_only=interaction_only, classification=False).fit(X, y)
    np.testing.assert_allclose(got.predict(Xt), expected, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(("n_rows", "n_columns"), [(400, 5), (60, 12)], ids=["tall", "wide"])
def test_classes_are_logistic_regression_on_products(n_rows, n_columns, n_classes):
    X, y, Xt = rows(n_rows, n_columns)
    y = np.digitize(y, [0.0, 1.0][: n_classes - 1])
    Z, Zt = products(X, Xt, 2)
    library = LogisticRegression(C=1 / (0.1 * Z.shape[1]), tol=1e-8, max_iter=10_000).fit(Z, y)
    model = PolynomialModel(2).fit(X, y)
    np.testing.assert_allclose(model.predict_proba(Xt), library.predict_proba(Zt), atol=2e-3)
    assert (model.predict(Xt) == library.predict(Zt)).mean() > 0.95


def test_beyond_the_fit_rows_it_says_what_it_says_at_their_edge():
    X, y, Xt = rows(100, 3)
    model = PolynomialModel(3, classification=False).fit(X, y)
    far = np.array([[1e6, -1e6, 0.0]])
    np.testing.assert_array_equal(model.predict(far), model.predict(far.clip(X.min(0), X.max(0))))
    inside = ((Xt > X.min(0)) & (Xt < X.max(0))).all(axis=1)
    assert inside.any()
    assert np.abs(model.predict(np.vstack([Xt, far]))).max() < 20


def test_products_that_never_vary_are_left_out():
    """Two levels of one category never meet, and a flag that is never raised has no products."""
    codes = np.arange(90) % 3
    X = np.column_stack([codes == 0, codes == 1, np.zeros(90), np.linspace(-1, 1, 90)]).astype(float)
    model = PolynomialModel(2, classification=False).fit(X, np.sin(X[:, 3]))
    kept = model.products_.library.get_feature_names_out()[model.products_.varying]
    assert "x0 x1" not in kept
    assert not any("x2" in name for name in kept)
    assert np.isfinite(model.predict(X + 1.0)).all()


def test_rows_are_predicted_in_parts(monkeypatch):
    X, y, Xt = rows(100, 6)
    model = PolynomialModel(3, classification=False).fit(X, y)
    whole = model.predict(Xt)
    monkeypatch.setattr(polynomial, "CHUNK_BYTES", 8 * 83 * 7)
    np.testing.assert_allclose(model.predict(Xt), whole, rtol=1e-12)


@pytest.mark.parametrize(("degree", "interaction_only"), [(2, False), (3, False), (2, True), (3, True)])
@pytest.mark.parametrize("n_columns", [1, 2, 9])
def test_the_number_of_products_is_the_library_s(n_columns, degree, interaction_only):
    expand = PolynomialFeatures(degree, interaction_only=interaction_only, include_bias=False)
    expected = expand.fit(np.zeros((1, n_columns))).n_output_features_
    assert n_products(n_columns, degree=degree, interaction_only=interaction_only) == expected


def test_encoded_columns_are_foretold():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.normal(size=200), "b": np.where(np.arange(200) % 9, 1.0, np.nan)})
    X["few"] = pd.Categorical([f"v{i % 5}" for i in range(200)])
    X["many"] = pd.Categorical([f"v{i % 40}" for i in range(200)])
    for problem, n_classes in ((ProblemType.REGRESSION, 0), (ProblemType.MULTICLASS, 3)):
        shape = TaskShape(
            problem=problem, n_rows=200, n_numeric=2, levels=(5, 40), n_classes=n_classes, n_with_missing=1
        )
        y = np.arange(200) % 3
        encoded = DenseEncoder(classification=n_classes > 0).fit_transform(X, y)
        assert n_encoded(shape) == encoded.shape[1]
    assert polynomial_cost.ONE_HOT_LEVELS == preprocessing.ONE_HOT_LEVELS


def test_what_does_not_fit_into_memory_is_said_before_it_is_taken():
    learner = registry.learner("polynomial")
    shape = TaskShape(
        problem=ProblemType.REGRESSION, n_rows=1500, n_numeric=470, levels=(), n_classes=0, n_with_missing=0
    )
    assert learner.limit(shape) == (
        "polynomial: 111,155 products of 470 encoded columns on 1,500 rows would take 1.3 GB; limit 1.1 GB"
    )
    with pytest.raises(
        MemoryError, match=r"17,\d+,\d+ products of degree 3 of 470 encoded columns would take 2"
    ):
        PolynomialModel(3).fit(np.zeros((1500, 470)), np.zeros(1500, dtype=int))


def test_what_takes_too_long_is_said_before_it_is_begun():
    """The same figure as for its ensembles: they solve the same system."""
    shape = TaskShape(
        problem=ProblemType.REGRESSION, n_rows=9000, n_numeric=150, levels=(), n_classes=0, n_with_missing=0
    )
    found = registry.learner("polynomial").limit(shape)
    assert found == (
        "polynomial: 11,475 products of 150 encoded columns on 9,000 rows would take about 110 s a fit on "
        "one core; limit 60 s"
    )
    assert found.split("rows")[1] == registry.learner("boosted-polynomial").limit(shape).split("rows")[1]


class Left:
    """A deadline that stays one second away."""

    def remaining_s(self):
        return 1.0


@pytest.mark.parametrize(("n_rows", "n_columns"), [(400, 5), (60, 12)], ids=["tall", "wide"])
@pytest.mark.parametrize("classification", [True, False])
def test_a_step_that_cannot_end_in_time_is_not_begun(monkeypatch, n_rows, n_columns, classification):
    X, y, _ = rows(n_rows, n_columns)
    y = np.digitize(y, [0.0]) if classification else y
    model = PolynomialModel(2, classification=classification)
    assert not model.fit(X, y, deadline=Left()).truncated_
    with monkeypatch.context() as slow:
        slow.setattr(polynomial_cost, "FLOPS", 1e2)
        if classification and n_columns == 5:
            assert not model.fit(X, y, deadline=Left()).truncated_, "it polls, and factorises nothing"
        else:
            with pytest.raises(DeadlinePassed, match=r"1 s are left, to make \d+ products of"):
                model.fit(X, y, deadline=Left())
    monkeypatch.setattr(polynomial_cost, "FEATURE_S", 1.0)
    monkeypatch.setattr(PolynomialFeatures, "fit_transform", None)
    with pytest.raises(
        DeadlinePassed, match=r"to make \d+ products of \d+ rows and solve for them would take at"
    ):
        model.fit(X, y, deadline=Left())


def test_a_deadline_that_has_passed_is_kept_before_the_products():
    X, y, _ = rows(50, 3)
    with pytest.raises(DeadlinePassed, match="products"):
        PolynomialModel(2, classification=False).fit(X, y, deadline=Passed())
