"""Which learners of a suite can run here: installed, whole, and able to use the suite's device."""

from __future__ import annotations

from bench.arms import base_reference
from bench.environments import ALTERNATIVES
from bench.errors import PrerequisiteError
from bench.learners import Learner
from bench.plans import Exclusion
from bench.registry import broken, missing
from bench.registry import learner as find_learner
from bench.suites import Suite
from bench.zoo.devices import probe


def usable(suite: Suite) -> tuple[dict[str, Learner], tuple[Exclusion, ...]]:
    """Return the learners of a suite that can run, by what the suite calls them, and why others cannot.

    Raises:
        ConfigError: there is no such learner.
        PrerequisiteError: the suite wants a device, and no library here can use it.
    """
    reasons: dict[str, str] = {}
    variants: set[str] = set()
    found: dict[str, Learner] = {}
    for reference in suite.learners:
        if base_reference(reference) in broken():
            reasons[reference] = broken()[base_reference(reference)]
            continue
        learner = find_learner(reference)
        absent = missing(learner)
        if absent:
            reasons[reference] = f"needs {', '.join(absent)}; install with `{_command(absent)}`"
        elif (lacking := _lacking(learner, suite.device)) is not None:
            reasons[reference] = lacking
            variants.add(reference)
        else:
            found[reference] = within_limits(learner, suite)
    if suite.device != "cpu":
        reasons |= _deviceless(found, suite.device)
    exclusions = [
        Exclusion(what=f"learner {name}", reason=reason, repeated=name in variants)
        for name, reason in reasons.items()
    ]
    return {name: learner for name, learner in found.items() if name not in reasons}, tuple(exclusions)


def _lacking(learner: Learner, device: str) -> str | None:
    """Return what this machine lacks for a learner that says so."""
    lacks = getattr(learner, "lacks", None)
    reason: str | None = None if lacks is None else lacks(device if device in learner.devices else "cpu")
    return reason


def within_limits(learner: Learner, suite: Suite) -> Learner:
    """Return the learner under the suite's limit on exact fits, where it has one."""
    with_limit = getattr(learner, "with_limit", None)
    if suite.exact_limit_s is None or with_limit is None:
        return learner
    limited: Learner = with_limit(suite.exact_limit_s)
    return limited


def _deviceless(learners: dict[str, Learner], device: str) -> dict[str, str]:
    """Return why learners that are made for a device cannot use it here; on none at all, raise."""
    able = {name: learner for name, learner in learners.items() if device in learner.devices}
    libraries = probe()
    reasons = {
        name: f"{library} cannot use {device} here: {libraries[library].reason}"
        for name, learner in able.items()
        if (library := _library(learner)) is not None and libraries[library].device is None
    }
    if all(each.device is None for each in libraries.values()) or (able and len(reasons) == len(able)):
        causes = "; ".join(dict.fromkeys(each.reason for each in libraries.values() if each.reason))
        raise PrerequisiteError(f"--device {device}: {causes}; leave --device out to run on the CPU")
    return reasons


def _library(learner: Learner) -> str | None:
    """Return which of the probed libraries a learner fits with."""
    names = {name for package in learner.packages for name in ALTERNATIVES.get(package, (package,))}
    return next((name for name in ("torch", "xgboost") if name in names), None)


def _command(absent: tuple[str, ...]) -> str:
    ours = {"xgboost", "xgboost-cpu", "lightgbm", "torch", "gpytorch", "linear-operator"}
    return "pip install 'inductive-bench[cpu]'" if set(absent) <= ours else f"pip install {' '.join(absent)}"
