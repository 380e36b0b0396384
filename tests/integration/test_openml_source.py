"""Tasks of OpenML through its real client, from a server that misbehaves, and from mirrors without it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from loopback_openml import (
    HOSTILE_NAMES,
    Busy,
    CutBody,
    GzipBomb,
    Hang,
    HostileName,
    HtmlPage,
    LoopbackServer,
    Nominal,
    Redirect,
    ReplacedTable,
    ServerError,
    Trickle,
    WrongChecksum,
    holdout_task,
    learning_curve_task,
    official_catalogue,
    repeated_task,
    table_dataset,
    ten_fold_task,
    with_a_gap,
    with_an_overlap,
    with_parquet,
)

from bench.datasets import Dataset, FeatureKind, Grade, ProblemType
from bench.errors import DataError, PrerequisiteError
from bench.sources.cache import Cache
from bench.sources.openml.suites import suite_listing
from bench.sources.prepare import prepare
from bench.sources.requests import TableRequest
from bench.splits.plan import split_plan

OFFICIAL = official_catalogue()
IRIS, CPU = OFFICIAL.dataset(61), OFFICIAL.dataset(561)
ROWS = 120
KINDS = table_dataset(
    7001,
    "every kind",
    {
        "row": [float(i) for i in range(ROWS)],
        "byte": [float(i * 7 % 256) for i in range(ROWS)],
        "note": [f"it's {i}" for i in range(ROWS)],
        "shade": Nominal([None if i == 5 else "ab"[i % 2] for i in range(ROWS)], ("a", "b", "never")),
        "secret": [float(i % 2) for i in range(ROWS)],
        "amount": [None if i == 3 else i / 8 for i in range(ROWS)],
        "class": Nominal(["xy"[i * 7 % 3 % 2] for i in range(ROWS)]),
    },
    "class",
    ignore=("secret",),
    row_id="row",
    licence="CC0",
    citation="Somebody (2026)",
)
TASKS = (
    repeated_task(9001, CPU, repeats=10, folds=3),
    holdout_task(9002, IRIS),
    learning_curve_task(9003, IRIS),
    with_a_gap(ten_fold_task(9004, IRIS)),
    with_an_overlap(ten_fold_task(9005, IRIS)),
    ten_fold_task(9006, KINDS),
    replace(ten_fold_task(9007, KINDS), target="shade"),
)
CATALOGUE = replace(OFFICIAL, datasets=(*OFFICIAL.datasets, KINDS), tasks=(*OFFICIAL.tasks, *TASKS))


@pytest.fixture
def server(monkeypatch):
    with LoopbackServer(CATALOGUE) as running:
        monkeypatch.setenv("BENCH_OPENML_SERVER", running.url)
        monkeypatch.setenv("BENCH_OPENML_TIMEOUT", "3")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield running


@pytest.fixture
def cache(tmp_path):
    return Cache(tmp_path / "cache")


def ask(cache, *tasks):
    lines = []
    found = prepare([TableRequest.of_task(task) for task in tasks], cache, lines.append)
    assert not any("\n" in line for line in lines)
    assert not any("\n" in str(each) for each in found.values())
    return [found[f"openml-{task}"] for task in tasks], lines


def kept(cache):
    folder = cache.root / "tables-v7"
    return sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []


def test_what_openml_serves_is_kept_and_works_without_it(server, cache):
    tasks = (3, 59, 60, 4729)
    found, _ = ask(cache, *tasks)
    assert [each.grade for each in found] == [Grade.ORIGINAL] * 4
    assert [each.official.openml_task_id for each in found] == list(tasks)
    assert found[1].md5 == IRIS.md5
    assert found[1].licence == IRIS.licence
    assert "data set 61, version 1" in found[1].source
    server.stop()
    again, lines = ask(cache, *tasks)
    assert (again, lines) == (found, [])


def test_official_splits_are_as_served_and_as_recomputed(server, cache, tmp_path, monkeypatch):
    (original, *_), _ = ask(cache, 59)
    monkeypatch.setenv("BENCH_OPENML_SERVER", "off")
    other = Cache(tmp_path / "other")
    (mirror,), lines = ask(other, 59)
    assert lines[0] == "OpenML is not asked (BENCH_OPENML_SERVER is off)"
    assert "from mirrors, in OpenML's row order and with its splits: 1 of 1 tasks" in lines
    assert (mirror.name, mirror.grade) == ("iris", Grade.BYTE_IDENTICAL)
    assert mirror.fingerprint == original.fingerprint
    served = cache.fold_of_row("openml-59", "openml-cv10")
    np.testing.assert_array_equal(served, other.fold_of_row("iris", "openml-cv10"))


def test_repeats_and_holdouts_are_taken_as_they_are(server, cache):
    (repeated, holdout), _ = ask(cache, 9001, 9002)
    plan = split_plan(repeated)
    assert (plan.procedure, plan.n_folds, plan.n_repeats) == ("openml-cv3x10", 3, 10)
    folds = [cache.fold_of_row("openml-9001", plan.procedure, repeat) for repeat in range(10)]
    for row in TASKS[0].splits:
        assert (folds[row.repeat][row.rowid] == row.fold) == (row.part == "TEST")
    plan = split_plan(holdout)
    assert (plan.procedure, plan.n_folds, plan.n_repeats) == ("openml-holdout33", 1, 1)
    assert plan.train_rows(150, 0) == 100
    tested = {row.rowid for row in TASKS[1].splits if row.part == "TEST"}
    assert set(np.flatnonzero(cache.fold_of_row("openml-9002", plan.procedure) == 0)) == tested


def test_splits_that_leave_rows_out_or_test_them_twice_are_refused(server, cache):
    (curve, gap, overlap), lines = ask(cache, 9003, 9004, 9005)
    assert "of the type 'Learning Curve', which is not run" in str(curve)
    assert "folds that leave rows out are not supported" in str(gap)
    assert isinstance(overlap, DataError)
    assert kept(cache) == []
    assert sum("failed: openml-" in line for line in lines) == 3


def test_a_target_that_is_missing_somewhere_does_not_shift_the_official_splits(server, cache):
    (missing,), _ = ask(cache, 9007)
    assert "its target is missing in 1 rows, which its splits count" in str(missing)
    assert kept(cache) == []


def test_columns_are_as_the_description_says(server, cache):
    (found,), _ = ask(cache, 9006)
    assert [(f.name, f.kind, f.levels) for f in found.features] == [
        ("byte", FeatureKind.NUMERIC, ()),
        ("shade", FeatureKind.CATEGORICAL, ("a", "b")),
        ("amount", FeatureKind.NUMERIC, ()),
    ]
    assert (found.problem, found.n_missing, found.citation) == (ProblemType.BINARY, 2, "Somebody (2026)")
    assert any("note" in line for line in found.notes)
    table = cache.load("openml-9006")
    assert table.X["byte"].dtype == np.float64
    assert table.X["byte"].tolist() == [float(i * 7 % 256) for i in range(ROWS)]


def test_parquet_gives_the_same_table_as_arff(server, cache, tmp_path):
    (from_arff,), _ = ask(cache, 9006)
    server.catalogue = CATALOGUE.with_dataset(with_parquet(KINDS))
    script = (
        "import sys, bench.sources.openml.client as client\n"
        "from bench.sources.openml.fill import fill_from_openml\n"
        "from bench.sources.cache import Cache\n"
        "from bench.sources.requests import TableRequest\n"
        "client.ARFF_CELLS = 0\n"
        "tell = lambda kind, **values: print(kind, values)\n"
        "from pathlib import Path\n"
        "fill_from_openml([TableRequest.of_task(9006)], Cache(Path(sys.argv[1])), tell)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "other"], capture_output=True, text=True, check=False
    )
    assert done.stdout.startswith("done"), done.stdout + done.stderr
    assert any("pq" in path or "parquet" in path for path in server.requests[-3:])
    assert Cache(tmp_path / "other").describe("openml-9006").fingerprint == from_arff.fingerprint


@pytest.mark.parametrize("fault", [ServerError(times=2), Busy(times=2), CutBody(times=1)])
def test_what_passes_is_waited_for(server, cache, fault):
    server.misbehave("*/data/61", fault)
    (found,), _ = ask(cache, 59)
    assert isinstance(found, Dataset)


AWAY = {
    "hang": ("*/task/*", Hang(), "gives no answer within 3 s"),
    "trickle": ("*/task/*", Trickle(pause_s=0.5), "gives no answer within 3 s"),
    "error 500": ("*", ServerError(times=99), "answers with an error"),
    "busy": ("*", Busy(times=99), "is too busy to answer"),
    "page": ("*/task/*", HtmlPage(), "answers with an error"),
}


@pytest.mark.parametrize("case", AWAY)
def test_a_server_that_does_not_answer_is_said_once_and_mirrors_stand_in(server, cache, case):
    pattern, fault, words = AWAY[case]
    server.misbehave(pattern, fault)
    (iris, zoo, cpu), lines = ask(cache, 59, 60, 4729)
    assert {iris.name, zoo.name} == {"iris", "zoo"}, (iris, zoo, lines)
    assert isinstance(cpu, PrerequisiteError)
    assert "no mirror holds its rows in OpenML's order" in str(cpu)
    said = [line for line in lines if words in line]
    assert said, lines
    assert "from mirrors, in OpenML's row order and with its splits: 2 of 3 tasks" in lines


def test_a_server_that_is_gone_is_noticed_at_once(server, cache):
    server.stop()
    (iris,), lines = ask(cache, 59)
    assert iris.name == "iris"
    assert "cannot be reached (Connection refused)" in lines[0]
    assert sum("cannot be reached" in line for line in lines) == 1


def test_a_server_that_goes_away_midway_costs_nothing_that_was_fetched(server, cache):
    (first,), _ = ask(cache, 59)
    server.misbehave("*/data/download/*", CutBody())
    server.misbehave("*/data/v1/download/*", CutBody())
    (kept_one, cut), _ = ask(cache, 59, 4729)
    assert kept_one == first
    assert isinstance(cut, PrerequisiteError)
    assert len(kept(cache)) == 1
    cache.load("openml-59")


BAD = {
    "checksum": (WrongChecksum(61), "what came is not what its checksum says"),
    "bomb": (GzipBomb(unpacked_bytes=5_000_000_000), "which is no table: it was not taken in"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_file_that_is_not_the_table_is_not_kept_and_no_mirror_hides_it(server, cache, case):
    fault, words = BAD[case]
    server.misbehave("*download*" if case == "bomb" else "*", fault)
    (bad, good), _ = ask(cache, 59, 60) if case == "checksum" else ((*ask(cache, 59)[0], None), [])
    assert isinstance(bad, DataError), bad
    assert words in str(bad)
    assert good is None or isinstance(good, Dataset)
    assert not any("59" in name for name in kept(cache))


def test_another_table_under_the_same_id_does_not_touch_the_kept_one(server, cache, tmp_path):
    (first,), _ = ask(cache, 59)
    text = IRIS.arff.decode().replace("5.1,3.5", "5.2,3.5", 1)
    server.misbehave("*", ReplacedTable(replace(IRIS, arff=text.encode())))
    (again,), _ = ask(cache, 59)
    assert again == first
    (other,), _ = ask(Cache(tmp_path / "other"), 59)
    assert other.fingerprint != first.fingerprint
    assert other.md5 != first.md5


def test_a_redirect_to_nowhere_is_a_server_that_is_away(server, cache):
    server.misbehave("*/task/*", Redirect("http://127.0.0.1:9"))
    (iris,), lines = ask(cache, 59)
    assert iris.name == "iris"
    assert any("cannot be reached" in line for line in lines)


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=["path", "markup", "long", "emoji"])
def test_a_hostile_name_stays_a_name(server, cache, tmp_path, name):
    server.misbehave("*", HostileName(61, name))
    (found,), _ = ask(cache, 59)
    assert isinstance(found, Dataset)
    assert found.title == name
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert kept(cache) == [cache.folder("openml-59").name]


def test_a_task_that_openml_does_not_know_is_said(server, cache):
    (unknown,), _ = ask(cache, 424242)
    assert isinstance(unknown, DataError)
    assert "OpenML knows no task 424242" in str(unknown)


def test_suite_lists_are_kept_and_some_are_known(server, cache, tmp_path):
    said = []
    assert suite_listing("99", cache, said.append).tasks == (3, 59, 60)
    assert suite_listing("OpenML-CC18", cache, said.append).id == 99
    with pytest.raises(DataError, match="OpenML knows no suite 77"):
        suite_listing("77", cache, said.append)
    server.stop()
    assert suite_listing("99", cache, said.append).tasks == (3, 59, 60)
    assert said == []
    known = suite_listing("99", Cache(tmp_path / "other"), said.append)
    assert len(known.tasks) == 72
    assert "the tasks of suite 99 are those that come with bench" in said[0]
    with pytest.raises(PrerequisiteError, match="cannot be reached"):
        suite_listing("77", cache, said.append)


TRIALS = """
SELECT cell_id, trial, config, validation_score, test_score, prediction_hash
FROM trials JOIN evidence USING (evidence_key) ORDER BY cell_id, trial
"""


def test_a_suite_runs_alike_with_the_server_without_it_and_from_mirrors(server, bench):
    def run(results, cache):
        bench("run", "openml:suite/99", "--learner", "linear", "--learner", "tree", "--trials", "2",
              "--folds", "2", "--results", results, "--cache", cache, "--budget", "60")  # fmt: skip
        return bench.rows(TRIALS, results)

    with_server = run("a", "kept")
    assert {row["cell_id"].split("/")[0] for row in with_server} == {"openml-3", "openml-59", "openml-60"}
    server.stop()
    assert run("b", "kept") == with_server
    known = bench("run", "openml:task/59", "--learner", "tree", "--trials", "2", "--results", "c",
                  "--cache", "fresh", "--folds", "2")  # fmt: skip
    assert "cannot be reached (Connection refused)" in known
    assert bench.rows(TRIALS, "c") == [
        row for row in with_server if row["cell_id"].startswith("openml-59/") and "/tree/" in row["cell_id"]
    ]


@pytest.mark.parametrize(
    ("name", "words"),
    [("openml:suite", "write openml:suite/99"), ("openml:task/iris", "or openml:task/59"),
     ("openml:suite/../x", "write openml:suite/99")],
)  # fmt: skip
def test_what_names_nothing_of_openml_is_one_line(bench, name, words):
    assert words in bench("run", name, code=2)
