"""Any scikit-learn estimator becomes a learner, or is refused in one line."""

from __future__ import annotations

import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import BaggingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from bench import registry
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.learners import BuildContext, specification_hash
from bench.plugins import fault
from bench.spaces import Choice, Float, Int
from bench.testing import check_learner
from bench.testing.rows import outputs, parts, shape
from bench.zoo.wrapped import wrap

pytestmark = pytest.mark.filterwarnings("ignore:self.within_class_std_dev_")

BINARY, REGRESSION = ProblemType.BINARY, ProblemType.REGRESSION
SHRINK = {"shrink_threshold": Choice((None, 0.1, 0.5))}


def context(problem=BINARY, seed=11, threads=1):
    return BuildContext(problem=problem, n_classes=2 if problem is BINARY else 0, seed=seed, threads=threads)


def fit(learner, problem=BINARY, config=None):
    rows = parts(problem)
    config = learner.space(problem).default if config is None else config
    return learner.build(config, context(problem)).fit(*rows.fit, validation=rows.validation)


class Stopping(ClassifierMixin, BaseEstimator):
    """Notes what its fit is given."""

    def fit(self, X, y, *, validation=None, deadline=None):
        self.given_ = (validation, deadline)
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class Frames(ClassifierMixin, BaseEstimator):
    """Notes the columns that it is given."""

    def fit(self, X, y):
        self.dtypes_ = X.dtypes
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


def test_three_lines_make_a_learner_that_keeps_the_contract():
    check_learner(wrap("nearest-centroid", classifier=NearestCentroid(), space=SHRINK))


def test_the_default_is_the_estimator_s_own_and_the_space_varies_around_it():
    learner = wrap("ridge", regressor=Ridge(alpha=3.0), space={"alpha": Float(low=0.1, high=10, log=True)})
    space = learner.space(REGRESSION)
    assert space.default["alpha"] == 3.0
    assert space.default["scaling"] == "standard"
    assert set(space.parameters) == {"scaling", "alpha"}
    assert not {"random_state", "n_jobs"} & set(space.default)
    assert fit(learner, REGRESSION).model_.alpha == 3.0
    drawn = space.trial("key", 1)
    assert fit(learner, REGRESSION, drawn).model_.alpha == drawn["alpha"] != 3.0


def test_an_estimator_that_is_given_is_never_changed():
    own = RandomForestClassifier(5, random_state=1)
    fit(wrap("forest", classifier=own, space={"max_depth": Int(low=1, high=3)}))
    assert (own.random_state, own.max_depth, hasattr(own, "classes_")) == (1, None, False)


def test_seed_and_threads_are_set_at_every_depth():
    bags = BaggingClassifier(DecisionTreeClassifier(), random_state=0)
    model = wrap("bags", classifier=make_pipeline(StandardScaler(), bags)).build(
        {"scaling": "standard"}, context()
    )
    params = model.model.get_params()
    assert params["baggingclassifier__random_state"] == 11
    assert params["baggingclassifier__estimator__random_state"] == 11
    assert params["baggingclassifier__n_jobs"] is None
    parallel = wrap("bags", classifier=BaggingClassifier(n_jobs=8))
    assert parallel.build({"scaling": "standard"}, context()).model.n_jobs == 1
    assert wrap("bags", classifier=bags).build({"scaling": "standard"}, context(threads=2)).model.n_jobs == 2


def test_another_seed_is_another_fit():
    learner = wrap("forest", classifier=RandomForestClassifier(3))
    rows = parts(BINARY)
    one, two = (
        outputs(learner.build({"scaling": "standard"}, context(seed=seed)).fit(*rows.fit), rows.test[0])
        for seed in (1, 2)
    )
    assert (one != two).any()


def test_a_parameter_inside_a_pipeline_can_be_searched():
    pipeline = make_pipeline(PolynomialFeatures(2), LogisticRegression(max_iter=500))
    learner = wrap(
        "products", classifier=pipeline, space={"logisticregression__C": Float(low=1e-3, high=1, log=True)}
    )
    config = learner.space(BINARY).trial("key", 1)
    assert config["logisticregression__C"] == fit(learner, BINARY, config).model_[-1].C


def test_validation_and_deadline_go_to_whom_takes_them():
    learner = wrap("stopping", classifier=Stopping())
    assert learner.polls_deadline
    assert not wrap("centroid", classifier=NearestCentroid()).polls_deadline
    validation, deadline = fit(learner).model_.given_
    assert validation[0].shape[0] == 60
    assert deadline.remaining_s() > 0


def test_a_class_and_an_import_string_do_as_well_as_an_instance():
    rows = parts(BINARY)
    given = (NearestCentroid(), NearestCentroid, "sklearn.neighbors:NearestCentroid")
    learners = [wrap("centroid", classifier=each, space=SHRINK) for each in given]
    said = [outputs(fit(each, config={"scaling": "robust"}), rows.test[0]) for each in learners]
    np.testing.assert_array_equal(said[0], said[1])
    np.testing.assert_array_equal(said[0], said[2])
    assert learners[2].space(BINARY).default == {"scaling": "standard"}


