"""The store keeps what it was given, refuses what is not its own, and lends a cell to one live process."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import pandas as pd
import pytest
from click.testing import CliRunner

from bench.budgets import Budget
from bench.cells import CellStatus
from bench.cli.export import command as export
from bench.cli.show import command as show
from bench.config.expand import expand
from bench.datasets import ImageShape
from bench.environments import Environment
from bench.errors import ConfigError, PrerequisiteError
from bench.orders import Predictions
from bench.registry import learner
from bench.store import predictions as prediction_files
from bench.store.leases import Holder, _started
from bench.store.opening import SCHEMA_VERSION, open_store, read_store
from bench.store.query import cell_rows, find_run, runs, trial_rows
from bench.store.sqlite import FILE_NAME, Forget, RunRequest
from bench.trials import Flag, Outcome, TrialStatus

ENVIRONMENT = Environment(
    packages={"numpy": "2.0"}, python="3.11", system="Linux", cpu="a cpu", cpu_count=2, memory_bytes=1,
    gpus=(), commit=None,
)  # fmt: skip
ROWS = {"train": 90, "fit": 60, "validation": 30, "test": 10, "test_minority": 4}
OK = Outcome(status=CellStatus.OK, complete=True, ended_by="trials", wall_s=2.5, log="said\n")
CUT = Outcome(status=CellStatus.INTERRUPTED, complete=False, reason="stopped")
LATER = Budget(seconds=60.0, trials=None)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "results"


@pytest.fixture
def store(folder):
    opened = open_store(folder)
    yield opened
    opened.close()


@pytest.fixture
def run(store, plan):
    store.add_run("run-1", plan, RunRequest(key="the command"), ENVIRONMENT)
    return "run-1"


def attempt(store, order, trials, outcome=OK, run="run-1"):
    """Make an attempt with these trials; None for an outcome leaves it as a kill of the run does."""
    store.start_attempt(order, run)
    store.add_rows(order, ROWS)
    for trial in trials:
        store.add_trial(order, trial, None)
    if outcome is not None:
        store.end_attempt(order, outcome)


# -- the file ---------------------------------------------------------------------------------------


def test_a_new_store_is_durable_and_checks_its_references(store, folder):
    pragmas = {
        name: store.rows(f"PRAGMA {name}")[0] for name in ("journal_mode", "synchronous", "foreign_keys")
    }
    assert [next(iter(row.values())) for row in pragmas.values()] == ["wal", 2, 1]
    assert store.rows("PRAGMA user_version") == [{"user_version": SCHEMA_VERSION}]
    assert (folder / FILE_NAME).is_file()


def test_what_was_kept_is_there_when_it_is_opened_again(store, folder, run, order, make_trial):
    attempt(store, order, [make_trial(0)])
    other = open_store(folder)
    assert trial_rows(other, run) == trial_rows(store, run) != []
    other.close()


def test_what_is_not_there_is_not_made_for_looking(folder):
    with pytest.raises(PrerequisiteError, match="holds no results yet"):
        read_store(folder)
    assert not folder.exists()


def test_a_newer_schema_is_refused_with_both_numbers(store, folder):
    store.close()
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION + 6}")
    connection.close()
    with pytest.raises(
        PrerequisiteError, match=f"schema {SCHEMA_VERSION + 6}, this one reads {SCHEMA_VERSION}"
    ):
        open_store(folder)


@pytest.mark.parametrize("version", [0, SCHEMA_VERSION])
def test_a_database_of_something_else_is_refused_and_left_alone(folder, version):
    """Many programs number their own schema from 1: the number alone makes no store."""
    folder.mkdir()
    connection = sqlite3.connect(folder / FILE_NAME)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    connection.execute(f"PRAGMA user_version = {version}")
    connection.commit()
    connection.close()
    before = (folder / FILE_NAME).read_bytes()
    with pytest.raises(PrerequisiteError, match="SQLite file of something else"):
        open_store(folder)
    assert (folder / FILE_NAME).read_bytes() == before


def test_a_refused_database_is_not_kept_locked(folder):
    folder.mkdir()
    connection = sqlite3.connect(folder / FILE_NAME, timeout=0, isolation_level=None)
    connection.execute("CREATE TABLE bookmarks (url TEXT)")
    with pytest.raises(PrerequisiteError) as caught:
        open_store(folder)
    connection.execute("INSERT INTO bookmarks VALUES ('x')")
    connection.close()
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("content", [b"not a database at all, whatever its name says" * 50, b"\x00" * 5000])
def test_garbage_is_refused_and_left_alone(folder, content):
    folder.mkdir()
    (folder / FILE_NAME).write_bytes(content)
    with pytest.raises(PrerequisiteError, match=r"cannot be used as a store.*--results"):
        open_store(folder)
    assert (folder / FILE_NAME).read_bytes() == content


def test_a_folder_that_cannot_be_one_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError, match="--results"):
        open_store(tmp_path / "file")


def test_threads_that_open_a_new_file_at_once_all_succeed(tmp_path):
    failures = []

    def open_it(folder, barrier):
        barrier.wait()
        try:
            open_store(folder).close()
        except PrerequisiteError as error:
            failures.append(error)

    for number in range(20):
        barrier = threading.Barrier(3)
        arguments = (tmp_path / str(number), barrier)
        opening = [threading.Thread(target=open_it, args=arguments) for _ in range(3)]
        for thread in opening:
            thread.start()
        for thread in opening:
            thread.join()
    assert failures == []


TOGETHER = """
import sys
import time
from pathlib import Path
from bench.errors import PrerequisiteError
from bench.store.opening import open_store
root, me, other = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
for number in range(20):
    (root / f"ready-{number}-{me}").touch()
    until = time.monotonic() + 5
    while not (root / f"ready-{number}-{other}").exists() and time.monotonic() < until:
        pass
    try:
        open_store(root / str(number)).close()
    except PrerequisiteError as error:
        print(error)
