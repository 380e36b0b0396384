"""Arms: a learner with parameters held is another learner, in every way of naming it and wherever it goes."""

from __future__ import annotations

import json
import pickle
import sys
from dataclasses import FrozenInstanceError, replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone, is_classifier

from bench import line_up, registry
from bench.arms import Arm, base_reference, held_in, is_import_path, names_arm
from bench.cli.main import main
from bench.config.changes import Changes, changed
from bench.config.expand import Named, planned_cell, select
from bench.config.load import load_suite
from bench.config.write import suite_text
from bench.datasets import ProblemType
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import BuildContext, Learner, specification_hash
from bench.plugins import fault
from bench.sources.catalog import catalog
from bench.spaces import Choice, Float, Int, Space
from bench.store.opening import read_store
from bench.tasks import TaskShape
from bench.zoo.declaration import ZooLearner
from bench.zoo.estimator import estimator
from bench.zoo.snippets import code

PROBLEMS = tuple(ProblemType)


class Probe(ZooLearner):
    name = family = "probe"
    title = "Probe"

    def space(self, problem):
        default = {"real": 1, "whole": 3, "deep": None, "word": "sqrt", "on": True, "free": None, "loose": 0}
        return Space(
            default,
            {
                "real": Float(low=0.1, high=10.0),
                "whole": Int(low=1, high=9),
                "deep": Choice((None, 2, 4)),
                "word": Choice(("sqrt", 0.5)),
                "on": Choice((True, False)),
            },
        )

    def build(self, config, context):
        raise NotImplementedError


def arm(text, base=None):
    return registry.learner(text) if base is None else Arm.of(base, held_in(text), text)


# -- how it is written ------------------------------------------------------------------------------

NUMBERS = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**18), 10**18)
TEXTS = st.text(max_size=12)
ANY = st.none() | st.booleans() | NUMBERS | TEXTS
VALUES = {
    "real": NUMBERS,
    "whole": st.integers(-(10**6), 10**6),
    "deep": st.none() | st.integers(1, 99),
    "word": TEXTS | NUMBERS,
    "on": st.booleans(),
    "free": ANY,
    "loose": NUMBERS,
}
HELD = st.fixed_dictionaries({}, optional=VALUES).filter(bool)


def typed(held):
    return {name: (type(value), value) for name, value in held.items()}


@given(held=HELD, data=st.data())
def test_an_arm_has_one_name_however_it_is_written_and_the_name_reads_back_as_the_arm(held, data):
    first = Arm.of(Probe(), held, "an arm")
    again = arm(first.name, Probe())
    assert (again.name, typed(again.held)) == (first.name, typed(first.held))
    order = data.draw(st.permutations(list(held)))
    blank = st.sampled_from(["", " ", "  "])
    items = [f"{data.draw(blank)}{name} ={data.draw(blank)}{json.dumps(held[name])} " for name in order]
    other = arm(f"probe{{{','.join(items)}}}", Probe())
    assert (other.name, typed(other.held)) == (first.name, typed(first.held))


@given(held=HELD)
def test_a_name_can_be_part_of_a_cell_id(held):
    """Cell ids are taken apart at slashes and matched by globs between blanks."""
    name = Arm.of(Probe(), held, "an arm").name
    assert name.isascii()
    assert name.isprintable()
    assert not set(name) & set(" /:*?[]()'")
    assert names_arm(name)
    assert base_reference(name) == "probe"


