"""Leaderboards of a real run: its views, and what an ensemble needs of the store and of the cache."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sqlite3
import sys
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from bench import stored as module
from bench.analysis.views import View
from bench.boards import board
from bench.cli.main import main
from bench.errors import DataError, PrerequisiteError
from bench.scoring.metrics import mean_score, score
from bench.scoring.predictions import Prediction
from bench.sources.cache import Cache
from bench.sources.description import DESCRIPTION, parse_description, render_description
from bench.sources.shelf import kept_tables
from bench.store.opening import read_store
from bench.store.query import find_run, trial_rows
from bench.stored import StoredPredictions

SUITE = """
format = 1
name = "views"
title = "Test"
learners = ["dummy", "linear", "tree", "svm-rbf"]
validation = "{validation}"

[budget]
trials = 4

[caps]
train_rows = 150
test_rows = 100

[[tasks]]
dataset = "iris"

[[tasks]]
dataset = "sk-diabetes"

[[tasks]]
dataset = "kr-vs-kp"
"""


@pytest.fixture(scope="module", params=["holdout:25", "cv:3"])
def store(request, tmp_path_factory, cache_root):
    """A run of three small tables."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "views.toml").write_text(SUITE.format(validation=request.param))
    call("run", str(folder / "views.toml"), "--results", str(folder / "r"), "--executor", "inline")
    found = read_store(folder / "r")
    yield found
    found.close()


def call(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code


def predictions(store, cache=None):
    run = find_run(store, None)
    return StoredPredictions(store, run, cache or Cache(), trial_rows(store, run["run_id"]))


def test_stored_predictions_score_what_the_run_recorded(store):
    stored, recorded = predictions(store), trial_rows(store, find_run(store, None)["run_id"])
    assert len(recorded) > 30
    for row in recorded:
        of = stored[row["evidence_key"]]
        held, tested = (part[row["trial"], row["attempt"]] for part in (of.validation, of.test))
        ends = np.cumsum(of.fold_rows)
        folds = [np.arange(end - n, end) for end, n in zip(ends, of.fold_rows, strict=True)]
        singles = [Prediction(kind=held.kind, values=held.values[rows]) for rows in folds]
        scores = [
            score(of.problem, of.y_validation[rows], single, of.target_sd)
            for rows, single in zip(folds, singles, strict=True)
        ]
        near = partial(pytest.approx, rel=1e-5, abs=1e-5)
        assert mean_score(of.problem, scores) == near(row["validation_score"])
        assert score(of.problem, of.y_test, tested, of.target_sd) == near(row["test_score"])
    assert len(stored) == len(list(stored)) == 12
    with pytest.raises(KeyError):
        stored["nobody"]


@pytest.mark.parametrize("by", ["learner", "family"])
def test_every_view_of_a_run_can_be_shown(store, by):
    run = find_run(store, None)
    boards = {show: board(store, run, View(by=by, show=show)) for show in ("default", "tuned", "ensembled")}
    assert len({tuple(row.overall.mean for row in b.rows) for b in boards.values()}) == 3
    for b in boards.values():
        assert b.view.reference == "dummy", "no forest ran"
        assert {row.entry: row.median_s for row in b.rows}.keys() == {row.entry for row in b.rows}
    log_loss = board(store, run, View(by=by, show="ensembled", metric="log_loss"))
    assert any("Offers no probabilities" in note and "svm" in note for note in log_loss.notes)


@pytest.mark.parametrize("form", ["text", "markdown", "html", "latex", "csv", "json"])
def test_the_command_shows_a_view_in_every_form(store, capsys, form):
    arguments = ("--show", "ensembled", "--metric", "brier", "--columns", "calibration", "--format", form)
    assert call("leaderboard", "--results", str(store.folder), *arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    match form:
        case "csv":
            (dummy,) = (row for row in csv.DictReader(io.StringIO(out)) if row["entry"] == "dummy")
            assert 0 < float(dummy["calibration_brier"]) < 1
        case "json":
            assert json.loads(out)["view"]["metric"] == "brier"
        case _:
            assert "Leaderboard by learner, ensembles, Brier score." in out
            assert "log loss" in out


@pytest.mark.parametrize("form", ["text", "markdown", "html", "latex", "csv", "json"])
def test_the_matrix_of_a_narrower_field_has_every_form(store, capsys, form):
    arguments = ("--matrix", "--only", "linear", "--only", "dummy", "--format", form)
    assert call("leaderboard", "--results", str(store.folder), *arguments) == 0
    out, err = capsys.readouterr()
    assert err == ""
    pair = {"entry": "linear", "against": "dummy"}
    match form:
        case "csv":
            found = [{name: row[name] for name in pair} for row in csv.DictReader(io.StringIO(out))]
            assert found == [pair, dict(zip(pair, reversed(pair.values()), strict=True))]
        case "json":
            assert json.loads(out)["entries"] == ["linear", "dummy"]
        case _:
            assert "Every entry against every other by learner, tuned." in out
            assert "Narrowed to 2 of" in out
            assert "1 linear" in out


def test_ratings_are_shown_where_they_are_asked_for(store, capsys):
    assert call("leaderboard", "--results", str(store.folder), "--columns", "ratings") == 0
    asked = capsys.readouterr().out
    assert call("leaderboard", "--results", str(store.folder)) == 0
    assert ("improvability" in asked, "improvability" in capsys.readouterr().out) == (True, False)
    assert "dummy is 1000" in " ".join(asked.split())


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--only", "liner"),
            "only: 'liner' is no learner of this run - did you mean \"linear\"? (learners: ",
        ),
        (("--matrix", "--columns", "ratings"), "give --matrix or --columns, not both"),
    ],
)
def test_what_cannot_be_shown_is_said_in_one_line(store, capsys, arguments, line):
    assert call("leaderboard", "--results", str(store.folder), *arguments) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert line in err


