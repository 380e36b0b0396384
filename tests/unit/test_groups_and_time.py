"""No group on both sides, no future to learn from: outer and inner, with caps, at every draw."""

from __future__ import annotations

import time as clock
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from bench.cells import Validation
from bench.config.fitness import unfit, unfit_rows
from bench.datasets import ProblemType
from bench.errors import DataError
from bench.sources.cache import Cache
from bench.sources.columns import RawColumn
from bench.sources.keeping import keep_table, own_provenance
from bench.sources.tables import Layout, assemble, fingerprint
from bench.splits.grouped import deal_groups, repeated_groups
from bench.splits.plan import split_plan
from bench.splits.rows import split_rows
from bench.splits.structure import Structure
from bench.splits.timed import latest, windows
from bench.tasks import OWN_REPEATS, Split, SplitPlan, Task

BINARY, MULTICLASS, REGRESSION = ProblemType.BINARY, ProblemType.MULTICLASS, ProblemType.REGRESSION
VALIDATIONS = [Validation("holdout", 25), Validation("holdout", 5), Validation("cv", 2), Validation("cv", 4)]
THIRDS = [1 / 3] * 3
frozen = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])  # a cell never changes


def rows_of(cell, y, folds, structure, **drawn):
    """The rows of a cell with that problem, validation, fold, caps and seed."""
    asked = {"fold": 0, "train_cap": None, "test_cap": None, "seed": 0, "validation": VALIDATIONS[0], **drawn}
    caps = {name: asked[name] for name in ("fold", "train_cap", "test_cap")}
    task = replace(cell.task, dataset=replace(cell.task.dataset, problem=asked["problem"]))
    cell = replace(
        cell,
        task=task,
        split=Split(repeat=0, **caps),
        validation=asked["validation"],
        seed=asked["seed"],
    )
    return split_rows(cell, y, folds, structure)


caps = st.one_of(st.none(), st.integers(6, 40))
draws = st.fixed_dictionaries(
    {
        "fold": st.integers(0, 2),
        "train_cap": caps,
        "test_cap": caps,
        "validation": st.sampled_from(VALIDATIONS),
        "problem": st.sampled_from([MULTICLASS, REGRESSION]),
        "seed": st.integers(0, 3),
    }
)


# -- groups -----------------------------------------------------------------------------------------

tables = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 3)), min_size=12, max_size=80
)  # a group and a class for each row


@frozen
@given(tables, draws)
def test_no_group_is_parted(cell, rows, draw):
    groups, y = (np.array(part) for part in zip(*rows, strict=True))
    try:
        folds = repeated_groups(groups, y if draw["problem"] is MULTICLASS else None, 3, "key")[draw["seed"]]
        drawn = rows_of(cell, y, folds, Structure(group=groups), **draw)
    except DataError:
        assert len(set(groups)) < 12 or draw["train_cap"], "so many groups can be dealt"
        return
    assert not set(groups[drawn.train]) & set(groups[drawn.test])
    assert len(drawn.train) <= (draw["train_cap"] or 99)
    assert len(drawn.test) <= (draw["test_cap"] or 99)
    for fit, held_out in drawn.folds:
        assert len(fit)
        assert len(held_out)
        assert not set(groups[drawn.train][fit]) & set(groups[drawn.train][held_out])
        assert sorted([*fit, *held_out]) == list(range(len(drawn.train)))
    if draw["validation"].method == "cv":
        validated = sorted(position for _, held_out in drawn.folds for position in held_out)
        assert validated == list(range(len(drawn.train)))


@given(tables, st.integers(2, 4), st.integers(0, 5))
def test_every_fold_holds_both_classes_where_the_groups_allow(rows, n_folds, seed):
    groups, labels = (np.array(part) for part in zip(*rows, strict=True))
    y = np.minimum(labels, 1).astype(np.int64)
    fewest = min(len(set(groups[y == code])) for code in (0, 1))
    if fewest < n_folds:
        return
    folds = deal_groups(groups, y, [1 / n_folds] * n_folds, seed)
    for fold in range(n_folds):
        assert set(y[folds == fold]) == {0, 1}


