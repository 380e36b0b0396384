"""What stands in the way of a verdict, whatever the rules say."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from bench.analysis.claims.amounts import amount
from bench.analysis.claims.contrasts import ComparisonVerdict, ContrastVerdict, CountVerdict, n_pending
from bench.analysis.claims.controls import ControlResult
from bench.analysis.claims.differences import MOST_FAILURES
from bench.analysis.claims.evidence import Evidence
from bench.analysis.claims.readings import Reading, word_of
from bench.analysis.views import FailurePolicy
from bench.verdicts import Decision, Rule, Tag, Word

POLICIES: tuple[FailurePolicy, ...] = ("fallback", "dummy", "complete-pairs")
FEWEST_OF_A_TYPE = 3
"""Datasets of one problem type whose mean may contradict that of another."""


def gated(
    evidence: Evidence,
    reading: Reading,
    contrasts: Sequence[ContrastVerdict],
    controls: Sequence[ControlResult],
    decision: Decision,
) -> Decision:
    """Return the decision, or what stands in its way."""
    broken = [each for each in controls if each.held is False]
    if broken:
        return Decision(
            word=Word.INVALID, why="; ".join(f"control {each.name} failed: {each.text}" for each in broken)
        )
    reason = _obstacle(evidence, reading, contrasts, controls, decision)
    return decision if reason is None else Decision(word=Word.INCONCLUSIVE, why=reason[0], needs=reason[1])


def _obstacle(
    evidence: Evidence,
    reading: Reading,
    contrasts: Sequence[ContrastVerdict],
    controls: Sequence[ControlResult],
    decision: Decision,
) -> tuple[str, str] | None:
    """Return why nothing may be decided whatever the rule says, and what it would take; None for nothing."""
    more = f"`bench claims run {reading.claim.name}`"
    n_to_come = sum(map(n_pending, contrasts))
    waiting = [each.name for each in controls if each.held is None]
    decided = decision.word in (Word.SUPPORTED, Word.REFUTED)
    if n_to_come or (waiting and decided):
        lacking = [f"{n_to_come} results are to come"] * bool(n_to_come)
        lacking += [f"controls say nothing yet: {', '.join(waiting)}"] * bool(waiting)
        return "; ".join(lacking), more
    primary = [each for each in contrasts if each.contrast.primary]
    found = [each for each in primary if isinstance(each, ComparisonVerdict)]
    failing = [name for each in found for name in each.found.failing]
    failing += [
        f"{each.contrast.side} ({each.n_failed} of {each.n_results} results)"
        for each in primary
        if isinstance(each, CountVerdict) and each.n_failed > MOST_FAILURES * each.n_results
    ]
    if failing:
        return f"a side that fails on more than a tenth of the tasks gets no verdict: {failing[0]}", ""
    if not decided:
        return None
    if any(each.found.n_missing for each in found):
        words = {
            policy: word_of(evidence, dataclasses.replace(reading, policy=policy)) for policy in POLICIES
        }
        if len(set(words.values())) > 1:
            told = ", ".join(f"{policy}: {word}" for policy, word in words.items())
            return f"what stands in for missing errors decides: {told}", "sides that do not fail"
    contrary = [line for each in found for line in _contrary(each)]
    if contrary:
        return contrary[0], "a claim about one problem type"
    return _bound(evidence, reading, found, decision)


def _contrary(each: ComparisonVerdict) -> list[str]:
    """Return what problem types say against each other: their signs, where a direction is decided.

    Where it is decided that there is no difference: differences past the margin to both sides.
    """
    directed = each.contrast.rule in (Rule.SUPERIORITY, Rule.INTERACTION, Rule.SHAPE)
    leads = directed and (each.decision.word is Word.SUPPORTED or each.decision.tag is Tag.REVERSED)
    means = {name: part.mean for name, part in each.by_problem.items() if part.n >= FEWEST_OF_A_TYPE}
    bar = 0.0 if leads else each.contrast.margin.amount
    if not (any(mean > bar for mean in means.values()) and any(mean < -bar for mean in means.values())):
        return []
    scale = each.contrast.margin.scale
    told = ", ".join(f"{name} {amount(mean, scale)}" for name, mean in means.items())
    return [f"{each.contrast.name}: problem types contradict each other: {told}"]


def _bound(
    evidence: Evidence, reading: Reading, found: Sequence[ComparisonVerdict], decision: Decision
) -> tuple[str, str] | None:
    """Return that a decision rests on results bound by their budget, where it would not stand without."""
    n_bound = sum(int(each.found.table["bound"].sum()) for each in found)
    if not n_bound:
        return None
    word = word_of(evidence, dataclasses.replace(reading, keep=lambda table: ~table["bound"]))
    if word is decision.word:
        return None
    n = sum(len(each.found.table) for each in found)
    return (
        (
            f"{n_bound} of {n} values rest on searches that still gained in the last half of their budget; "
            f"with them {decision}, without them {word}"
        ),
        "a larger budget",
    )
