"""Bagging and boosting of any base, against closed forms, scikit-learn and the libraries' own trees."""

import numpy as np
import pandas as pd
import pytest
from sklearn.ensemble import BaggingRegressor, GradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.preprocessing import PolynomialFeatures
from sklearn.tree import DecisionTreeRegressor

from bench import registry
from bench.budgets import NoDeadline
from bench.datasets import ProblemType
from bench.learners import BuildContext
from bench.tasks import TaskShape
from bench.zoo import polynomial_cost
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimator import estimator
from bench.zoo.estimators.bagging import Bagging, shares_to_probabilities
from bench.zoo.estimators.bases import Draw, Linear, Total, add_up
from bench.zoo.estimators.boosting import Boosting
from bench.zoo.estimators.cart import TreeBase
from bench.zoo.estimators.losses import Logistic, Softmax, Squared
from bench.zoo.estimators.ridge import NystroemBase, PolynomialBase
from bench.zoo.estimators.small_net import NetBase

SCHEMES = pytest.mark.parametrize("scheme", [Bagging, Boosting])
BASES = pytest.mark.parametrize(
    "base",
    [PolynomialBase(), NystroemBase(landmarks=40), NetBase(epochs=2), TreeBase(max_depth=3)],
    ids=["poly", "nystroem", "mlp", "tree"],
)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4))
    return X, X[:, 0] - 2 * X[:, 1] * X[:, 2] + np.sin(3 * X[:, 3]) + 0.3 * rng.normal(size=300)


def drawn(rows=None, seed=0):
    return Draw(rows=rows, seed=seed, deadline=NoDeadline())


def labels(y, k):
    return np.digitize(y, np.quantile(y, np.linspace(0, 1, k + 1)[1:-1]))


def test_boosted_trees_are_scikit_learn_s(rows):
    """Squared loss, 100 trees, shrinkage 0.1; in small leaves, equal splits would be drawn by lot."""
    X, y = rows
    theirs = GradientBoostingRegressor(min_samples_leaf=15).fit(X[:200], y[:200])
    ours = Boosting(TreeBase(max_depth=3, min_samples_leaf=15), classification=False).fit(X[:200], y[:200])
    assert ours.rounds_ == theirs.n_estimators == 100
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-6, atol=1e-8)


def test_bagged_trees_are_scikit_learn_s_in_distribution(rows):
    """Means of many members agree as two such means of the library with different seeds do."""
    X, y = rows
    theirs = [
        BaggingRegressor(DecisionTreeRegressor(), 150, random_state=seed)
        .fit(X[:200], y[:200])
        .predict(X[200:])
        for seed in (1, 2)
    ]
    ours = Bagging(TreeBase(), n_members=150, classification=False).fit(X[:200], y[:200]).predict(X[200:])
    noise = np.square(theirs[0] - theirs[1]).mean()
    assert all(np.square(ours - each).mean() < 1.5 * noise for each in theirs)
    grower = TreeBase().prepare(X[:200], 0)
    single = grower.learn(y[:200, None], drawn()).predict(grower.features(X[200:]))[:, 0]
    assert np.square(ours - single).mean() > 20 * noise


def of_learner(name, X, y, **config):
    """The learner's own estimator, encoding and scaling of the target included, fitted without validation."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    return estimator(name, config, problem="regression").fit(frame[:200], y[:200]).predict(frame)


def test_the_learner_of_boosted_trees_is_scikit_learn_s_gradient_boosting(rows):
    """But for rows at a threshold, which scaled columns may move by rounding: at most 1 % of them."""
    X, y = rows
    ours = of_learner("boosted-tree", X, y, min_samples_leaf=15)
    theirs = GradientBoostingRegressor(min_samples_leaf=15).fit(X[:200], y[:200]).predict(X)
    assert (np.abs(ours - theirs) < 1e-6 * y.std()).mean() > 0.99


def test_the_learner_of_bagged_trees_is_scikit_learn_s_bagging(rows):
    """The mean over many members, as near to the library's as that is to its own by another seed."""
    X, y = rows
    ours = of_learner("bagged-tree", X, y, n_members=150)[200:]
    theirs = [
        BaggingRegressor(DecisionTreeRegressor(), 150, random_state=seed).fit(X[:200], y[:200])
        for seed in (1, 2)
    ]
    one, two = (each.predict(X[200:]) for each in theirs)
    noise = np.square(one - two).mean()
    assert noise < 0.02 * y.var()
    assert max(np.square(ours - one).mean(), np.square(ours - two).mean()) < 1.5 * noise


