"""Polynomial and approximate support vector machines, and when the approximate one stands in."""

import math

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.kernel_approximation import Nystroem
from sklearn.svm import SVC, LinearSVC, LinearSVR

from bench import registry
from bench.datasets import ProblemType
from bench.learners import BuildContext
from bench.tasks import TaskShape
from bench.zoo.deadlines import DeadlinePassed
from bench.zoo.estimators.nystroem import NystroemMachine
from bench.zoo.estimators.svm import PROBE_ITERATIONS, StoppableSVC, StoppableSVR, _Stoppable


@pytest.fixture
def rows():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4))
    return X, X[:, 0] - 2 * X[:, 1] * (X[:, 2] > 0) + 0.3 * rng.normal(size=400)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_classes_are_liblinear_s_on_the_same_features(rows, n_classes):
    X, y = rows[0], np.digitize(rows[1], [0.0, 1.0][: n_classes - 1])
    ours = NystroemMachine(n_landmarks=50, gamma=0.2, C=2.0, seed=4).fit(X, y)
    Z = Nystroem(gamma=0.2, n_components=50, random_state=4).fit_transform(X)
    # liblinear penalises the intercept; one of a large feature costs next to nothing
    library = LinearSVC(C=2.0, dual=False, tol=1e-8, intercept_scaling=1000.0).fit(Z, y)
    np.testing.assert_allclose(ours.decision_function(X), library.decision_function(Z), atol=0.02)
    assert (ours.predict(X) == library.predict(Z)).mean() > 0.99


def test_numbers_are_liblinear_s_on_the_same_features(rows):
    X, y = rows
    ours = NystroemMachine(n_landmarks=50, epsilon=0.2, classification=False, seed=4).fit(X, y)
    Z = Nystroem(gamma=1 / (4 * X.var()), n_components=50, random_state=4).fit_transform(X)
    library = LinearSVR(
        loss="squared_epsilon_insensitive", epsilon=0.2, dual=False, tol=1e-8, intercept_scaling=1000.0
    ).fit(Z, y)
    np.testing.assert_allclose(ours.predict(X), library.predict(Z), atol=0.02)


def test_with_every_row_a_landmark_the_kernel_is_exact(rows, ticking):
    """Then only the loss differs from an exact machine's: the hinge is squared."""
    X, y = rows[0][:150], (rows[1][:150] > 0).astype(int)
    machine = NystroemMachine(n_landmarks=1000, gamma=0.1).fit(X, y)
    Z = machine._features(X, ticking(1e6))
    squared = ((X[:, None] - X[None]) ** 2).sum(-1)
    np.testing.assert_allclose(Z @ Z.T, np.exp(-0.1 * squared), atol=1e-8)
    exact = SVC(gamma=0.1).fit(X, y)
    assert (machine.predict(X) == exact.predict(X)).mean() > 0.9


def test_a_machine_is_cut_by_its_deadline(rows, ticking):
    X, y = rows
    cut = NystroemMachine(C=1000.0, classification=False).fit(X, y, deadline=ticking(20))
    assert cut.truncated_
    assert np.isfinite(cut.predict(X)).all()
    with pytest.raises(DeadlinePassed, match="kernel features"):
        NystroemMachine(classification=False).fit(X, y, deadline=ticking(0))


@pytest.mark.parametrize("library", [StoppableSVC, StoppableSVR])
def test_a_declared_number_of_iterations_ends_a_fit_that_says_so(rows, library, ticking):
    X, y = rows[0], (rows[1] > 0).astype(int)
    hard = {"kernel": "poly", "degree": 4, "coef0": 1.0, "gamma": 1.0, "C": 1000.0, "max_iter": 3000}
    for deadline in (None, ticking(1e7)):
        with pytest.warns(ConvergenceWarning):
            fit = library(**hard).fit(X, y, deadline=deadline)
        assert not fit.truncated_
        assert np.max(fit.n_iter_) == 3000
    assert fit.get_params()["max_iter"] == 3000


class Priced:
    """A solver that takes `kernel_s` to fill its cache and `each_s` an iteration, on a clock of its own."""

    def __init__(self, needed, kernel_s, fill, each_s):
        self.needed, self.kernel_s, self.fill, self.each_s = needed, kernel_s, fill, each_s
        self.max_iter, self.now_s = -1, 0.0

    def seconds(self, iterations):
        return self.kernel_s * (1 - math.exp(-iterations / self.fill)) + self.each_s * iterations

    def fit(self, X, y):
        done = self.needed if self.max_iter < 0 else min(self.needed, self.max_iter)
        self.n_iter_, self.fit_status_ = np.array([done]), int(done < self.needed)
        self.now_s += self.seconds(done)


class StoppablePriced(_Stoppable, Priced):
    def within(self, seconds):
        machine = self

        class Clock:
            def remaining_s(self):
                return seconds - machine.now_s

        return self.fit(None, None, deadline=Clock())


