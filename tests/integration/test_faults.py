"""No cell can take a run down: every kind of fault gets its status, and every other cell finishes."""

from __future__ import annotations

import time

STATUS = {
    "hang": "timeout",
    "sleep": "timeout",
    "eat": "oom",
    "segfault": "crash",
    "abort": "crash",
    "leave": "crash",
    "exits": "crash",
    "raises": "error",
    "nan": "error",
    "late-segfault": "ok",
    "late-hang": "killed",
    "child": "ok",
    "burn": "timeout",
    "good": "ok",
    "linear": "ok",
}


def test_every_fault_has_its_status_and_every_other_cell_finishes(bench):
    learners = list(STATUS)
    learners.insert(3, learners.pop(learners.index("good")))
    suite = bench.suite("faults", learners, 'seconds = 0.5\ntrials = 3\nmemory = "300 MiB"')
    out = bench("run", suite, code=1)

    cells = bench.rows(
        "SELECT e.learner, a.status, a.reason FROM attempts a JOIN evidence e USING (evidence_key)"
    )
    assert {cell["learner"]: cell["status"] for cell in cells} == STATUS
    reasons = {cell["learner"]: cell["reason"] for cell in cells}
    assert "SIGSEGV" in reasons["segfault"]
    assert "SIGABRT" in reasons["abort"]
    assert "exit code 7" in reasons["leave"]
    assert "exit code 3" in reasons["exits"]
    assert "RuntimeError: this learner never works" in reasons["raises"]
    assert "not finite" in reasons["nan"]
    assert "killed after 3.0 s of billed work" in reasons["hang"]
    for learner, status in STATUS.items():
        if status in ("timeout", "oom", "crash", "error"):
            assert f"/{learner}/" in out, f"{learner} failed, and the end of the run does not say so"

    trials = bench.rows("SELECT e.learner, t.* FROM trials t JOIN evidence e USING (evidence_key)")
    last = {trial["learner"]: trial["status"] for trial in trials}
    assert last["segfault"] == "crash", "the trial that crashed is a row"
    assert last["hang"] == "timeout"
    assert last["nan"] == "nan"
    goes_on = [t["status"] for t in trials if t["learner"] == "late-segfault"]
    assert goes_on == ["ok", "crash", "crash"], "the trials after one that crashed"
    assert [t["status"] for t in trials if t["learner"] == "late-hang"] == ["ok", "timeout"]
    assert all(t["test_score"] is not None for t in trials if t["status"] == "ok")

    time.sleep(0.2)
    assert bench.processes() == [], "some descendant of a cell outlived it"


def test_a_child_process_that_burns_cpu_is_billed(bench):
    suite = bench.suite("burn", ["burn"], "seconds = 0.5")
    bench("run", suite, code=1)
    (trial,) = bench.rows("SELECT billed_s, status FROM trials")
    assert trial["status"] == "timeout"
    assert trial["billed_s"] > 0.5


def test_the_log_of_a_crash_says_where(bench):
    bench("run", bench.suite("crash", ["segfault"], "trials = 1"), code=1)
    (attempt,) = bench.rows("SELECT log FROM attempts")
    assert "Segmentation fault" in attempt["log"]
    assert "go_wrong" in attempt["log"]