def test_one_member_on_all_rows_is_scikit_learn_s_tree(rows):
    X, y = rows
    ours = of_learner("bagged-tree", X, y, n_members=1, bootstrap=False, min_samples_leaf=10)
    theirs = DecisionTreeRegressor(min_samples_leaf=10).fit(X[:200], y[:200]).predict(X)
    assert np.isclose(ours, theirs, rtol=1e-9).mean() > 0.99


@pytest.mark.parametrize("scheme", ["bagged", "boosted"])
def test_with_a_tree_only_the_base_is_another(scheme):
    """Encoding, scheme and what is searched of it are those of the other bases."""
    shared = {"bagged": {"scaling", "n_members", "bootstrap"}, "boosted": {"scaling", "shrinkage"}}[scheme]
    for problem, n_classes in ((ProblemType.REGRESSION, 0), (ProblemType.MULTICLASS, 4)):
        context = BuildContext(problem=problem, n_classes=n_classes, seed=9)
        made, spaces = [], []
        for kind in ("tree", "polynomial"):
            space = registry.learner(f"{scheme}-{kind}").space(problem)
            built = registry.learner(f"{scheme}-{kind}").build(space.default, context)
            own = {name: value for name, value in vars(built.model).items() if name != "base"}
            made.append((type(built), vars(built.encoder), type(built.model), own))
            spaces.append(
                (
                    {name: space.default[name] for name in shared},
                    {name: each for name, each in space.parameters.items() if name in shared},
                )
            )
        assert made[0] == made[1]
        assert spaces[0] == spaces[1]


def test_learners_of_trees_by_the_schemes_stand_in_no_suite_of_all(root):
    names = set(registry.families()["schemes-on-trees"].learners)
    assert names == {"bagged-tree", "boosted-tree"}
    assert not names & set(registry.learners_of_tables())
    assert not any(name in path.read_text() for path in (root / "suites").glob("*.toml") for name in names)


@pytest.mark.parametrize(("scheme", "k"), [(Bagging, 2), (Boosting, 2), (Bagging, 4), (Boosting, 4)])
def test_trees_of_classes_can_be_bagged_and_boosted(rows, scheme, k):
    X, y = rows[0], labels(rows[1], k)
    fit = scheme(TreeBase(max_depth=3), classification=True).fit(X[:200], y[:200])
    p = fit.predict_proba(X[200:])
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (fit.predict(X[200:]) == y[200:]).mean() > 1 / k + 0.15
    np.testing.assert_array_equal(fit.predict(X[200:]), p.argmax(axis=1))


def test_the_polynomial_base_is_ridge_on_products(rows):
    X, y = rows
    base = PolynomialBase(penalty=0.7).prepare(X[:200], 0)
    products = PolynomialFeatures(2, include_bias=False).fit_transform(X)
    kept = PolynomialFeatures(2, include_bias=False).fit_transform(X.clip(X[:200].min(0), X[:200].max(0)))
    Z, held = ((each - products[:200].mean(0)) / products[:200].std(0) for each in (products, kept))
    expected = Ridge(alpha=0.7 * Z.shape[1]).fit(Z[:200], y[:200]).predict(held)
    got = base.learn(y[:200, None], drawn()).predict(base.features(X))
    np.testing.assert_allclose(got[:, 0], expected, rtol=1e-9, atol=1e-9)


