"""What a person types beside `bench run SUITE`, as real processes."""

from __future__ import annotations

import json
import os
import pty
import random
import re
import subprocess
import sys

import pytest

QUICK = ("--trials", "2", "--folds", "1", "--budget", "5")


@pytest.fixture
def prices(bench):
    """A file of one's own: numbers, a category, a date, a gap."""
    lines = ["id,size,street,sold,price"]
    for i in range(120):
        size = 50 + (i * 37) % 100
        street = ("Elm", "Oak", "Ash")[i % 3]
        gap = "" if i % 11 == 0 else size
        lines.append(
            f"h{i},{gap},{street},2024-{1 + i % 12:02d}-{1 + i % 28:02d},{3.5 * size + 20 * (i % 3) + i % 7}"
        )
    (bench.folder / "prices.csv").write_text("\n".join(lines) + "\n")
    return bench


def test_one_line_compares_learners_on_a_file_of_ones_own(prices):
    said = prices(
        "run", "prices.csv", "--target", "price", "-l", "dummy", "-l", "linear", "-l", "tree", *QUICK
    )
    assert re.search(r"prices: .*sold", said), said
    assert re.search(r"prices: .*id\b", said), said
    assert re.search(r"^linear +0\.\d+ ", said, re.MULTILINE), said
    assert "3 cells: 3 ok" in said
    suite = prices.folder / "bench-results/suites/prices.toml"
    again = prices("run", str(suite))
    assert "0 cells to do, 3 done before" in again


def test_on_one_table_the_errors_themselves_are_shown(prices):
    prices(
        "run",
        "prices.csv",
        "--target",
        "price",
        "-l",
        "linear",
        "-l",
        "tree",
        "--trials",
        "4",
        "--budget",
        "9",
    )
    board = json.loads(prices("leaderboard", "--format", "json"))
    best = "SELECT cell_id, test_score, min(validation_score) FROM trials JOIN evidence USING (evidence_key)"
    for row in board["rows"]:
        chosen = prices.rows(f"{best} WHERE learner = '{row['entry']}' GROUP BY cell_id")
        scores = [each["test_score"] for each in chosen]
        assert row["error"]["n"] == len(scores) == 3
        assert row["error"]["mean"] == pytest.approx(sum(scores) / 3)
        assert (row["error"]["low"], row["error"]["high"]) == (min(scores), max(scores))


def test_no_suite_is_written_over_and_none_before_it_works(prices):
    command = ("run", "prices.csv", "--target", "price", "-l", "dummy", *QUICK)
    folder = prices.folder / "bench-results/suites"
    prices("run", "prices.csv", "--target", "street", "-l", "dummmy", code=2)
    assert not folder.exists()
    prices(*command)
    written = (folder / "prices.toml").read_text()
    prices(*command)
    assert [path.name for path in folder.iterdir()] == ["prices.toml"]
    assert "prices-2.toml" in prices(*command, "--kind", "size=ignore")
    assert (folder / "prices.toml").read_text() == written
    assert 'size = "ignore"' in (folder / "prices-2.toml").read_text()


@pytest.mark.parametrize(
    ("arguments", "hints"),
    [
        (["prices.csv"], ["--target COLUMN", "columns: id, size, street, sold, price"]),
        (["prices.csv", "--target", "prise"], ["no column 'prise'", "did you mean 'price'?"]),
        (["prices.csv", "--target", "price", "--group", "stret"], ["there is no column 'stret'", "street"]),
        (["prizes.csv", "--target", "price"], ["there is no such file", "prices.csv"]),
        (["prices.csv", "--target", "price", "--kind", "size=blue"], ["COLUMN=KIND", "categorical"]),
        (["prices.csv", "--target", "price", "--kind", "price=numeric"], ["'price' is the target"]),
        (["prices.csv", "--target", "price", "--group", "id", "--time", "sold"], ["not both"]),
        (["prices.csv", "--target", "price", "-l", "tree", "-l", "tree"], ["tree", "twice"]),
        (["smoke", "--target", "price"], ["smoke is a suite"]),
        ([".", "--target", "price"], ["is a folder"]),
        (["smoke", "--group", "id"], ["--group belongs to a file of your own"]),
        (["prices.csv", "--target", "price", "-l", "lineer"], ["lineer", "linear"]),
    ],
)
def test_what_is_wrong_with_such_a_line_is_said_in_one(prices, arguments, hints):
    process = prices.start("run", *arguments)
    out, err = process.communicate(timeout=120)
    assert process.returncode == 2
    assert "Traceback" not in err
    for hint in hints:
        assert hint in err, (out, err)
    assert len(err.strip().splitlines()) == 1, err