def test_an_import_string_imports_nothing_before_it_is_needed():
    code = """
import sys
from bench.zoo.wrapped import wrap
from bench.datasets import ProblemType
from bench.learners import specification_hash
learner = wrap("forest", classifier="sklearn.ensemble:RandomForestClassifier")
specification_hash(learner), learner.packages, learner.modules
print("sklearn" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_the_three_ways_to_prepare_rows():
    trees = wrap("trees", classifier=DecisionTreeClassifier(), preprocessing="trees")
    assert "scaling" not in trees.space(BINARY).default
    said = outputs(fit(trees), parts(BINARY).test[0])
    assert np.isfinite(said).all()
    frames = fit(wrap("frames", classifier=Frames(), preprocessing="none"))
    assert [str(dtype) for dtype in frames.model_.dtypes_[:4]] == ["float64"] * 3 + ["category"]


def test_a_problem_without_an_estimator_does_not_apply():
    learner = wrap("centroid", classifier=NearestCentroid())
    assert learner.limit(shape(REGRESSION, 100)) == "centroid has no regressor"
    assert learner.limit(shape(BINARY, 100)) is None
    learner.warm_up(REGRESSION)


def test_a_limit_of_one_s_own_is_asked():
    learner = wrap(
        "small", classifier=NearestCentroid(), limit=lambda s: "too many" if s.n_rows > 99 else None
    )
    assert learner.limit(shape(BINARY, 100)) == "too many"
    assert learner.limit(shape(BINARY, 99)) is None


def test_a_parameter_of_one_of_two_estimators_is_searched_there_alone():
    learner = wrap(
        "linear-pair",
        classifier=LogisticRegression(),
        regressor=Ridge(),
        space={"alpha": Float(low=1, high=2)},
    )
    assert "alpha" in learner.space(REGRESSION).parameters
    assert "alpha" not in learner.space(BINARY).parameters


def test_what_a_learner_is_made_of_is_declared():
    boosted = wrap("boosted", classifier="lightgbm:LGBMClassifier")
    assert boosted.packages == ("lightgbm",)
    assert "lightgbm" in boosted.modules
    plain = wrap("plain", classifier=NearestCentroid(), family="neighbors", title="Centroids", version=3)
    assert (plain.packages, plain.family, plain.title, plain.version) == ((), "neighbors", "Centroids", 3)
    assert any(module.startswith("sklearn.neighbors") for module in plain.modules)
    own = wrap("own", classifier=Stopping())
    assert not any(module.startswith("test") for module in own.modules)  # a server could not import it
    absent = wrap("absent", classifier="no_such_library:Classifier")
    assert registry.missing(absent) == ("no_such_library",)


def test_it_is_frozen_and_can_be_pickled():
    learner = wrap("centroid", classifier=NearestCentroid(), space=SHRINK)
    with pytest.raises(dataclasses.FrozenInstanceError):
        learner.name = "other"
    again = pickle.loads(pickle.dumps(learner))
    assert specification_hash(again) == specification_hash(learner)
    assert fault(again) is None


def test_its_hash_is_that_of_its_parameters():
    hashes = {
        specification_hash(wrap("ridge", regressor=Ridge(alpha=alpha), space=space))
        for alpha in (1.0, 2.0)
        for space in ({}, {"alpha": Float(low=1, high=2)})
    }
    assert len(hashes) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ({}, "give a classifier, a regressor or both"),
        (
            {"name": "My Learner", "classifier": NearestCentroid()},
            "'My Learner' must be made of lower-case letters",
        ),
        ({"name": "a/b", "classifier": NearestCentroid()}, "cell ids"),
        ({"classifier": NearestCentroid(), "family": "A B"}, "'A B' must be made of"),
        (
            {"classifier": NearestCentroid(), "space": {"shrink": Choice((1, 2))}},
            r"no parameter 'shrink' \(known: metric, priors, shrink_threshold\)",
        ),
        (
            {"classifier": NearestCentroid(), "space": {"metric": ("a", "b")}},
            "'metric' must be a Float, an Int or a Choice",
        ),
        (
            {"classifier": NearestCentroid(), "preprocessing": "sparse"},
            "'sparse' is none of dense, trees, none",
        ),
        ({"classifier": StandardScaler()}, "StandardScaler has neither predict_proba nor decision_function"),
        ({"classifier": 3}, "3 is no scikit-learn estimator"),
        ({"classifier": "sklearn.neighbors"}, "must be an estimator, its class, or"),
        ({"classifier": NearestCentroid(), "titel": "x"}, "no option 'titel'"),
        ({"classifier": BaggingClassifier, "regressor": make_pipeline}, "no scikit-learn estimator"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(arguments, text):
    with pytest.raises(ConfigError, match=text) as caught:
        wrap(**{"name": "mine", **arguments})
    assert "\n" not in str(caught.value)


def test_an_import_string_that_leads_nowhere_is_said_when_it_is_built():
    for given, text in {
        "no_such_library:Classifier": "no module 'no_such_library'",
        "sklearn.neighbors:NoSuchClassifier": "NoSuchClassifier",
    }.items():
        with pytest.raises(ConfigError, match=text):
            fit(wrap("absent", classifier=given))
    learner = wrap(
        "centroid", classifier="sklearn.neighbors:NearestCentroid", space={"k": Int(low=1, high=2)}
    )
    with pytest.raises(ConfigError, match=r"no parameter 'k' \(known: metric"):
        fit(learner, config=learner.space(BINARY).trial("key", 1))


def test_the_contract_finds_what_is_wrong():
    with pytest.raises(AssertionError, match=r"learns \(binary\): accuracy on an easy signal"):
        check_learner(wrap("constant", classifier=_Constant()))


class _Constant(DummyClassifier):
    """A dummy that says it is none."""

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.classifier_tags.poor_score = False
        return tags
