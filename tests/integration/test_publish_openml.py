"""Runs for OpenML: what the server receives, against the store; and a server, or a key, that fails midway."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
from loopback_openml import (
    CutBody,
    DroppedUpload,
    Hang,
    LoopbackServer,
    Nominal,
    ReplacedTable,
    ServerError,
    holdout_task,
    official_catalogue,
    repeated_task,
    table_dataset,
)
from loopback_openml.arff import read_arff
from loopback_openml.documents import NAMESPACE
from sklearn.metrics import roc_auc_score

from bench.cli.main import main
from bench.scoring.predictions import stored_predictions
from bench.store import predictions as prediction_files
from bench.store.opening import read_store
from bench.store.query import trial_rows

OFFICIAL = official_catalogue()
IRIS, CPU = OFFICIAL.dataset(61), OFFICIAL.dataset(561)
ROWS = 120
SIDES = table_dataset(
    7101,
    "two sides, of three",
    {
        "here": [float(i * 7 % 31) for i in range(ROWS)],
        "there": [float(i * i % 17) for i in range(ROWS)],
        "side": Nominal(["it's left" if i * i % 17 < 6 + i % 5 else "right, b" for i in range(ROWS)],
                        ("never", "right, b", "it's left")),
    },
    "side",
)  # fmt: skip
TASKS = (
    repeated_task(9101, CPU, repeats=2, folds=2),
    repeated_task(9102, IRIS, repeats=1, folds=3),
    holdout_task(9103, SIDES),
)
CATALOGUE = replace(OFFICIAL, datasets=(*OFFICIAL.datasets, SIDES), tasks=(*OFFICIAL.tasks, *TASKS))
KEY = "c0ffee" * 5 + "00"
SUITE = """
format = 1
name = "published"
title = "Test"
learners = [{learners}]
validation = "holdout:25"
folds = {folds}
repeats = 2
interventions = [{interventions}]

[budget]
trials = {trials}

[caps]
train_rows = [{sizes}]

{tasks}
"""


def call(*arguments):
    """Run the command in this process and return its exit code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code


DEFAULTS = {
    "learners": ["dummy"], "trials": 1, "folds": 10, "interventions": ["none"], "sizes": ["full"],
}  # fmt: skip


def made(folder, tasks, **changes):
    """Run a suite without workers, with a store and a cache in the folder."""
    values = {
        name: ", ".join(map(json.dumps, value)) if isinstance(value, list) else value
        for name, value in (DEFAULTS | changes).items()
    }
    path = folder / "published.toml"
    path.write_text(SUITE.format(tasks="\n".join(f"[[tasks]]\n{task}\n" for task in tasks), **values))
    where = ("--results", folder / "r", "--cache", folder / "cache")
    assert call("run", path, *where, "--executor", "inline") == 0


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run of three learners on three tasks of OpenML's and on a table that is none of its."""
    folder = tmp_path_factory.mktemp("ran")
    tasks = [f"openml_task = {task.id}" for task in TASKS] + ['dataset = "sk-diabetes"']
    with LoopbackServer(CATALOGUE) as server, pytest.MonkeyPatch.context() as patch:
        patch.setenv("BENCH_OPENML_SERVER", server.url)
        patch.setenv("no_proxy", "127.0.0.1")
        made(folder, tasks, learners=["tree", "linear", "svm-rbf"], trials=3)
    return folder


@pytest.fixture
def folder(ran, tmp_path):
    """The same, from which nothing was published yet."""
    shutil.copytree(ran / "r", tmp_path / "r")
    (tmp_path / "cache").symlink_to(ran / "cache")
    return tmp_path


@pytest.fixture
def server(monkeypatch, tmp_path):
    """A server that takes runs, and the user's own configuration with its key."""
    config = tmp_path / "config/openml/config"
    config.parent.mkdir(parents=True)
    config.write_text(f"apikey = {KEY}\ncachedir = {tmp_path / 'never'}\n")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setenv("BENCH_OPENML_TIMEOUT", "5")
    with LoopbackServer(CATALOGUE, KEY) as running:
        monkeypatch.setenv("BENCH_OPENML_SERVER", running.url)
        yield running