@given(one=HELD, two=HELD)
def test_other_values_are_another_arm(one, two):
    first, second = (Arm.of(Probe(), held, "an arm") for held in (one, two))
    assert (first.name == second.name) == (typed(first.held) == typed(second.held))
    assert (specification_hash(first) == specification_hash(second)) == (first.name == second.name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("svm-rbf{C=1000}", "svm-rbf{C=1000}"),
        ("svm-rbf{ C = 1e3 , gamma=scale}", "svm-rbf{C=1000,gamma=scale}"),
        ('svm-rbf{gamma="scale",C=1000.0}', "svm-rbf{C=1000,gamma=scale}"),
        ("svm-rbf{C=1e-5}", "svm-rbf{C=1e-5}"),
        ("tree{max_depth=null}", "tree{max_depth=null}"),
        ("tree{max_depth=7.0}", "tree{max_depth=7}"),
        ("random-forest{bootstrap=false}", "random-forest{bootstrap=false}"),
        ("random-forest{max_features=log2}", "random-forest{max_features=log2}"),
        ('random-forest{max_features="true"}', 'random-forest{max_features="true"}'),
        ('linear{scaling="a b/c"}', 'linear{scaling="a\\u0020b\\u002fc"}'),
    ],
)
def test_spellings(text, name):
    assert arm(text).name == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("mpl{dropout=0}", "no learner is called 'mpl'; did you mean 'mlp'?"),
        ("mlp{dropuot=0}", "mlp has no parameter 'dropuot'; did you mean 'dropout'? (parameters: scaling, "),
        ("dummy{a=1}", "dummy has no parameter 'a' (parameters: "),
        ("mlp{}", "an arm is written learner{parameter=value}, as in mlp{"),
        ("{dropout=0}", "an arm is written learner{parameter=value}, as in mlp{"),
        ("mlp{dropout=0", "an arm is written learner{parameter=value}, as in mlp{"),
        ("mlp}", "an arm is written learner{parameter=value}, as in mlp{"),
        ("mlp{dropout=0\n}", "'mlp{dropout=0\\n}': an arm is written"),
        ("mlp{dropout=0,}", "cannot be read at 'dropout=0,'"),
        ("mlp{dropout}", "cannot be read at 'dropout'"),
        ("mlp{n_layers=1 2}", "cannot be read at 'n_layers=1 2'"),
        ("mlp{n_layers=1}{width=2}", "cannot be read at 'n_layers=1}{width=2'"),
        ("mlp{dropout=0,dropout=1}", "'dropout' is named twice"),
        ("mlp{dropout=1e999}", "dropout=1e999: a value is a finite number, true, false, null, a word"),
        ("mlp{dropout=0x1}", "dropout=0x1: a value is a finite number"),
        ("mlp{dropout=.5}", "dropout=.5: a value is a finite number"),
        ('mlp{dropout="\\x"}', "a value is a finite number"),
        ("mlp{dropout=[1]}", "dropout=[1]: a value is a finite number"),
        ("mlp{dropout=nan}", 'dropout takes a number, not "nan"'),
        ("mlp{dropout=true}", "dropout takes a number, not true"),
        ("mlp{n_layers=1.5}", "n_layers takes a whole number, not 1.5"),
        ("tree{max_depth=deep}", 'max_depth takes null or a number, not "deep"'),
        ("random-forest{bootstrap=1}", "bootstrap takes true or false, not 1"),
        ("mlpdropout=0", "in a shell, quote an arm: 'learner{parameter=value}'"),
    ],
)
def test_what_is_no_arm_is_refused_in_one_line(text, says):
    with pytest.raises(ConfigError) as caught:
        registry.learner(text)
    assert says in str(caught.value)
    assert len(caught.value.problems) == 1
    assert "\n" not in str(caught.value)


# -- what it is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("problem", PROBLEMS)
def test_every_trial_keeps_what_is_held_and_the_rest_is_searched_as_before(problem):
    base, held = registry.learner("mlp"), {"dropout": 0.0, "n_layers": 40}
    space = arm("mlp{n_layers=40,dropout=0}").space(problem)
    assert space.default == {**base.space(problem).default, **held}
    rest = {name: each for name, each in base.space(problem).parameters.items() if name not in held}
    assert space.parameters == rest
    trials = [space.trial("key", number) for number in range(30)]
    assert all({name: trial[name] for name in held} == held for trial in trials), "40 is out of its range"
    assert len({trial["learning_rate"] for trial in trials}) == 30