@given(tables, st.integers(0, 5))
def test_unequal_shares_hold_both_classes_too(rows, seed):
    groups, labels = (np.array(part) for part in zip(*rows, strict=True))
    y = np.minimum(labels, 1).astype(np.int64)
    if min(len(set(groups[y == code])) for code in (0, 1)) >= 2:
        folds = deal_groups(groups, y, (0.75, 0.25), seed)
        assert all(set(y[folds == fold]) == {0, 1} for fold in (0, 1))


def test_folds_are_as_even_as_those_of_scikit_learn():
    draw = np.random.default_rng(1)
    groups = (200 * draw.random(3000) ** 2).astype(int)
    y = ((groups % 7 < 2) ^ (draw.random(3000) < 0.1)).astype(np.int64)

    def spread(folds):
        sizes = np.bincount(folds, minlength=3) / len(folds)
        shares = [y[folds == fold].mean() for fold in range(3)]
        return np.ptp(sizes), np.ptp(shares)

    theirs = np.empty(len(y), int)
    splitter = StratifiedGroupKFold(3, shuffle=True, random_state=0)
    for fold, (_, test) in enumerate(splitter.split(y, y, groups)):
        theirs[test] = fold
    ours = [spread(deal_groups(groups, y, THIRDS, seed)) for seed in range(10)]
    size, share = np.mean(ours, axis=0)
    assert size <= spread(theirs)[0] + 0.01
    assert share <= spread(theirs)[1] + 0.02


def test_a_hold_out_of_groups_is_about_its_share():
    draw = np.random.default_rng(2)
    groups = draw.integers(0, 60, 2000)
    y = draw.integers(0, 2, 2000)
    folds = deal_groups(groups, y, (0.75, 0.25), 3)
    assert abs((folds == 1).mean() - 0.25) < 0.02
    assert abs(y[folds == 1].mean() - y.mean()) < 0.05


def test_repeats_differ_and_are_a_function_of_the_key():
    groups = np.arange(300) // 3
    folds = repeated_groups(groups, None, 3, "a")
    assert folds.shape == (OWN_REPEATS, 300)
    assert len({row.tobytes() for row in folds}) == OWN_REPEATS
    assert (folds == repeated_groups(groups, None, 3, "a")).all()
    assert (folds != repeated_groups(groups, None, 3, "b")).any()
    assert all(np.ptp(np.bincount(row)) <= 3 for row in folds)


def test_the_groups_of_today_are_dealt_the_same_tomorrow():
    groups, y = np.arange(18) % 6, np.arange(18) % 2
    assert deal_groups(groups, y, THIRDS, 0)[:6].tolist() == [2, 1, 1, 0, 0, 2]


def test_too_few_groups():
    with pytest.raises(DataError, match="2 groups cannot be dealt to 3 folds"):
        deal_groups(np.array([0, 1, 1, 0]), None, THIRDS, 0)


def test_a_hundred_thousand_groups_are_dealt_in_seconds():
    groups = np.random.default_rng(0).integers(0, 100_000, 300_000)
    start = clock.process_time()
    deal_groups(groups, (groups % 3).astype(np.int64), THIRDS, 0)
    assert clock.process_time() - start < 8


# -- time -------------------------------------------------------------------------------------------

times = st.lists(st.integers(0, 30), min_size=10, max_size=80)


@frozen
@given(times, draws)
def test_nothing_is_learnt_from_the_future(cell, values, draw):
    time = np.array(values, dtype=np.float64)
    y = np.arange(len(time)) % 3
    try:
        drawn = rows_of(cell, y, windows(time, 3), Structure(time=time), **draw)
    except DataError:
        assert len(set(values)) < 25 or draw["train_cap"], "so many times can be cut"
        return
    assert time[drawn.train].max() < time[drawn.test].min()
    past = np.flatnonzero(windows(time, 3) > draw["fold"])
    left_out = np.setdiff1d(past, drawn.train)
    assert len(drawn.train) == min(len(past), draw["train_cap"] or 99)
    assert time[left_out].max(initial=-1) <= time[drawn.train].min(), "the latest rows are kept"
    for fit, held_out in drawn.folds:
        assert len(fit)
        assert len(held_out)
        assert time[drawn.train][fit].max() < time[drawn.train][held_out].min()


