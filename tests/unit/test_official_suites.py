"""OpenML's benchmark suites as files: complete, up to date, and cut down by the stated rule."""

from collections import Counter

import numpy as np
import pytest

from bench.config.official import suite_files
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.sources.catalog import catalog
from bench.sources.openml.known import known_tasks, outlined
from bench.sources.openml.lite import lite_cut
from bench.sources.openml.mirrors import no_mirror, official_mirror
from bench.sources.openml.splits import fetched_splits
from bench.sources.openml.suites import KNOWN
from bench.splits.plan import split_plan

SIZES = {
    "cc18": 72, "ctr23": 35, "grinsztajn-cat-clf": 7, "grinsztajn-cat-reg": 17, "grinsztajn-num-reg": 19,
    "grinsztajn-num-clf": 16, "tabarena": 51, "amlb-clf": 71, "amlb-reg": 33,
}  # fmt: skip


def members(key):
    return [task for task in known_tasks().values() if key in task.suites]


@pytest.mark.parametrize("key", SIZES)
def test_every_task_of_a_suite_is_known(key):
    assert len(members(key)) == SIZES[key]
    assert key in KNOWN.values()


@pytest.mark.parametrize(("name", "text"), tuple(suite_files()), ids=lambda value: value[:24])
def test_the_files_are_what_is_known_of_the_tasks(root, name, text):
    assert (root / "suites" / name).read_text() == text


@pytest.mark.parametrize("key", SIZES)
def test_a_lite_cut_keeps_to_its_rule(key):
    everything = members(key)
    cut = lite_cut(everything)
    assert 0 < len(cut) <= 10
    assert all(500 <= t.rows <= 50_000 and t.features <= 100 and t.classes <= 10 for t in cut)
    assert len({task.name.lower() for task in cut}) == len(cut)
    for problem in ProblemType:
        small = [
            t.rows * t.features
            for t in everything
            if t.problem is problem and t.rows and 500 <= t.rows <= 50_000
            and t.features <= 100 and t.classes <= 10
        ]  # fmt: skip
        kept = [t.rows * t.features for t in cut if t.problem is problem]
        assert kept == sorted(kept)
        if len(kept) > 1:
            assert (kept[0], kept[-1]) == (min(small), max(small))
    assert lite_cut(reversed(everything)) == cut


def test_what_is_known_makes_a_plan_where_size_and_splits_are_known():
    counts = Counter(outlined(task) is not None for task in known_tasks().values())
    assert counts == {True: 260, False: 59}
    repeated = outlined(known_tasks()[363612])
    assert (split_plan(repeated).n_folds, split_plan(repeated).n_repeats) == (3, 10)


def test_mirrors_stand_in_only_where_the_rows_are_in_order():
    assert official_mirror(59).name == "iris"
    assert official_mirror(3).name == official_mirror(359965).name == "kr-vs-kp"
    assert official_mirror(49) is None
    assert 'dataset = "tic-tac-toe"' in no_mirror(49, "OpenML cannot be reached")
    for task_id in known_tasks():
        mirror = official_mirror(task_id)
        assert mirror is None or mirror.grade.carries_official_splits


def test_a_copy_that_is_known_to_differ_stands_in_for_nothing():
    differing = {name: table for name, table in catalog().items() if table.differs}
    assert {"cmc", "heart-statlog", "sonar", "sonar-mlbench", "spambase-kernlab"} <= set(differing)
    for task_id in known_tasks():
        mirror = official_mirror(task_id)
        assert mirror is None or mirror.name not in differing
    assert official_mirror(39) is None
    assert "rounded to three decimals" in no_mirror(39, "OpenML cannot be reached")


def test_a_known_task_and_its_mirror_are_of_one_size():
    for task in known_tasks().values():
        mirror = official_mirror(task.task_id)
        if mirror is not None:
            assert (mirror.expected.n_rows, mirror.problem) == (task.rows, task.problem), task
    assert sum(official_mirror(task) is not None for task in known_tasks()) >= 10
    assert {table.official.procedure for table in catalog().values() if table.official} == {"openml-cv10"}


def test_splits_of_one_fold_keep_every_other_row_for_training():
    import numpy as np

    rows = {(0, 0): (np.arange(2, 9), np.array([0, 1, 9]))}
    found = fetched_splits(7, rows, 10)
    assert found.official.procedure == "openml-holdout30"
    assert found.folds.tolist() == [[0, 0, -1, -1, -1, -1, -1, -1, -1, 0]]


@pytest.mark.parametrize(
    "rows",
    [
        {(0, 0): (np.arange(5, 10), np.array([0, 0, 1, 2, 3, 4]))},
        {(0, 0): (np.arange(5), np.arange(5, 10)), (0, 1): (np.arange(3, 10), np.array([0, 1, 2, 2]))},
        {(10**9, 0): (np.arange(5), np.arange(5, 10))},
        {(0, 10**9): (np.arange(5), np.arange(5, 10))},
        {},
    ],
    ids=["twice", "twice later", "repeats", "folds", "none"],
)
def test_splits_that_claim_too_much_are_refused(rows):
    with pytest.raises(DataError, match="OpenML task 7: "):
        fetched_splits(7, rows, 10)