def test_an_arm_that_holds_all_is_one_configuration():
    space = arm("dummy-free{a=1}", _Whole()).space(ProblemType.BINARY)
    assert (space.size, space.default) == (1, {"a": 1})
    assert space.trial("key", 1) is None


class _Whole(Probe):
    def space(self, problem):
        return Space({"a": 0}, {"a": Int(low=0, high=3)})


@pytest.mark.parametrize("reference", ["mlp{dropout=0}", "conv-net{width=16}", "gp-exact{kernel=rbf}"])
def test_in_all_else_it_is_its_base(reference):
    own, base = arm(reference), registry.learner(base_reference(reference))
    same = [*(set(Learner.__annotations__) - {"name", "title"}), "needs_images", "augments"]
    assert {name: getattr(own, name) for name in same} == {name: getattr(base, name) for name in same}
    shape = TaskShape(problem=ProblemType.BINARY, n_rows=10**6, n_numeric=9, levels=(), n_classes=2)
    assert own.limit(shape) == base.limit(shape)
    assert fault(own) is None
    assert own.name == reference
    with pytest.raises(FrozenInstanceError):
        own.version = 2
    copied = pickle.loads(pickle.dumps(own))
    assert specification_hash(copied) == specification_hash(own) != specification_hash(base)


def test_its_estimator_is_the_base_s_with_what_is_held():
    assert estimator("tree{max_depth=3}", problem="binary").model.max_depth == 3
    context = BuildContext(problem=ProblemType.BINARY, n_classes=2, seed=0)
    own = arm("tree{max_depth=3}")
    assert own.build(own.space(ProblemType.BINARY).default, context).model.max_depth == 3


def test_what_is_no_parameter_of_the_problem_does_not_apply_and_is_not_built():
    shape = TaskShape(problem=ProblemType.BINARY, n_rows=100, n_numeric=9, levels=(), n_classes=2)
    own = arm("svm-rbf{epsilon=0.5}")
    assert own.limit(replace(shape, problem=ProblemType.REGRESSION, n_classes=0)) is None
    assert own.limit(shape) == "svm-rbf has no parameter 'epsilon' where the problem is binary"
    with pytest.raises(ConfigError, match="has no parameter 'epsilon' where the problem is binary"):
        estimator("svm-rbf{epsilon=0.5}", problem="binary")


def test_a_suite_s_limit_on_exact_fits_holds_its_arms(plan):
    shape = TaskShape(problem=ProblemType.BINARY, n_rows=9000, n_numeric=9, levels=(), n_classes=2)
    own = arm("svm-rbf{C=10}")
    limited = line_up.within_limits(own, replace(plan.suite, exact_limit_s=0.1))
    assert own.limit(shape) is None
    assert "limit" in limited.limit(shape)
    assert (limited.name, specification_hash(limited)) == (own.name, specification_hash(own))
    assert line_up.within_limits(arm("mlp{dropout=0}"), replace(plan.suite, exact_limit_s=0.1)) is not None


def test_its_evidence_is_its_own(cell):
    found = [planned_cell(replace(cell, learner=each.name), Named(each.name, each)) for each in _three()]
    assert len({planned.evidence_key for planned in found}) == 3
    assert len({planned.cell.search_key for planned in found}) == 3


def _three():
    return registry.learner("xgboost"), arm("xgboost{max_depth=6}"), arm("xgboost{max_depth=7}")


@pytest.mark.parametrize(
    ("value", "reason"), [("quantile", "scaled-features holds scaling at"), ("none", "")]
)
def test_what_an_intervention_holds_otherwise_does_not_apply(order_under, value, reason):
    own = arm(f"linear{{scaling={value}}}")
    planned = planned_cell(order_under("scaled-features", learner=own.name).cell, Named(own.name, own))
    assert (planned.not_applicable or "").startswith(reason)
    assert (planned.not_applicable is None) is (reason == "")


