"""Baselines as files: whole, the same bytes each time, and refused in a line where they are not."""

from __future__ import annotations

import gzip
import json
import math
from dataclasses import replace

import pytest
from store_worlds import World, stored, tables

from bench.analysis.comparison.comparing import compare
from bench.analysis.comparison.tables import to_json
from bench.baselines import CELLS, TRIALS
from bench.budgets import Budget
from bench.cli.main import main
from bench.errors import BenchError, ConfigError, DataError, PrerequisiteError
from bench.store import baselines
from bench.store.extraction import extracted
from bench.store.query import find_run
from bench.thresholds import parse_threshold

OLD, NEW = "20260102-030405-abcd", "20260202-030405-beef"
LATER = "2026-02-02T03:04:05.000+00:00"
WORLD = World(
    tables=tables(8),
    folds=2,
    n_trials=3,
    budget=Budget(seconds=None, trials=3),
    failing=frozenset({("table-01", "mlp")}),
)
LOSS = replace(WORLD, started=LATER, lock="newer", moved=0.5, noise=0.01, losses={"xgboost": 0.1})
ERROR = parse_threshold("error:+2%")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A results folder with a run, and one of the same suite that is worse."""
    folder = tmp_path_factory.mktemp("results")
    stored(WORLD, folder, OLD).close()
    stored(LOSS, folder, NEW).close()
    return folder


@pytest.fixture(scope="module")
def baseline(tmp_path_factory):
    store = stored(WORLD, tmp_path_factory.mktemp("results"), OLD)
    yield extracted(store, find_run(store, OLD))
    store.close()


@pytest.fixture
def bench(monkeypatch, capsys, tmp_path):
    """Return the command line: its exit code, what it says, and what it complains of."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["bench", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        said = capsys.readouterr()
        return end.value.code, said.out, said.err

    return run


@pytest.mark.parametrize("name", ["main.json.gz", "main.json"])
def test_what_is_written_is_read_again(baseline, tmp_path, name):
    size = baselines.write(baseline, tmp_path / name)
    assert (tmp_path / name).stat().st_size == size
    assert baselines.read(tmp_path / name) == baseline


def test_the_same_run_gives_the_same_bytes(baseline, tmp_path):
    for name in ("one.json.gz", "two.json.gz"):
        baselines.write(baseline, tmp_path / name)
    assert (tmp_path / "one.json.gz").read_bytes() == (tmp_path / "two.json.gz").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.json.gz", "two.json.gz"]


def test_a_file_says_what_the_run_would_have_said(baseline, results, tmp_path):
    baselines.write(baseline, tmp_path / "main.json.gz")
    from bench.comparisons import compared, named

    run = named(NEW, results)
    direct = to_json(compare(baseline, run, [ERROR]))
    assert to_json(compared(str(tmp_path / "main.json.gz"), NEW, results)) == direct
    assert to_json(compared(OLD, NEW, results)) == direct
    baselines.write(run, tmp_path / "new.json")
    assert to_json(compared(str(tmp_path / "main.json.gz"), str(tmp_path / "new.json"), tmp_path)) == direct


def test_a_file_is_small(baseline, tmp_path):
    """96 cells of up to three trials: a hundred bytes a trial."""
    assert baselines.write(baseline, tmp_path / "main.json.gz") < 100 * len(baseline.trials["trial"])


def test_no_path_of_the_machine_is_in_a_file(baseline, tmp_path):
    baselines.write(baseline, tmp_path / "main.json")
    assert "/a/path/of/the/machine" not in (tmp_path / "main.json").read_text()


def test_nothing_is_written_over_unless_that_is_said(baseline, tmp_path):
    path = tmp_path / "main.json.gz"
    baselines.write(baseline, path)
    with pytest.raises(ConfigError, match="is there already; give --replace"):
        baselines.write(replace(baseline, suite="another"), path)
    assert baselines.read(path) == baseline
    baselines.write(replace(baseline, suite="another"), path, replace=True)
    assert baselines.read(path).suite == "another"