"""


def test_processes_that_open_a_new_file_at_once_both_succeed(tmp_path):
    opening = [
        subprocess.Popen(
            [sys.executable, "-c", TOGETHER, str(tmp_path), *names],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for names in (("a", "b"), ("b", "a"))
    ]  # fmt: skip
    said = []
    try:
        said += [process.communicate(timeout=60) for process in opening]
    finally:
        for process in opening:
            process.kill()
            process.wait()
    assert said == [("", "")] * 2


def test_a_file_that_another_run_has_just_made_is_waited_for(store, folder):
    """The moment before it is switched to WAL, seen by a second run while a third one reads."""
    store.close()
    reader = sqlite3.connect(folder / FILE_NAME, isolation_level=None, check_same_thread=False)
    reader.execute("PRAGMA journal_mode = DELETE")
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM runs").fetchall()
    release = threading.Timer(0.3, reader.execute, ("COMMIT",))
    release.start()
    try:
        open_store(folder).close()
    finally:
        release.join()
        reader.close()


def test_a_full_disk_is_one_line_and_costs_one_trial(store, run, order, make_trial):
    store.start_attempt(order, run)
    store.add_trial(order, make_trial(0), None)
    pages = store.rows("PRAGMA page_count")[0]["page_count"]
    store.rows(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(PrerequisiteError, match=r"cannot be written.*full.*everything finished is kept"):
        store.add_trial(order, make_trial(1, reason="x" * 100_000), None)
    store.rows(f"PRAGMA max_page_count = {pages + 1000}")
    store.add_trial(order, make_trial(1), None)
    store.end_attempt(order, OK)
    assert [row["trial"] for row in trial_rows(store, run)] == [0, 1]


# -- trials -----------------------------------------------------------------------------------------


def test_a_trial_is_kept_at_full_precision(store, run, order, make_trial):
    trial = make_trial(
        0,
        config={"a": 0.1 + 0.2, "b": None, "c": "é", "d": True},
        validation_score=1 / 3,
        test_score=5e-324,
        train_score=0.0,
        test_score_single=math.pi,
        metrics={"test": {"auc": 0.1 + 0.7}},
        flags=(Flag.NOT_CONVERGED, Flag.STARVED),
        prediction_hash="0123456789abcdef",
        reason="a\nline",
    )
    attempt(store, order, [trial])
    (row,) = trial_rows(store, run)
    assert (row["validation_score"], row["test_score"]) == (1 / 3, 5e-324)
    assert (row["train_score"], row["test_score_single"]) == (0.0, math.pi)
    assert json.loads(row["config"]) == trial.config
    assert json.loads(row["metrics"]) == trial.metrics
    assert row["flags"] == "not_converged,starved"
    assert (row["cell_id"], row["task"], row["dataset"]) == (order.cell.id, "cmc", "cmc")
    assert (row["learner"], row["family"], row["device"]) == ("xgboost", "boosted-trees", "cpu1")
    assert (row["validation"], row["problem"]) == ("holdout25", "multiclass")
    assert (row["n_test"], row["n_test_minority"]) == (10, 4)
    assert (row["attempt_budget_s"], row["attempt_budget_trials"]) == (4.0, 50)
    assert (row["billed_s"], row["unbilled_s"], row["spent_s"]) == (1.0, 0.5, 1.0)
    assert (row["peak_memory_bytes"], row["energy_j"]) == (9, None)


def test_a_score_that_is_no_number_does_not_become_one(store, run, order, make_trial):
    nan = make_trial(1, status=TrialStatus.NAN, validation_score=math.nan, test_score=math.nan)
    attempt(store, order, [make_trial(0), nan, make_trial(2, validation_score=math.inf)])
    found = [(row["validation_score"], row["status"]) for row in trial_rows(store, run)]
    assert found == [(0.5, "ok"), (None, "nan"), (math.inf, "ok")]


def test_a_trial_is_kept_once(store, run, order, make_trial):
    store.start_attempt(order, run)
    store.add_trial(order, make_trial(0), None)
    with pytest.raises(sqlite3.IntegrityError):
        store.add_trial(order, make_trial(0), None)
    store.end_attempt(order, OK)
    assert len(trial_rows(store, run)) == 1


def test_a_trial_without_an_attempt_is_refused(store, run, order, make_trial):
    with pytest.raises(sqlite3.IntegrityError):
        store.add_trial(order, make_trial(0), None)


def test_continued_attempts_show_both_rows_of_a_repeated_trial(store, run, order, make_trial):
    """Which of them counts depends on the budget that is looked at: the views decide."""
    cut = make_trial(1, status=TrialStatus.TRUNCATED, spent_s=4.0)
    attempt(store, order, [make_trial(0), cut])
    second = replace(order, attempt=2, budget=LATER, start_trial=1)
    attempt(store, second, [make_trial(1, spent_s=6.0), make_trial(2, spent_s=7.0)])
    found = [
        (row["trial"], row["attempt"], row["status"], row["attempt_budget_s"])
        for row in trial_rows(store, run)
    ]
    assert found == [(0, 1, "ok", 4.0), (1, 1, "truncated", 4.0), (1, 2, "ok", 60.0), (2, 2, "ok", 60.0)]


def test_an_attempt_begun_afresh_hides_every_older_trial(store, run, order, make_trial):
    attempt(store, order, [make_trial(0), make_trial(1), make_trial(2)])
    attempt(store, replace(order, attempt=2, start_trial=3, budget=LATER), [make_trial(3)])
    attempt(store, replace(order, attempt=3, fresh=True), [make_trial(0, test_score=0.1)])
    found = [(row["trial"], row["attempt"]) for row in trial_rows(store, run)]
    assert found == [(0, 3)]
    attempt(store, replace(order, attempt=4, start_trial=1, budget=LATER), [make_trial(1)])
    found = [(row["trial"], row["attempt"]) for row in trial_rows(store, run)]
    assert found == [(0, 3), (1, 4)]
    assert len(store.rows("SELECT * FROM trials")) == 6, "hidden, not lost"


def test_a_space_that_ended_counts_as_the_budget_that_was_asked_for(store, plan, run, order, make_trial):
    attempt(store, order, [make_trial(0)], replace(OK, ended_by="space"))
    store.add_run("run-2", replace(plan, budget=LATER), RunRequest(key="more"), ENVIRONMENT)
    budgets = [
        [(row["attempt_budget_s"], row["attempt_budget_trials"]) for row in trial_rows(store, name)]
        for name in ("run-1", "run-2")
    ]
    assert budgets == [[(4.0, 50)], [(60.0, None)]]


def test_trials_of_an_interrupted_cell_are_shown(store, run, order, make_trial):
    """Ctrl-C keeps every trial that ended, and so must an export."""
    attempt(store, order, [make_trial(0), make_trial(1)], CUT)
    assert [row["trial"] for row in trial_rows(store, run)] == [0, 1]


def test_the_rows_of_an_earlier_attempt_serve_a_later_one_that_was_cut(store, run, order, make_trial):
    attempt(store, order, [make_trial(0)])
    attempt(store, replace(order, attempt=2, start_trial=1, budget=LATER), [make_trial(1)], CUT)
    assert [(row["trial"], row["n_test"]) for row in trial_rows(store, run)] == [(0, 10), (1, 10)]


def test_two_runs_with_the_same_cell_show_the_same_trials(store, plan, run, order, make_trial):
    attempt(store, order, [make_trial(0)])
    store.add_run("run-2", plan, RunRequest(key="the command"), ENVIRONMENT)
    assert trial_rows(store, "run-2") == trial_rows(store, run)
    assert len(store.rows("SELECT * FROM evidence")) == len(store.rows("SELECT * FROM environments")) == 1


def test_what_a_later_run_adds_does_not_change_what_an_ended_run_shows(store, plan, run, order, make_trial):
    attempt(store, order, [make_trial(0), make_trial(1, status=TrialStatus.TRUNCATED)])
    store.end_run(run)
    before = trial_rows(store, run), cell_rows(store, run)
    time.sleep(0.005)
    store.add_run("run-2", replace(plan, budget=LATER), RunRequest(key="more"), ENVIRONMENT)
    later = replace(order, attempt=2, start_trial=1, budget=LATER)
    attempt(store, later, [make_trial(1, test_score=0.01)], run="run-2")
    attempt(store, replace(order, attempt=3, fresh=True), [make_trial(0, test_score=0.02)], run="run-2")
    assert (trial_rows(store, run), cell_rows(store, run)) == before
    assert [row["test_score"] for row in trial_rows(store, "run-2")] == [0.02]


def test_a_fresh_start_that_was_stopped_goes_on_and_one_that_ended_does_not(
    store, plan, run, order, make_trial
):
    attempt(store, order, [make_trial(0)])
    asked = RunRequest(key="afresh", fresh_since="2026-01-01T00:00:00.000+00:00")
    store.add_run("run-2", plan, asked, ENVIRONMENT)
    arguments = ("afresh", plan.suite.hash, plan.budget)
    assert store.unfinished_fresh_start(*arguments) == asked.fresh_since
    assert store.unfinished_fresh_start("afresh", plan.suite.hash, LATER) is None
    store.end_run("run-2")
    assert store.unfinished_fresh_start(*arguments) is None


def test_evidence_from_before_does_not_count_for_a_fresh_start(store, run, order, make_trial):
    attempt(store, order, [make_trial(0), make_trial(1)])
    assert store.standing(order.evidence_key, order.budget).done
    fresh = store.standing(order.evidence_key, order.budget, Forget(before="9999"))
    assert (fresh.done, fresh.fresh, fresh.attempt, fresh.start_trial) == (False, True, 2, 0)
    assert store.standing(order.evidence_key, order.budget, Forget(before="2000")).done


def test_more_memory_takes_a_cell_up_again_that_had_too_little(store, run, order, make_trial):
    oom = replace(OK, status=CellStatus.OOM, ended_by="trials")
    attempt(store, order, [make_trial(0, status=TrialStatus.OOM)], oom)
    assert store.standing(order.evidence_key, order.budget).done
    more = replace(order.budget, memory_bytes=2 * order.budget.memory_bytes)
    assert not store.standing(order.evidence_key, more).done


def test_a_store_of_somebody_else_can_be_read(store, run, order, make_trial, folder):
    attempt(store, order, [make_trial(0)])
    looking = read_store(folder)
    assert len(trial_rows(looking, run)) == 1
    with pytest.raises(PrerequisiteError, match="cannot be written"):
        looking.end_run(run)
    looking.close()


# -- where a cell stands ----------------------------------------------------------------------------


def test_where_a_cell_stands_is_read_from_its_trials(store, run, order, make_trial):
    key = order.evidence_key
    assert store.standing(key, order.budget).attempt == 1
    cut = make_trial(2, status=TrialStatus.TIMEOUT, validation_score=None, spent_s=4.5)
    attempt(store, order, [make_trial(0), make_trial(1), cut])
    assert store.standing(key, order.budget).done
    stands = store.standing(key, LATER)
    assert (stands.done, stands.attempt, stands.start_trial, stands.spent_s) == (False, 2, 2, 2.0)
    attempt(store, replace(order, attempt=2, start_trial=2, budget=LATER), [make_trial(2)], CUT)
    stands = store.standing(key, order.budget)  # what the first attempt did is done, whatever came after it
    assert (stands.done, stands.attempt, stands.start_trial, stands.spent_s) == (True, 3, 3, 3.0)
    assert not store.standing(key, LATER).done


def test_a_cell_whose_run_was_killed_goes_on(store, run, order, make_trial):
    attempt(store, order, [make_trial(0), make_trial(1)], None)
    stands = store.standing(order.evidence_key, order.budget)
    assert (stands.done, stands.attempt, stands.start_trial, stands.valid_before) == (False, 2, 2, True)


def test_a_cell_begun_afresh_stands_where_the_fresh_attempt_left_it(store, run, order, make_trial):
    attempt(store, order, [make_trial(number) for number in range(5)])
    attempt(store, replace(order, attempt=2, fresh=True), [make_trial(0)], CUT)
    stands = store.standing(order.evidence_key, order.budget)
    assert (stands.done, stands.attempt, stands.start_trial, stands.spent_s) == (False, 3, 1, 1.0)


def test_an_exhausted_space_is_done_under_every_budget(store, run, order, make_trial):
    attempt(store, order, [make_trial(0)], replace(OK, ended_by="space"))
    assert store.standing(order.evidence_key, Budget(seconds=None, trials=None)).done


# -- predictions ------------------------------------------------------------------------------------


def test_predictions_are_kept_with_their_trial_and_compacted_at_the_end(store, run, order, make_trial):
    predictions = Predictions("value", (1,), (1,), b"12345678")
    store.start_attempt(order, run)
    for number in range(40):
        store.add_trial(order, make_trial(number, validation_score=0.5 + number / 100), predictions)
    path = store.predictions_path(order.evidence_key)
    assert len(prediction_files.read(path)) == 40
    store.end_attempt(order, OK)
    assert set(prediction_files.read(path)) == set(range(25))


def test_a_torn_file_of_predictions_is_mended_before_more_is_added(store, run, order, make_trial):
    predictions = Predictions("value", (1,), (1,), b"12345678")
    store.start_attempt(order, run)
    store.add_trial(order, make_trial(0), predictions)
    store.add_trial(order, make_trial(1), predictions)
    path = store.predictions_path(order.evidence_key)
    path.write_bytes(path.read_bytes()[:-3])
    second = replace(order, attempt=2, start_trial=1)
    store.start_attempt(second, run)
    store.add_trial(second, make_trial(1), predictions)
    store.end_attempt(second, OK)
    found = prediction_files.read(path)
    assert [(record.trial, record.attempt) for record in found.values()] == [(0, 1), (1, 2)]


# -- runs and cells ---------------------------------------------------------------------------------


def test_how_each_cell_stands(store, plan, order, make_trial):
    (planned,) = plan.cells
    keys = ["ok", "never", "killed", "too large"]
    cells = tuple(
        replace(
            planned,
            cell=replace(planned.cell, seed=seed),
            evidence_key=key,
            not_applicable="too many rows" if key == "too large" else None,
        )
        for seed, key in enumerate(keys)
    )
    store.add_run("run-1", replace(plan, cells=cells), RunRequest(key="the command"), ENVIRONMENT)
    for key, outcome in (("ok", OK), ("killed", None)):
        attempt(store, replace(order, evidence_key=key), [make_trial(0)], outcome)
    rows = cell_rows(store, "run-1")
    assert [row["evidence_key"] for row in rows] == keys, "in the order of the plan"
    assert [row["status"] for row in rows] == ["ok", "", "interrupted", "not_applicable"]
    assert rows[3]["reason"] == "too many rows"
    assert (rows[0]["n_train"], rows[0]["n_fit"], rows[0]["n_validation"]) == (90, 60, 30)
    assert (rows[0]["wall_s"], rows[0]["log"], rows[0]["complete"]) == (2.5, "said\n", 1)


@pytest.mark.parametrize("offered", [True, False])
def test_where_augmentation_was_searched_is_exported(store, plan, order, make_trial, offered):
    """The run's rows say of each cell what its plan said, also where no row was an image."""
    image = ImageShape(4, 4, 1)
    cell, output = order.cell, store.folder / "out"
    pictures = replace(cell.task.dataset, name="pictures", fingerprint="f" * 64, image=image)
    tasks = [cell.task, replace(cell.task, name="pictures", dataset=pictures)]
    kept = ("none", "permute-pixels", "noise-columns:3")
    suite = replace(plan.suite, augmentation=offered, interventions=kept)
    made = expand(suite, tasks, {"dummy": learner("dummy")}, ())
    store.add_run("run-1", made, RunRequest(key="the command"), ENVIRONMENT)
    planned = [each.cell.augmentation for each in made.cells]
    assert planned == [False, False, False, offered, offered, False]
    assert [row["augmentation"] for row in cell_rows(store, "run-1")] == planned
    for each in made.cells:
        attempt(store, replace(order, evidence_key=each.evidence_key), [make_trial(0)])
    asked = ["-o", str(output), "--results", str(store.folder)]
    assert CliRunner().invoke(export, asked, catch_exceptions=False).exit_code == 0
    for name in ("cells", "trials"):
        written = pd.read_csv(output / f"{name}.csv")
        assert written["augmentation"].tolist() == planned