@given(times, st.integers(2, 4))
def test_windows_hold_all_rows_and_those_of_one_time_together(values, n_folds):
    time = np.array(values, dtype=np.float64)
    if len(set(values)) <= n_folds:
        with pytest.raises(DataError, match="different times"):
            windows(time, n_folds)
        return
    window = windows(time, n_folds)
    assert set(window) == set(range(n_folds + 1))
    order = np.argsort(time, kind="stable")
    assert (np.diff(window[order]) <= 0).all(), "later rows are in windows with smaller numbers"
    assert all(len(set(window[time == value])) == 1 for value in values)


def test_windows_without_ties_are_even_and_the_latest_comes_first():
    time = np.random.default_rng(0).permutation(1000).astype(np.float64)
    window = windows(time, 3)
    assert np.bincount(window).tolist() == [250, 250, 250, 250]
    assert time[window == 0].min() == 750


@given(times, st.floats(0.05, 0.5))
def test_the_latest_are_about_their_share(values, share):
    time = np.array(values, dtype=np.float64)
    if len(set(values)) < 2:
        with pytest.raises(DataError, match="same time"):
            latest(time, share)
        return
    late = latest(time, share)
    assert time[~late].max() < time[late].min()
    most_at_once = max(values.count(value) for value in values)
    assert abs(late.sum() - share * len(time)) <= most_at_once


def test_a_larger_cap_of_rows_in_time_contains_a_smaller_one(cell):
    time = np.random.default_rng(0).integers(0, 50, 400).astype(np.float64)
    y = np.zeros(400)
    one, other = (
        rows_of(cell, y, windows(time, 3), Structure(time=time), train_cap=cap, problem=REGRESSION).train
        for cap in (50, 120)
    )
    assert set(one) < set(other)


# -- tables -----------------------------------------------------------------------------------------


def table(n_rows=120, *, group=None, time=None, y=None):
    draw = np.random.default_rng(0)
    columns = [
        RawColumn("a", draw.normal(size=n_rows)),
        RawColumn("y", draw.integers(0, 2, n_rows).astype(float) if y is None else np.asarray(y, float)),
    ]
    if group is not None:
        columns.append(RawColumn("g", [None if value is None else str(value) for value in group]))
    if time is not None:
        columns.append(RawColumn("t", np.asarray(time, float)))
    layout = Layout(target="y", group=None if group is None else "g", time=None if time is None else "t")
    return assemble(columns, layout)


