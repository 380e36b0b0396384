"""Training-set sizes of a suite: how they are read, and which are planned for which table."""

from __future__ import annotations

import dataclasses
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.cli.conclusion import exit_code
from bench.cli.plan import announce
from bench.config.expand import expand
from bench.config.load import load_suite
from bench.config.sizes import planned_caps
from bench.errors import ConfigError, ExitCode
from bench.registry import learner
from bench.suites import TaskReference
from bench.tasks import SplitPlan

SUITE = """
format = 1
name = "sizes"
title = "Sizes"
learners = ["dummy"]
[budget]
trials = 1
[caps]
train_rows = {sizes}
[[tasks]]
dataset = "cmc"
"""


@pytest.fixture
def read(tmp_path):
    def read(sizes):
        path = tmp_path / "sizes.toml"
        path.write_text(SUITE.format(sizes=sizes))
        return load_suite(str(path), ["dummy"], ["cmc"])

    return read


@pytest.fixture
def planned(plan, cell):
    """Return what makes a plan of a table of so many rows, nine tenths of which are training rows."""

    def make(n_rows, caps, procedure="openml-cv10", folds=1):
        dataset = dataclasses.replace(cell.task.dataset, n_rows=n_rows)
        splits = SplitPlan(procedure=procedure)
        task = dataclasses.replace(cell.task, dataset=dataset, splits=splits)
        reference = TaskReference(where="tasks[0]", name="cmc", dataset="cmc")
        suite = dataclasses.replace(plan.suite, tasks=(reference,), train_caps=caps, folds=folds)
        return expand(suite, [task], {"dummy": learner("dummy"), "linear": learner("linear")}, ())

    return make


@pytest.mark.parametrize(
    ("written", "caps"),
    [
        ("250", (250,)),
        ("[250]", (250,)),
        ('[4000, 250, "full"]', (4000, 250, None)),
        ('["full"]', (None,)),
    ],
)
def test_a_number_or_a_list_is_read(read, written, caps):
    assert read(written).train_caps == caps


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("3", "3 is no number of rows: write one from 20"),
        ("true", "True is no number"),
        ("250.0", "250.0 is no number"),
        ('"full"', "'full' is no number of rows"),
        ("[250, 19]", "19 is no number"),
        ('[250, "all"]', "'all' is no number of rows"),
        ("[[250]]", "[250] is no number"),
        ("[]", "at least one"),
        ("[250, 250]", "each one once"),
        ('["full", "full"]', "each one once"),
    ],
)
def test_what_is_no_size_is_said_at_its_key(read, written, said):
    with pytest.raises(ConfigError) as caught:
        read(written)
    assert "caps.train_rows: " in str(caught.value)
    assert said in str(caught.value)


def test_a_single_number_keeps_its_cells_whatever_the_table_has(planned):
    for n_rows in (100, 10_000):
        made = planned(n_rows, (1000,))
        assert {each.cell.split.train_cap for each in made.cells} == {1000}
        assert made.cells[0].cell.id == "cmc/r0f0-n1000-t5000/dummy/none/s0/cpu1/holdout25"
        assert made.exclusions == ()


def test_every_size_is_a_cell_of_its_own(planned):
    made = planned(10_000, (1000, 250, None))
    ids = [each.cell.id for each in made.cells]
    assert [name.split("/")[1] for name in ids[:3]] == ["r0f0-n1000-t5000", "r0f0-n250-t5000", "r0f0-t5000"]
    assert len(set(ids)) == len({each.evidence_key for each in made.cells}) == 6
    assert made.exclusions == ()


def test_of_the_sizes_that_take_all_rows_one_is_planned_and_the_others_are_said_once(planned):
    made = planned(1000, (250, 900, 4000, None))
    assert {each.cell.split.train_cap for each in made.cells} == {250, None}
    (said,) = made.exclusions
    assert said.what == "tasks[0] (cmc) at 900 and 4,000 training rows"
    assert said.reason == "it has about 900, all of which are run once, at full"
    made = planned(1000, (4000, 250, 1000))
    assert {each.cell.split.train_cap for each in made.cells} == {250, 1000}
    (said,) = made.exclusions
    assert (said.what, said.repeated) == ("tasks[0] (cmc) at 4,000 training rows", True)
    assert said.reason.endswith("at 1,000")


def test_in_time_it_is_the_largest_fold_that_is_run_that_counts(planned):
    latest = planned(1000, (700, None), procedure="time3", folds=3)
    assert {each.cell.split.train_cap for each in latest.cells} == {700, None}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(caps=st.lists(st.one_of(st.none(), st.integers(20, 3000)), min_size=1, unique=True))
def test_no_two_planned_sizes_take_all_rows_and_one_takes_the_most(plan, cell, caps):
    n_train = cell.task.splits.train_rows(cell.task.dataset.n_rows, 0)
    kept = planned_caps(dataclasses.replace(plan.suite, train_caps=tuple(caps)), cell.task)

    def rows(caps):
        return [n_train if cap is None else min(n_train, cap) for cap in caps]

    assert len(set(rows(kept))) == len(kept), "no rows are run twice"
    assert max(rows(kept)) == max(rows(caps))
    assert (None in kept) == (None in caps)
    assert set(kept) <= set(caps)


def test_a_size_that_is_left_out_is_no_missing_prerequisite(planned):
    made = planned(1000, (250, 4000, None))
    assert exit_code(made, [{"status": "ok"}]) is ExitCode.DONE


def test_the_plan_says_its_sizes(planned, capsys):
    announce(planned(10_000, (250, 1000, None)), jobs=1)
    said = " ".join(capsys.readouterr().out.split())
    assert "on 250, 1,000 and all training rows, each tuned anew, at most 5,000 test rows; " in said
    announce(planned(10_000, (1000,)), jobs=1)
    assert "; at most 1,000 training rows and 5,000 test rows; " in " ".join(capsys.readouterr().out.split())


def test_exclusions_are_written_down_as_json(planned):
    assert json.dumps([dataclasses.asdict(each) for each in planned(1000, (900, None)).exclusions])
