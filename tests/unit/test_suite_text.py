"""A suite written down reads back as the same suite, whatever its names hold."""

from __future__ import annotations

import tempfile
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.budgets import Budget
from bench.cells import Validation
from bench.config.load import load_suite
from bench.config.write import suite_text
from bench.datasets import ColumnKind, ProblemType
from bench.errors import ConfigError
from bench.suites import Suite, TaskReference

LEARNERS = ("dummy", "linear", "xgboost")
TABLES = ("cmc", "ames")

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
awkward = st.one_of(
    texts, st.sampled_from(['"', "\\", "a\\u0041", "\r\n", "\x00", "\x7f", "é" * 300, "x.y", "#"])
)
paths = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0/"), min_size=1, max_size=20)
kinds = st.dictionaries(awkward, st.sampled_from(list(ColumnKind)), max_size=4)


@st.composite
def files(draw, number):
    target, group, time = draw(st.lists(awkward, min_size=3, max_size=3, unique=True))
    role = draw(st.sampled_from(["", "group", "time"]))
    file = Path("/data", draw(paths.filter(lambda name: name.strip() and name not in (".", ".."))))
    held = draw(kinds)
    return TaskReference(
        where=f"tasks[{number}]",
        name=f"own-{number}",
        file=str(file),
        target=target,
        problem=draw(st.one_of(st.none(), st.sampled_from(list(ProblemType)))),
        kinds={name: kind for name, kind in held.items() if name not in (target, group, time)},
        group=group if role == "group" else None,
        time=time if role == "time" else None,
    )


@st.composite
def suites(draw):
    tables = [
        TaskReference(where=f"tasks[{i}]", name=name, dataset=name)
        for i, name in enumerate(draw(st.lists(st.sampled_from(TABLES), unique=True)))
    ]
    tables += [draw(files(len(tables) + i)) for i in range(draw(st.integers(not tables, 2)))]
    seconds = draw(st.one_of(st.none(), st.floats(1e-6, 600000)))
    trials = draw(st.one_of(st.none(), st.integers(1, 100_000))) if seconds is not None else 7
    return Suite(
        name="own.suite-1",
        title=draw(awkward),
        note=draw(awkward),
        path="",
        hash="",
        tasks=tuple(tables),
        learners=tuple(draw(st.lists(st.sampled_from(LEARNERS), min_size=1, unique=True))),
        budget=Budget(
            seconds=seconds,
            trials=trials,
            cores=draw(st.integers(1, 256)),
            memory_bytes=draw(
                st.one_of(st.integers(2**26, 2**50), st.sampled_from([2**32, 10**9, 3 * 2**29]))
            ),
        ),
        validation=draw(st.sampled_from([Validation("holdout", 20), Validation("cv", 4)])),
        folds=draw(st.integers(1, 10)),
        seeds=tuple(draw(st.lists(st.integers(0, 99), min_size=1, unique=True))),
        interventions=("none",),
        train_caps=tuple(
            draw(st.lists(st.one_of(st.none(), st.integers(20, 10**6)), min_size=1, max_size=4, unique=True))
        ),
        test_cap=draw(st.one_of(st.none(), st.integers(20, 10**6))),
        device=draw(st.sampled_from(["cpu", "cuda"])),
        exact_limit_s=draw(st.one_of(st.none(), st.floats(1e-3, 1e6))),
        allowed_failures=draw(st.floats(0, 1)),
    )


def read_back(suite):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "own.toml"
        path.write_bytes(suite_text(suite).encode())
        return replace(load_suite(str(path), LEARNERS, TABLES), path=suite.path, hash=suite.hash)


@settings(deadline=None)
@given(suites())
def test_what_is_written_is_what_is_read(suite):
    assert read_back(suite) == suite


@pytest.fixture
def own(plan):
    reference = TaskReference(where="tasks[0]", name="own", file="/data/own.csv", target="y")
    return replace(plan.suite, tasks=(reference,), learners=("dummy",))


def test_names_of_three_hundred_characters(own):
    column = 'ü"\\' * 100
    task = replace(own.tasks[0], target=column, kinds={column + "2": ColumnKind.IGNORE})
    assert read_back(replace(own, tasks=(task,))).tasks == (task,)


def test_it_is_plain_to_read(own):
    task = replace(own.tasks[0], group="patient", kinds={"zip": ColumnKind.CATEGORICAL})
    text = suite_text(replace(own, tasks=(task,), train_caps=(None,), test_cap=None, note=""))
    assert (
        text
        == """format = 1
name = "test"
title = "Test"
learners = [
    "dummy",
]
validation = "holdout:25"
folds = 1
seeds = [0]
allowed_failures = 0.0

[budget]
seconds = 4.0
trials = 50
cores = 1
memory = "4 GiB"

[[tasks]]
file = "/data/own.csv"
name = "own"
target = "y"
group = "patient"

[tasks.kinds]
zip = "categorical"
"""
    )
    assert tomllib.loads(text)["tasks"][0]["kinds"] == {"zip": "categorical"}


def test_what_no_file_can_name_is_refused(own):
    frame = TaskReference(where="tasks[0]", name="frame", cached="frame-1", target="y")
    with pytest.raises(ConfigError, match="to_parquet or to_csv"):
        suite_text(replace(own, tasks=(frame,)))
    with pytest.raises(ConfigError, match=r"UTF-8, which cannot hold '\\udcff'"):
        suite_text(replace(own, tasks=(replace(own.tasks[0], file="/data/\udcff.csv"),)))