def test_log_density_is_refused_in_one_line(store, capsys):
    assert call("leaderboard", "--results", str(store.folder), "--metric", "log_density") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--columns density" in err


def test_a_table_that_the_cache_does_not_hold_is_asked_for_with_a_command(store, tmp_path, capsys):
    elsewhere = ("--cache", str(tmp_path / "empty"))
    assert call("leaderboard", "--results", str(store.folder), "--show", "ensembled", *elsewhere) == 5
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "does not hold it: `bench run " in err
    assert f"views.toml --results {store.folder}` fetches it and fits nothing twice" in err
    assert call("leaderboard", "--results", str(store.folder), *elsewhere) == 0, "no other view needs a table"


def test_another_table_under_the_same_name_is_refused(store, monkeypatch):
    others = [
        replace(kept, dataset=replace(kept.dataset, fingerprint="0" * 64)) for kept in kept_tables(Cache())
    ]
    monkeypatch.setattr(module, "kept_tables", lambda cache: others)
    with pytest.raises(PrerequisiteError, match="holds other rows of that name"):
        next(iter(predictions(store).values()))


def test_the_same_rows_under_another_name_are_the_table(store, tmp_path):
    other = Cache(tmp_path)
    shutil.copytree(Cache().tables, other.tables)
    for kept in kept_tables(other):
        described = parse_description((kept.folder / DESCRIPTION).read_bytes())
        renamed = replace(described, dataset=replace(described.dataset, name=f"openml-{kept.name}"))
        (kept.folder / DESCRIPTION).write_text(render_description(renamed))
        kept.folder.rename(other.folder(renamed.dataset.name))
    assert other.describe("iris") is None
    assert len(predictions(store, other).values()) == 12
    assert all(cell.validation for cell in predictions(store, other).values())


def test_labels_that_are_not_those_of_the_predicted_rows_are_refused(store, monkeypatch):
    real = module.load_cell

    def shifted(order):
        training, test, rows = real(order)
        return training, replace(test, y=np.roll(test.y, 7)), rows

    monkeypatch.setattr(module, "load_cell", shifted)
    stored = predictions(store)
    refused = [complaint for key in stored if (complaint := refusal(stored, key))]
    assert len(refused) >= 8, "all but those that predict one thing for all rows"
    assert all("do not score what was recorded" in complaint for complaint in refused)


def refusal(stored, key):
    """Why the predictions of a cell are refused, if they are."""
    try:
        stored[key]
    except DataError as error:
        return str(error)


def test_without_any_predictions_there_is_one_clear_line(store, tmp_path):
    shutil.copytree(store.folder, tmp_path / "bare", ignore=shutil.ignore_patterns("predictions"))
    with pytest.raises(PrerequisiteError, match=r"holds no predictions of run .* --fresh`"):
        predictions(read_store(tmp_path / "bare"))


