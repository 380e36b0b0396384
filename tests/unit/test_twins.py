"""Twins stay on one side of our own splits, and every trial is scored without those that do not."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.analysis.frames import cells_frame, trials_frame
from bench.analysis.leaderboard import leaderboard
from bench.analysis.views import View
from bench.cells import Validation
from bench.config.fitness import unfit_rows
from bench.datasets import OfficialSplits, ProblemType
from bench.errors import ConfigError, DataError
from bench.runner import scores
from bench.runner.cell import load_cell
from bench.scoring.metrics import all_metrics, score
from bench.scoring.predictions import Prediction
from bench.search.search import Candidate, TrainingData
from bench.sources.cache import Cache
from bench.sources.columns import RawColumn
from bench.sources.keeping import keep_table, own_provenance
from bench.sources.tables import Layout, assemble
from bench.splits.plan import split_plan
from bench.splits.rows import inner_folds, outer_rows
from bench.splits.structure import Structure
from bench.splits.twins import deal_twins, repeated_twins, twin_codes
from bench.tasks import Split, Task
from bench.trials import TrialStatus

BINARY, MULTICLASS, REGRESSION = ProblemType
THIRDS = [1 / 3] * 3

# -- splits -----------------------------------------------------------------------------------------


@given(
    st.lists(st.integers(0, 40), min_size=12, max_size=120),
    st.integers(1, 4),
    st.sampled_from([(1 / 3,) * 3, (0.75, 0.25), (0.5, 0.5)]),
    st.integers(0, 5),
)
def test_twins_are_never_parted_and_every_row_has_a_fold(groups, n_classes, shares, seed):
    twins = np.array(groups, dtype=np.int32)
    labels = np.random.default_rng(seed).integers(0, n_classes, len(twins))
    for known in (labels, None):
        if len(set(groups)) < len(shares):
            with pytest.raises(DataError, match="cannot be dealt"):
                deal_twins(twins, known, shares, seed)
            continue
        folds = deal_twins(twins, known, shares, seed)
        assert set(folds.tolist()) <= set(range(len(shares)))
        assert all(len(set(folds[twins == code].tolist())) == 1 for code in set(groups))
        assert (folds == deal_twins(twins, known, shares, seed)).all()


@pytest.mark.parametrize("share_of_twins", [0.0, 0.05, 0.4])
@pytest.mark.parametrize("shares", [(1 / 3,) * 3, (0.75, 0.25)])
def test_folds_hold_rows_and_classes_in_their_shares(share_of_twins, shares):
    rng, n = np.random.default_rng(1), 3000
    twins = np.arange(n)
    copies = rng.random(n) < share_of_twins
    twins[copies] = rng.integers(0, 200, copies.sum())
    labels = rng.choice(4, n, p=[0.6, 0.3, 0.08, 0.02])
    folds = deal_twins(twins.astype(np.int32), labels, shares, 0)
    allowed = 3 if share_of_twins == 0 else 12
    for fold, share in enumerate(shares):
        assert abs((folds == fold).sum() - share * n) <= allowed
        for label in range(4):
            held, wanted = ((folds == fold) & (labels == label)).sum(), share * (labels == label).sum()
            assert abs(held - wanted) <= allowed


def test_one_large_set_of_twins_is_made_up_for_by_the_rows_that_are_alone():
    twins = np.concatenate([np.zeros(250), np.arange(1, 751)]).astype(np.int32)
    labels = np.concatenate([np.zeros(250), np.arange(750) % 2]).astype(np.int64)
    folds = deal_twins(twins, labels, THIRDS, 0)
    assert sorted(np.bincount(folds[labels == 0])) == [187, 188, 250]
    assert np.bincount(folds[labels == 1]).tolist() == [125, 125, 125]


def test_a_class_of_one_row_stays_among_those_to_fit_on():
    labels = np.concatenate([np.zeros(99), [1]]).astype(np.int64)
    for seed in range(10):
        assert deal_twins(np.arange(100, dtype=np.int32), labels, (0.75, 0.25), seed)[-1] == 0


def test_repeats_differ():
    folds = repeated_twins(np.arange(90, dtype=np.int32) // 2, None, 3, "key")
    assert len({tuple(each) for each in folds.tolist()}) == len(folds)


@pytest.mark.parametrize("validation", [Validation("holdout", 25), Validation("cv", 4)], ids=str)
@pytest.mark.parametrize("train_cap", [None, 80])
@pytest.mark.parametrize("problem", [BINARY, REGRESSION])
def test_twins_are_on_one_side_of_the_validation_too(validation, train_cap, problem):
    rng = np.random.default_rng(0)
    twins = rng.integers(0, 120, 300).astype(np.int32)
    y = rng.integers(0, 2, 300) if problem is BINARY else rng.normal(size=300)
    folds = deal_twins(twins, y if problem is BINARY else None, THIRDS, 0)
    structure = Structure(twins=twins)
    for fold in range(3):
        split = Split(repeat=0, fold=fold, train_cap=train_cap, test_cap=None)
        train, test = outer_rows(folds, split, y, problem, "key", structure)
        assert not set(twins[train]) & set(twins[test])
        parts = inner_folds(y[train], validation, problem, "key", structure.of(train))
        for fit, held in parts:
            assert not set(twins[train[fit]]) & set(twins[train[held]])
            assert sorted([*fit, *held]) == list(range(len(train)))


def content_of(x, y, problem=BINARY):
    columns = [RawColumn("x", np.asarray(x, float)), RawColumn("y", np.asarray(y, float))]
    return assemble(columns, Layout(target="y", problem=problem))


def kept(tmp_path, content, openml_task_id=None, **changes):
    cache = Cache(tmp_path)
    official = openml_task_id and OfficialSplits(openml_task_id=openml_task_id, procedure="openml-cv10")
    dataset = replace(content.describe(own_provenance("own", "a test")), official=official, **changes)
    keep_table(content, dataset, cache)
    dataset = cache.describe("own")
    return cache, Task(name="own", dataset=dataset, splits=split_plan(dataset))


def doubled(n=240):
    """Half of the rows twice, some of them with another label."""
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=n), np.zeros(n // 2)])
    x[n:] = x[: n // 2]
    return x, rng.integers(0, 2, len(x))


def cell_of(cell, task, cache, order, **split):
    asked = Split(**{"repeat": 0, "fold": 0, "train_cap": None, "test_cap": None, **split})
    return replace(order, cell=replace(cell, task=task, split=asked), cache_root=str(cache.root))


def test_a_table_with_twins_is_split_by_them_and_its_cells_have_none_apart(tmp_path, cell, order):
    cache, task = kept(tmp_path, content_of(*doubled()))
    assert (task.splits.procedure, task.splits.n_folds, task.splits.official) == ("twins3", 3, False)
    assert task.fingerprint.endswith(":twins3")
    for fold in range(3):
        training, tested, _ = load_cell(cell_of(cell, task, cache, order, fold=fold))
        assert tested.twinless.all()
        assert not set(training.X["x"]) & set(tested.X["x"])
        ((fit, held),) = training.folds
        assert not set(training.X["x"].iloc[fit]) & set(training.X["x"].iloc[held])


def test_without_twins_or_a_continuous_column_a_table_is_split_as_ever(tmp_path, cell, order):
    x, y = doubled()
    _, alone = kept(tmp_path / "alone", content_of(np.arange(len(x)), y))
    cache, coarse = kept(tmp_path / "coarse", content_of(np.round(x * 2), y))
    assert (alone.splits.procedure, coarse.splits.procedure) == ("kfold3", "kfold3")
    assert cache.load("own").structure.twins is None
    training, tested, _ = load_cell(cell_of(cell, coarse, cache, order))
    assert (~tested.twinless == tested.X["x"].isin(training.X["x"])).all()
    assert not tested.twinless.all()


def test_official_splits_are_never_altered(tmp_path, cell, order):
    from bench.datasets import Grade

    x, y = doubled()
    cache, task = kept(tmp_path, content_of(x, y), openml_task_id=1, grade=Grade.SAME_ORDER)
    assert task.splits.procedure == "openml-cv10"
    training, tested, _ = load_cell(cell_of(cell, task, cache, order, train_cap=150))
    assert (~tested.twinless == tested.X["x"].isin(training.X["x"])).all()
    assert 0 < tested.twinless.sum() < len(tested.y)


def test_a_fold_that_twins_leave_one_class_is_told_before_the_run(tmp_path, plan):
    x, _ = doubled(300)
    y = np.zeros(len(x))
    y[x < np.quantile(x, 0.01)] = 1
    x[y == 1] = -9.0
    cache, task = kept(tmp_path, content_of(x, y))
    reason = unfit_rows(task, replace(plan.suite, folds=3, train_caps=(None,), test_cap=None), cache)
    assert task.splits.procedure == "twins3"
    assert "D301" in reason
    assert "too few different rows hold each class" in reason


def test_caps_that_leave_a_class_out_are_told_before_the_run(tmp_path, plan):
    x = np.random.default_rng(3).normal(size=3000)
    y = np.zeros(3000)
    y[:12] = 1
    cache, task = kept(tmp_path, content_of(x, y))
    whole = replace(plan.suite, folds=3, train_caps=(None,), test_cap=None)
    assert task.splits.procedure == "kfold3"
    assert unfit_rows(task, whole, cache) is None
    for caps in ({"train_caps": (200,)}, {"test_cap": 100}, {"train_caps": (None, 200, 2000)}):
        reason = unfit_rows(task, replace(whole, **caps), cache)
        assert "D301: fold" in reason
        assert "too small for it" in reason


# -- scores -----------------------------------------------------------------------------------------


class Model:
    """Predicts what column `p` says."""

    classes_ = (0, 1, 2)

    def __init__(self, k):
        self.classes_ = np.arange(k)

    def predict_proba(self, X):
        p = X["p"].to_numpy()[:, None]
        rest = np.full((len(p), len(self.classes_) - 1), 1.0) * (1 - p) / (len(self.classes_) - 1)
        return np.hstack([rest, p])


class Regressor:
    def predict_distribution(self, X):
        return X["p"].to_numpy(), np.full(len(X), 0.5)


def scored(problem, twinless, y_test=None):
    rng, n = np.random.default_rng(0), len(twinless)
    k = {BINARY: 2, MULTICLASS: 3, REGRESSION: 0}[problem]
    y = rng.integers(0, k, n + 30) if k else rng.normal(size=n + 30)
    if y_test is not None:
        y[30:] = y_test
    X = pd.DataFrame({"p": rng.random(n + 30)})
    model = Model(k) if k else Regressor()
    training = TrainingData(
        problem=problem,
        n_classes=k,
        target_sd=2.0,
        X=X[:30],
        y=y[:30],
        folds=((np.arange(20), np.arange(20, 30)),),
    )
    held = (
        Prediction(kind="probability", values=model.predict_proba(X[20:30]))
        if k
        else Prediction(kind="value", values=X["p"][20:30].to_numpy(), sd=np.full(10, 0.5))
    )
    candidate = Candidate(number=0, config={}, status=TrialStatus.OK, models=(model,), validation=(held,))
    tested = scores.TestRows(X=X[30:], y=y[30:], twinless=np.asarray(twinless))
    found = scores.score_rows(candidate, training, tested)
    kept = tested.twinless
    inside = (
        Prediction(kind="probability", values=model.predict_proba(X[30:][kept]))
        if k
        else Prediction(kind="value", values=X["p"][30:][kept].to_numpy(), sd=np.full(kept.sum(), 0.5))
    )
    return found, y[30:][kept], inside


@pytest.mark.parametrize("problem", ProblemType)
def test_scores_without_twins_are_those_of_the_other_rows_alone(problem):
    twinless = np.arange(90) % 3 > 0
    found, y, inside = scored(problem, twinless)
    part = dict(found.metrics["test_without_twins"])
    assert part.pop("n_rows") == 60
    if problem is BINARY:
        assert part.pop("n_minority") == min((y == 0).sum(), (y == 1).sum())
    assert part.pop("test_score") == score(problem, y, inside, 2.0) != found.test
    assert part == all_metrics(problem, y, inside, 2.0)
    assert found.metrics["test"] != part


@pytest.mark.parametrize("problem", ProblemType)
def test_where_no_test_row_has_a_twin_the_part_is_the_whole(problem):
    found, y, _ = scored(problem, np.ones(50, bool))
    part = found.metrics["test_without_twins"]
    assert part["test_score"] == found.test
    assert {name: part[name] for name in found.metrics["test"]} == found.metrics["test"]
    assert part["n_rows"] == len(y)


def test_too_few_rows_or_a_class_that_is_missing_leave_the_part_out():
    few = np.arange(90) < scores.FEWEST_WITHOUT_TWINS - 1
    assert "test_without_twins" not in scored(BINARY, few)[0].metrics
    enough = np.arange(90) < scores.FEWEST_WITHOUT_TWINS
    assert "test_without_twins" in scored(REGRESSION, enough)[0].metrics
    lone = np.arange(90) >= 45
    assert "test_without_twins" not in scored(MULTICLASS, lone, np.repeat([2, 1, 0], 30))[0].metrics
    assert "test_without_twins" in scored(MULTICLASS, lone, np.arange(90) % 3)[0].metrics


# -- the view ---------------------------------------------------------------------------------------


def frames(parts):
    """Frames of learner and task to the error on all rows and that without twins; None where it is absent."""
    cells, trials = [], []
    for (learner, task), (whole, part) in parts.items():
        metrics = {"test": {"error_rate": whole}}
        if part is not None:
            metrics["test_without_twins"] = {"error_rate": part, "test_score": part, "n_rows": 50.0}
        cells.append({
            "cell_id": f"{task}/{learner}", "evidence_key": f"{task}/{learner}", "task": task,
            "dataset": task, "problem": "multiclass", "repeat": 0, "fold": 0, "learner": learner,
            "family": learner, "intervention": "none", "seed": 0, "device": "cpu1", "status": "ok",
            "reason": "",
        })  # fmt: skip
        trials.append({
            **cells[-1], "validation": "holdout25", "attempt": 1, "attempt_budget_s": 4.0,
            "attempt_budget_trials": None, "trial": 0, "flags": "", "validation_score": 0.5,
            "test_score": whole, "train_score": None, "test_score_single": None, "billed_s": 1.0,
            "spent_s": 1.0, "unbilled_s": 0.1, "n_test": 100, "n_test_minority": None,
            "metrics": json.dumps(metrics),
        })  # fmt: skip
    return trials_frame(trials), cells_frame(cells)


PARTS = {
    ("random-forest", "t"): (0.2, 0.3),
    ("knn", "t"): (0.1, 0.6),
    ("random-forest", "u"): (0.2, 0.4),
    ("knn", "u"): (0.1, 0.4),
}


@pytest.mark.parametrize("metric", [None, "error_rate"])
def test_a_view_without_twins_ranks_by_the_other_rows(metric):
    made = {
        rows: leaderboard(*frames(PARTS), View(rows=rows, metric=metric)) for rows in ("all", "without-twins")
    }
    knn = {rows: next(r for r in board.rows if r.entry == "knn") for rows, board in made.items()}
    assert knn["all"].overall.mean > 0 > knn["without-twins"].overall.mean
    floored = [np.log((0.3 * 50 + 0.5) / (0.6 * 50 + 0.5)), 0.0]
    assert knn["without-twins"].overall.mean == pytest.approx(np.mean(floored)), "the floor is of 50 rows"


def test_tasks_with_too_few_such_rows_are_left_out_and_named():
    parts = {**PARTS, ("random-forest", "v"): (0.2, None), ("knn", "v"): (0.1, None)}
    board = leaderboard(*frames(parts), View(rows="without-twins"))
    (without,) = (r.overall.mean for r in board.rows if r.entry == "knn")
    (same,) = (
        r.overall.mean
        for r in leaderboard(*frames(PARTS), View(rows="without-twins")).rows
        if r.entry == "knn"
    )
    assert without == pytest.approx(same)
    assert any("too few rows without a twin" in note and note.endswith(": v") for note in board.notes)


def test_ensembles_without_twins_are_refused():
    with pytest.raises(ConfigError, match="ensembles are scored on all test rows"):
        View(show="ensembled", rows="without-twins")


def test_codes_follow_hashes():
    assert twin_codes(np.array([9, 3, 9, 2**63], dtype=np.uint64)).tolist() == [1, 0, 1, 2]
