"""When a file said what it says, by the history of a real repository."""

from __future__ import annotations

import os
import shutil
import subprocess
import tomllib

import pytest

from bench.config.claims import claim_hash
from bench.registrations import UNREGISTERED, Commit, registration

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not here")

SAYS = 'title = "Test"\nmargin = "5 %"\n'
CHANGED = SAYS.replace("5 %", "2 %")
DAYS = [f"2026-01-0{day}T22:30:00-05:00" for day in range(1, 8)]
"""In UTC each is of half past three the day after."""


class Repository:
    """A folder under git, whose commits are a day apart."""

    def __init__(self, folder):
        self.file = folder / "claims" / "claim.toml"
        self.file.parent.mkdir()
        self.days = iter(DAYS)
        self.git("init", "-q")

    def git(self, *arguments, day=DAYS[0]):
        environment = os.environ | {
            "GIT_AUTHOR_DATE": DAYS[0], "GIT_COMMITTER_DATE": day, "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull, "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@example.org",
        }  # fmt: skip
        done = subprocess.run(
            ["git", "-C", str(self.file.parent.parent), *arguments],
            env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip()

    def commit(self, content):
        """Commit a content and return its commit, as it should be told."""
        self.file.write_text(content)
        day = next(self.days)
        self.git("add", ".")
        self.git("commit", "-q", "-m", "a commit", day=day)
        return Commit(self.git("rev-parse", "HEAD"), f"2026-01-0{int(day[9]) + 1}T03:30:00")

    def registration(self):
        def digest_of(content):
            try:
                return claim_hash(tomllib.loads(content.decode()))
            except tomllib.TOMLDecodeError:
                return None

        return registration(self.file, digest_of(self.file.read_bytes()), digest_of)


@pytest.fixture
def repository(tmp_path):
    return Repository(tmp_path)


def test_the_commit_that_added_a_file_fixed_it(repository):
    first = repository.commit(SAYS)
    found = repository.registration()
    assert (found.added, found.fixed) == (first, first)
    assert str(found.fixed) == f"{first.id[:7]} of 2026-01-02"


def test_a_changed_margin_is_of_the_commit_that_changed_it(repository):
    first = repository.commit(SAYS)
    second = repository.commit(CHANGED)
    found = repository.registration()
    assert (found.added, found.fixed) == (first, second)


def test_a_comment_changes_nothing(repository):
    first = repository.commit(SAYS)
    repository.commit(f"# why\n{SAYS}")
    repository.commit("".join(reversed(SAYS.splitlines(keepends=True))))
    assert repository.registration().fixed == first


def test_what_is_not_committed_is_not_fixed(repository):
    first = repository.commit(SAYS)
    repository.file.write_text(CHANGED)
    found = repository.registration()
    assert (found.added, found.fixed) == (first, None)
    repository.git("add", ".")
    assert repository.registration().fixed is None
    repository.file.write_text(f"{SAYS}# a comment\n")
    assert repository.registration().fixed == first


def test_what_was_taken_back_counts_since_it_is_there_again(repository):
    first = repository.commit(SAYS)
    repository.commit(CHANGED)
    third = repository.commit(SAYS)
    found = repository.registration()
    assert (found.added, found.fixed) == (first, third)


def test_what_could_not_be_read_said_something_else(repository):
    first = repository.commit("margin = [")
    second = repository.commit(SAYS)
    found = repository.registration()
    assert (found.added, found.fixed) == (first, second)


def test_other_files_of_the_repository_have_no_part(repository):
    first = repository.commit(SAYS)
    (repository.file.parent / "other.toml").write_text(CHANGED)
    repository.commit(SAYS)
    assert repository.registration().fixed == first


def test_a_file_in_no_commit_and_a_file_in_no_repository(repository, tmp_path_factory):
    repository.file.write_text(SAYS)
    assert repository.registration() == UNREGISTERED
    outside = tmp_path_factory.mktemp("outside") / "claim.toml"
    outside.write_text(SAYS)
    assert registration(outside, "0" * 16, lambda _: "0" * 16) == UNREGISTERED
    assert registration(outside.parent / "none" / "claim.toml", "0", lambda _: "0") == UNREGISTERED
