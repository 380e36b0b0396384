"""The command line: one line and the right exit code for everything that can go wrong."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys

import click
import pytest

from bench.cli import main as main_module
from bench.cli.main import VERBS, main
from bench.cli.options import Duration
from bench.errors import (
    BenchError,
    ConfigError,
    DataError,
    ExitCode,
    NothingSelectedError,
    PrerequisiteError,
)


@pytest.fixture
def bench(monkeypatch, tmp_path, capsys):
    """The command in this process: (exit code, what it says, what it complains of)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("BENCH_RESULTS", raising=False)
    monkeypatch.setattr(sys.modules["__main__"], "__package__", None)  # or click names pytest's own command
    before = signal.getsignal(signal.SIGTERM)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return left.value.code, *capsys.readouterr()

    yield call
    signal.signal(signal.SIGTERM, before)


def complaint(bench, *arguments, code):
    """What a command that must fail complains of; nothing else may be said."""
    found, out, err = bench(*arguments)
    assert (found, out) == (code, ""), err
    return err


def test_the_command_is_a_module_too():
    done = subprocess.run(
        [sys.executable, "-m", "bench", "nonsense"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "python -m bench: No such command 'nonsense'. (see python -m bench --help)\n"


def test_help_names_every_verb_and_every_exit_code(bench):
    code, out, _ = bench("--help")
    assert code == 0
    assert all(f"  {verb} " in out for verb in VERBS)
    assert all(str(int(each)) in out.partition("Exit codes:")[2] for each in ExitCode)


@pytest.mark.parametrize("verb", list(VERBS))
def test_every_verb_has_help(bench, verb):
    code, out, err = bench(verb, "--help")
    assert (code, err) == (0, "")
    assert out.startswith(f"Usage: bench {verb}")


def test_the_version_is_that_of_the_distribution(bench):
    import importlib.metadata

    assert bench("--version") == (0, f"bench, version {importlib.metadata.version('inductive-bench')}\n", "")


def test_no_verb_is_a_question(bench):
    code, out, _ = bench()
    assert code == 2
    assert "Usage: bench" in out


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("run",), "bench run: Missing argument 'SUITE|FILE'."),
        (("run", "smoke", "--nope"), "bench run: No such option"),
        (("run", "smoke", "--budget", "soon"), '"soon" is no duration'),
        (("run", "smoke", "--budget", "0"), "more than 0 and at most 604800 seconds"),
        (("leaderboard", "--at", "0"), "give more than 0 and finitely many seconds (see"),
        (("leaderboard", "--at", "9" * 400), "give more than 0 and finitely many seconds (see"),
        (("run", "smoke", "--trials", "0"), "--trials"),
        (("run", "smoke", "--jobs", "0"), "--jobs"),
        (("run", "smoke", "--executor", "cloud"), "--executor"),
        (("run", "smoke", "--budget", "5", "--within", "1h"), "give --budget or --within, not both"),
        (("run", "tabulr"), 'no suite "tabulr" - did you mean "tabular"?'),
        (("validate", "no/such.toml"), "no/such.toml: there is no such suite file"),
        (("leaderboard", "--by", "colour"), "--by"),
        (("list", "nothing"), "No such command 'nothing'"),
        (("export",), "bench export: Missing option '-o'"),
        (("run", "smoke", "--dry-run", "-k", "xgboost or"), "cannot be read at"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_2(bench, arguments, text):
    err = complaint(bench, *arguments, code=2)
    assert text in err
    assert err.startswith("bench")
    assert err.count("\n") == 1


def test_every_error_of_a_suite_has_its_line(bench, tmp_path):
    (tmp_path / "bad.toml").write_text('format = 1\nname = "x"\ntitel = "y"\n')
    err = complaint(bench, "validate", "bad.toml", code=2)
    lines = err.splitlines()
    assert all(line.startswith("bench: bad.toml: ") for line in lines)
    assert {line.split(": ")[2] for line in lines} == {"title", "titel", "learners", "budget", "tasks"}


def test_a_good_suite_is_said_to_be_good(bench):
    code, out, err = bench("validate", "smoke")
    assert (code, err) == (0, "")
    assert "smoke.toml: ok: 4 tasks, 9 learners" in out


def test_nothing_selected_is_3(bench):
    err = complaint(bench, "run", "smoke", "--dry-run", "-k", "no-such-cell", code=3)
    assert err.startswith('bench: -k "no-such-cell" matches none of ')
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [("status",), ("leaderboard",), ("list", "runs"), ("export", "-o", "out")], ids=" ".join
)
def test_no_results_yet_is_5_and_makes_no_folder(bench, tmp_path, arguments):
    err = complaint(bench, *arguments, code=5)
    assert err == "bench: bench-results: holds no results yet; `bench run tabular` makes some\n"
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_a_newer_bench_is_5(bench, tmp_path):
    (tmp_path / "new").mkdir()
    connection = sqlite3.connect(tmp_path / "new/bench.sqlite")
    connection.execute(f"PRAGMA application_id = {0x62656E63}")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    err = complaint(bench, "status", "--results", "new", code=5)
    assert "schema 99" in err
    assert err.count("\n") == 1


def test_a_dry_run_fetches_and_writes_nothing(bench, tmp_path, cache_root):
    before = sorted(cache_root.rglob("*"))
    code, out, err = bench("run", "smoke", "--dry-run", "-k", "penguins")
    assert (code, err) == (0, "")
    assert "penguins/r0f0-n1000-t1000/xgboost/none/s0/cpu1/holdout25" in out
    assert list(tmp_path.iterdir()) == []
    assert sorted(cache_root.rglob("*")) == before


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (ConfigError("one", "two"), 2, "bench: one\nbench: two\n"),
        (BenchError("no"), 2, "bench: no\n"),
        (NothingSelectedError("none"), 3, "bench: none\n"),
        (PrerequisiteError("missing"), 5, "bench: missing\n"),
        (DataError("odd"), 5, "bench: odd\n"),
        (click.Abort(), 130, "bench: interrupted"),
        (KeyboardInterrupt(), 130, "bench: interrupted"),
    ],
)
def test_an_error_becomes_its_exit_code(bench, monkeypatch, error, code, text):
    def fail(**_):
        raise error

    monkeypatch.setattr(main_module.bench, "main", fail)
    assert complaint(bench, "status", code=code).startswith(text)


def test_what_nobody_foresaw_keeps_its_traceback(bench, monkeypatch):
    def fail(**_):
        raise ZeroDivisionError

    monkeypatch.setattr(main_module.bench, "main", fail)
    monkeypatch.setattr(sys, "argv", ["bench"])
    with pytest.raises(ZeroDivisionError):
        main()


@pytest.mark.parametrize("code", [None, 0, ExitCode.SOME_FAILED, ExitCode.NOTHING_SELECTED])
def test_the_code_of_a_verb_is_that_of_the_command(bench, monkeypatch, code):
    monkeypatch.setattr(main_module.bench, "main", lambda **_: code)
    assert bench("status")[0] == int(code or 0)


def test_sigterm_is_an_interruption(bench, monkeypatch):
    monkeypatch.setattr(main_module.bench, "main", lambda **_: signal.raise_signal(signal.SIGTERM))
    assert complaint(bench, "status", code=130).startswith("bench: interrupted")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("1.5", 1.5), ("15m", 900), ("15min", 900), ("1h30m", 5400), ("2h", 7200),
     ("1d", 86400), (" 2H ", 7200), ("1m30", 90)],
)  # fmt: skip
def test_durations_are_read(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "5x", "5 m", "-5", "1e3", "nan", "inf", "5m!", "0", "0s", "1h-5m", "."]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)