def test_cells_are_selected_by_its_name(plan):
    (planned,) = plan.cells
    names = ("xgboost", "xgboost{max_depth=6}", "xgboost{gamma=0,max_depth=6}")
    cells = [replace(planned, cell=replace(planned.cell, learner=name)) for name in names]
    for pattern, taken in {
        "xgboost{max_depth=6}": names[1:2],
        "/xgboost/": names[:1],
        "xgboost{*": names[1:],
        "max_depth=6 and not gamma": names[1:2],
    }.items():
        assert tuple(each.cell.learner for each in select(cells, pattern)) == taken


# -- where it is named ------------------------------------------------------------------------------

SUITE = """
format = 1
name = "arms"
title = "Test"
learners = [{learners}]

[budget]
trials = 4

[caps]
train_rows = 80
test_rows = 40

[[tasks]]
dataset = "{table}"
"""
OWN = """
from bench.spaces import Float
from bench.zoo.wrapped import wrap
from sklearn.linear_model import Ridge

LEARNER = wrap("own-ridge", regressor=Ridge(), space={"alpha": Float(low=0.1, high=10.0, log=True)})
"""


@pytest.fixture
def own_module(tmp_path, monkeypatch):
    (tmp_path / "arms_own.py").write_text(OWN)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def suite_of(folder, *learners, table="sk-diabetes"):
    path = folder / "arms.toml"
    path.write_text(SUITE.format(learners=", ".join(f"'{each}'" for each in learners), table=table))
    return str(path)


def loaded(path):
    return load_suite(path, registry.learners(), catalog())


def test_a_suite_file_names_arms_and_reads_back(tmp_path, own_module):
    named = ("dummy", "mlp{dropout=0}", 'linear{scaling="robust"}', "arms_own:LEARNER{alpha=2}")
    suite = loaded(suite_of(tmp_path, *named))
    assert suite.learners == named
    (tmp_path / "again.toml").write_text(suite_text(suite))
    assert loaded(str(tmp_path / "again.toml")).learners == named


def test_errors_of_arms_in_a_suite_have_their_place(tmp_path):
    path = suite_of(tmp_path, "mlp{width=1}", "mpl{width=1}", "mlp{wide=1}", "mlp{ width = 1.0 }", "mlp{x")
    with pytest.raises(ConfigError) as caught:
        loaded(path)
    says = (
        "learners[1]: no learner is called 'mpl'",
        "learners[2]: mlp{wide=1}: mlp has no parameter 'wide'",
        'learners[3]: mlp{ width = 1.0 } is called "mlp{width=1}", and so is mlp{width=1}; rename one',
        "learners[4]: mlp{x: an arm is written",
    )
    assert len(caught.value.problems) == len(says)
    for line, text in zip(caught.value.problems, says, strict=True):
        assert line.startswith(f"{path}: {text}")


def test_one_arm_twice_is_refused_on_the_command_line_as_well(plan):
    with pytest.raises(ConfigError, match=r'"tree{max_depth=3}" is named twice \(tree{max_depth=3}, tree{'):
        changed(plan.suite, Changes(learners=("tree{max_depth=3}", "tree{max_depth=3.0}")))


def test_arms_of_a_broken_learner_are_left_out_with_its_reason(plan, monkeypatch):
    monkeypatch.setattr(line_up, "broken", lambda: {"torn": "torn cannot be used"})
    found, left_out = line_up.usable(replace(plan.suite, learners=("tree{max_depth=3}", "torn{a=1}")))
    assert list(found) == ["tree{max_depth=3}"]
    assert [(each.what, each.reason) for each in left_out] == [("learner torn{a=1}", "torn cannot be used")]