def test_group_and_time_are_no_features_and_part_of_the_fingerprint():
    plain = table()
    grouped, other = table(group=range(120)), table(group=np.arange(120) // 2)
    timed, later = table(time=range(120)), table(time=range(1, 121))
    assert [f.name for f in grouped.features] == [f.name for f in timed.features] == ["a"]
    assert len({fingerprint(each) for each in (plain, grouped, other, timed, later)}) == 5


def test_rows_without_a_group_are_one_group():
    codes = table(4, group=["p", None, "q", None], y=[0, 1, 0, 1]).group.values
    assert codes.tolist() == [0, 2, 1, 2]


def kept(tmp_path, content):
    cache = Cache(tmp_path)
    dataset = content.describe(own_provenance("own", "a test"))
    keep_table(content, dataset, cache)
    assert cache.describe("own") == dataset or np.isnan(dataset.target_sd)
    return cache, Task(name="own", dataset=cache.describe("own"), splits=split_plan(dataset))


def test_the_cache_keeps_groups_and_times(tmp_path):
    cache, task = kept(tmp_path / "g", table(group=np.arange(120) // 4))
    assert (task.splits.procedure, task.splits.n_folds) == ("group3", 3)
    assert (task.dataset.group, task.dataset.time) == ("g", None)
    structure = cache.load("own").structure
    assert len(set(structure.group)) == 30
    assert structure.time is None
    folds = cache.fold_of_row("own", "group3", OWN_REPEATS - 1)
    assert all(len(set(folds[structure.group == code])) == 1 for code in range(30))
    cache, timed = kept(tmp_path / "t", table(time=range(120)))
    assert timed.splits.procedure == "time3"
    y, structure = cache.load_target("own")
    assert structure.time.tolist() == list(range(120))
    assert (y == cache.load("own").y).all()
    assert y.dtype == cache.load("own").y.dtype
    assert timed.fingerprint != task.fingerprint
    with pytest.raises(DataError, match="no splits of 'kfold3'"):
        cache.fold_of_row("own", "kfold3")


def test_a_fingerprint_is_of_the_procedure_too():
    content = table(group=np.arange(120) // 4)
    dataset = content.describe(own_provenance("own", "a test"))
    plans = [SplitPlan(procedure=procedure) for procedure in ("kfold3", "group3", "time3")]
    assert len({Task(name="own", dataset=dataset, splits=plan).fingerprint for plan in plans}) == 3


def test_training_rows_are_foretold():
    window = windows(np.arange(1000.0), 3)
    for fold in range(3):
        assert SplitPlan(procedure="time3").train_rows(1000, fold) == (window > fold).sum()
    assert SplitPlan(procedure="group3").train_rows(900, 2) == 600
    assert SplitPlan(procedure="openml-cv10").train_rows(1000, 0) == 900


# -- fitness ----------------------------------------------------------------------------------------


def fitness(tmp_path, suite, content, **changes):
    cache, task = kept(tmp_path, content)
    asked = replace(suite, **{"folds": 3, "train_caps": (None,), "test_cap": None, **changes})
    return unfit(task.dataset, task.splits, asked.validation) or unfit_rows(task, asked, cache)


@pytest.fixture
def suite(plan):
    return plan.suite


def test_good_groups_and_times_are_fit(tmp_path, suite):
    assert fitness(tmp_path / "a", suite, table(group=np.arange(120) // 4)) is None
    assert fitness(tmp_path / "b", suite, table(time=np.arange(120) // 2)) is None
    assert fitness(tmp_path / "c", suite, table()) is None
    cv = Validation("cv", 4)
    assert fitness(tmp_path / "d", suite, table(group=np.arange(120) // 4), validation=cv) is None


def test_a_class_in_too_few_groups_is_said(tmp_path, suite):
    groups = np.arange(120) // 10
    y = (groups < 2).astype(float)
    reason = fitness(tmp_path, suite, table(group=groups, y=y))
    assert "rows are all '0'" in reason
    assert "too few groups of 'g' hold each class" in reason
    assert "\n" not in reason


def test_too_few_groups_for_the_inner_folds_is_said(tmp_path, suite):
    groups = np.arange(120) // 30
    reason = fitness(tmp_path, suite, table(group=groups), validation=Validation("cv", 4))
    assert "groups cannot be dealt to 4 folds" in reason


def test_a_class_that_comes_late_is_said_for_the_folds_that_are_run(tmp_path, suite):
    y = np.where(np.arange(120) >= 50, np.arange(120) % 2, 0)
    content = table(time=range(120), y=y)
    assert "fold 1 cannot be scored" in fitness(tmp_path / "a", suite, content)
    assert "run fewer folds" in fitness(tmp_path / "a", suite, content)
    assert fitness(tmp_path / "a", suite, content, folds=1) is None


def test_fitness_looks_at_the_capped_rows(tmp_path, suite):
    y = np.arange(400) % 2
    y[200:290] = 0
    content = table(400, time=range(400), y=y)
    assert fitness(tmp_path, suite, content, folds=1) is None
    assert "fit rows are all '0'" in fitness(tmp_path, suite, content, folds=1, train_caps=(40,))


def test_too_few_groups_or_times_for_three_folds_is_an_error_of_the_table(tmp_path):
    with pytest.raises(DataError, match="2 groups cannot be dealt to 3 folds"):
        kept(tmp_path, table(group=np.arange(120) % 2))
    with pytest.raises(DataError, match="3 different times cannot be cut into 4 windows"):
        kept(tmp_path, table(time=np.arange(120) % 3))
