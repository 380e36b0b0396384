"""What OpenML calls a flow: a learner of bench at its defaults, or bench's search over its configurations.

A flow is known there by its name and external version, and all flows of that name and version must have the
same parameters. The version therefore holds what evidence counts under, the hashes of the learner's
declaration and of the versions that can change its results, and the problem type, which spaces depend on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from bench.datasets import ProblemType
from bench.environments import BASE_PACKAGES
from bench.publishing.openml_runs import Candidate
from bench.sources.openml.uploads import Flow, Parameter

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.,():=-]")
"""What OpenML allows in no name; in that of a run's parameter no `=` either."""


def flow_of(candidate: Candidate, packages: Mapping[str, str]) -> Flow:
    """Return the flow of a run; `packages` are the versions that it was run with."""
    cell = candidate.folds[0].cell
    learner = cell["learner"]
    kind = "" if candidate.show == "default" else "tuned."
    version = packages.get("inductive-bench", "unknown")
    return Flow(
        name=_allowed(f"bench.{kind}{learner}", 1024),
        external_version=_allowed(
            f"bench=={version},learner={cell['learner_hash']},lock={cell['lock_hash']},"
            f"problem={cell['problem']}",
            128,
        ),
        description=_description(candidate, cell),
        dependencies=", ".join(f"{name}=={packages[name]}" for name in BASE_PACKAGES if name in packages),
    )


def parameters_of(candidate: Candidate, run: Mapping[str, Any]) -> tuple[Parameter, ...]:
    """Return the parameters of a run: its configuration where that is one, and what it was fitted under."""
    return tuple(
        Parameter(
            name=_allowed(name.replace("=", "_"), 128),
            data_type=kind,
            default=json.dumps(value),
            value=json.dumps(value),
        )
        for name, value, kind in _settings(candidate, run)
    )


def _settings(candidate: Candidate, run: Mapping[str, Any]) -> Iterator[tuple[str, Any, str]]:
    """Yield names, values and types; a type never depends on a value that another run may have otherwise."""
    cell = candidate.folds[0].cell
    if candidate.show == "default":
        config: Mapping[str, Any] = json.loads(candidate.folds[0].trial["config"])
        yield from ((name, value, _type(value)) for name, value in config.items())
    else:
        yield "bench.budget_s", run["budget_s"], "numeric"
        yield "bench.budget_trials", run["budget_trials"], "integer"
    yield "bench.validation", cell["validation"], "string"
    yield "bench.seed", cell["seed"], "integer"
    yield "bench.device", f"{cell['device']}{cell['cores']}", "string"


def _description(candidate: Candidate, cell: Mapping[str, Any]) -> str:
    what = (
        "in its default configuration"
        if candidate.show == "default"
        else "in the configuration that a search within the budget found best on the validation rows, in "
        "each fold anew"
    )
    kind = "classification" if ProblemType(cell["problem"]).is_classification else "regression"
    return (
        f"The learner {cell['learner']} of the family {cell['family']} of bench (inductive-bench), for "
        f"{kind}, {what}. Its preprocessing is part of it and fitted inside the training rows. Test rows are "
        "predicted by what was validated, without a refit: by one model fitted on the training rows less "
        "those held out (bench.validation holdout25: 25 %), or by the mean of the models of k folds (cvk)."
    )


def _allowed(name: str, longest: int) -> str:
    """Return a name as OpenML takes it: an arm's braces as brackets, and no other sign that it forbids."""
    return _FORBIDDEN.sub("_", name.replace("{", "(").replace("}", ")"))[:longest]


def _type(value: Any) -> str:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "numeric"
        case _:
            return "string"