@pytest.fixture
def publish(folder, capsys):
    """The command: (exit code, what it says, what it complains of); the key is never said."""

    def run(*arguments, home=folder):
        where = ("--results", home / "r", "--cache", home / "cache")
        code = call("publish", "openml", *arguments, *where)
        out, err = capsys.readouterr()
        assert KEY not in out + err
        assert "Traceback" not in err
        return code, out, err

    return run


def remembered(folder):
    path = folder / "r/published/openml.json"
    return json.loads(path.read_text())["published"] if path.exists() else []


def posts(server):
    return [line for line in server.requests if line.startswith("POST")]


def lines_of(predictions):
    """Return the columns of a file of predictions by (repeat, fold)."""
    table = read_arff(predictions)
    names = [attribute.name for attribute in table.attributes]
    found = defaultdict(lambda: {name: [] for name in names})
    for row in table.rows:
        cells = dict(zip(names, row, strict=True))
        for name, cell in cells.items():
            found[int(cells["repeat"]), int(cells["fold"])][name].append(cell)
    return dict(found)


def stored_tests(results, show):
    """Return by (task, learner, repeat, fold) the trial that is shown and its predictions, as kept."""
    store = read_store(results)
    (run,) = store.rows("SELECT * FROM runs")
    found = {}
    for row in trial_rows(store, run["run_id"]):
        key = row["task"], row["learner"], row["repeat"], row["fold"]
        best = found.get(key)
        if best is None or (show == "tuned" and row["validation_score"] < best["validation_score"]):
            found[key] = row
    kept = {}
    for key, row in found.items():
        record = prediction_files.read(store.predictions_path(row["evidence_key"]))[row["trial"]]
        kept[key] = row, stored_predictions(record.predictions)[1]
    store.close()
    return kept


def scored(columns, task):
    """Return the primary error of the lines of a fold, by what they say alone."""
    if "truth" in columns:
        whole = np.array([float(cell) for cell in CPU.table.column(task.target)])
        said, true = (np.array(columns[name], float) for name in ("prediction", "truth"))
        return np.sqrt(np.mean((said - true) ** 2)) / whole.std()
    if task.id == 9103:
        true = [label == "it's left" for label in columns["correct"]]
        return 1 - roc_auc_score(true, np.array(columns["confidence.it's left"], float))
    return np.mean([a != b for a, b in zip(columns["prediction"], columns["correct"], strict=True)])


@pytest.mark.parametrize("show", ["default", "tuned"])
def test_what_the_server_receives_is_what_the_store_holds(server, publish, folder, show):
    code, out, err = publish("--apply", "--show", show)
    assert (code, err) == (0, "")
    assert len(server.runs) == 9
    flows = {flow.id: flow for flow in server.flows}
    kept = stored_tests(folder / "r", show)
    n_checked = 0
    for run in server.runs:
        (task,) = (task for task in TASKS if task.id == run.task_id)
        learner = flows[run.flow_id].said("name").rpartition(".")[2]
        dataset = CATALOGUE.dataset(task.dataset_id)
        labels = next(a.levels for a in dataset.table.attributes if a.name == task.target)
        folds = lines_of(run.predictions)
        assert folds.keys() == {(row.repeat, row.fold) for row in task.splits}
        for (repeat, fold), columns in folds.items():
            tested = sorted(r.rowid for r in task.splits if r[:2] == (repeat, fold) and r.part == "TEST")
            rows = [int(cell) for cell in columns["row_id"]]
            assert rows == tested
            true = "correct" if labels else "truth"
            outcome = dataset.table.column(task.target)
            assert columns[true] == ([outcome[r] for r in rows] if labels else columns[true])
            trial, prediction = kept[f"openml-{task.id}", learner, repeat, fold]
            if not labels:
                assert [float(cell) for cell in columns[true]] == [float(outcome[r]) for r in rows]
                np.testing.assert_array_equal(np.array(columns["prediction"], "<f4"), prediction.values)
            else:
                said = np.array([columns[f"confidence.{label}"] for label in labels], "<f4").T
                np.testing.assert_allclose(said.sum(axis=1), 1, atol=1e-4)
                assert columns["prediction"] == [labels[k] for k in said.argmax(axis=1)]
                if prediction.kind == "probability":
                    there = [label in set(outcome) for label in labels]
                    np.testing.assert_array_equal(said[:, there], prediction.values)
                    assert (said[:, ~np.array(there)] == 0).all()
                else:
                    assert set(said.ravel()) == {0, 1}
                    if task.id == 9103:
                        continue  # the area under the curve of labels is another one
            assert scored(columns, task) == pytest.approx(trial["test_score"], rel=1e-5, abs=1e-6)
            n_checked += 1
    assert n_checked == 23
    assert "it offers no probabilities" in out


