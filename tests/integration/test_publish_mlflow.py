"""What is logged with MLflow, into a tracking store of its own kind: a folder of real files."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

needs_mlflow = pytest.mark.skipif(
    importlib.util.find_spec("mlflow") is None,
    reason="MLflow is not installed: pip install 'inductive-bench[mlflow]'",
)
TASKS = ["iris", "sk-diabetes"]
TUNED = """
SELECT e.cell_id, e.evidence_key, e.fingerprint, t.* FROM trials t JOIN evidence e USING (evidence_key)
GROUP BY t.evidence_key HAVING t.validation_score = min(t.validation_score)
"""
READ = """
import json, sys
from mlflow import MlflowClient
client = MlflowClient(tracking_uri=sys.argv[1])
(experiment,) = [each for each in client.search_experiments() if each.name != "Default"]
print(json.dumps({"experiment": experiment.name, "runs": [
    {"name": r.info.run_name, "status": r.info.status, "params": r.data.params, "metrics": r.data.metrics,
     "tags": r.data.tags, "seconds": (r.info.end_time - r.info.start_time) / 1000}
    for r in client.search_runs([experiment.experiment_id])]}))
"""


@pytest.fixture
def store(bench, monkeypatch):
    """A run of two learners on two tables, one of them twice: as it is and with columns of noise."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    suite = bench.suite("logged", ["linear", "tree"], "trials = 3", tasks=TASKS,
                        interventions=["none", "noise-columns:2"])  # fmt: skip
    bench("run", suite, "--folds", "1", "--executor", "inline")
    return bench


def read(store, uri):
    done = subprocess.run(
        [sys.executable, "-c", READ, uri], env=os.environ, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_without_apply_it_is_said_what_would_be_logged(store):
    said = store("publish", "mlflow", "--uri", f"file:{store.folder}/runs")
    assert "8 runs would be logged under the experiment logged; nothing was" in said
    for row in store.rows(TUNED):
        assert f"{row['cell_id']}: " in said
    assert not (store.folder / "runs").exists()


@needs_mlflow
def test_each_cell_is_a_run_with_its_tuned_result(store):
    uri = f"file:{store.folder}/runs"
    assert "8 runs were logged, 0 were there before" in store("publish", "mlflow", "--uri", uri, "--apply")
    found = read(store, uri)
    assert found["experiment"] == "logged"
    runs = {run["tags"]["bench.evidence_key"]: run for run in found["runs"]}
    rows = {row["evidence_key"]: row for row in store.rows(TUNED)}
    (bench_run,) = store.rows("SELECT run_id FROM runs")
    assert len(found["runs"]) == len(rows) == 8
    assert runs.keys() == rows.keys()
    for key, row in rows.items():
        run = runs[key]
        assert (run["name"], run["status"]) == (row["cell_id"], "FINISHED")
        config = json.loads(row["config"])
        assert run["params"] == {n: v if isinstance(v, str) else json.dumps(v) for n, v in config.items()}
        for name in (
            "validation_score",
            "test_score",
            "train_score",
            "billed_s",
            "spent_s",
            "peak_memory_bytes",
        ):
            assert run["metrics"][name] == row[name]
        for part, metrics in json.loads(row["metrics"]).items():
            assert {n: run["metrics"][f"{part}.{n}"] for n in metrics} == metrics
        assert run["tags"]["bench.cell_id"] == row["cell_id"]
        assert run["tags"]["bench.dataset_fingerprint"] == row["fingerprint"]
        assert run["tags"]["bench.run_id"] == bench_run["run_id"]
        assert run["seconds"] == pytest.approx(row["billed_wall_s"] + row["unbilled_wall_s"], abs=0.002)


@needs_mlflow
def test_evidence_is_logged_once_whichever_run_it_is_of_and_what_was_cut_short_anew(store):
    uri = f"file:{store.folder}/runs"
    store("publish", "mlflow", "--uri", uri, "--apply")
    store("run", "logged.toml", "--folds", "2", "--executor", "inline")
    assert "8 runs were logged, 8 were there before" in store("publish", "mlflow", "--uri", uri, "--apply")
    assert len(read(store, uri)["runs"]) == 16
    (tag, *_) = sorted((store.folder / "runs").glob("*/*/tags/bench.evidence_key"))
    tag.unlink()  # the last thing that is written
    assert "1 runs were logged, 15 were there before" in store("publish", "mlflow", "--uri", uri, "--apply")


@needs_mlflow
def test_a_result_that_has_changed_since_is_said_and_not_logged_over(store):
    uri = f"file:{store.folder}/runs"
    store("publish", "mlflow", "--uri", uri, "--apply")
    before = {run["tags"]["bench.evidence_key"]: run for run in read(store, uri)["runs"]}
    store("run", "logged.toml", "--folds", "1", "--executor", "inline", "--trials", "12")
    said = store("publish", "mlflow", "--uri", uri, "--apply")
    changed = [
        row
        for row in store.rows(TUNED)
        if before[row["evidence_key"]]["tags"]["bench.trial"] != str(row["trial"])
    ]
    assert changed, "no search went on to something better"
    assert said.count("logged before, with another result: ") == len(changed)
    assert len(read(store, uri)["runs"]) == 8


@needs_mlflow
def test_a_place_that_cannot_be_used_is_one_line(store):
    said = store("publish", "mlflow", "--uri", "http://127.0.0.1:9", "--apply", code=5)
    (line,) = [line for line in said.splitlines() if line.startswith("bench: ")]
    assert "MLflow at http://127.0.0.1:9 cannot be used" in line


def test_without_the_package_it_is_said_which(store):
    (store.folder / "hidden").mkdir()
    (store.folder / "hidden/mlflow.py").write_text("raise ImportError('not here')\n")
    path = os.pathsep.join((str(store.folder / "hidden"), os.environ.get("PYTHONPATH", "")))
    done = subprocess.run(
        [sys.executable, "-m", "bench", "publish", "mlflow", "--apply"],
        cwd=store.folder,
        env={**store.environment, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 5
    assert "pip install 'inductive-bench[mlflow]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1
