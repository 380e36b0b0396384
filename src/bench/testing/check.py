"""Every check of a learner, in one call."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

from bench.datasets import ProblemType
from bench.plugins import fault, said
from bench.spaces import Value

if TYPE_CHECKING:
    from bench.learners import Learner
    from bench.testing.subject import Subject


def check_learner(
    learner: Learner,
    *,
    expected_failed_checks: Mapping[str, str] | None = None,
    quick: Mapping[str, Value] | None = None,
) -> None:
    """Check everything that a learner promises; takes some seconds for a quick one. Warnings do not count.

    Args:
        learner: what is checked.
        expected_failed_checks: at most five of scikit-learn's estimator checks, each with the property of
            the method that forbids it; default: the learner's attribute of this name, or none.
        quick: parameters of the default configuration to make cheaper (fewer trees, say) where a check
            does not need the default.

    Raises:
        AssertionError: something is not kept; the text says all that is not, a line each.
    """
    problem = fault(learner)
    if problem is not None:
        raise AssertionError(f"{getattr(learner, 'name', learner)!r} is no learner: {problem}")
    subject = make_subject(learner, expected_failed_checks, quick)
    done = [failure(subject, name, problem) for name, problem in all_checks(subject)]
    failed = [each for each in done if each]
    if failed:
        lines = "\n".join(f"- {each}" for each in failed)
        raise AssertionError(f"learner {learner.name!r} fails {len(failed)} of {len(done)} checks:\n{lines}")


def make_subject(
    learner: Learner, expected_failed_checks: Mapping[str, str] | None, quick: Mapping[str, Value] | None
) -> Subject:
    """Return the learner with what is known of it: given here, or else on the learner itself."""
    from bench.testing.subject import Subject

    if expected_failed_checks is None:
        expected_failed_checks = getattr(learner, "expected_failed_checks", {})
    return Subject(learner, expected_failed_checks, quick or {})


def all_checks(subject: Subject) -> list[tuple[str, ProblemType | None]]:
    """Return every check by name, with the problem it is about, or None where it is about the whole.

    scikit-learn's own checks fit on tables: they are not asked of a learner that needs images.
    """
    from bench.testing.checks import CHECKS
    from bench.testing.whole import SCIKIT_LEARN, WHOLE_CHECKS

    names = [name for name in WHOLE_CHECKS if name != SCIKIT_LEARN or subject.image is None]
    whole: list[tuple[str, ProblemType | None]] = [(name, None) for name in names]
    return whole + [(name, problem) for name in CHECKS for problem in subject.problems]


def run_check(subject: Subject, name: str, problem: ProblemType | None) -> None:
    """Run one check. Raises AssertionError, or whatever the learner raises."""
    from bench.testing.checks import CHECKS
    from bench.testing.whole import WHOLE_CHECKS

    if problem is None:
        WHOLE_CHECKS[name](subject)
    else:
        CHECKS[name](subject, problem)


def failure(subject: Subject, name: str, problem: ProblemType | None) -> str:
    """Run one check and return what is not kept, empty where it is."""
    where = name if problem is None else f"{name} ({problem.value})"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run_check(subject, name, problem)
    except AssertionError as error:
        return f"{where}: {error}"
    except Exception as error:  # noqa: BLE001 - whatever a learner raises is what it does not keep
        return f"{where}: {said(error)}"
    return ""