def flipped_at_the_end(content):
    """The lowest bit of the last number alone."""
    return content[:-4] + bytes([content[-4] ^ 1]) + content[-3:]


def flipped_in_the_middle(content):
    """The lowest bit of the first number of the second record."""
    at = content.index(b"\n", content.index(b'{"trial": 1')) + 1
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES = {
    "last number": flipped_at_the_end,
    "a number in the middle": flipped_in_the_middle,
    "a head in the middle": lambda content: content.replace(b'{"trial": 1', b'{"trail": 1'),
    "the first head": lambda content: b"x" + content[1:],
    "the end": lambda content: content[:-1],
}


@pytest.mark.parametrize("damage", list(DAMAGES))
def test_damaged_predictions_are_refused_in_one_line(store, tmp_path, capsys, damage):
    shutil.copytree(store.folder, tmp_path / "r")
    copied = read_store(tmp_path / "r")
    row = next(row for row in trial_rows(copied, find_run(copied, None)["run_id"]) if row["trial"] == 3)
    path = copied.predictions_path(row["evidence_key"])
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    assert call("leaderboard", "--results", str(tmp_path / "r"), "--show", "ensembled") == 5
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith(f"bench: {row['cell_id']}: stored predictions are damaged"), err
    assert str(path) in err
    assert f"--results {tmp_path / 'r'} --fresh`" in err
    assert call("leaderboard", "--results", str(tmp_path / "r")) == 0, "no other view needs them"


def test_a_killed_cell_may_end_in_the_middle_of_a_record(store, tmp_path):
    shutil.copytree(store.folder, tmp_path / "r")
    key = next(key for key, of in predictions(store).items() if len(of.test) > 1)
    with sqlite3.connect(tmp_path / "r/bench.sqlite") as connection:
        connection.execute("UPDATE attempts SET ended_at = NULL WHERE evidence_key = ?", (key,))
    connection.close()
    copied = read_store(tmp_path / "r")
    path = copied.predictions_path(key)
    path.write_bytes(path.read_bytes()[:-1])
    assert len(predictions(copied)[key].test) == len(predictions(store)[key].test) - 1


@pytest.mark.parametrize("validation", ["holdout:25", "cv:3"])
def test_predictions_with_standard_deviations_are_checked_as_well(tmp_path, cache_root, validation):
    text = SUITE.format(validation=validation).partition("[[tasks]]")[0].replace('"dummy", ', '"gp-exact", ')
    (tmp_path / "views.toml").write_text(text + '[[tasks]]\ndataset = "sk-diabetes"\n')
    call("run", str(tmp_path / "views.toml"), "--results", str(tmp_path / "r"), "--executor", "inline")
    found = read_store(tmp_path / "r")
    stored = predictions(found)
    assert any(p.sd is not None for of in stored.values() for p in of.validation.values())
    key = next(key for key, of in stored.items() if next(iter(of.test.values())).sd is not None)
    path = found.predictions_path(key)
    path.write_bytes(flipped_at_the_end(path.read_bytes()))
    assert "are damaged, those of trial" in refusal(stored, key)


def test_each_intervention_has_labels_of_its_own(tmp_path, cache_root):
    """Ensembles are chosen on the labels that the cell was validated on."""
    text = SUITE.format(validation="holdout:25").partition("[[tasks]]")[0]
    text = text.replace("\n[budget]", '\ninterventions = ["none", "random-labels"]\n\n[budget]')
    (tmp_path / "views.toml").write_text(text + '[[tasks]]\ndataset = "iris"\n')
    call("run", str(tmp_path / "views.toml"), "--results", str(tmp_path / "r"), "--executor", "inline")
    found = read_store(tmp_path / "r")
    run = find_run(found, None)
    truths = {tuple(of.y_validation) for of in predictions(found).values()}
    assert len(truths) == 2
    assert len({tuple(of.y_test) for of in predictions(found).values()}) == 1
    for intervention in ("none", "random-labels"):
        shown = board(found, run, View(show="ensembled", intervention=intervention))
        assert shown.view.intervention == intervention
        assert {row.entry for row in shown.rows} == {"dummy", "linear", "tree", "svm-rbf"}