def test_a_folder_that_cannot_be_written_is_told(baseline, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(PrerequisiteError, match="cannot be written"):
        baselines.write(baseline, tmp_path / "file" / "main.json")


@pytest.mark.parametrize("name", ["", "..", ".x", "a/b", "a:b", "-x", "a b", "x" * 101, "\N{SNOWMAN}"])
def test_a_name_is_a_name_and_no_path(tmp_path, name):
    with pytest.raises(ConfigError, match="is no name of a baseline"):
        baselines.named_file(tmp_path, name)


def damage(baseline, tmp_path, change):
    """Return a file of the baseline after a change of its record."""
    path = tmp_path / "damaged.json"
    baselines.write(baseline, path, replace=True)
    record = json.loads(path.read_text())
    change(record)
    path.write_text(json.dumps(record))
    return path


def test_a_newer_format_is_refused_with_what_to_do(baseline, tmp_path):
    path = damage(baseline, tmp_path, lambda record: record.update(format=2))
    with pytest.raises(PrerequisiteError, match=r"newer bench \(format 2, this one reads 1\); upgrade with"):
        baselines.read(path)


PARTS = [*(("cells", name) for name in CELLS), *(("trials", name) for name in TRIALS)]


@pytest.mark.parametrize(("part", "column"), PARTS)
def test_a_column_that_is_missing_or_something_else_is_named(baseline, tmp_path, part, column):
    for change in (
        lambda record: record[part].pop(column),
        lambda record: record[part].update({column: 3}),
        lambda record: record[part][column].__setitem__(0, [1]),
        lambda record: record[part][column].__setitem__(0, True),
    ):
        with pytest.raises(DataError, match=f'column "{column}" is missing or holds something else'):
            baselines.read(damage(baseline, tmp_path, change))
    with pytest.raises(DataError, match="columns differ in length"):
        baselines.read(damage(baseline, tmp_path, lambda record: record[part][column].pop()))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda record: record.pop("format"), "it has no format"),
        (lambda record: record.update(format="1"), "it has no format"),
        (lambda record: record.pop("run_id"), '"run_id" is missing'),
        (lambda record: record.update(cells=[]), '"cells" is missing or of another type'),
        (lambda record: record["trials"]["cell"].__setitem__(0, 999), "a trial is of no cell"),
        (lambda record: record["trials"]["cell"].__setitem__(0, -1), "a trial is of no cell"),
        (
            lambda record: record["trials"]["trial"].__setitem__(2, record["trials"]["trial"][1]),
            "trial stands twice",
        ),
        (
            lambda record: record["cells"]["cell_id"].__setitem__(1, record["cells"]["cell_id"][0]),
            "a cell stands",
        ),
        (lambda record: record["cells"]["status"].__setitem__(0, "fine"), 'a "status" is unknown'),
        (lambda record: record["trials"]["status"].__setitem__(0, "fine"), 'a "status" is unknown'),
        (lambda record: record["cells"]["problem"].__setitem__(0, "fine"), 'a "problem" is unknown'),
        (lambda record: record["trials"]["metrics"].__setitem__(0, {"auc": "1"}), "a metric is no number"),
        (lambda record: record["trials"]["test_score"].__setitem__(0, float("nan")), "it is no JSON"),
    ],
)
def test_what_no_run_can_have_left_is_refused(baseline, tmp_path, change, why):
    with pytest.raises(DataError, match="is no baseline that can be read") as error:
        baselines.read(damage(baseline, tmp_path, change))
    assert why in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello",
        b"[1]",
        b"\x1f\x8b",
        gzip.compress(b"{}")[:-4],
        b"\x1f\x8b\x08\x00garbage",
        b"[" * 100_000,
    ],
)
def test_a_file_of_something_else_is_refused(tmp_path, content):
    (tmp_path / "x.json.gz").write_bytes(content)
    with pytest.raises(DataError, match="is no baseline that can be read"):
        baselines.read(tmp_path / "x.json.gz")


def test_every_cut_of_a_file_is_refused(baseline, tmp_path):
    path = tmp_path / "main.json.gz"
    baselines.write(baseline, path)
    whole = path.read_bytes()
    for end in range(0, len(whole), 97):
        path.write_bytes(whole[:end])
        with pytest.raises(BenchError):
            baselines.read(path)


