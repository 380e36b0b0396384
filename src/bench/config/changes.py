"""A suite with what a command line or a caller changes of it, each value within its bounds. Pure."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from numbers import Integral, Real
from typing import Any

from bench.config.limits import LONGEST_BUDGET_S, MOST_FOLDS, MOST_REPEATS, MOST_TRIALS
from bench.errors import ConfigError, PrerequisiteError
from bench.facts import ACCEPTABLE
from bench.registry import learner as find_learner
from bench.suites import Suite

DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What a command line or a caller changes of a suite; None leaves it as it is."""

    budget_s: float | None = None
    trials: int | None = None
    folds: int | None = None
    repeats: int | None = None
    device: str | None = None
    learners: tuple[str, ...] = ()
    """Learners to run instead of the suite's; empty for the suite's."""
    accept: tuple[str, ...] = ()
    """Codes of facts to accept beside those that the suite does."""


def changed(suite: Suite, changes: Changes) -> Suite:
    """Return the suite with the changes.

    Raises:
        ConfigError: a value is out of its bounds, or a learner is unknown or named twice; all are told.
    """
    problems = [*_out_of_bounds(changes), *_learner_problems(changes.learners)]
    if problems:
        raise ConfigError(*problems)
    budget = replace(
        suite.budget,
        seconds=suite.budget.seconds if changes.budget_s is None else float(changes.budget_s),
        trials=suite.budget.trials if changes.trials is None else int(changes.trials),
    )
    return replace(
        suite,
        budget=budget,
        folds=suite.folds if changes.folds is None else int(changes.folds),
        repeats=suite.repeats if changes.repeats is None else int(changes.repeats),
        device=changes.device or suite.device,
        learners=changes.learners or suite.learners,
        accept=tuple(dict.fromkeys((*suite.accept, *changes.accept))),
    )


def is_whole(value: Any, most: float = math.inf) -> bool:
    """Return whether a value is a whole number from 1; True and 1.0 are none."""
    return not isinstance(value, bool) and isinstance(value, Integral) and 1 <= int(value) <= most


def is_duration(value: Any, longest_s: float = math.inf) -> bool:
    """Return whether a value is a finite number of seconds, more than 0."""
    is_number = not isinstance(value, bool) and isinstance(value, Real)
    return is_number and bool(0 < value <= min(longest_s, sys.float_info.max))


def _out_of_bounds(changes: Changes) -> Iterable[str]:
    """Yield what is no value of its kind; None is not asked for."""
    if changes.budget_s is not None and not is_duration(changes.budget_s, LONGEST_BUDGET_S):
        most_s = f"{LONGEST_BUDGET_S:.0f} seconds"
        yield f"budget_s: give more than 0 and at most {most_s}, not {changes.budget_s!r}"
    whole = (
        ("trials", changes.trials, MOST_TRIALS),
        ("folds", changes.folds, MOST_FOLDS),
        ("repeats", changes.repeats, MOST_REPEATS),
    )
    for name, value, most in whole:
        if value is not None and not is_whole(value, most):
            yield f"{name}: give a whole number from 1 to {most}, not {value!r}"
    if changes.device is not None and changes.device not in DEVICES:
        yield f"device: {changes.device!r} is none of {', '.join(DEVICES)}"
    for code in changes.accept:
        if code not in ACCEPTABLE:
            yield f"accept: {code!r} leaves no table out that could be run: {', '.join(ACCEPTABLE)} do"


def _learner_problems(references: Sequence[object]) -> Iterable[str]:
    """Yield the references that are no text or lead to no learner, and the names that come up twice."""
    called: dict[str, list[str]] = {}
    for reference in references:
        if not isinstance(reference, str):
            yield (
                f"learners: {_shown(reference)} cannot travel to the processes that fit, which look learners "
                "up by name: put it in a module and name it module:attribute (see docs/learners.md)"
            )
            continue
        try:
            called.setdefault(find_learner(reference).name, []).append(reference)
        except PrerequisiteError:  # declared and cannot be used: the plan leaves it out and says why
            called.setdefault(reference, []).append(reference)
        except ConfigError as error:
            yield f"learners: {error}"
    for name, found in called.items():
        if len(found) > 1:
            paths = f" ({', '.join(found)})" if set(found) != {name} else ""
            yield f'learners: "{name}" is named {_times(len(found))}{paths}'


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"


def _shown(learner: object) -> str:
    name = getattr(learner, "name", None)
    return f"the learner {name!r} itself" if isinstance(name, str) else f"a {type(learner).__name__}"