def test_code_for_images_needs_no_cache(store, plan, order, make_trial, monkeypatch, tmp_path):
    """The shape of images is that of the table which was run, wherever tables are kept now."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.delenv("BENCH_CACHE", raising=False)
    cell = order.cell
    pictures = replace(cell.task.dataset, image=ImageShape(4, 5, 3))
    suite = replace(plan.suite, learners=("conv-net",))
    task = replace(cell.task, dataset=pictures)
    (planned,) = expand(suite, [task], {"conv-net": learner("conv-net")}, ()).cells
    made = replace(plan, suite=suite, tasks=(task,), cells=(planned,))
    store.add_run("run-1", made, RunRequest(key="the command"), ENVIRONMENT)
    config = learner("conv-net").space(pictures.problem).default
    attempt(store, replace(order, evidence_key=planned.evidence_key), [make_trial(0, config=config)])
    asked = ["conv-net", "--code", "--results", str(store.folder)]
    shown = CliRunner().invoke(show, asked, catch_exceptions=False)
    assert '"image": (4, 5, 3)' in shown.output


def test_the_latest_attempt_says_how_a_cell_stands(store, run, order, make_trial):
    attempt(store, order, [make_trial(0)])
    attempt(store, replace(order, attempt=2, start_trial=1, budget=LATER), [], CUT)
    (row,) = cell_rows(store, run)
    assert (row["status"], row["attempt"], row["budget_s"]) == ("interrupted", 2, 60.0)


def test_runs_are_found_by_id_or_the_latest(store, plan):
    with pytest.raises(PrerequisiteError, match="holds no run yet"):
        find_run(store, None)
    for name in ("first", "second", "third"):
        store.add_run(name, plan, RunRequest(key="the command"), ENVIRONMENT)
    store.end_run("second")
    assert [row["run_id"] for row in runs(store)] == ["third", "second", "first"]
    assert [bool(row["ended_at"]) for row in runs(store)] == [False, True, False]
    assert find_run(store, None)["run_id"] == "third"
    assert find_run(store, "first")["run_id"] == "first"
    with pytest.raises(ConfigError, match='no run "fourth"'):
        find_run(store, "fourth")


def test_a_run_is_on_record_whole_or_not_at_all(store, plan):
    store.add_run("run-1", plan, RunRequest(key="the command"), ENVIRONMENT)
    with pytest.raises(sqlite3.IntegrityError):
        store.add_run("run-1", plan, RunRequest(key="the command"), replace(ENVIRONMENT, python="3.99"))
    assert len(store.rows("SELECT * FROM environments")) == 1


def test_the_same_command_gets_the_budget_it_had(store, plan):
    within = replace(plan, budget=replace(plan.budget, seconds=12.5))
    assert store.budget_of_request("the command", plan.suite.hash) is None
    store.add_run("plain", plan, RunRequest(key="the command"), ENVIRONMENT)
    assert store.budget_of_request("the command", plan.suite.hash) is None, "it was not given a time"
    store.add_run("timed", within, RunRequest(key="the command", within_s=600.0), ENVIRONMENT)
    assert store.budget_of_request("the command", plan.suite.hash) == 12.5
    assert store.budget_of_request("another command", plan.suite.hash) is None
    assert store.budget_of_request("the command", "another hash") is None


# -- leases -----------------------------------------------------------------------------------------


@contextmanager
def sleeper():
    """A live process, and its holder."""
    with subprocess.Popen([sys.executable, "-I", "-S", "-c", "input()"], stdin=subprocess.PIPE) as process:
        yield process, Holder(process.pid, _started(process.pid), Holder.this_process().boot_id)
        process.kill()


def test_a_cell_is_lent_to_one_live_process(store):
    me = Holder.this_process()
    with sleeper() as (_, other):
        assert store.acquire("cell", other)
        assert not store.acquire("cell", me)
        assert store.acquire("another", me)
        store.release("cell")
        assert store.acquire("cell", me)
        assert not store.acquire("cell", other)
        assert store.acquire("cell", me), "what one has, one may take again"


def test_a_cell_of_a_dead_process_is_taken_over(store):
    with sleeper() as (process, other):
        assert store.acquire("cell", other)
        process.kill()
        process.wait()
        assert not other.alive()
        assert store.acquire("cell", Holder.this_process())


def test_a_process_that_was_killed_and_not_waited_for_is_dead(store):
    """In a container nobody may ever wait for it: its cells would be held for good."""
    with sleeper() as (process, other):
        assert store.acquire("cell", other)
        process.kill()
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert store.acquire("cell", Holder.this_process())


def test_a_cell_of_another_boot_is_taken_over(store):
    with sleeper() as (_, other):
        before = Holder(other.pid, other.process_started, "another boot")
        assert not before.alive()
        assert store.acquire("cell", before)
        assert store.acquire("cell", Holder.this_process())


def test_a_later_process_with_the_same_number_is_another_one(store):
    with sleeper() as (_, later):
        gone = Holder(later.pid, str(int(later.process_started) - 100), later.boot_id)
        assert later.alive()
        assert not gone.alive()
        assert store.acquire("cell", gone)
        assert store.acquire("cell", Holder.this_process())


def test_a_process_of_another_user_is_alive(monkeypatch):
    def refuse(pid, number):
        raise PermissionError

    monkeypatch.setattr(os, "kill", refuse)
    assert Holder.this_process().alive()