def test_an_import_path_may_have_braces_and_a_text_in_braces_is_no_import_path(own_module):
    own = arm("arms_own:LEARNER{alpha=2}")
    assert own.name == "own-ridge{alpha=2}"
    assert own.source_hash == registry.learner("arms_own:LEARNER").source_hash
    assert is_import_path("arms_own:LEARNER{alpha=2}")
    assert not is_import_path('linear{scaling="a:b"}')
    with pytest.raises(ConfigError, match="no attribute 'ABSENT'"):
        registry.learner("arms_own:ABSENT{alpha=2}")


# -- fits to their own end --------------------------------------------------------------------------


def rows(n=160):
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.normal(size=(n, 3)), columns=list("abc"))
    return X, (X["a"] + rng.normal(size=n) > 0).astype(int).to_numpy()


@pytest.mark.parametrize("base", ["xgboost", "mlp", "linear"])
def test_what_does_not_stop_early_never_sees_the_validation_rows(base):
    """With validation rows it is what the learner is without any, and any such rows are the same to it."""
    X, y = rows()
    plain = estimator(base, problem="binary").fit(X, y).predict_proba(X)
    others = [(X[:40], y[:40]), (X[:40], 1 - y[:40])]
    for validation in others:
        whole = estimator(f"{base}{{stops_early=false}}", problem="binary").fit(X, y, validation=validation)
        np.testing.assert_array_equal(whole.predict_proba(X), plain)
    stopped = [estimator(base, problem="binary").fit(X, y, validation=each) for each in others]
    same = np.array_equal(*(each.predict_proba(X) for each in stopped))
    assert same is (base == "linear")  # a learner without early stopping has nothing to switch off


def test_a_copy_of_what_does_not_stop_early_does_not_either():
    X, y = rows()
    model = estimator("xgboost{stops_early=false}", problem="binary")
    fitted = model.fit(X, y, validation=(X[:40], 1 - y[:40]))
    expected = fitted.predict_proba(X)
    again = clone(fitted).fit(X, y, validation=(X[:40], y[:40]))
    np.testing.assert_array_equal(again.predict_proba(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fitted)).predict_proba(X), expected)
    assert list(fitted.classes_) == [0, 1]
    assert is_classifier(model)


def test_whether_a_fit_stops_early_is_held_and_told_like_a_parameter():
    held = arm("tree{stops_early=false}")
    assert held.space(ProblemType.BINARY).trial("any", 0)["stops_early"] is False
    assert arm("tree{stops_early=true}").name == "tree{stops_early=true}"
    with pytest.raises(ConfigError, match="stops_early takes true or false, not 0"):
        arm("tree{stops_early=0}")


@pytest.mark.parametrize("base", ["xgboost", "mlp"])
def test_code_of_what_does_not_stop_early_does_not_either(base):
    X, y = rows()
    learner = arm(f"{base}{{stops_early=false}}")
    space = {}
    exec(code(learner, learner.space(ProblemType.BINARY).default, ProblemType.BINARY), space)  # noqa: S102
    printed = space["fit"](X, y, X[:40], 1 - y[:40])
    asked = estimator(learner.name, problem="binary").fit(X, y)
    np.testing.assert_array_equal(printed.predict_proba(X), asked.predict_proba(X))


# -- a run ------------------------------------------------------------------------------------------

NAMED = ("dummy", "tree", "tree{ min_samples_leaf=60, max_depth=3 }", "arms_own:LEARNER{alpha=2}")
TREE, RIDGE = "tree{max_depth=3,min_samples_leaf=60}", "own-ridge{alpha=2}"