def test_a_run_says_what_it_was_made_with(server, publish, folder):
    publish("--apply")
    by_name = {(flow.said("name"), flow.said("external_version")): flow for flow in server.flows}
    tree = next(flow for (name, version), flow in by_name.items()
                if name == "bench.tree" and version.endswith("problem=multiclass"))  # fmt: skip
    run = next(run for run in server.runs if run.flow_id == tree.id)
    row, _ = stored_tests(folder / "r", "default")["openml-9102", "tree", 0, 0]
    config = {name: json.loads(value) for name, value in run.settings.items()}
    assert {n: v for n, v in config.items() if not n.startswith("bench.")} == json.loads(row["config"])
    assert config["bench.validation"] == "holdout25"
    assert "scikit-learn==" in tree.said("dependencies")
    assert tree.said("language") == "English"
    publish("--apply", "--show", "tuned")
    tuned = next(flow for flow in server.flows if flow.said("name") == "bench.tuned.tree")
    run = next(run for run in server.runs if run.flow_id == tuned.id)
    assert json.loads(run.settings["bench.budget_trials"]) == 3
    assert row["evidence_key"] in run.predictions.decode() or run.task_id != 9102


def test_nothing_is_sent_twice(server, publish, folder):
    assert publish("--apply")[0] == 0
    entries, n_posts = remembered(folder), len(posts(server))
    assert sorted(entry["run"] for entry in entries) == [run.id for run in server.runs]
    assert KEY not in (folder / "r/published/openml.json").read_text()
    assert not any(KEY in line for line in server.requests), "it stands in no address"
    code, out, _ = publish("--apply")
    assert code == 0
    assert out.count("published before: ") == 9
    assert f"run {server.runs[0].id}, {server.origin}/r/{server.runs[0].id}" in out
    assert len(posts(server)) == n_posts
    assert remembered(folder) == entries


def test_without_apply_nothing_leaves_and_the_client_reads_what_would(server, publish, folder):
    code, out, err = publish()
    assert (code, err) == (0, "")
    assert server.requests == []
    assert not (folder / "r/published/openml.json").exists()
    assert "cannot be published: sk-diabetes, 18 cells: its table is no table in OpenML's row order" in out
    files = sorted((folder / "r/published/openml").glob("*/*"))
    assert len(files) == 9
    script = (
        "import sys, openml\n"
        "for path in sys.argv[1:]:\n"
        "    run = openml.runs.OpenMLRun.from_filesystem(path, expect_model=False)\n"
        "    print(run.task_id, run.flow.name, len(run.data_content))\n"
    )
    environment = {**os.environ, "OPENML_CACHE_DIR": str(folder / "other")}
    read = subprocess.run([sys.executable, "-c", script, *files], env=environment, capture_output=True,
                          text=True, check=False)  # fmt: skip
    n_tested = {task.id: sum(row.part == "TEST" for row in task.splits) for task in TASKS}
    wanted = {
        f"{task} bench.{name} {n}" for task, n in n_tested.items() for name in ("tree", "linear", "svm-rbf")
    }
    assert set(read.stdout.splitlines()) == wanted, read.stderr
    assert publish("-o", folder / "elsewhere")[0] == 0
    assert len(list((folder / "elsewhere").iterdir())) == 9


