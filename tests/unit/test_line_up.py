"""Which learners of a suite can run here; packages, plug-ins and devices that are absent are said."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import pytest

from bench import line_up
from bench.errors import ConfigError, PrerequisiteError
from bench.line_up import usable

ABLE = SimpleNamespace(device="a GPU", reason="")


def unable(reason):
    return SimpleNamespace(device=None, reason=reason)


@pytest.fixture
def asking(plan, monkeypatch):
    """What can run of some learners on a device whose libraries answer so."""

    def ask(learners, device="cuda", **answers):
        monkeypatch.setattr(line_up, "probe", lambda: answers)
        found, left_out = usable(dataclasses.replace(plan.suite, learners=learners, device=device))
        return list(found), {each.what: each.reason for each in left_out}

    return ask


def test_on_the_cpu_no_library_is_asked(asking):
    assert asking(("linear", "mlp"), device="cpu") == (["linear", "mlp"], {})


def test_a_library_that_cannot_use_the_device_is_left_out_and_the_others_run(asking):
    found, left_out = asking(("linear", "xgboost", "mlp"), torch=ABLE, xgboost=unable("built without CUDA"))
    assert found == ["linear", "mlp"]  # what is made for the CPU runs there, billed by the same clock
    assert left_out == {"learner xgboost": "xgboost cannot use cuda here: built without CUDA"}


def test_no_device_at_all_ends_the_run(asking):
    with pytest.raises(PrerequisiteError, match=r"no driver.*leave --device out"):
        asking(("linear", "mlp", "xgboost"), torch=unable("no driver"), xgboost=unable("no driver"))


def test_learners_without_a_use_for_the_device_run_on_its_clock_where_there_is_one(asking):
    assert asking(("linear", "tree"), torch=ABLE, xgboost=unable("x"))[0] == ["linear", "tree"]
    with pytest.raises(PrerequisiteError, match="no driver"):
        asking(("linear", "tree"), torch=unable("no driver"), xgboost=unable("no driver"))


def test_a_package_that_is_absent_is_named_with_the_command_that_brings_it(asking, monkeypatch):
    monkeypatch.setattr(
        line_up, "missing", lambda learner: ("lightgbm",) if learner.name == "lightgbm" else ()
    )
    found, left_out = asking(("linear", "lightgbm"), device="cpu")
    assert found == ["linear"]
    assert left_out == {
        "learner lightgbm": "needs lightgbm; install with `pip install 'inductive-bench[cpu]'`"
    }


def test_a_broken_plug_in_is_left_out_with_its_reason(asking, monkeypatch):
    monkeypatch.setattr(line_up, "broken", lambda: {"theirs": "it raises at import"})
    assert asking(("linear", "theirs"), device="cpu") == (
        ["linear"],
        {"learner theirs": "it raises at import"},
    )


def test_a_learner_that_nobody_knows_is_an_error(asking):
    with pytest.raises(ConfigError, match="lineer"):
        asking(("lineer",), device="cpu")
