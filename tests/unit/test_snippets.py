"""A snippet is run as it is printed, and its model is the learner's."""

from __future__ import annotations

import ast
import importlib.metadata
import warnings

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.learners import BuildContext
from bench.sources.cache import Cache
from bench.sources.prepare import prepare
from bench.sources.requests import TableRequest
from bench.zoo.estimator import estimator
from bench.zoo.snippets import BOOSTED, DENSE, TREES, code

PLAIN = (*DENSE, *TREES, *BOOSTED)
PROBLEMS = tuple(ProblemType)
SEED = 3
FIT, VALID, NEW = slice(0, 240), slice(240, 300), slice(300, 400)

each_problem = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.value)

pytestmark = pytest.mark.filterwarnings("ignore:Found unknown categories")


@pytest.fixture(scope="module")
def tables():
    """Numbers, missing values, and categories of few and of many levels in an order of their own."""
    rng = np.random.default_rng(5)
    n = 400
    a, b, gaps = rng.normal(size=(3, n))
    few, many = rng.integers(0, 4, n), rng.integers(0, 45, n)
    X = pd.DataFrame({"few": pd.Categorical.from_codes(np.where(gaps > 1.2, -1, few), list("dbca"))})
    X["a"], X["gaps"] = a, np.where(gaps > 0.3, np.nan, gaps)
    X["many"] = pd.Categorical([f"v{i}" for i in many], categories=[f"v{i}" for i in reversed(range(60))])
    X["b"] = b
    signal = a * b + np.array([0.0, 1.0, -1.0, 0.5])[few] + 0.02 * many + 0.3 * rng.normal(size=n)
    targets = {
        ProblemType.REGRESSION: 7 + 3 * signal,
        ProblemType.BINARY: (signal > 0.4).astype(int),
        ProblemType.MULTICLASS: np.digitize(signal, [-0.3, 0.9]),
    }
    return {problem: (X, y) for problem, y in targets.items()}


def said(model, X):
    """What is compared: probabilities, else decision values, else numbers."""
    methods = ("predict_proba", "decision_function", "predict")
    method = next(method for method in methods if hasattr(model, method))
    return np.asarray(getattr(model, method)(X), dtype=float)


def run(text):
    names = {}
    exec(compile(text, "snippet", "exec"), names)  # noqa: S102 - that it runs is what is tested
    return names


def both(name, problem, config, tables):
    """The predictions of the learner's own estimator, and of the snippet's."""
    X, y = tables[problem]
    learner = registry.learner(name)
    context = BuildContext(problem=problem, n_classes=len(set(y)), seed=SEED)
    own = learner.build(config, context).fit(X[FIT], y[FIT], validation=(X[VALID], y[VALID]))
    rows = (X[FIT], y[FIT], X[VALID], y[VALID])[: 4 if name in BOOSTED else 2]
    other = run(code(learner, config, problem, seed=SEED))["fit"](*rows)
    return said(own, X[NEW]), said(other, X[NEW])


@pytest.mark.parametrize("name", PLAIN)
@each_problem
def test_a_snippet_without_bench_gives_the_learner_s_own_model(name, problem, tables):
    space = registry.learner(name).space(problem)
    for config in (space.default, space.trial("snippets", 1)):
        own, other = both(name, problem, config, tables)
        # Elastic net: two solvers of one problem, each stopped near its end.
        close = {"atol": 0.05} if name == "elastic-net" else {"rtol": 1e-6, "atol": 1e-9}
        np.testing.assert_allclose(other, own, **close)


def test_a_polynomial_machine_s_snippet_ends_where_the_learner_s_fit_does():
    learner = registry.learner("svm-poly")
    for problem in PROBLEMS:
        text = code(learner, learner.space(problem).default, problem)
        assert f"max_iter={learner.max_iter}" in text
    assert "max_iter" not in code(
        registry.learner("svm-rbf"), registry.learner("svm-rbf").space(problem).default, problem
    )


