"""Nothing finished is lost or repeated, however a run ends."""

from __future__ import annotations

import os
import shutil
import signal
import time

TRACE = """
SELECT e.cell_id, t.trial, t.config, t.status, t.validation_score, t.test_score, t.prediction_hash
FROM trials t JOIN evidence e USING (evidence_key) ORDER BY 1, 2, t.attempt
"""
ALL_LEARNERS = [
    "dummy", "linear", "knn", "tree", "random-forest", "xgboost", "lightgbm", "svm-rbf", "gp-exact", "mlp",
]  # fmt: skip


def wait_for_trials(bench, count):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if (bench.folder / "bench-results/bench.sqlite").exists() and len(bench.rows(TRACE)) >= count:
            return
        time.sleep(0.05)
    raise AssertionError("no trial was stored within a minute")


def assert_nobody_is_left(bench):
    deadline = time.monotonic() + 5
    while bench.processes() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert bench.processes() == []


def assert_each_trial_once(bench, cells, trials):
    found = [(row["cell_id"], row["trial"]) for row in bench.rows(TRACE)]
    assert len(found) == len(set(found)), "a finished trial was repeated"
    assert len(set(found)) == cells * trials, "a trial is missing"


def test_kill_9_leaves_no_orphan_and_the_run_goes_on(bench):
    suite = bench.suite("slow", ["slow"], "trials = 10", tasks=["sk-diabetes", "cpu"])
    for already in (3, 9):
        process = bench.start("run", suite)
        wait_for_trials(bench, already)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert_nobody_is_left(bench)
    before = bench.rows(TRACE)
    bench("run", suite)
    after = bench.rows(TRACE)
    assert [row for row in after if row in before] == before, "an acknowledged trial changed or was lost"
    assert_each_trial_once(bench, cells=2, trials=10)
    ended = bench.rows("SELECT status FROM attempts WHERE complete")
    assert [row["status"] for row in ended] == ["ok", "ok"]


def test_ctrl_c_keeps_everything_and_the_same_command_goes_on(bench):
    suite = bench.suite("slow", ["slow"], "trials = 10", tasks=["sk-diabetes", "cpu"])
    process = bench.start("run", suite)
    wait_for_trials(bench, 4)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    _, err = process.communicate(timeout=20)
    assert process.returncode == 130
    assert time.monotonic() - asked < 5
    assert "Traceback" not in err
    assert_nobody_is_left(bench)
    assert {row["status"] for row in bench.rows("SELECT status FROM attempts")} == {"interrupted"}
    assert bench.rows("SELECT * FROM leases") == []
    bench("run", suite)
    assert_each_trial_once(bench, cells=2, trials=10)


def test_a_second_run_of_the_same_command_does_nothing(bench):
    suite = bench.suite("quick", ["dummy", "linear"], "trials = 3")
    bench("run", suite)
    before = bench.rows(TRACE)
    out = bench("run", suite)
    assert "0 cells to do" in out
    assert bench.rows(TRACE) == before
    out = bench("run", suite, "--fresh")
    assert "2 cells to do" in out
    assert len(bench.rows(TRACE)) == 2 * len(before)


def test_two_runs_share_the_work(bench):
    suite = bench.suite(
        "slow", ["slow", "good"], "trials = 6", tasks=["sk-diabetes", "cpu", "penguins", "iris"]
    )
    first, second = bench.start("run", suite), bench.start("run", suite)
    for process in (first, second):
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    assert_each_trial_once(bench, cells=8, trials=6)
    assert {row["n"] for row in bench.rows("SELECT count(*) AS n FROM attempts GROUP BY evidence_key")} == {1}


def test_a_continued_budget_equals_a_fresh_one(bench):
    options = {"tasks": ["penguins", "sk-diabetes"], "rows": 150}
    suite = bench.suite("grow", ALL_LEARNERS, "trials = 2", **options)
    bench("run", suite)
    bench("run", suite, "--trials", "6")
    bench("run", suite, "--trials", "6", "--results", "fresh")
    continued, fresh = bench.rows(TRACE), bench.rows(TRACE, "fresh")
    assert len(fresh) > 100
    assert continued == fresh
    attempts = bench.rows("SELECT max(attempt) AS n FROM attempts GROUP BY evidence_key")
    assert max(row["n"] for row in attempts) == 2


