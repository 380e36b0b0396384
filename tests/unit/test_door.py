"""What Python is asked for: unknown names and impossible values are told in one line, never dropped."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import bench
from bench.datasets import ColumnKind
from bench.errors import ConfigError, DataError

N = 60
DRAW = np.random.default_rng(0)
FRAME = pd.DataFrame({"size": DRAW.normal(size=N), "floor": DRAW.integers(0, 9, N), "y": np.arange(N) % 2})


def plan(what, tmp_path, **options):
    return bench.plan(what, cache=tmp_path, **{"learners": ["dummy"], **options})


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ({"budget": 99}, "budget_s"),
        ({"learner": ["dummy"]}, "learners"),
        ({"kind": {}}, "kinds"),
        ({"groups": "x"}, "group"),
    ],
)
def test_an_unknown_option_is_refused_with_the_nearest_and_all_there_are(wrong, near):
    for call in (bench.plan, bench.run, bench.load_suite):
        with pytest.raises(ConfigError, match=f"'{next(iter(wrong))}'.*options: target, .*time") as error:
            call("smoke", **wrong)
        if call is not bench.load_suite:
            assert f'did you mean "{near}"?' in str(error.value)
    with pytest.raises(ConfigError, match=r'"budget_s".*reference'):
        bench.leaderboard("nowhere", budget=3)


@pytest.mark.parametrize(
    "wrong",
    [
        *({"budget_s": value} for value in (-3, 0, "x", float("nan"), float("inf"), 1e9, 10**400, True)),
        *({"trials": value} for value in (-1, 0, 1.5, "3", True, 100_001)),
        *({"folds": value} for value in (0, 99, 2.0)),
        *({"jobs": value} for value in (-2, 0, 1.5)),
        *({"device": "tpu"}, {"executor": "cloud"}, {"fresh": "no"}, {"select": 3}, {"progress": 1}),
        *({"learners": value} for value in ("dummy", [], 3, ["nosuch"], ["dummy", "dummy"])),
        *({"cache": 3}, {"results": 3}),
    ],
)
def test_a_value_that_the_command_line_refuses_is_refused(wrong):
    (name,) = wrong
    for call in (bench.plan, bench.run):
        with pytest.raises(ConfigError, match=f"^{name}: ") as error:
            call("smoke", **wrong)
        assert len(error.value.problems) == 1


def test_all_that_is_wrong_is_told_at_once():
    with pytest.raises(ConfigError) as error:
        bench.plan("smoke", budget_s=0, trials=0, folds=0, device="x", learners=["dummy", "dummy", "linaer"])
    assert len(error.value.problems) == 6
    assert 'learners: "dummy" is named twice' in error.value.problems


def test_numbers_of_numpy_and_none_are_fine(tmp_path):
    made = plan(
        FRAME, tmp_path, target="y", trials=np.int64(3), budget_s=np.float32(2), folds=None, kinds=None
    )
    assert (made.budget.trials, made.budget.seconds, made.suite.folds) == (3, 2.0, 3)
    assert type(made.budget.trials) is int


def test_two_import_paths_to_one_name_are_told(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "twice_named.py").write_text(
        "import bench\n"
        "from sklearn.tree import DecisionTreeClassifier\n"
        "a = b = bench.wrap('mine', classifier=DecisionTreeClassifier())\n"
    )
    paths = ["twice_named:a", "twice_named:b"]
    with pytest.raises(ConfigError, match=r'"mine" is named twice \(twice_named:a, twice_named:b\)'):
        plan(FRAME, tmp_path, target="y", learners=paths)


@pytest.mark.parametrize("given", [SimpleNamespace(name="mine"), object(), None])
def test_a_learner_itself_is_refused_with_what_to_do(given):
    with pytest.raises(ConfigError, match=r"module:attribute \(see docs/learners.md\)") as error:
        bench.plan("smoke", learners=[given])
    assert len(error.value.problems) == 1


def test_columns_that_are_no_text_can_be_named(tmp_path):
    frame = FRAME.set_axis([0, 1, 2], axis=1)
    suite = bench.load_suite(frame, target=2, kinds={1: "categorical"})
    assert (suite.tasks[0].target, suite.tasks[0].kinds) == ("2", {"1": ColumnKind.CATEGORICAL})
    assert len(plan(frame, tmp_path, target=2, group=1, folds=1).runnable) == 1
    pairs = FRAME.set_axis(pd.MultiIndex.from_product([["a"], ["x", "y", "z"]]), axis=1)
    assert bench.load_suite(pairs, target=("a", "z")).tasks[0].target == "a.z"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"target": "z"}, "no column 'z'"),
        ({"target": FRAME["y"]}, "name of a column, not a Series"),
        ({"target": "y", "group": "flor"}, "did you mean 'floor'"),
        ({"target": "y", "time": "when"}, "no column 'when'"),
        ({"target": "y", "kinds": {"z": "numeric"}}, "no column 'z'"),
        ({"target": "y", "kinds": ["floor"]}, "give a dictionary"),
        ({"target": "y", "kinds": {"floor": "number"}}, "'number' for 'floor' is none of numeric"),
        ({"target": "y", "problem": "guess"}, "'guess' is none of binary"),
        ({"target": None}, r"say which column to predict: .*target=\.\.\. \(columns: size, floor, y\)"),
        ({}, "say which column to predict"),
    ],
)
def test_what_is_said_of_a_table_is_checked_against_its_columns(tmp_path, wrong, why):
    FRAME.to_csv(tmp_path / "own.csv", index=False)
    for what in (FRAME, tmp_path / "own.csv", str(tmp_path / "own.csv")):
        with pytest.raises(ConfigError, match=why) as error:
            plan(what, tmp_path, **wrong)
        assert len(error.value.problems) == 1


def test_a_column_without_a_name_is_called_by_its_place(tmp_path):
    (tmp_path / "own.csv").write_text("x,\n" + "".join(f"{i},{i % 2}\n" for i in range(N)))
    assert bench.load_suite(tmp_path / "own.csv", target="column 2").tasks[0].target == "column 2"
    (tmp_path / "bad.csv").write_text('"a"x,b\n1,2\n')
    with pytest.raises(DataError, match=r"bad\.csv"):
        bench.load_suite(tmp_path / "bad.csv", target="b")


def test_what_is_neither_suite_nor_table_is_told(tmp_path):
    with pytest.raises(ConfigError, match="is a folder: name a file in it"):
        bench.plan(tmp_path)
    (tmp_path / "own.csv").write_text("x,y\n1,2\n")
    with pytest.raises(ConfigError, match=r'no such file - did you mean "own\.csv"'):
        bench.plan(tmp_path / "onw.csv", target="y")
    with pytest.raises(ConfigError, match='no suite "smok"'):
        bench.plan("smok")
    with pytest.raises(DataError, match="DataFrame is needed"):
        bench.plan(np.ones((3, 2)), target="y")


@pytest.mark.parametrize(
    "told", [{"target": "y"}, {"kinds": {}}, {"group": "g"}, {"time": "t"}, {"problem": "x"}]
)
def test_a_suite_is_told_nothing_of_columns(told):
    for what in ("smoke", bench.load_suite("smoke")):
        with pytest.raises(ConfigError, match=f"^{next(iter(told))} belongs to a file or a frame"):
            bench.plan(what, **told)
    assert bench.load_suite("smoke", target=None) == bench.load_suite("smoke")


def test_a_view_is_checked(tmp_path):
    asked = {"learners": ["dummy", "linear"], "budget_s": 1, "trials": 1, "folds": 1, "executor": "inline"}
    run = bench.run(
        FRAME, target="y", results=tmp_path / "r", cache=tmp_path, progress=lambda event: None, **asked
    )
    budgets = ({"budget_s": -1}, {"budget_s": "x"}, {"budget_trials": 0}, {"budget_trials": 1.5})
    for wrong in (*budgets, {"only": "linear"}, {"only": []}, {"only": ["linaer"]}):
        with pytest.raises(ConfigError, match=f"^{next(iter(wrong))}: "):
            run.leaderboard(**wrong)
    with pytest.raises(ConfigError, match=r'did you mean "linear"\? \(learners: dummy, linear\)'):
        run.leaderboard(reference="linaer")
    assert run.leaderboard(reference="linear").view.reference == "linear"
    assert run.leaderboard().view.reference == "dummy"
    assert [row.entry for row in run.leaderboard(only=["linear"]).rows] == ["linear"]