def test_the_nystroem_base_with_every_row_a_landmark_is_kernel_ridge(rows):
    X, y = rows[0][:80], rows[1][:80]
    base = NystroemBase(landmarks=80, width=0.8, penalty=0.05).prepare(X, 0)
    K = rbf_kernel(rows[0], X, gamma=1 / (2 * 0.8**2 * X.var(0).sum()))
    # Kernel ridge with a free intercept: (K + penalty I) a + b = y, a adds up to 0.
    system = np.block([[K[:80] + 0.05 * np.eye(80), np.ones((80, 1))], [np.ones((1, 80)), np.zeros((1, 1))]])
    solved = np.linalg.solve(system, np.append(y, 0))
    got = base.learn(y[:, None], drawn()).predict(base.features(rows[0]))[:, 0]
    np.testing.assert_allclose(got, K @ solved[:80] + solved[80], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("n", [12, 200], ids=["more features than rows", "more rows than features"])
@pytest.mark.parametrize("bootstrap", [True, False])
def test_rows_count_as_often_as_they_are_drawn(rows, n, bootstrap):
    X, targets = rows[0][:n], np.column_stack([rows[1], rows[1] ** 2])[:n]
    chosen = np.random.default_rng(1).integers(0, n, n) if bootstrap else None
    base = PolynomialBase(penalty=0.3).prepare(X, 0)
    got = base.learn(targets, drawn(chosen))
    Z = base.fit_features
    repeated = np.arange(n) if chosen is None else chosen
    expected = Ridge(alpha=0.3 * Z.shape[1]).fit(Z[repeated], targets[repeated])
    np.testing.assert_allclose(got.weights, expected.coef_.T, rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(got.intercept, expected.intercept_, rtol=1e-7, atol=1e-9)


def test_boosted_ridge_is_its_closed_form(rows):
    """Buehlmann and Yu (2003): boosting a linear smoother S m times gives (I - (I - shrinkage S)^m) y."""
    X, y = rows[0][:60], rows[1][:60]
    fit = Boosting(PolynomialBase(penalty=5.0), shrinkage=0.2, classification=False).fit(X, y)
    Z = fit.features_(X)
    Z = Z - Z.mean(0)
    S = Z @ np.linalg.solve(Z.T @ Z + 5.0 * Z.shape[1] * np.eye(Z.shape[1]), Z.T)
    left = np.linalg.matrix_power(np.eye(60) - 0.2 * S, fit.rounds_) @ (y - y.mean())
    assert fit.rounds_ == 50
    np.testing.assert_allclose(fit.predict(X), y - left, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize(
    ("loss", "curvature", "k"), [(Squared(), 1, 0), (Logistic(), 1 / 4, 2), (Softmax(3), 1 / 2, 3)]
)
def test_the_step_is_the_negative_gradient_over_the_bound(rows, loss, curvature, k):
    y = labels(rows[1], k)[:20] if k else rows[1][:20]
    scores = np.random.default_rng(0).normal(size=(20, len(loss.start(y))))
    pull = loss.pull(scores, y)
    for i, j in np.ndindex(scores.shape):
        up, down = scores.copy(), scores.copy()
        up[i, j] += 1e-5
        down[i, j] -= 1e-5
        slope = 20 * (loss.mean(up, y) - loss.mean(down, y)) / 2e-5
        assert pull[i, j] == pytest.approx(-slope / curvature, rel=1e-4, abs=1e-6)
    start = np.tile(loss.start(y), (20, 1))
    np.testing.assert_allclose(loss.pull(start, y).sum(axis=0), 0, atol=1e-9)


@pytest.mark.parametrize("k", [2, 5])
def test_no_full_step_raises_the_training_loss(rows, k):
    """What the bounds are for, on a base that can all but separate the classes."""
    X, y = rows[0], labels(rows[1], k)
    loss = Logistic() if k == 2 else Softmax(k)
    base = PolynomialBase(penalty=1e-6).prepare(X, 0)
    scores = np.tile(loss.start(y), (len(X), 1))
    losses = [loss.mean(scores, y)]
    for _ in range(30):
        scores = scores + base.learn(loss.pull(scores, y), drawn()).predict(base.fit_features)
        losses.append(loss.mean(scores, y))
    assert (np.diff(losses) <= 1e-12).all()
    assert losses[-1] < 0.8 * losses[0]


def test_boosting_ends_by_the_validation_rows_and_keeps_the_best_round(rows):
    X, y = rows
    base = TreeBase(max_depth=4)
    fit = Boosting(base, shrinkage=0.3, classification=False)
    fit.fit(X[:100], y[:100], validation=(X[100:], y[100:]))
    assert not fit.truncated_
    assert fit.rounds_ < 1000
    kept = np.square(fit.predict(X[100:]) - y[100:]).mean()
    losses = []
    for rounds in range(1, fit.rounds_ + 1):
        held_out = fit.features_(X[100:])
        first = Total(fit.total_.members[:rounds], 0.3).predict(held_out)[:, 0] + y[:100].mean()
        losses.append(np.square(first - y[100:]).mean())
    assert losses[-1] == pytest.approx(kept)
    assert min(losses) == losses[-1]


def test_a_sum_of_linear_members_is_one_linear_member(rows):
    rng = np.random.default_rng(0)
    members = [Linear(rng.normal(size=(4, 2)), rng.normal(size=2)) for _ in range(3)]
    total = add_up(members, 0.5)
    assert isinstance(total, Linear)
    expected = 0.5 * sum(member.predict(rows[0]) for member in members)
    np.testing.assert_allclose(total.predict(rows[0]), expected)


def test_one_member_without_bootstrap_is_the_base(rows):
    X, y = rows
    base = NystroemBase(landmarks=50)
    alone = base.prepare(X, 3)
    single = Bagging(base, n_members=1, bootstrap=False, classification=False, seed=3).fit(X, y)
    expected = alone.learn(y[:, None], drawn()).predict(alone.features(X))[:, 0]
    np.testing.assert_array_equal(single.predict(X), expected)


@SCHEMES
def test_one_outlying_cell_is_taken_for_the_nearest_that_the_fit_rows_held(rows, scheme):
    X, y = rows
    fit = scheme(PolynomialBase(), classification=False).fit(X, y)
    far = X[:5].copy()
    far[2, 1] = 1e4
    np.testing.assert_array_equal(fit.predict(far), fit.predict(far.clip(X.min(0), X.max(0))))


def test_the_fit_rows_are_expanded_once(rows, monkeypatch):
    expanded = []
    transform = PolynomialFeatures.transform
    monkeypatch.setattr(
        PolynomialFeatures, "transform", lambda self, X: expanded.append(len(X)) or transform(self, X)
    )
    base = PolynomialBase().prepare(rows[0], 0)
    assert expanded == [300]
    np.testing.assert_allclose(base.features(rows[0]), base.fit_features)


@pytest.mark.parametrize("n", [12, 200], ids=["more features than rows", "more rows than features"])
@pytest.mark.parametrize("base", [PolynomialBase(), NystroemBase(landmarks=12)], ids=["poly", "nystroem"])
def test_a_system_that_cannot_end_in_time_is_not_begun(rows, base, n, monkeypatch):
    class Left:
        def remaining_s(self):
            return 1.0

    X, targets = rows[0][:n], rows[1][:n, None]
    draw = Draw(rows=None, seed=0, deadline=Left())
    base.prepare(X, 0).learn(targets, draw)
    monkeypatch.setattr(polynomial_cost, "FLOPS", 1e2)
    with pytest.raises(DeadlinePassed, match=r"1 s are left, to solve for 1\d features would take at least"):
        base.prepare(X, 0).learn(targets, draw)


def test_boosting_with_every_wanted_round_is_whole_however_little_time_is_left(rows, ticking):
    X, y = rows
    fits = [
        Boosting(TreeBase(), max_rounds=10, classification=False).fit(X, y, deadline=ticking(left_s))
        for left_s in range(15, 40)
    ]
    assert {fit.truncated_ for fit in fits} == {False, True}
    for fit in fits:
        assert fit.truncated_ == (fit.rounds_ < 10)


@BASES
@SCHEMES
def test_what_the_deadline_cuts_keeps_what_it_has(rows, base, scheme, ticking):
    X, y = rows
    for left_s in range(2, 400):
        try:
            fit = scheme(base, classification=False).fit(X, y, deadline=ticking(left_s))
        except DeadlinePassed:
            continue
        break
    assert left_s > 2
    assert fit.truncated_
    assert 1 <= getattr(fit, "rounds_", 0) + getattr(fit, "n_members_", 0) < 10
    assert np.isfinite(fit.predict(X)).all()


@BASES
@SCHEMES
def test_the_seed_alone_decides(rows, base, scheme):
    X, y = rows[0], labels(rows[1], 3)
    few = {"n_members": 2} if scheme is Bagging else {"max_rounds": 3}
    one, same, other = (scheme(base, seed=seed, **few).fit(X, y).predict_proba(X) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one, same)
    drawn_once = scheme is Boosting and isinstance(base, PolynomialBase | TreeBase)
    assert (one != other).any() or drawn_once


def test_shares_become_probabilities_in_the_same_order():
    share = np.linspace(-0.6, 1.6, 400)
    p = shares_to_probabilities(np.column_stack([1 - share, share]))
    assert (np.diff(p[:, 1]) > 0).all()
    np.testing.assert_allclose(p.sum(axis=1), 1)
    inside = (share > 0.06) & (share < 0.94)
    np.testing.assert_allclose(p[inside, 1], share[inside])


def test_too_many_products_are_refused_before_any_is_made():
    X = np.empty((50_000, 80))
    with pytest.raises(
        MemoryError, match=r"3,320 products of degree 2 of 80 encoded columns would take 1\.3 GB"
    ):
        PolynomialBase().prepare(X, 0)


@pytest.mark.parametrize("scheme", ["bagged", "boosted"])
def test_limits_are_said_with_their_numbers(scheme):
    def shape(n_rows, n_numeric):
        return TaskShape(
            problem=ProblemType.BINARY, n_rows=n_rows, n_numeric=n_numeric, levels=(), n_classes=2
        )

    polynomial, nystroem, mlp = (
        registry.learner(f"{scheme}-{kind}") for kind in ("polynomial", "nystroem", "mlp")
    )
    assert polynomial.limit(shape(1500, 60)) is None
    assert "11,475 features on 9,000 rows would take about 110 s a fit on one core; limit 60 s" in (
        registry.learner("boosted-polynomial").limit(shape(9000, 150))
    )
    assert "5,150 features on 100,000 rows would take 4.1 GB" in polynomial.limit(shape(100_000, 100))
    assert nystroem.limit(shape(50_000, 100)) is None
    assert "500 features on 1,000,000 rows would take 4.0 GB" in nystroem.limit(shape(1_000_000, 100))
    assert mlp.limit(shape(1_000_000, 100)) is None
    assert registry.learner(f"{scheme}-tree").limit(shape(1_000_000, 100)) is None


@pytest.mark.parametrize("family", ["bagged-others", "boosted-others", "schemes-on-trees"])
def test_a_configuration_reaches_the_base(family):
    context = BuildContext(problem=ProblemType.REGRESSION, n_classes=0, seed=9)
    for name in registry.families()[family].learners:
        learner = registry.learner(name)
        config = learner.space(ProblemType.REGRESSION).trial("key", 1)
        model = learner.build(config, context).model
        found = {
            key: getattr(owner, key) for owner in (model, model.base) for key in config if hasattr(owner, key)
        }
        assert found == {key: value for key, value in config.items() if key != "scaling"}
        assert model.seed == 9