def test_no_feature_is_among_what_is_written(server, publish, folder):
    publish()
    for path in (folder / "r/published/openml").rglob("predictions.arff"):
        names = {attribute.name for attribute in read_arff(path.read_bytes()).attributes}
        fixed = {"repeat", "fold", "row_id", "prediction", "correct", "truth"}
        assert all(name in fixed or name.startswith("confidence.") for name in names)


REFUSED = {
    "none": ("", "publishing needs an API key of OpenML"),
    "of another account": ("apikey = 123\n", "does not take your API key (it says: Authentication failed"),
    "in a file that is none": ("apikey\n[", "is no list of `name = value`"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_key_that_does_not_open_is_one_line_and_sends_nothing(server, publish, folder, tmp_path, case):
    content, words = REFUSED[case]
    config = tmp_path / "config/openml/config"
    config.write_text(content)
    code, _, err = publish("--apply")
    assert code == 5
    assert words in err
    assert str(config) in err
    assert len(err.splitlines()) == 1
    assert server.runs == server.flows == remembered(folder) == []
    config.unlink()
    assert "holds none" in publish("--apply")[2]


FAULTS = {
    "error 500": ("*/run/", ServerError(times=1), "answers with an error"),
    "unauthorised": ("*/run/", ServerError(times=1, status=401), "answers with an error"),
    "dropped upload": ("*/run/", DroppedUpload(times=1), "cannot be reached"),
    "no answer": ("*/run/", Hang(times=1), "gives no answer within 5 s"),
    "a flow dropped": ("*/flow/", DroppedUpload(times=1), "cannot be reached"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_what_was_not_taken_is_not_remembered_and_the_same_command_sends_it(server, publish, folder, case):
    pattern, fault, words = FAULTS[case]
    server.misbehave(pattern, fault)
    code, out, err = publish("--apply")
    assert code == 5
    assert words in err
    assert "0 runs were published and 9 were not" in err
    assert len(err.splitlines()) == 1
    assert "\npublished: " not in out
    assert server.runs == remembered(folder) == []
    assert len(posts(server)) <= 3, "a post that may have arrived is not tried again"
    assert publish("--apply")[0] == 0
    assert len(server.runs) == len(remembered(folder)) == 9


def test_what_was_taken_before_a_fault_is_not_sent_again(server, publish, folder):
    publish("--apply")
    done = server.runs[:2]
    path = folder / "r/published/openml.json"
    path.write_text(json.dumps({"format": 1, "published": remembered(folder)[:2]}))
    assert publish("--apply")[0] == 0
    sent_again = [run.predictions for run in server.runs[9:]]
    assert len(sent_again) == 7
    assert all(run.predictions not in sent_again for run in done)


def test_an_answer_that_is_lost_is_said_with_where_to_look(server, publish, folder):
    server.misbehave("*/run/", CutBody(times=1))
    code, _, err = publish("--apply")
    assert code == 5
    assert f"should the run have arrived all the same, {server.origin}/f/{server.flows[0].id} lists it" in err
    assert len(server.runs) == 1
    assert remembered(folder) == []


def test_labels_that_openml_does_not_have_are_not_translated(server, publish, folder):
    server.misbehave("*", ReplacedTable(replace(IRIS, arff=IRIS.arff.replace(b"Iris-", b"I."))))
    code, _, err = publish("--apply")
    assert code == 5
    assert err.count("has the classes I.setosa, I.versicolor, I.virginica: Iris-setosa") == 3
    assert {run.task_id for run in server.runs} == {9101, 9103}
    assert "3 of 9 runs cannot be on OpenML" in err


def test_a_flow_of_the_same_name_that_is_another_is_not_run_under(server, publish, folder):
    publish("--apply")
    tree = next(flow for flow in server.flows if flow.said("name") == "bench.tree")
    for parameter in tree.description.iter(f"{{{NAMESPACE}}}name"):
        if parameter.text == "max_depth":
            parameter.text = "depth"
    (folder / "r/published/openml.json").unlink()
    code, _, err = publish("--apply")
    assert code == 5
    assert f"another flow of the name bench.tree and the version {tree.said('external_version')}" in err
    assert f"{server.origin}/f/{tree.id}" in err


def test_row_ids_that_mean_other_rows_there_are_not_sent(server, publish, folder):
    other = repeated_task(9102, IRIS, repeats=1, folds=3, seed=1)
    server.catalogue = replace(CATALOGUE, tasks=(*OFFICIAL.tasks, *TASKS[:1], other, *TASKS[2:]))
    code, _, err = publish("--apply")
    assert code == 5
    assert err.count("tests other rows there than here") == 3
    assert {run.task_id for run in server.runs} == {9101, 9103}


def test_cells_that_are_no_run_on_openml_are_named_with_the_reason(server, publish, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    made(
        folder,
        ["openml_task = 9102"],
        folds=10,
        interventions=["none", "noise-columns:3"],
        sizes=[20, "full"],
    )
    code, out, _ = publish(home=folder)
    assert code == 0
    assert "OpenML task 9102 (openml-9102): 1 runs, 3 folds, 150 predictions each" in out
    assert "openml-9102, 6 cells: its rows were changed (noise-columns:3)" in out
    assert "openml-9102, 3 cells: repeat 0, fold 0: learnt from 20 of the task's 100 training rows" in out


def test_a_task_of_which_folds_are_missing_is_refused_with_the_command(server, publish, tmp_path):
    folder = tmp_path / "odd"
    folder.mkdir()
    made(folder, ["openml_task = 9102"], folds=2)
    code, out, err = publish(home=folder)
    assert code == 3
    assert "the run would be incomplete: 2 of the task's 3 folds were run; `bench run` with --folds 3" in out
    assert "nothing that could be a run on OpenML" in err


def test_predictions_that_are_gone_damaged_or_cut_short_stop_their_own_run_alone(server, publish, folder):
    store = read_store(folder / "r")
    keys = {row["cell_id"]: row["evidence_key"] for row in store.rows("SELECT * FROM evidence")}
    store.predictions_path(keys["openml-9102/r0f1/tree/none/s0/cpu1/holdout25"]).unlink()
    damaged = store.predictions_path(keys["openml-9101/r1f0/linear/none/s0/cpu1/holdout25"])
    content = bytearray(damaged.read_bytes())
    content[-5] ^= 1
    damaged.write_bytes(content)
    store.close()
    with sqlite3.connect(folder / "r/bench.sqlite") as connection:
        connection.execute(
            "UPDATE trials SET status = 'truncated' WHERE trial = 0 AND evidence_key = ?",
            (keys["openml-9103/r0f0/linear/none/s0/cpu1/holdout25"],),
        )
    connection.close()
    code, out, _ = publish("--apply")
    assert code == 0
    assert "repeat 0, fold 0: its budget cut the default configuration short" in out
    assert "openml-9102, 3 cells: repeat 0, fold 1: the predictions of trial 0 were not kept" in out
    assert "stored predictions are damaged" in out
    assert len(server.runs) == 6


def test_a_mirror_in_openmls_order_is_published_to_the_task_that_was_asked_for(
    server, publish, tmp_path, monkeypatch
):
    folder = tmp_path / "mirrored"
    folder.mkdir()
    url = os.environ["BENCH_OPENML_SERVER"]
    monkeypatch.setenv("BENCH_OPENML_SERVER", "off")
    made(folder, ["openml_task = 59"])
    assert "OpenML is not asked" in publish("--apply", home=folder)[2]
    monkeypatch.setenv("BENCH_OPENML_SERVER", url)
    code, out, err = publish("--apply", home=folder)
    assert (code, err) == (0, "")
    assert "OpenML task 59 (iris): 1 runs, 10 folds, 150 predictions each" in out
    (run,) = server.runs
    assert run.task_id == 59
    true = {row: label for columns in lines_of(run.predictions).values()
            for row, label in zip(columns["row_id"], columns["correct"], strict=True)}  # fmt: skip
    assert [true[str(row)] for row in range(150)] == list(IRIS.table.column("class"))


def test_a_table_that_the_cache_has_lost_is_said(server, publish, folder):
    (folder / "cache").unlink()
    code, out, _ = publish()
    assert code == 3
    assert "the labels of table openml-9102 are needed" in out
