"""What a plan's results may be used for: a tour, evidence, or evidence of what interventions change alone."""

from __future__ import annotations

import dataclasses

import pytest

from bench.budgets import Budget
from bench.cli.plan import announce
from bench.config.expand import expand
from bench.config.load import find_suite, load_suite
from bench.datasets import Grade
from bench.facts import Consequence, Fact
from bench.plans import is_of_interventions, is_tour, repetitions
from bench.registry import learner, learners
from bench.sources.catalog import catalog, record
from bench.sources.outline import outline
from bench.splits.plan import split_plan, split_title
from bench.tasks import SplitPlan, Task


@pytest.fixture
def planned(plan, cell):
    """Return what makes a plan of a table with one split and one seed, but for what is said."""

    def make(budget=None, procedure="openml-cv10", **suite):
        task = dataclasses.replace(cell.task, splits=SplitPlan(procedure=procedure))
        asked = dataclasses.replace(plan.suite, budget=budget or Budget(seconds=60.0, trials=None), **suite)
        return expand(asked, [task], {name: learner(name) for name in ("dummy", "linear")}, ())

    return make


@pytest.mark.parametrize(("suite", "times"), [
    ({}, 1), ({"folds": 3}, 3), ({"seeds": (0, 1, 2)}, 3), ({"folds": 2, "seeds": (0, 1)}, 4),
    ({"seeds": (0, 1, 2), "procedure": "published-last10"}, 3),
])  # fmt: skip
def test_repeats_folds_and_seeds_are_repetitions_and_three_are_no_tour(planned, suite, times):
    made = planned(**suite)
    assert repetitions(made) == times
    assert is_tour(made) is (times < 3)
    assert not is_of_interventions(made)


def test_folds_of_different_tables_are_no_repetitions_of_one(planned):
    made = planned(folds=3)
    cells = [
        dataclasses.replace(
            each, cell=dataclasses.replace(each.cell, task=dataclasses.replace(each.cell.task, name=f"t{i}"))
        )
        for i, each in enumerate(made.cells)
    ]
    assert repetitions(dataclasses.replace(made, cells=tuple(cells))) == 1


@pytest.mark.parametrize(
    "budget",
    [Budget(seconds=29.0, trials=None), Budget(seconds=None, trials=9), Budget(seconds=60.0, trials=9)],
)
def test_short_budgets_are_tours(planned, budget):
    assert is_tour(planned(budget, folds=3))


@pytest.mark.parametrize(("interventions", "paired"), [
    (("none", "random-labels"), True), (("none", "random-labels", "label-noise:20"), True),
    (("scaled-features", "rotate-features"), True), (("none", "scaled-features", "rotate-features"), True),
    (("none",), False), (("random-labels", "label-noise:20"), False), (("none", "rotate-features"), False),
])  # fmt: skip
def test_few_trials_are_evidence_of_interventions_where_every_cell_has_its_contrast(
    planned, interventions, paired
):
    few = Budget(seconds=None, trials=5)
    made = planned(few, folds=3, interventions=interventions)
    made = dataclasses.replace(
        made, cells=tuple(dataclasses.replace(each, not_applicable=None) for each in made.cells)
    )
    assert is_tour(made) is not paired
    assert is_of_interventions(made) is paired
    assert is_tour(dataclasses.replace(made, budget=Budget(seconds=60.0, trials=5))), "seconds end searches"
    assert not is_of_interventions(dataclasses.replace(made, budget=Budget(seconds=None, trials=10)))


def test_a_cell_without_its_contrast_makes_a_tour_of_few_trials(planned):
    made = planned(Budget(seconds=None, trials=5), folds=3, interventions=("none", "random-labels"))
    first = dataclasses.replace(made.cells[0], not_applicable="too large")
    assert not is_tour(made)
    assert is_tour(dataclasses.replace(made, cells=(first, *made.cells[1:])))
    assert is_tour(dataclasses.replace(made, cells=made.cells[1:]))


def suite_plan(name, **changes):
    suite = load_suite(str(find_suite(name)), list(learners()), list(catalog()))
    tables = {each.name: outline(record(each.dataset)) for each in suite.tasks}
    tasks = [Task(name=name, dataset=table, splits=split_plan(table)) for name, table in tables.items()]
    asked = dataclasses.replace(suite, **changes)
    return expand(asked, tasks, {each: learner(each) for each in suite.learners}, ())


def test_the_suites_of_paired_interventions_are_evidence_of_them(capsys):
    announce(suite_plan("permuted-pixels"), jobs=1)
    said = " ".join(capsys.readouterr().out.split())
    assert "; 1 split, each with 5 seeds" in said
    assert "Evidence of what the interventions change, not of what the learners can do: 4 trials" in said
    assert "tour" not in said
    assert is_tour(suite_plan("rotated-features")), "one fold alone"
    assert is_of_interventions(suite_plan("rotated-features", folds=3))


def test_a_plan_says_where_augmentation_is_searched(capsys):
    for name, said in (("images", True), ("permuted-pixels", False), ("rotated-features", False)):
        announce(suite_plan(name), jobs=1)
        out = " ".join(capsys.readouterr().out.split())
        assert ("; augmentation of images is searched too" in out) is said


@pytest.mark.parametrize(("procedure", "title"), [
    ("published-last10000", "the published training and test rows"),
    ("published-last2500", "the published training and test rows"), ("openml-cv3x10", "OpenML's own splits"),
    ("kfold3", "seeded 3-fold"), ("time3", "3 folds, each later than what it learns from"),
])  # fmt: skip
def test_a_plan_says_how_tables_are_split(planned, capsys, procedure, title):
    announce(planned(procedure=procedure), jobs=1)
    assert f"; {title} on 1" in " ".join(capsys.readouterr().out.split())


def test_every_procedure_of_our_own_has_a_title(cell):
    """As a table is told to be split: whole, with equal rows, with groups, in time."""
    table = cell.task.dataset
    together = Fact(code="D101", consequence=Consequence.GROUP, text="")
    given = [{}, {"facts": (together,)}, {"group": "seller"}, {"time": "sold"}, {"n_published_test": 9}]
    plain = dataclasses.replace(table, grade=Grade.NONE, official=None)
    titles = {split_title(split_plan(dataclasses.replace(plain, **each))) for each in given}
    assert len(titles) == len(given)
