"""The contract as a pytest class: inherit from it, and name your learner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import pytest

from bench.datasets import ProblemType
from bench.learners import Learner
from bench.spaces import Value
from bench.testing.check import all_checks, make_subject, run_check
from bench.testing.subject import Subject


class LearnerContract:
    """Every check of a learner as a test of its own.

        class TestMine(LearnerContract):
            learner = LEARNER

    `expected_failed_checks` and `quick` are those of `check_learner`.
    """

    learner: ClassVar[Learner]
    expected_failed_checks: ClassVar[Mapping[str, str] | None] = None
    quick: ClassVar[Mapping[str, Value] | None] = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each check for each problem that the learner applies to."""
        if {"check", "problem"} <= set(metafunc.fixturenames):
            checks = all_checks(make_subject(self.learner, {}, {}))
            ids = [f"{self.learner.name}-{c}" + (f"-{p.value}" if p else "") for c, p in checks]
            metafunc.parametrize(("check", "problem"), checks, ids=ids)

    @pytest.fixture(scope="class")
    @classmethod
    def subject(cls) -> Subject:
        """The learner, with the fits that its checks share."""
        return make_subject(cls.learner, cls.expected_failed_checks, cls.quick)

    @pytest.mark.filterwarnings("ignore:Skipping features without any observed values")
    def test_contract(self, subject: Subject, check: str, problem: ProblemType | None) -> None:
        """Run one check."""
        run_check(subject, check, problem)
