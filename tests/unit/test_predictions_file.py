"""A file of predictions survives any kill, and ends with just what is to be kept."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.datasets import ProblemType
from bench.orders import Predictions
from bench.runner import scores
from bench.scoring.predictions import Prediction, average, prediction_hash, stored_predictions
from bench.search.search import Candidate, TrainingData
from bench.store.predictions import KEPT_BEST, Record, append, compact, mend, read, to_keep
from bench.trials import TrialStatus


def record(trial, attempt=1, size=3):
    content = bytes(10 if i % 3 else 123 for i in range(4 * size * 2))  # new lines and braces among the bytes
    content = content[:-1] + bytes([trial % 256])
    return Record(trial, attempt, Predictions("probability", (size, 1), (size, 1), content))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "aa" / "cell.bin"


def test_what_is_appended_is_read(path):
    records = [record(0), record(1, size=7), record(2, size=0)]
    assert read(path) == {}
    for each in records:
        append(path, each)
    assert read(path) == {each.trial: each for each in records}
    assert read(path)[1].predictions.validation_shape == (7, 1)


def test_the_later_record_of_a_trial_counts(path):
    for each in (record(0), record(1, attempt=1), record(1, attempt=2, size=5)):
        append(path, each)
    assert read(path)[1] == record(1, attempt=2, size=5)


@pytest.mark.parametrize("whole", [0, 1, 2])
def test_a_torn_record_costs_itself_alone_wherever_it_is_torn(path, whole):
    for trial in range(whole):
        append(path, record(trial))
    start = path.stat().st_size if whole else 0
    append(path, record(whole))
    content = path.read_bytes()
    wrong = []
    for end in range(start, len(content)):
        path.write_bytes(content[:end])
        torn = sorted(read(path))
        mend(path)
        append(path, record(7))
        try:
            found = read(path)
        except ValueError as error:
            found = error
        if torn != list(range(whole)) or found != {t: record(t) for t in (*range(whole), 7)}:
            wrong.append(end - start)
    assert wrong == [], f"torn after so many of its {len(content) - start} bytes, the file is lost"


def test_mending_a_whole_file_changes_no_record(path):
    mend(path)
    assert not path.exists(), "no file where there was none"
    for trial in range(3):
        append(path, record(trial))
    before = read(path)
    mend(path)
    assert read(path) == before


def test_compacting_keeps_the_latest_of_what_is_to_be_kept(path):
    for each in (*map(record, range(6)), record(2, attempt=2, size=4)):
        append(path, each)
    compact(path, {2, 5, 99})
    assert read(path) == {2: record(2, attempt=2, size=4), 5: record(5)}
    once = path.read_bytes()
    compact(path, {2, 5})
    assert path.read_bytes() == once
    assert [each.name for each in path.parent.iterdir()] == ["cell.bin"], "nothing else is left behind"
    append(path, record(9))
    assert set(read(path)) == {2, 5, 9}


def test_a_kill_while_compacting_loses_nothing(path, monkeypatch):
    for trial in range(4):
        append(path, record(trial))
    before = path.read_bytes()
    monkeypatch.setattr(type(path), "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        compact(path, {0})
    assert path.read_bytes() == before


def test_the_default_every_incumbent_and_the_best_are_kept():
    scores = {trial: 1.0 + trial / 1000 for trial in range(60)}
    scores |= {3: 0.9, 10: 0.8, 11: 0.85, 50: 0.7}
    kept = to_keep(scores)
    assert {0, 3, 10, 50} <= kept
    best = sorted(scores, key=lambda trial: (scores[trial], trial))[:25]
    assert kept == {0, 3, 10, 50, *best}
    worst_first = {trial: 1.0 - trial / 100 for trial in range(60)}
    assert to_keep(worst_first) == set(range(60)), "every one of them was the best so far"


def test_the_earliest_of_equals_is_kept():
    assert to_keep(dict.fromkeys(range(40), 0.5)) == set(range(25))


@given(st.dictionaries(st.integers(0, 80), st.floats(0, 1)))
def test_what_is_kept(scores):
    kept = to_keep(scores)
    incumbents = {
        t for t in scores if scores[t] < min((scores[s] for s in scores if s < t), default=math.inf)
    }
    assert incumbents <= kept <= set(scores)
    assert (0 in scores) == (0 in kept)
    others = kept - incumbents - {0}
    dropped = set(scores) - kept
    assert all((scores[t], t) < (scores[d], d) for t in others for d in dropped)
    assert len(kept) >= min(len(scores), KEPT_BEST)
    assert len(others) <= KEPT_BEST


class Model:
    """Predicts what it was made with: a table of probabilities or decision values, or mean and SD."""

    def __init__(self, kind, table):
        self.table, self.classes_ = table, np.arange(table.shape[1])
        name = {"probability": "predict_proba", "decision": "decision_function"}.get(kind)
        method = name or ("predict_distribution" if table.shape[1] == 2 else "predict")
        setattr(self, method, lambda X: self.table[X.index] if name else tuple(self.table[X.index].T))


@pytest.mark.parametrize(
    ("problem", "kind", "columns"),
    [
        ("multiclass", "probability", 3),
        ("multiclass", "decision", 3),
        ("regression", "value", 1),
        ("regression", "value", 2),
    ],
)
def test_what_a_cell_keeps_is_read_back_as_it_was_predicted(path, problem, kind, columns):
    rng = np.random.default_rng(0)
    problem, table = ProblemType(problem), rng.random((50, columns))
    y = rng.integers(0, 3, 50) if problem.is_classification else rng.normal(size=50)
    X = pd.DataFrame({"a": np.zeros(50)})
    fold = np.arange(30) % 3
    folds = tuple((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(3))
    training = TrainingData(problem=problem, n_classes=3, target_sd=1.0, X=X[:30], y=y[:30], folds=folds)

    def of(rows):
        sd = table[rows, 1] if kind == "value" and columns == 2 else None
        return Prediction(kind=kind, values=table[rows] if kind != "value" else table[rows, 0], sd=sd)

    candidate = Candidate(
        number=4, config={}, status=TrialStatus.OK, models=(Model(kind, table),) * 3,
        validation=tuple(of(held) for _, held in folds),
    )  # fmt: skip
    kept = scores.score_rows(
        candidate, training, scores.TestRows(X=X[30:], y=y[30:], twinless=np.ones(20, bool))
    )
    append(path, Record(4, 2, kept.predictions))
    held, tested = stored_predictions(read(path)[4].predictions)
    assert held.kind == tested.kind == kind
    order = np.concatenate([rows for _, rows in folds])
    for found, expected in ((held, of(order)), (tested, average([of(np.arange(30, 50))] * 3))):
        np.testing.assert_array_equal(found.values, expected.values.astype("f4"))
        assert (found.sd is None) == (expected.sd is None)
        if found.sd is not None:
            np.testing.assert_array_equal(found.sd, expected.sd.astype("f4"))
    assert prediction_hash(*candidate.validation, tested) == kept.prediction_hash


def test_a_kind_that_nobody_predicts_is_refused():
    with pytest.raises(ValueError, match="no prediction is of kind 'rank'"):
        stored_predictions(Predictions("rank", (1,), (1,), bytes(8)))
