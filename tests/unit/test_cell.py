"""A learner that fails outside its trials: its cell has ended, and only `--rerun failed` begins it again."""

from __future__ import annotations

import sys

import pytest

from bench.cli.main import main
from bench.store.opening import read_store

SUITE = """
format = 1
name = "cold"
title = "Test"
learners = ["{learner}"]
allowed_failures = 1.0

[budget]
trials = 1

[caps]
train_rows = 60
test_rows = 40

[[tasks]]
dataset = "iris"
"""
MODULE = """
from bench.zoo.wrapped import wrap
from sklearn.dummy import DummyClassifier

class Cold:
    def __init__(self, inner, error):
        self._inner, self._error = inner, error
    def __getattr__(self, name):
        return getattr(self._inner, name)
    def warm_up(self, problem, device="cpu"):
        raise self._error

error = Cold(wrap("cold", classifier=DummyClassifier), RuntimeError("no \x1b[31mwarmth"))
memory = Cold(wrap("greedy", classifier=DummyClassifier), MemoryError("too warm"))
"""


def call(*arguments):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["bench", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
    return left.value.code


@pytest.mark.parametrize("executor", ["inline", "local"])
@pytest.mark.parametrize("fault", ["error", "memory"])
def test_a_warm_up_that_raises_is_not_tried_again_unasked(
    tmp_path, monkeypatch, capsys, cache_root, fault, executor
):
    (tmp_path / "coldlearners.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "cold.toml").write_text(SUITE.format(learner=f"coldlearners:{fault}"))
    run = ("run", str(tmp_path / "cold.toml"), "--results", str(tmp_path / "r"), "--executor", executor)
    said = []
    for more in ((), (), ("--rerun", "failed")):
        call(*run, *more)
        out, err = capsys.readouterr()
        assert err == ""
        assert "\x1b" not in out
        said.append(out)
    assert "1 cells to do" in said[0]
    assert "0 cells to do" in said[1]
    assert "1 cells to do" in said[2]
    store = read_store(tmp_path / "r")
    attempts = store.rows("SELECT status, complete, reason, log FROM attempts")
    store.close()
    assert len(attempts) == 2
    expected = {
        "error": ("error", 1, r"RuntimeError: no \x1b[31mwarmth"),
        "memory": ("oom", 1, "out of memory: too warm"),
    }
    for attempt in attempts:
        assert tuple(attempt[name] for name in ("status", "complete", "reason")) == expected[fault]
        assert "in warm_up" in attempt["log"]