def test_a_continued_time_budget_repeats_just_the_trial_that_was_cut(bench):
    suite = bench.suite("grow", ["slow"], "seconds = 0.5")
    bench("run", suite)
    bench("run", suite, "--budget", "1.2")
    rows = bench.rows("SELECT attempt, trial, status, spent_s FROM trials ORDER BY attempt, trial")
    first = [row for row in rows if row["attempt"] == 1]
    second = [row for row in rows if row["attempt"] == 2]
    assert [row["status"] for row in first[:-1]] == ["ok"] * (len(first) - 1)
    assert first[-1]["status"] == "timeout"
    assert second[0]["trial"] == first[-1]["trial"]
    assert second[0]["spent_s"] > first[-2]["spent_s"], "what was spent before counts"
    assert second[-1]["spent_s"] < 1.2 + 0.3


def test_a_folder_that_cannot_be_written_is_one_line(bench):
    (bench.folder / "blocked").write_text("a file, not a folder")
    suite = bench.suite("quick", ["dummy"], "trials = 1")
    out = bench("run", suite, "--results", "blocked", code=5)
    assert out.count("\n") <= 2
    assert "blocked" in out
    if os.geteuid() != 0:
        readonly = bench.folder / "readonly"
        readonly.mkdir(mode=0o500)
        bench("run", suite, "--results", "readonly/results", code=5)


def test_a_fresh_start_that_was_stopped_goes_on(bench):
    suite = bench.suite("slow", ["slow"], "trials = 6", tasks=["sk-diabetes", "cpu"])
    bench("run", suite)
    process = bench.start("run", suite, "--fresh")
    wait_for_trials(bench, 12 + 4)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    bench("run", suite, "--fresh")
    found = [(row["cell_id"], row["trial"]) for row in bench.rows(TRACE)]
    assert len(found) == 24, "the old trials and the fresh ones, each fresh one once"
    out = bench("run", suite, "--fresh")
    assert "2 cells to do" in out, "one that ended is begun anew"


def test_a_damaged_table_is_mended_as_the_message_says(bench, tmp_path):
    cache = tmp_path / "cache"
    shutil.copytree(bench.cache, cache)
    suite = bench.suite("quick", ["dummy", "linear"], "trials = 2")
    arguments = ("run", suite, "--cache", str(cache))
    bench(*arguments, "--results", "first")
    folder = next(cache.glob("tables-v*/sk-diabetes*"))
    content = bytearray((folder / "0003.npy").read_bytes())
    content[-5] ^= 1
    (folder / "0003.npy").write_bytes(content)
    out = bench(*arguments, code=1)
    assert "0003.npy is damaged" in out
    assert f"delete {folder} and run again" in out
    shutil.rmtree(folder)
    out = bench(*arguments)
    assert "2 cells to do" in out
    assert "2 ok" in out


def test_a_cell_goes_on_after_a_crash(bench):
    bench("run", bench.suite("crash", ["late-segfault"], "trials = 4"))
    statuses = [row["status"] for row in bench.rows("SELECT status FROM trials ORDER BY trial")]
    assert statuses == ["ok", "crash", "crash", "crash"]
    ended = bench.rows("SELECT status, complete FROM attempts ORDER BY attempt DESC LIMIT 1")
    assert ended == [{"status": "ok", "complete": 1}]
    assert "0 cells to do" in bench("run", "crash.toml")


def test_inline_evidence_does_not_pass_for_isolated_evidence(bench):
    suite = bench.suite("quick", ["dummy"], "trials = 1")
    bench("run", suite, "--executor", "inline")
    assert "0 cells to do" in bench("run", suite, "--executor", "inline")
    assert "1 cells to do" in bench("run", suite)
