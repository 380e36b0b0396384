"""A claim from its file to its verdict, as real processes, beside a history that git keeps."""

from __future__ import annotations

import json
import os
import random
import shutil
import subprocess

import pytest

from bench.config.claims import load_claim
from bench.judgements import judgement
from bench.sources.cache import Cache
from bench.store.opening import open_store, read_store
from bench.verdicts import Word

CLAIM = """
format = 1
id = "TST-1"
title = "Linear models know something"
statement = "Linear models beat guessing."
unit = "seed"
fewest = 3
margin = "5 %"
expected = "SUPPORTED"
because = "the target leans on the columns"

[[sources]]
cite = "A test"
says = "so"

[sides]
linear = { learners = ["linear"], show = "default" }
dummy = ["dummy"]

[[contrasts]]
name = "linear against the dummy"
rule = "superiority"
pairs = [["linear", "dummy"]]

[controls]
positive = ["linear", "dummy"]

[profiles.small]
tasks = ["iris", { file = "own.csv", target = "y" }]
seeds = [0, 1, 2]
budget = { trials = 2 }
"""


class Project:
    """A folder with a table of its own and a claim about it, under git where that is here."""

    def __init__(self, bench):
        self.bench = bench
        self.file = bench.folder / "claim.toml"
        draw = random.Random(0).random
        rows = [(draw(), draw()) for _ in range(120)]
        lines = [f"{a},{b},{a + 0.3 * b + 0.1 * draw()}" for a, b in rows]
        (bench.folder / "own.csv").write_text("\n".join(["a,b,y", *lines]) + "\n")
        self.file.write_text(CLAIM)

    def git(self, *arguments, date="2026-01-01T00:00:00Z"):
        environment = os.environ | {
            "GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date, "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
        }  # fmt: skip
        command = ["git", "-C", str(self.bench.folder), *arguments]
        subprocess.run(command, env=environment, check=True, capture_output=True)

    def says(self, *changes):
        """Write the claim with these changes."""
        said = CLAIM
        for before, after in changes:
            assert said.count(before) == 1
            said = said.replace(before, after)
        self.file.write_text(said)

    def judgement(self, cache=None):
        """Judge the claim in this process, which takes no time to begin."""
        claim, store = load_claim(str(self.file)), read_store(self.bench.folder / "bench-results")
        return judgement(store, claim, "small", cache or Cache(self.bench.cache))

    def claims(self, verb, *arguments, code=0):
        return self.bench("claims", verb, "claim.toml", *arguments, code=code)


@pytest.fixture
def project(bench):
    return Project(bench)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")
def test_a_claim_from_its_file_to_its_verdict(project):
    project.git("init", "-q")
    project.git("add", "claim.toml")
    project.git("commit", "-q", "-m", "a claim")
    planned = project.claims("plan")
    assert "TST-1 claim: 12 cells, 0 done" in planned
    assert "linear against the dummy: with 3 seeds on each dataset" in planned
    assert not (project.bench.folder / "bench-results").exists()
    lacking = project.claims("check", code=5)
    assert "bench-results: holds no results yet" in lacking

    ran = project.claims("run")
    assert "TST-1 claim (small profile): SUPPORTED" in ran
    again = project.claims("run")
    parts = [each for each in again.splitlines() if " cells to do, " in each]
    assert parts
    assert all(": 0 cells to do, " in each for each in parts)
    assert project.bench.rows("SELECT count(*) AS n FROM attempts") == [{"n": 12}]
    said = project.claims("judge")
    assert '"Linear models beat guessing."' in said
    assert "control positive (linear better than dummy): held" in said
    assert ", added in " in said
    assert " of 2026-01-01, as it is since " in said
    assert "12 of 12 cells" in said
    assert "EXPLORATORY" not in said
    assert "in the cache" not in said
    (record,) = json.loads(project.claims("judge", "--format", "json"))
    assert record["word"] == "SUPPORTED"
    assert record["registration"]["fixed"]["at"] == "2026-01-01T00:00:00"
    values = record["verdict"]["contrasts"][0]["found"]["table"]
    assert sorted((each["dataset"].partition("-")[0], each["seed"]) for each in values) == [
        (dataset, seed) for dataset in ("iris", "own") for seed in (0, 1, 2)
    ]
    line = project.claims("check")
    assert line.startswith("TST-1   claim")
    assert " SUPPORTED" in line
    assert "EXPLORATORY" not in line
    project.says(('expected = "SUPPORTED"', 'expected = "REFUTED"'))
    assert "EXPLORATORY" in project.claims("check", code=4)
    check_what_was_said_later(project)
    check_what_does_not_count(project)


def check_what_was_said_later(project):
    """What a claim says is fixed by the first commit, or the first run, that says so."""
    project.says(("5 %", "4 %"))
    found = project.judgement()
    assert found.registration.added is not None
    assert found.exploratory.endswith("what the claim says is in no commit and was never run as it is")
    project.git("commit", "-q", "-a", "-m", "another margin", date="2098-01-01T00:00:00Z")
    found = project.judgement()
    assert found.exploratory.startswith(f"evidence is of {found.first_evidence[:16]}Z")
    assert found.exploratory.endswith("what the claim says is of 2098-01-01T00:00Z")
    shutil.rmtree(project.bench.folder / ".git")
    assert project.judgement().exploratory is not None
    assert project.judgement().registration.added is None
    project.says()
    assert project.judgement().exploratory is None, "the run that brought the evidence fixed it"


def check_what_does_not_count(project):
    """Evidence of other data is not that of the claim, and a table that is not here may have some."""
    found = project.judgement(Cache(project.bench.folder / "elsewhere"))
    assert [note for note in found.notes if "in the cache" in note] == []
    assert found.n_done == 12, "iris is known so well that its evidence is found without it"
    table = project.bench.folder / "own.csv"
    table.write_text(table.read_text().replace("a,b,y\n", "a,b,y\n0.5,0.5,0.65\n"))
    said = project.claims("judge")
    assert "TST-1 claim (small profile): INCONCLUSIVE" in said
    assert "3 results are to come" in said
    lines = [line for line in said.splitlines() if "evidence of other data" in line]
    assert len(lines) == 1
    assert lines[0].startswith("  6 cells have evidence of other data, versions or code")
    assert "6 of 12 cells" in said


def test_tables_that_are_not_here_are_said_in_one_line(project):
    project.says(('["iris", { file = "own.csv", target = "y" }]', '["iris", "spambase"]'))
    claim = load_claim(str(project.file))
    found = judgement(
        open_store(project.bench.folder / "results"), claim, "small", Cache(project.bench.folder)
    )
    assert found.verdict.decision.word is Word.NOT_RUN
    assert list(found.notes) == [
        (
            "2 tables are not in the cache: `bench claims run claim` or `bench data fetch iris spambase` "
            "makes evidence of them count, if there is any"
        )
    ]


def test_what_cannot_be_judged_is_said_in_one_line(project):
    for arguments, hint, code in (
        (("judge", "clame.toml"), "clame.toml: there is no such claim file", 2),
        (("judge", "TAB-99"), 'no claim "TAB-99"', 2),
        (("plan", "claim.toml", "--profile", "full"), 'claim.toml: no profile "full" (profiles: small)', 2),
    ):
        process = project.bench.start("claims", *arguments)
        out, err = process.communicate(timeout=120)
        assert process.returncode == code
        assert out == ""
        assert hint in err
        assert len(err.strip().splitlines()) == 1, err
