"""A claim in words, and what running it would take."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from bench.analysis.claims.amounts import amount
from bench.analysis.inference.power import detectable
from bench.claims import Claim, Comparison, Condition, Contrast, Unit
from bench.cli.estimate import cell_wall_s, span
from bench.config.claim_suites import cell_budgets, own_seeds
from bench.execution.choice import executor_for
from bench.plans import Plan
from bench.store.query import evidence_attempts
from bench.store.sqlite import Store, finished
from bench.verdicts import Rule

WIDTH = 100
SPREADS = (1, 3)
"""Between-dataset SDs, in margins, that a plan is told for: 3 is what tables have shown."""


def portrait(claim: Claim) -> str:
    """Return what a claim says and how it is judged."""
    lines = [f"{claim.id} {claim.name}: {claim.title}", *_wrapped(f'"{claim.statement}"')]
    lines += _wrapped(claim.note) if claim.note else []
    lines += ["", "Sources"]
    for source in claim.sources:
        lines += _wrapped(f"{source.cite}: {source.says}")
    lines += ["", f"Sides (sample: {claim.unit}s, at least {claim.fewest})"]
    for side in claim.sides.values():
        lines += _wrapped(f"{side.name}: {', '.join(side.learners)}; {side.show}")
    lines += ["", "Contrasts"]
    for contrast in claim.contrasts:
        lines += _wrapped(_contrast(contrast))
    lines += ["", "Controls", *_controls(claim), "", "Scope"]
    for name, suite in claim.profiles.items():
        sizes = ", ".join("all" if cap is None else f"{cap:,}" for cap in suite.train_caps)
        seconds = f"{suite.budget.seconds:g} s" if suite.budget.seconds else ""
        trials = f"{suite.budget.trials} trials" if suite.budget.trials else ""
        lines += _wrapped(
            f"{name}: {len(suite.tasks)} tables ({', '.join(task.name for task in suite.tasks)}); "
            f"{sizes} training rows; {' and '.join(filter(None, (seconds, trials)))} a cell; "
            f"{suite.folds} fold{'s' * (suite.folds > 1)}, seeds {', '.join(map(str, suite.seeds))}"
        )
    lines += ["", *_wrapped(f"Expected {claim.expected}: {claim.because}"), f"  hash {claim.hash}"]
    return "\n".join(lines) + "\n"


def plan_lines(claim: Claim, plan: Plan, store: Store | None) -> Iterator[str]:
    """Yield what a run of a claim would take and could detect; without a store nothing is done yet."""
    keys = [each.evidence_key for each in plan.runnable]
    attempts = {} if store is None else evidence_attempts(store, keys)
    left = [
        cell_wall_s(budget)
        for key, budget in cell_budgets(claim, plan).items()
        if finished(attempts.get(key, ()), budget) is None
    ]
    wall, n = span(sum(left) / executor_for(plan.suite, "local", None).jobs), len(plan.runnable)
    yield f"{claim.id} {claim.name}: {n} cells, {n - len(left)} done, about {wall} for the rest"
    for exclusion in plan.exclusions:
        yield from _wrapped(f"left out: {exclusion.what}: {exclusion.reason}")
    datasets = {each.cell.task.dataset.name for each in plan.runnable}
    n = len(own_seeds(claim, plan.suite)) if claim.unit is Unit.SEED else len(datasets)
    what = "seeds on each dataset" if claim.unit is Unit.SEED else "datasets"
    for comparison in claim.comparisons:
        margin = comparison.margin
        told = ", ".join(
            f"{amount(found, margin.scale)} if they differ by {times} margin{'s' * (times > 1)}"
            for times in SPREADS
            if not math.isnan(found := detectable(n, times * margin.amount, margin.amount, comparison.rule))
        )
        if told:
            chances = f"with {n} {what}, four runs in five would {_finding(comparison.rule)}"
            yield from _wrapped(f"{comparison.name}: {chances} {told}")


def _finding(rule: Rule) -> str:
    """What is said of the true mean from which on, or up to which, a rule mostly supports."""
    return (
        "support a true mean of up to" if rule in (Rule.EQUIVALENCE, Rule.AT_MOST) else "find a true mean of"
    )


def _contrast(contrast: Contrast) -> str:
    role = "" if contrast.primary else ", secondary"
    if isinstance(contrast, Comparison):
        pairs = "; ".join(f"{pair.side} against {pair.against}" for pair in contrast.pairs)
        under = "" if contrast.altered is None else f", {contrast.intact} less {contrast.altered}"
        margin = amount(contrast.margin.amount, contrast.margin.scale)[1:]
        return f"{contrast.name} ({contrast.rule}{role}, margin {margin}): {pairs}{under}"
    conditions = " and ".join(map(_condition, contrast.conditions))
    return f"{contrast.name} ({contrast.rule}{role}): {contrast.side}: {conditions}"


def _condition(condition: Condition) -> str:
    share = " of the dummy's test error" if condition.of_dummy else ""
    return f"{condition.part} error under {condition.intervention} at most {condition.at_most:g}{share}"


def _controls(claim: Claim) -> list[str]:
    controls = claim.controls
    lines = [f"run twice: {', '.join(controls.same)}"] if controls.same else []
    lines += [f"must not notice: {', '.join(controls.null)}"] if controls.null else []
    if controls.positive is not None:
        lines.append(f"known to be better: {controls.positive.side} than {controls.positive.against}")
    if controls.permuted_labels:
        on = f" on {', '.join(controls.permuted_tasks)}" if controls.permuted_tasks else ""
        lines.append(f"at chance under random labels: {', '.join(controls.permuted_labels)}{on}")
    return [part for each in lines for part in _wrapped(each)] or ["  none"]


def _wrapped(words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent="  ", subsequent_indent="    ")