def call(capsys, *arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    out, err = capsys.readouterr()
    assert left.value.code in (0, None), out + err
    return out


def trials_of(folder):
    store = read_store(folder)
    rows = store.rows(
        "SELECT e.learner, e.family, e.cell_id, t.trial, t.status, t.config FROM trials t"
        " JOIN evidence e USING (evidence_key) ORDER BY e.rowid, t.trial"
    )
    store.close()
    return rows


@pytest.mark.parametrize("executor", ["inline", "local"])
def test_a_run_of_arms_keeps_what_they_hold_and_is_read_like_any_other(
    tmp_path, own_module, capsys, cache_root, executor
):
    suite, results = suite_of(tmp_path, *NAMED), ("--results", str(tmp_path / "r"))
    run = ("run", suite, *results, "--executor", executor)
    call(capsys, *run)
    trials = trials_of(tmp_path / "r")
    configs = {
        name: [json.loads(each["config"]) for each in trials if each["learner"] == name]
        for name in ("tree", TREE, RIDGE)
    }
    assert {each["status"] for each in trials} == {"ok"}
    assert [len(each) for each in configs.values()] == [4, 4, 3], "three scalings are left of the last"
    assert all((each["max_depth"], each["min_samples_leaf"]) == (3, 60) for each in configs[TREE])
    assert len({each["ccp_alpha"] for each in configs[TREE]}) == 4
    assert configs["tree"][0]["max_depth"] is None
    assert all(each["alpha"] == 2.0 for each in configs[RIDGE])
    assert {each["family"] for each in trials if each["learner"] in ("tree", TREE)} == {"tree"}
    assert "0 cells to do" in call(capsys, *run), "what is done is found again"
    board = call(capsys, "leaderboard", *results)
    assert TREE in board
    assert RIDGE in board
    call(capsys, "export", *results, "-o", str(tmp_path / "csv"))
    assert TREE in (tmp_path / "csv" / "trials.csv").read_text()


@pytest.fixture(scope="module")
def results(tmp_path_factory, cache_root):
    folder = tmp_path_factory.mktemp("arms")
    with pytest.MonkeyPatch.context() as patch:
        (folder / "arms_shown.py").write_text(OWN)
        patch.syspath_prepend(folder)
        named = ("dummy", "tree", "tree{max_depth=3}", "arms_shown:LEARNER{alpha=2}")
        run = ["bench", "run", suite_of(folder, *named), "--results", str(folder / "r")]
        patch.setattr(sys, "argv", [*run, "--executor", "inline", "--trials", "2"])
        with pytest.raises(SystemExit):
            main()
        yield "--results", str(folder / "r")


@pytest.mark.parametrize("what", ["tree{max_depth=3}", "tree{ max_depth = 3.0 }", "own-ridge{alpha=2}"])
def test_an_arm_is_shown_with_what_it_holds_and_what_it_found(results, capsys, what):
    shown = json.loads(call(capsys, "show", what, *results, "--json"))
    assert shown["learner"] == what.replace(" ", "").replace("3.0", "3")
    assert len(shown["results"]) == 1


@pytest.mark.parametrize(
    ("what", "says"),
    [
        ("tree{max_depth=3}", "max_depth=3"),
        ("sk-diabetes/r0f0-n80-t40/tree{max_depth=3}/none/s0/cpu1/holdout25", "max_depth=3"),
        ("tree{max_depth=3}/none", "max_depth=3"),
        ("own-ridge{alpha=2}", '"alpha": 2.0'),
        ("arms_shown:LEARNER{alpha=2}", 'estimator("arms_shown:LEARNER", config'),
    ],
)
def test_the_code_of_an_arm_builds_its_model_without_the_arm(results, capsys, what, says):
    import numpy as np
    import pandas as pd

    text = call(capsys, "show", what, *results, "--code")
    assert says in text
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    assert "{max_depth" not in body
    names = {}
    exec(compile(text, "snippet", "exec"), names)  # noqa: S102 - that it runs is what is tested
    X = pd.DataFrame({"a": np.arange(40.0), "b": np.arange(40.0) % 7})
    assert np.isfinite(names["fit"](X, X["a"].to_numpy()).predict(X)).all()


def test_a_broken_base_raises_as_it_does_itself(monkeypatch):
    monkeypatch.setattr(registry, "_entries", lambda: {"torn": ()})
    monkeypatch.setattr(registry, "_installed", lambda name: f"{name} cannot be used")
    with pytest.raises(PrerequisiteError, match="torn cannot be used"):
        registry.learner("torn{a=1}")