@pytest.mark.parametrize("needed", [1500, 6000, 17_000, 150_000])
@pytest.mark.parametrize("kernel_s", [0.0, 0.5, 3.0])
@pytest.mark.parametrize("fill", [1000, 3000])
@pytest.mark.parametrize("each_s", [1e-6, 1e-5, 1e-4])
def test_a_machine_is_cut_only_where_much_of_its_deadline_is_gone(needed, kernel_s, fill, each_s):
    """As the first iterations fill the cache, each of theirs is dearer than all that follow."""
    price = (needed, kernel_s, fill, each_s)
    whole_s, probe_s = (Priced(*price).seconds(n) for n in (needed, PROBE_ITERATIONS))
    for share in np.arange(0.3, 5.0, 0.1):
        machine = StoppablePriced(*price).within(share * whole_s)
        if machine.truncated_:
            assert machine.now_s >= 0.499 * share * whole_s
            assert share < 4
        else:
            assert machine.n_iter_ == [needed]
        assert machine.now_s <= max(1.001 * share * whole_s, probe_s)


def test_a_longer_fit_that_took_no_longer_is_cut_at_its_deadline():
    """Two fits' seconds differ by noise too; then nothing tells what an iteration costs."""
    machine = StoppablePriced(1e9, 0.0, 1000, 0.0)
    machine.seconds = lambda iterations: 1.0 if iterations == PROBE_ITERATIONS else 0.9
    machine.within(2.5)
    assert machine.truncated_
    assert machine.now_s <= 2.5


def test_three_times_the_whole_fit_s_time_is_enough():
    """Where iterations cost something: after a fill that is all the cost, it may take four times."""
    for price in ((6000, 0.5, 1000, 1e-5), (150_000, 3.0, 1000, 1e-5), (340_000, 1.0, 20_000, 1e-5)):
        assert not StoppablePriced(*price).within(3 * Priced(*price).seconds(price[0])).truncated_


def shape(n_rows, n_classes=2):
    problem = ProblemType.BINARY if n_classes else ProblemType.REGRESSION
    return TaskShape(problem=problem, n_rows=n_rows, n_numeric=20, levels=(), n_classes=n_classes)


PAIRS = pytest.mark.parametrize(
    ("exact", "approximate"), [("svm-rbf", "svm-nystroem"), ("gp-exact", "gp-sparse")]
)


@PAIRS
@pytest.mark.parametrize("limit_s", [None, 5.0, 0.5])
def test_of_two_partners_exactly_one_applies(exact, approximate, limit_s):
    partners = [registry.learner(name) for name in (exact, approximate)]
    if limit_s is not None:
        partners = [partner.with_limit(limit_s) for partner in partners]
        assert partners[0].limit_s == partners[1].exact_limit_s == limit_s
    for n_rows in (100, 500, 1000, 2000, 4000, 6000, 8000, 20_000, 60_000):
        assert sum(partner.limit(shape(n_rows)) is None for partner in partners) == 1, n_rows


@PAIRS
def test_a_lower_limit_leaves_the_registered_learners_alone(exact, approximate):
    before = [registry.learner(name).limit(shape(3000)) for name in (exact, approximate)]
    lowered = [registry.learner(name).with_limit(0.01) for name in (exact, approximate)]
    assert before == [registry.learner(name).limit(shape(3000)) for name in (exact, approximate)]
    assert before[0] is None
    assert before[1].startswith("approximate: up to ")
    assert before[1].endswith(f"rows of such a table the exact {exact} runs")
    assert lowered[0].limit(shape(3000)).endswith("limit 0.01 s")
    assert "about 0 s" not in registry.learner(exact).with_limit(0.05).limit(shape(750))
    assert lowered[1].limit(shape(3000)) is None


def test_the_number_of_rows_in_the_reason_is_the_last_that_the_exact_machine_takes():
    exact, approximate = registry.learner("svm-rbf"), registry.learner("svm-nystroem")
    said = int(approximate.limit(shape(3000)).split()[3].replace(",", ""))
    assert exact.limit(shape(said)) is None
    assert exact.limit(shape(said + 1)) is not None
    assert approximate.limit(shape(said + 1)) is None


def test_an_approximate_machine_has_a_limit_of_its_own():
    assert "Nystroem features of 1,000,000 rows would take 4.0 GB" in registry.learner("svm-nystroem").limit(
        shape(10**6)
    )


def test_the_polynomial_kernel_finds_a_product(rows):
    rng = np.random.default_rng(3)
    X = rng.normal(size=(300, 3))
    y = X[:, 0] * X[:, 1]
    learner = registry.learner("svm-poly")
    context = BuildContext(problem=ProblemType.REGRESSION, n_classes=0, seed=0)
    config = {**learner.space(ProblemType.REGRESSION).default, "degree": 2, "C": 10.0, "epsilon": 0.01}
    import pandas as pd

    fit = learner.build(config, context).fit(pd.DataFrame(X[:200]), y[:200])
    assert np.abs(fit.predict(pd.DataFrame(X[200:])) - y[200:]).max() < 0.1