def test_every_problem_is_called_by_its_name(prices):
    said = prices("run", "prices.csv", "--target", "price", "--problem", "regression", "-l", "dummy", *QUICK)
    assert "1 regression" in said


def test_a_dry_run_may_be_read_by_a_program(prices):
    said = prices("run", "prices.csv", "--target", "price", "-l", "dummy", "--json", "--dry-run")
    assert len(json.loads(said)["cells"]) == 3


def test_what_is_left_out_is_no_success(prices):
    task = '[[tasks]]\nfile = "{}.csv"\ntarget = "price"\n'
    tables = task.format("prices") + task.format("gone")
    suite = prices.suite("two", ["dummy"], "trials = 1", tasks=[])
    (prices.folder / suite).write_text((prices.folder / suite).read_text() + tables)
    assert "gone.csv" in prices("run", suite, code=5)
    assert "gone.csv" in prices("validate", suite, code=2)


def test_a_table_with_a_leak_is_left_out_and_every_later_word_on_the_run_says_so(bench):
    """A column that is the target in other units, beside features that only lean towards it."""
    draw = random.Random(0).random
    rows = []
    for _ in range(600):
        size, width = draw(), draw()
        price = 10 * size + 8 * draw()
        rows.append(f"{size},{width},{price},{price * 2.5 + 7}")
    (bench.folder / "leaky.csv").write_text("\n".join(["size,width,price,cents", *rows]) + "\n")
    suite = bench.suite("two", ["dummy", "linear"], "trials = 2", tasks=["iris"])
    task = '[[tasks]]\nfile = "leaky.csv"\ntarget = "price"\n'
    (bench.folder / suite).write_text((bench.folder / suite).read_text() + task)
    said = bench("run", suite, code=5)
    assert "left out: tasks[1] (leaky): D203: column 'cents' alone predicts the target" in said
    assert "2 cells: 2 ok" in said
    run_id = bench.rows("SELECT run_id FROM runs")[0]["run_id"]
    assert "left out: tasks[1] (leaky): D203: " in bench("status")
    assert "D203" in json.loads(bench("status", "--json"))["left_out"]["tasks[1] (leaky)"]
    assert "tasks[1] (leaky): D203: " in bench("show", run_id)
    noted = f"Left out of the run, for reasons in `bench show {run_id}`: tasks[1] (leaky)"
    assert noted in " ".join(bench("leaderboard").split())
    assert "4 cells: 4 ok" in bench("run", suite, "--accept", "D203")
    assert "Left out" not in bench("leaderboard")


def test_show_tells_what_is_known(bench):
    bench("run", bench.suite("two", ["raises", "linear"], "trials = 3", tasks=["sk-diabetes"]), code=1)
    cell = bench("show", "raises/none")
    assert "status: error" in cell
    assert "Traceback (most recent call last)" in cell.replace("  Traceback", "Traceback")
    assert "bench_faults.py" in cell  # where it raised
    task = bench("show", "sk-diabetes")
    assert "best test" in task
    assert "fingerprint: " in task
    learner = bench("show", "linear")
    assert "family: linear" in learner
    assert "alpha: 0.0001 to 10000, log" in learner
    run_id = bench.rows("SELECT run_id FROM runs")[0]["run_id"]
    run = bench("show", run_id)
    assert "numpy: " in run
    assert "error: 1" in run
    record = json.loads(bench("show", "linear/none", "--json"))
    assert record["status"] == "ok"
    assert [trial["trial"] for trial in record["trials"]] == [0, 1, 2]


def test_show_says_what_it_cannot_find(bench):
    bench("run", bench.suite("one", ["dummy", "linear"], "trials = 1", tasks=["sk-diabetes"]))
    assert "is no run, task, learner or cell" in bench("show", "nothing", code=2)
    assert "means 2 cells; which one?" in bench("show", "sk-diabetes/r0f0", code=2)