@pytest.fixture(scope="module")
def penguins(cache_root):
    """A table of the catalogue with numbers, missing values and categories, in a seeded order."""
    cache = Cache(cache_root)
    request = TableRequest(name="penguins")
    prepare([request], cache, lambda line: None)
    table = cache.load(request.name)
    order = np.random.default_rng(0).permutation(len(table.y))
    return {ProblemType.MULTICLASS: (table.X.iloc[order].reset_index(drop=True), table.y[order])}


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.parametrize("name", PLAIN)
def test_so_it_does_on_a_table_of_the_catalogue(name, penguins):
    space = registry.learner(name).space(ProblemType.MULTICLASS)
    for config in (space.default, space.trial("snippets", 1)):
        own, other = both(name, ProblemType.MULTICLASS, config, penguins)
        close = {"atol": 0.05} if name == "elastic-net" else {"rtol": 1e-6, "atol": 1e-9}
        np.testing.assert_allclose(other, own, **close)


@pytest.mark.parametrize("scaling", ["standard", "robust", "quantile"])
@each_problem
def test_every_scaling_is_written_down(scaling, problem, tables):
    config = {**registry.learner("linear").space(problem).default, "scaling": scaling}
    own, other = both("linear", problem, config, tables)
    np.testing.assert_allclose(other, own, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("name", PLAIN)
@each_problem
def test_it_needs_no_bench_and_nothing_that_it_does_not_use(name, problem):
    tree = ast.parse(code(registry.learner(name), registry.learner(name).space(problem).default, problem))
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }
    roots = {node.module.partition(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    used |= {
        node.value.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
    assert "bench" not in roots
    assert imported <= used


@pytest.mark.parametrize("name", registry.learners())
@each_problem
def test_it_is_laid_out_to_be_read(name, problem):
    learner = registry.learner(name)
    for number in (0, 1):
        config = learner.space(problem).trial("layout", number)
        text = code(learner, config, problem) if config is not None else ""
        assert all(len(line) <= 100 and line == line.rstrip() for line in text.splitlines())
        assert "\t" not in text
        compile(text, "snippet", "exec")


@pytest.mark.parametrize("name", ["mlp", "gp-exact"])
@each_problem
def test_what_is_bench_s_own_is_asked_from_bench(name, problem, tables):
    config = dict(registry.learner(name).space(problem).default)
    config |= {"n_layers": 1} if name == "mlp" else {"optimise_rows": 60}
    X, y = tables[problem]
    context = BuildContext(problem=problem, n_classes=len(set(y)), seed=SEED)
    own = registry.learner(name).build(config, context).fit(X[FIT], y[FIT], validation=(X[VALID], y[VALID]))
    text = code(registry.learner(name), config, problem, seed=SEED)
    other = run(text)["fit"](X[FIT], y[FIT], X[VALID], y[VALID])
    np.testing.assert_array_equal(said(other, X[NEW]), said(own, X[NEW]))


def test_the_note_is_a_comment():
    learner = registry.learner("linear")
    config = learner.space(ProblemType.BINARY).default
    note = f"scikit-learn {importlib.metadata.version('scikit-learn')}\n\nfrom run 1, trial 7"
    text = code(learner, config, ProblemType.BINARY, note=note)
    assert text.startswith("# scikit-learn ")
    assert "\n#\n# from run 1, trial 7\n" in text
    assert "C=1.0" in text


def test_an_estimator_takes_what_differs_from_the_default():
    model = estimator("tree", {"max_depth": 3}, problem="binary")
    assert (model.model.max_depth, model.model.min_samples_leaf) == (3, 1)


def test_an_estimator_fits_labels_of_any_kind(tables):
    X, y = tables[ProblemType.MULTICLASS]
    labels = np.array(["low", "middle", "high"])[y]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = estimator("random-forest", {"n_estimators": 5}, problem="multiclass", n_classes=3).fit(
            X, labels
        )
    assert set(model.predict(X)) == set(labels)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({"name": "tree", "problem": "ordinal"}, "none of 'binary', 'multiclass', 'regression'"),
        ({"name": "tree", "problem": "multiclass"}, "how many classes"),
        ({"name": "tree", "problem": "binary", "n_classes": 3}, "binary does not go with 3 classes"),
        (
            {"name": "tree", "problem": "regression", "config": {"depth": 3}},
            "no parameter 'depth' .known: max_depth",
        ),
        ({"name": "tree", "problem": "binary", "device": "cuda"}, "tree fits on cpu, not on 'cuda'"),
        ({"name": "tre", "problem": "binary"}, "did you mean 'tree'"),
    ],
)
def test_what_is_asked_wrongly_is_said(arguments, text):
    with pytest.raises(ConfigError, match=text):
        estimator(**arguments)
