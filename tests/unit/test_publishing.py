"""What is handed on, piece by piece; the whole way is in the integration tests."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from bench.errors import DataError, PrerequisiteError
from bench.publishing.openml_flows import flow_of, parameters_of
from bench.publishing.openml_runs import Candidate, FoldCell
from bench.publishing.openml_uploads import upload_of
from bench.publishing.remembered import Remembered
from bench.sources.openml.fetched import TaskOutline
from bench.sources.openml.sending import compare
from bench.sources.openml.uploads import Flow, FoldPredictions, Parameter, Upload

UPLOAD = Upload(
    task_id=9,
    flow=Flow(name="bench.tree", external_version="bench==1", description="a", dependencies="numpy==2"),
    parameters=(Parameter(name="depth", data_type="integer", default="1", value="2"),),
    classes=("no", "yes"),
    folds=(
        FoldPredictions(repeat=0, fold=0, rows=(0, 3), predicted=(1.0, 0.0), truth=(1, 1),
                        confidences=((0.25, 0.75), (1.0, 0.0))),
        FoldPredictions(repeat=0, fold=1, rows=(1, 2), predicted=(0.0, 0.0), truth=(0, 0),
                        confidences=((1.0, 0.0), (0.5, 0.5))),
    ),
    probabilities=True,
    comment="of a test",
)  # fmt: skip
CELL = {
    "evidence_key": "e", "cell_id": "c", "task": "t", "learner": "mlp{dropout=0,n_layers=3}", "family": "net",
    "seed": 0, "device": "cpu", "cores": 1, "validation": "cv4", "learner_hash": "l" * 16,
    "lock_hash": "k" * 16, "problem": "binary", "repeat": 0, "fold": 0, "train_cap": None,
}  # fmt: skip
TRIAL = {
    "trial": 0,
    "attempt": 1,
    "test_score": 0.5,
    "config": json.dumps({"scale": "robust", "n": 3, "on": True}),
}
CANDIDATE = Candidate(
    name="t/mlp/s0", task_id=9, show="default", dataset={"classes": ["no", "yes"], "n_rows": 4},
    folds=(FoldCell(cell=CELL, trial=TRIAL),),
)  # fmt: skip
RUN = {"budget_s": None, "budget_trials": 7}


def test_an_upload_is_the_same_after_json():
    assert Upload.from_json(json.loads(json.dumps(UPLOAD.to_json()))) == UPLOAD


def test_words_do_not_make_another_run_and_anything_else_does():
    same = replace(UPLOAD, comment="other", flow=replace(UPLOAD.flow, description="b", dependencies=""))
    assert same.content_hash == UPLOAD.content_hash
    first, second = UPLOAD.folds
    others = (
        replace(UPLOAD, task_id=10),
        replace(UPLOAD, flow=replace(UPLOAD.flow, external_version="bench==2")),
        replace(UPLOAD, parameters=(replace(UPLOAD.parameters[0], value="3"),)),
        replace(UPLOAD, folds=(first, replace(second, predicted=(0.0, 1.0)))),
    )
    assert len({other.content_hash for other in (UPLOAD, *others)}) == 5


def splits(*tested):
    everything = np.arange(4)
    return {(0, k): (np.setdiff1d(everything, rows), np.array(rows)) for k, rows in enumerate(tested)}


@pytest.mark.parametrize(
    ("classes", "tested", "words"),
    [
        (("yes", "no", "never"), [[3, 0], [1, 2]], None),
        (("yes", "nay"), [[3, 0], [1, 2]], "no of this table is none of them"),
        ((), [[3, 0], [1, 2]], "is no classification there"),
        (("yes", "no"), [[0, 1], [3, 2]], "repeat 0, fold 0 tests other rows there"),
        (("yes", "no"), [[0], [1], [2, 3]], "has 3 folds there, and 2 here"),
    ],
)
def test_a_run_is_compared_with_the_task_before_it_is_sent(classes, tested, words):
    outline = TaskOutline(id=9, is_classification=bool(classes), classes=classes, splits=splits(*tested))
    if words is None:
        compare(UPLOAD, outline)
    else:
        with pytest.raises(DataError, match=words):
            compare(UPLOAD, outline)


def test_names_and_parameters_hold_what_openml_allows():
    flow = flow_of(CANDIDATE, {"inductive-bench": "0.1.0+local", "numpy": "2.4.6"})
    assert flow.name == "bench.mlp(dropout=0,n_layers=3)"
    assert flow.external_version.startswith("bench==0.1.0_local,learner=llll")
    assert flow.external_version.endswith(",problem=binary")
    assert len(flow.external_version) <= 128
    assert flow.dependencies == "numpy==2.4.6, inductive-bench==0.1.0+local"
    parameters = {each.name: (each.value, each.data_type) for each in parameters_of(CANDIDATE, RUN)}
    assert parameters["scale"] == ('"robust"', "string")
    assert parameters["n"] == ("3", "integer")
    assert parameters["on"] == ("true", "boolean")
    assert parameters["bench.validation"] == ('"cv4"', "string")
    tuned = replace(CANDIDATE, show="tuned")
    searched = {each.name: (each.value, each.data_type) for each in parameters_of(tuned, RUN)}
    assert searched["bench.budget_s"] == ("null", "numeric")
    assert searched["bench.budget_trials"] == ("7", "integer")
    assert "n" not in searched
    assert flow_of(tuned, {}).name == "bench.tuned.mlp(dropout=0,n_layers=3)"


@pytest.mark.parametrize("label", ["", "?", "two\nlines"])
def test_labels_that_arff_cannot_hold_are_refused(label):
    labelled = replace(CANDIDATE, dataset={"classes": ["no", label], "n_rows": 4})
    with pytest.raises(DataError, match=f"the class {re.escape(repr(label))} cannot be written"):
        upload_of(labelled, {}, RUN, {})


def test_defaults_that_differ_between_folds_are_no_one_setting():
    other = FoldCell(cell={**CELL, "fold": 1}, trial={**TRIAL, "config": "{}"})
    with pytest.raises(DataError, match="not the same in all folds"):
        upload_of(replace(CANDIDATE, folds=(*CANDIDATE.folds, other)), {}, RUN, {})


def test_what_was_published_is_remembered_by_server_and_content(tmp_path):
    assert Remembered(tmp_path, "openml").find("s", "c") is None
    assert list(tmp_path.iterdir()) == []
    remembered = Remembered(tmp_path, "openml")
    remembered.add("s", "c", run=1)
    remembered.add("s", "d", run=2)
    again = Remembered(tmp_path, "openml")
    assert again.find("s", "c")["run"] == 1
    assert again.find("s", "d")["run"] == 2
    assert again.find("other", "c") is None
    assert [path.name for path in (tmp_path / "published").iterdir()] == ["openml.json"]


@pytest.mark.parametrize(
    "content", ["", "[]", '{"format": 2, "published": []}', '{"format": 1, "published": [1]}']
)
def test_a_memory_that_cannot_be_read_is_not_taken_for_an_empty_one(tmp_path, content):
    path = tmp_path / "published/openml.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(PrerequisiteError, match="says what was published before"):
        Remembered(tmp_path, "openml")


def test_a_memory_that_cannot_be_kept_is_said(tmp_path):
    remembered = Remembered(tmp_path / "results", "openml")
    (tmp_path / "results").write_text("a file in the way")
    with pytest.raises(PrerequisiteError, match="would be published again"):
        remembered.add("s", "c", run=1)