def test_the_winning_configuration_is_printed_as_code_that_runs(bench):
    bench("run", bench.suite("one", ["tree"], "trials = 4", tasks=["sk-diabetes"]))
    code = bench("show", "tree", "--code")
    assert "DecisionTreeRegressor" in code
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_failed_cells_are_begun_anew_only_when_asked(bench):
    suite = bench.suite("one", ["raises", "good"], "trials = 2")
    attempts = (
        "SELECT count(*) AS n FROM attempts a JOIN evidence e USING (evidence_key) WHERE learner = '{}'"
    )
    bench("run", suite, code=1)
    bench("run", suite, code=1)
    assert bench.rows(attempts.format("raises"))[0]["n"] == 1
    assert "1 cells to do" in bench("run", suite, "--rerun", "failed", code=1)
    assert bench.rows(attempts.format("raises"))[0]["n"] == 2
    assert bench.rows(attempts.format("good"))[0]["n"] == 1


def test_events_as_json_tell_the_whole_run(bench):
    process = bench.start("run", bench.suite("one", ["good", "raises"], "trials = 2"), "--json")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, err) == (1, "")
    events = [json.loads(line) for line in out.splitlines()]
    names = [event["event"] for event in events if event["event"] != "message"]
    assert names[0] == "run_started"
    assert names[-1] == "run_finished"
    assert names.count("cell_finished") == 2
    assert names.count("trial_finished") == 4
    scores = [event["trial"]["test_score"] for event in events if event["event"] == "trial_finished"]
    stored = [row["test_score"] for row in bench.rows("SELECT test_score FROM trials")]
    assert sorted(map(str, scores)) == sorted(map(str, stored))


def test_doctor_looks_at_this_machine(bench):
    said = bench("doctor")
    assert re.search(r"^ok +limits +memory cap", said, re.MULTILINE), said
    findings = json.loads(bench("doctor", "--json"))
    assert {"system", "packages", "learners", "cores", "tables"} <= {finding["what"] for finding in findings}
    (bench.folder / "file").write_text("")
    said = bench("doctor", "--cache", str(bench.folder / "file/cache"), code=5)
    assert re.search(r"^stops +tables", said, re.MULTILINE), said


def test_shells_complete(bench):
    assert "_BENCH_COMPLETE" in bench("completion", "bash")
    process = subprocess.run(
        [sys.executable, "-m", "bench"],
        env=bench.environment
        | {"_BENCH_COMPLETE": "bash_complete", "COMP_WORDS": "bench run ta", "COMP_CWORD": "2"},
        capture_output=True,
        text=True,
        check=False,
        cwd=bench.folder,
    )
    assert "plain,tabular" in process.stdout


def in_a_terminal(bench, *arguments, **environment):
    """What a command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "bench", *arguments],
        cwd=bench.folder,
        env=bench.environment | {"TERM": "xterm-256color"} | environment,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    said = b""
    while True:
        try:
            said += os.read(ours, 1 << 16)
        except OSError:
            break
    os.close(ours)
    assert process.wait() in (0, 1)
    return said.decode()


COLOUR = re.compile(r"\x1b\[[0-9;]*[3-4][0-9][0-9;]*m")


def test_colours_and_the_live_screen_can_be_refused(bench):
    suite = bench.suite("one", ["raises", "slow"], "seconds = 3")
    coloured = in_a_terminal(bench, "run", suite)
    assert COLOUR.search(coloured)
    plain = in_a_terminal(bench, "run", suite, "--fresh", NO_COLOR="1")
    assert not COLOUR.search(plain)
    assert "\x1b" in plain  # still a live screen
    dumb = in_a_terminal(bench, "run", suite, "--fresh", TERM="dumb")
    assert "\x1b" not in dumb
    assert "[2/2]" in dumb


def test_a_reader_who_leaves_stops_the_run(bench):
    suite = bench.suite("one", ["good", "linear", "tree"], "trials = 3")
    command = f"{sys.executable} -m bench run {suite} | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 130
    assert done.stderr.strip() == "bench: interrupted; everything finished is kept, the same command goes on"
    command = f"{sys.executable} -m bench list tables | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=bench.folder,
        env=bench.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_device_that_is_not_there_is_said_in_one_line(bench):
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    suite = bench.suite("one", ["linear", "xgboost", "mlp"], "trials = 1")
    said = bench("run", suite, "--device", "cuda", code=5)
    assert len(said.strip().splitlines()) == 1
    assert "--device cuda" in said
    assert "leave --device out to run on the CPU" in said
