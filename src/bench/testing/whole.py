"""What a learner promises as a whole: its declaration, a process of its own, scikit-learn's checks."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from sklearn.utils.estimator_checks import check_estimator

from bench.datasets import ProblemType
from bench.learners import specification_hash
from bench.plugins import fault, said
from bench.testing.fresh import digest_of
from bench.testing.subject import Subject, expect

MOST_EXPECTED = 5
"""How many of scikit-learn's checks a method may fail by its nature."""
SCIKIT_LEARN = "scikit-learn"
HARMLESS_THREADS = ("jemalloc_bg_thd",)

WholeCheck: TypeAlias = Callable[[Subject], None]


def declaration(subject: Subject) -> None:
    """It has every member of a learner, of the right type, and applies to something."""
    problem = fault(subject.learner)
    expect(problem is None, f"it is no learner: {problem}")
    expect(specification_hash(subject.learner) == specification_hash(subject.learner), "its space changes")
    expect(subject.problems, "its `limit` lets it apply to no table")


def fresh_process(subject: Subject) -> None:
    """In a process of its own it says the same, fits the same bits, and its modules start no thread."""
    problem = ProblemType.MULTICLASS if ProblemType.MULTICLASS in subject.problems else subject.problems[0]
    report = _in_fresh_process(subject, problem)
    expect(
        report["specification"] == specification_hash(subject.learner),
        "its space or version is another in a process of its own",
    )
    heavy = ", ".join(report["imported"])
    expect(not heavy, f"asking for its space imports {heavy}: import what it fits with inside `build`")
    threads = [name for name in report["threads"] if name not in HARMLESS_THREADS]
    expect(
        not threads, f"importing its `modules` starts threads ({', '.join(threads)}): no cell could be forked"
    )
    expected = digest_of(subject.fitted(problem), subject.parts(problem).test[0])
    expect(report["digest"] == expected, "a fit with the same seed in a process of its own is another")


def scikit_learn(subject: Subject) -> None:
    """Its estimators pass scikit-learn's own checks, but for at most five that its method cannot pass."""
    expected = subject.expected_failed_checks
    expect(
        len(expected) <= MOST_EXPECTED,
        f"{len(expected)} checks are expected to fail; at most {MOST_EXPECTED} may",
    )
    unsaid = [name for name, reason in expected.items() if not reason.strip()]
    expect(not unsaid, f"say which property of the method forbids {', '.join(unsaid)}")
    failed = [
        f"{problem.value}: {check['check_name']}: {said(check['exception'])}"
        for problem in (ProblemType.BINARY, ProblemType.REGRESSION)
        if problem in subject.problems
        for check in _checked(subject, problem)
        if check["status"] == "failed"
    ]
    expect(not failed, "\n  ".join(["scikit-learn's checks fail:", *failed]))


def _checked(subject: Subject, problem: ProblemType) -> list[dict[str, Any]]:
    estimator = subject.build(problem, subject.quick_config(problem), seed=0)
    expected = dict(subject.expected_failed_checks)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        done: list[dict[str, Any]] = check_estimator(
            estimator, on_skip=None, on_fail=None, expected_failed_checks=expected
        )
    return done


def _in_fresh_process(subject: Subject, problem: ProblemType) -> dict[str, Any]:
    try:
        content = pickle.dumps((subject.learner, problem))
    except Exception as error:
        text = f"it cannot be pickled: {said(error)}; define its functions and classes in a module"
        raise AssertionError(text) from error
    done = subprocess.run(
        [sys.executable, "-m", "bench.testing.fresh"],
        input=content,
        capture_output=True,
        check=False,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "PYTHONHASHSEED": "12345"},
    )
    last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
    expect(done.returncode == 0, f"it cannot be used in a process of its own: {''.join(last)}")
    report: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return report


WHOLE_CHECKS: Mapping[str, WholeCheck] = MappingProxyType(
    {
        "declaration": declaration,
        "fresh-process": fresh_process,
        SCIKIT_LEARN: scikit_learn,
    }
)
"""By name."""