def test_a_baseline_is_saved_listed_shown_compared_and_dropped(bench, results):
    of = ("--results", results)
    code, said, _ = bench("baseline", "save", "main", "--run", OLD, *of)
    assert (code, f"main.json.gz: run {OLD}, 96 cells" in said) == (0, True)
    code, _, told = bench("baseline", "save", "main", *of)
    assert code == 2
    assert "is there already; give --replace" in told
    assert bench("baseline", "list", *of)[1].split()[:3] == ["main", OLD, "made-up"]
    assert json.loads(bench("baseline", "list", "--json", *of)[1])[0]["baseline"] == "main"
    shown = bench("baseline", "show", "main", *of)[1]
    assert f"run: {OLD}" in shown
    assert "budget: 3 trials a cell" in shown
    assert "machine: a processor, 2 cores" in shown
    assert json.loads(bench("baseline", "show", "main", "--json", *of)[1])["locks"]["xgboost"] == "k"
    code, said, _ = bench("compare", "main", *of)
    assert code == 4
    assert said.startswith("WORSE: xgboost. ")
    assert bench("baseline", "drop", "main", *of)[0] == 0
    code, _, told = bench("compare", "main", *of)
    assert code == 2
    assert told.startswith(f'bench: "main" is no run in {results}')
    assert bench("baseline", "drop", "main", *of)[0] == 2


def test_a_baseline_of_its_own_file_is_all_that_is_needed(bench, results, tmp_path):
    assert bench("baseline", "save", "--file", "ci/main.json.gz", "--run", OLD, "--results", results)[0] == 0
    assert f"run: {OLD}" in bench("baseline", "show", "--file", "ci/main.json.gz")[1]
    code, said, _ = bench("compare", "ci/main.json.gz", f"{results}:{NEW}", "--format", "json")
    assert code == 4
    assert json.loads(said)["baseline"]["run_id"] == OLD
    assert bench("compare", f"{results}:{OLD}", results)[0] == 4  # of another folder: its latest run
    assert bench("compare", "ci/main.json.gz", f"{results}:{NEW}", "--fail-on", "error:+60%")[0] == 0


def test_exit_codes_are_what_they_say(bench, results):
    of = ("--results", results)
    code, said, _ = bench("compare", OLD, NEW, *of, "--format", "json")
    assert code == 4
    (mean,) = (each["mean"] for each in json.loads(said)["answers"] if each["learner"] == "xgboost")
    undecided = f"error:+{100 * math.expm1(mean):.1f}%"
    assert bench("compare", OLD, NEW, *of, "--fail-on", undecided)[0] == 0
    assert bench("compare", OLD, NEW, *of, "--fail-on", undecided, "--strict")[0] == 6
    assert bench("compare", OLD, NEW, *of, "--fail-on", "error:+60%", "--strict")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("compare", "nowhere"), 2, '"nowhere" is no run in '),
        (("compare", "x" * 5000), 2, "is no run in "),
        (("compare", OLD, "nowhere:x"), 2, '"nowhere:x" is no run in '),
        (("compare", OLD, "{results}:x"), 2, 'no run "x" in '),
        (("compare", OLD, OLD), 2, f"{OLD} is compared with itself: run the suite again"),
        (("compare", OLD, NEW, "--fail-on", "error"), 2, 'fail-on: "error" is no threshold'),
        (("compare", OLD, NEW, "--fail-on", "r2:-1%"), 2, "no cell of both runs has the metric r2"),
        (("compare", "newer.json", NEW), 5, "written by a newer bench (format 9"),
        (("compare", "broken.json", NEW), 5, "is no baseline that can be read"),
        (("baseline", "show", "nowhere"), 2, 'no baseline "nowhere" in '),
        (("baseline", "save"), 2, "give a NAME or --file, and not both"),
        (("baseline", "save", "x", "--file", "y"), 2, "give a NAME or --file, and not both"),
        (("baseline", "save", "../x"), 2, "is no name of a baseline"),
        (("baseline", "save", "x", "--run", "y"), 2, 'no run "y" in '),
        (("baseline", "show", "--file", "nowhere.json"), 5, "nowhere.json: cannot be read"),
    ],
)
def test_bad_input_is_told_in_a_line(bench, results, tmp_path, arguments, code, told):
    (tmp_path / "newer.json").write_text('{"format": 9}')
    (tmp_path / "broken.json").write_text("{}")
    filled = [each.format(results=results) for each in arguments]
    found, said, complaint = bench(*filled, "--results", results)
    assert (found, said) == (code, "")
    assert told in complaint
    assert complaint.count("\n") == 1


def test_a_name_that_a_terminal_would_obey_is_spelt_out(bench, baseline, results, tmp_path):
    def obey(record):
        record["suite"] = "\x1b[31mred"

    path = damage(baseline, tmp_path, obey)
    code, said, _ = bench("compare", path, NEW, "--results", results)
    assert code == 4
    assert "\x1b" not in said
