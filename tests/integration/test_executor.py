"""What the executor promises whatever happens to it, to its servers and to the machine around it."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ENDS = """
SELECT e.learner, e.cell_id, a.attempt, a.status, a.reason, a.complete
FROM attempts a JOIN evidence e USING (evidence_key) ORDER BY a.ended_at, a.attempt
"""
TRIALS = "SELECT e.learner, t.* FROM trials t JOIN evidence e USING (evidence_key) ORDER BY 1, trial"
PATCHED = "import sys\n{patch}\nfrom bench.cli.main import main\nsys.argv[0] = 'bench'\nmain()"


def start(bench, *arguments, patch="", **environment):
    """Start the command, with one of its limits changed."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", PATCHED.format(patch=patch), *arguments],
        cwd=bench.folder,
        env=bench.environment | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_until(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def commands(bench):
    """What runs, with the mark of the test."""
    found = []
    for pid in bench.processes():
        try:
            found.append((Path("/proc") / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def extra_module(bench, code):
    """Have the module that the learner `extra` needs; return where it is."""
    folder = bench.folder / "extra"
    folder.mkdir()
    (folder / "bench_faults_extra.py").write_text(code)
    return os.pathsep.join([str(bench.path), str(folder)])


def finished(process, code):
    out, err = process.communicate(timeout=120)
    assert process.returncode == code, f"exit {process.returncode}\n{out}\n{err}"
    return out + err


@pytest.mark.parametrize("by", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
def test_neither_child_nor_daemon_of_a_cell_outlives_the_run(bench, by):
    process = start(bench, "run", bench.suite("spawn", ["spawn"], "trials = 1"))
    wait_until(lambda: sum("sleep 33" in line for line in commands(bench)) == 2)
    process.send_signal(by)
    asked = time.monotonic()
    process.communicate(timeout=20)
    assert process.returncode == (-by if by is signal.SIGKILL else 130)
    assert time.monotonic() - asked < 3
    wait_until(lambda: not commands(bench), 3)


def test_a_run_that_is_stopped_while_its_cells_report_kills_none_of_them(bench):
    patch = "import bench.runner.state as state; state.UNBILLED_LIMIT_S = 1.0"
    suite = bench.suite("chatty", ["chatty"], "trials = 150")
    process = start(bench, "run", suite, patch=patch)
    database = bench.folder / "bench-results/bench.sqlite"
    wait_until(lambda: database.exists() and len(bench.rows(TRIALS)) > 10)
    process.send_signal(signal.SIGSTOP)
    time.sleep(3.5)
    assert len(bench.rows(TRIALS)) < 120, "it had all but ended: the test tests nothing"
    process.send_signal(signal.SIGCONT)
    finished(process, 0)
    assert [(end["status"], end["attempt"]) for end in bench.rows(ENDS)] == [("ok", 1)]
    assert len(bench.rows(TRIALS)) == 150


def test_two_runs_at_once_never_share_a_core(bench):
    log = bench.folder / "log"
    suite = bench.suite("witness", ["witness"], "trials = 3", tasks=["sk-diabetes", "cpu"])
    runs = [
        start(bench, "run", suite, "--jobs", "1", "--results", name, BENCH_TEST_LOG=str(log))
        for name in ("first", "second")
    ]
    for process in runs:
        finished(process, 0)
    spans = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(spans) == 12
    assert {len(cores) for *_, cores in spans} == {1}
    for (pid, start_s, end_s, cores), (other, start2_s, end2_s, cores2) in itertools.combinations(spans, 2):
        overlap_s = min(end_s, end2_s) - max(start_s, start2_s)
        assert pid == other or cores != cores2 or overlap_s <= 0, "two cells were on one core"
    if len(os.sched_getaffinity(0)) > 1:
        assert len({cores[0] for *_, cores in spans}) == 2, "the second run left a core idle"


def test_a_library_that_cannot_be_imported_ends_its_own_cells_alone(bench):
    suite = bench.suite("extra", ["extra", "good", "linear"], "trials = 2", tasks=["sk-diabetes", "cpu"])
    out = bench("run", suite, code=1)
    ends = bench.rows(ENDS)
    assert sorted((end["learner"], end["status"]) for end in ends) == sorted(
        [("extra", "error"), ("good", "ok"), ("linear", "ok")] * 2
    )
    reasons = {end["reason"] for end in ends if end["status"] == "error"}
    assert len(reasons) == 1
    assert "cannot import bench_faults_extra: ModuleNotFoundError" in reasons.pop()
    assert not any(end["complete"] for end in ends if end["status"] == "error")
    assert "bench_faults_extra" in out

    finished(start(bench, "run", suite, PYTHONPATH=extra_module(bench, "")), 0)
    assert bench.rows(ENDS)[-1]["status"] == "ok", "mended, the same command goes on"


def test_a_server_that_keeps_dying_is_given_up(bench):
    tasks = ["sk-diabetes", "cpu", "penguins", "iris", "wine"]
    suite = bench.suite("extra", ["extra"], "trials = 2", tasks=tasks)
    path = extra_module(bench, "import os; os._exit(9)")
    finished(start(bench, "run", suite, "--jobs", "1", PYTHONPATH=path), 1)
    ends = bench.rows(ENDS)
    assert [end["status"] for end in ends] == ["crash"] * 3 + ["error"] * 2
    assert all("its fork server ended with exit code 9" in end["reason"] for end in ends)


def test_a_server_whose_imports_hang_is_given_up(bench):
    suite = bench.suite("extra", ["extra", "good"], "trials = 2")
    path = extra_module(bench, "import re; re.match(r'(a+)+$', 'a' * 64 + 'b')")
    patch = "import bench.execution.servers as servers; servers.START_LIMIT_S = 1.5"
    finished(start(bench, "run", suite, patch=patch, PYTHONPATH=path), 1)
    ends = {end["learner"]: end for end in bench.rows(ENDS)}
    assert (ends["extra"]["status"], ends["good"]["status"]) == ("error", "ok")
    assert "imports did not end" in ends["extra"]["reason"]
    assert commands(bench) == []


def test_a_worker_that_never_begins_is_killed(bench):
    suite = bench.suite("stuck", ["good"], "trials = 1")
    folder = bench.folder / "stuck"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import sys\n"
        "if any(word.startswith('bench.execution') for word in sys.orig_argv):\n"
        "    import os, time\n"
        "    os.register_at_fork(after_in_child=lambda: time.sleep(1000))\n"
    )
    path = os.pathsep.join([str(folder), str(bench.path)])
    patch = "import bench.execution.workers as workers; workers.BEGIN_LIMIT_S = 1.5"
    finished(start(bench, "run", suite, patch=patch, PYTHONPATH=path), 1)
    (end,) = bench.rows(ENDS)
    assert (end["status"], end["complete"]) == ("crash", 0)
    assert "did not begin" in end["reason"]
    assert bench.rows(TRIALS) == []


def test_a_worker_that_cannot_read_its_order_leaves_a_traceback():
    order, log = os.memfd_create("order"), os.memfd_create("log")
    os.write(order, b"no pickle")
    os.lseek(order, 0, os.SEEK_SET)
    script = (
        f"import os; from bench.execution import server; server._work(os.getppid(), [{order}, -1, -1, {log}])"
    )
    done = subprocess.run([sys.executable, "-c", script], pass_fds=[order, log], check=False)
    assert done.returncode == 1
    assert b"UnpicklingError" in os.pread(log, 10_000, 0)
    os.close(order)
    os.close(log)


@pytest.mark.parametrize(
    ("learner", "reason"),
    [
        ("scribble", "sent a message that cannot be read"),
        ("regicide", "its fork server ended with exit code -9"),
    ],
)
def test_a_cell_that_harms_the_harness_ends_as_a_crash(bench, learner, reason):
    suite = bench.suite("harm", [learner, "good"], "trials = 1", tasks=["sk-diabetes", "cpu"])
    bench("run", suite, "--jobs", "1", code=1)
    ends = bench.rows(ENDS)
    assert sorted((end["learner"], end["status"]) for end in ends) == sorted(
        [(learner, "crash"), ("good", "ok")] * 2
    )
    assert all(reason in end["reason"] for end in ends if end["learner"] == learner)
    assert commands(bench) == []


def test_a_learner_that_forks_and_goes_on_reports_each_trial_once(bench):
    bench("run", bench.suite("fork", ["fork"], "trials = 3"))
    assert [trial["trial"] for trial in bench.rows(TRIALS)] == [0, 1, 2]
    assert commands(bench) == []


def test_a_file_in_the_current_folder_takes_no_librarys_place(bench):
    for name in ("xgboost", "bench_faults_extra"):
        (bench.folder / f"{name}.py").write_text(f"raise RuntimeError('the wrong {name}')")
    suite = bench.suite("shadow", ["xgboost", "good"], "trials = 1")
    bench("run", suite)
    assert {end["status"] for end in bench.rows(ENDS)} == {"ok"}
