"""The verdict on a claim: a pure function of the claim and of the frames of its trials and cells."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.claims.controls import ControlResult, control_results
from bench.analysis.claims.counts import Held, decide_count, held, pending
from bench.analysis.claims.differences import Differences, differences
from bench.analysis.claims.evidence import Asked, Evidence
from bench.analysis.claims.rulings import Ruling, ruled
from bench.analysis.inference.effects import Effect, effect
from bench.analysis.inference.heterogeneity import Spread, spread
from bench.analysis.inference.signed_rank import Posterior, signed_rank
from bench.analysis.inference.significance import holm, replicated, wilcoxon
from bench.analysis.views import FailurePolicy
from bench.claims import Claim, Comparison, Count, Scale, Unit
from bench.verdicts import Decision, Rule, Tag, Word

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

POLICIES: tuple[FailurePolicy, ...] = ("fallback", "dummy", "complete-pairs")
FEWEST_OF_A_TYPE = 3
"""Datasets of one problem type whose mean may contradict that of another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparisonVerdict:
    """What became of one comparison."""

    contrast: Comparison
    ruling: Ruling
    found: Differences
    effect: Effect | None
    """Over all units; None without a value."""
    spread: Spread | None
    p: float
    """Two-sided signed-rank p over datasets; NaN where seeds are the sample."""
    p_adjusted: float
    """By Holm, among the comparisons of the claim."""
    posterior: Posterior | None
    """Of the Bayesian signed-rank test: worse, within the margin, better."""
    by_problem: Mapping[str, Effect]
    n_individually: int | None
    """On at least how many datasets the first side is better by itself; None with one split each."""

    @property
    def decision(self) -> Decision:
        """What its rule decided."""
        return self.ruling.decision


@dataclass(frozen=True, slots=True, kw_only=True)
class CountVerdict:
    """What became of one count."""

    contrast: Count
    decision: Decision
    held: Mapping[str, Held]
    n_pending: int


ContrastVerdict: TypeAlias = ComparisonVerdict | CountVerdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """The word on the claim if one thing had been otherwise."""

    name: str
    word: Word
    flips: bool
    """Whether it is another word than the verdict's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict on a claim."""

    claim: Claim
    profile: str
    decision: Decision
    contrasts: tuple[ContrastVerdict, ...]
    controls: tuple[ControlResult, ...] = ()
    variations: tuple[Variation, ...] = ()

    @property
    def as_expected(self) -> bool:
        """Whether the word is the one that was expected beforehand."""
        return self.decision.word is self.claim.expected

    @property
    def marked(self) -> bool:
        """Whether some variation flips the verdict."""
        decided = self.decision.word in (Word.SUPPORTED, Word.REFUTED)
        return decided and any(each.flips for each in self.variations)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Reading:
    """One way to read the evidence."""

    claim: Claim
    asked: Asked = field(default_factory=Asked)
    policy: FailurePolicy = "fallback"
    factor: float = 1.0
    keep: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    """Which rows of a table of differences count; None for all."""


def verdict(evidence: Evidence, claim: Claim, profile: str, asked: Asked | None = None) -> Verdict:
    """Return the verdict on a claim.

    A control that fails makes it INVALID. It is NOT RUN without any evidence, and INCONCLUSIVE before all of
    it is there, where a side fails too often, where the failure policies do not agree, where problem types
    contradict each other, and where it would not stand without results that are bound by their budget.
    """
    reading = _Reading(claim=claim, asked=asked or Asked())
    contrasts = _contrasts(evidence, reading)
    decision = _combined(contrasts)
    n_pending = sum(_n_pending(each) for each in contrasts)
    if all(_is_bare(each) for each in contrasts):
        why = f"{n_pending} results are to come" if n_pending else "the store holds no evidence for it"
        return Verdict(
            claim=claim,
            profile=profile,
            decision=Decision(word=Word.NOT_RUN, why=why, needs=f"`bench claims run {claim.name}`"),
            contrasts=contrasts,
        )
    controls = control_results(evidence, claim)
    decision = _gated(evidence, reading, contrasts, controls, decision)
    return Verdict(
        claim=claim,
        profile=profile,
        decision=decision,
        contrasts=contrasts,
        controls=controls,
        variations=() if n_pending else _variations(evidence, reading, contrasts, decision.word),
    )


def _contrasts(evidence: Evidence, reading: _Reading) -> tuple[ContrastVerdict, ...]:
    claim = reading.claim
    found = {each.name: _differences(evidence, reading, each) for each in claim.comparisons}
    p = _p_values(claim, found)
    contrasts: list[ContrastVerdict] = []
    for contrast in claim.contrasts:
        if isinstance(contrast, Comparison):
            contrasts.append(_comparison(reading, contrast, found[contrast.name], p[contrast.name]))
        else:
            holds = held(evidence, claim, contrast)
            contrasts.append(
                CountVerdict(
                    contrast=contrast,
                    decision=decide_count(contrast, holds, _fewest_seeds(claim)),
                    held=holds,
                    n_pending=pending(evidence, claim, contrast),
                )
            )
    return tuple(contrasts)


def _fewest_seeds(claim: Claim) -> int:
    return claim.fewest if claim.unit is Unit.SEED else 1


def _differences(evidence: Evidence, reading: _Reading, comparison: Comparison) -> Differences:
    found = differences(evidence, reading.claim, comparison, reading.asked, reading.policy)
    if reading.keep is None:
        return found
    table = found.table[reading.keep(found.table)].reset_index(drop=True)
    return dataclasses.replace(found, table=table)


def _p_values(claim: Claim, found: Mapping[str, Differences]) -> Mapping[str, tuple[float, float]]:
    """Return the signed-rank p of each comparison, and that by Holm among those of the claim."""
    if claim.unit is Unit.SEED:
        return dict.fromkeys(found, (np.nan, np.nan))
    p = np.array([wilcoxon(each.values) if len(each.table) else np.nan for each in found.values()])
    return dict(zip(found, zip(p.tolist(), holm(p).tolist(), strict=True), strict=True))


def _comparison(
    reading: _Reading, comparison: Comparison, found: Differences, p: tuple[float, float]
) -> ComparisonVerdict:
    values = found.values
    margin = comparison.margin.amount
    seeds = reading.claim.unit is Unit.SEED
    several = len(values) > 1
    return ComparisonVerdict(
        contrast=comparison,
        ruling=ruled(reading.claim, comparison, found, p[1], reading.factor),
        found=found,
        effect=effect(values) if len(values) else None,
        spread=spread(values, found.table["standard_error"].to_numpy(float))
        if several and not seeds
        else None,
        p=p[0],
        p_adjusted=p[1],
        posterior=signed_rank(values, margin) if several and not seeds else None,
        by_problem=_by_problem(found),
        n_individually=_individually(found),
    )


def _by_problem(found: Differences) -> Mapping[str, Effect]:
    return {
        str(problem): effect(group["value"].to_numpy(float))
        for problem, group in found.table.groupby("problem", sort=True)
    }


def _individually(found: Differences) -> int | None:
    error = found.table["standard_error"].to_numpy(float)
    known = np.isfinite(error) & (error > 0)
    if not known.any():
        return None
    from scipy.special import ndtr

    return replicated(np.where(known, ndtr(-found.values / np.where(known, error, 1.0)), np.nan))


def _combined(contrasts: Sequence[ContrastVerdict]) -> Decision:
    """Return the decision of a claim: all its primary contrasts must be supported, and one may refute it."""
    primary = [each for each in contrasts if each.contrast.primary]
    for word in (Word.REFUTED, Word.NOT_RUN, Word.INCONCLUSIVE):
        hit = [each for each in primary if each.decision.word is word]
        if hit:
            tags = {each.decision.tag for each in hit}
            return Decision(
                word=word,
                tag=tags.pop() if len(tags) == 1 else None,
                why="; ".join(f"{each.contrast.name}: {each.decision.why}" for each in hit),
                needs="; ".join(each.decision.needs for each in hit if each.decision.needs),
            )
    return Decision(
        word=Word.SUPPORTED,
        why="; ".join(f"{each.contrast.name}: {each.decision.why}" for each in primary),
    )


def _n_pending(each: ContrastVerdict) -> int:
    return each.found.n_pending if isinstance(each, ComparisonVerdict) else each.n_pending


def _is_bare(each: ContrastVerdict) -> bool:
    if isinstance(each, ComparisonVerdict):
        return each.found.table.empty
    return not any(each.held.values())


def _gated(
    evidence: Evidence,
    reading: _Reading,
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
    reading: _Reading,
    contrasts: Sequence[ContrastVerdict],
    controls: Sequence[ControlResult],
    decision: Decision,
) -> tuple[str, str] | None:
    """Return why nothing may be decided whatever the rule says, and what it would take; None for nothing."""
    more = f"`bench claims run {reading.claim.name}`"
    n_pending = sum(_n_pending(each) for each in contrasts)
    waiting = [each.name for each in controls if each.held is None]
    if n_pending or waiting:
        lacking = [f"{n_pending} results are to come"] * bool(n_pending)
        lacking += [f"controls have not run: {', '.join(waiting)}"] * bool(waiting)
        return "; ".join(lacking), more
    primary = [each for each in contrasts if each.contrast.primary]
    found = [each for each in primary if isinstance(each, ComparisonVerdict)]
    failing = [name for each in found for name in each.found.failing]
    if failing:
        return f"a side that fails on more than a tenth of the tasks gets no verdict: {failing[0]}", ""
    if decision.word not in (Word.SUPPORTED, Word.REFUTED):
        return None
    if any(each.found.n_missing for each in found):
        words = {policy: _word(evidence, dataclasses.replace(reading, policy=policy)) for policy in POLICIES}
        if len(set(words.values())) > 1:
            told = ", ".join(f"{policy}: {word}" for policy, word in words.items())
            return f"what stands in for missing errors decides: {told}", "sides that do not fail"
    contrary = [line for each in found for line in _contrary(each)]
    if contrary:
        return contrary[0], "a claim about one problem type"
    return _bound(evidence, reading, found, decision)


def _contrary(each: ComparisonVerdict) -> list[str]:
    """Return what problem types say against each other, where the rule asks for a direction."""
    directed = each.contrast.rule in (Rule.SUPERIORITY, Rule.INTERACTION, Rule.SHAPE)
    if not directed or not (each.decision.word is Word.SUPPORTED or each.decision.tag is Tag.REVERSED):
        return []
    means = {name: part.mean for name, part in each.by_problem.items() if part.n >= FEWEST_OF_A_TYPE}
    if all(mean > 0 for mean in means.values()) or all(mean < 0 for mean in means.values()):
        return []
    told = ", ".join(f"{name} {mean:+.3f}" for name, mean in means.items())
    return [f"{each.contrast.name}: problem types contradict each other: {told}"]


def _bound(
    evidence: Evidence, reading: _Reading, found: Sequence[ComparisonVerdict], decision: Decision
) -> tuple[str, str] | None:
    """Return that a decision rests on results bound by their budget, where it would not stand without."""
    n_bound = sum(int(each.found.table["bound"].sum()) for each in found)
    if not n_bound:
        return None
    word = _word(evidence, dataclasses.replace(reading, keep=lambda table: ~table["bound"]))
    if word is decision.word:
        return None
    n = sum(len(each.found.table) for each in found)
    return (
        f"{n_bound} of {n} values rest on searches that still gained in the last half of their budget; "
        f"with them {decision}, without them {word}",
        "a larger budget",
    )


def _word(evidence: Evidence, reading: _Reading) -> Word:
    """Return the word of a reading, by the rules alone."""
    claim = reading.claim
    found = {each.name: _differences(evidence, reading, each) for each in claim.comparisons}
    p = _p_values(claim, found)
    words = []
    for contrast in claim.contrasts:
        if not contrast.primary:
            continue
        if isinstance(contrast, Comparison):
            ruling = ruled(claim, contrast, found[contrast.name], p[contrast.name][1], reading.factor)
            words.append(ruling.decision.word)
        else:
            words.append(decide_count(contrast, held(evidence, claim, contrast), _fewest_seeds(claim)).word)
    for word in (Word.REFUTED, Word.NOT_RUN, Word.INCONCLUSIVE):
        if word in words:
            return word
    return Word.SUPPORTED


def _variations(
    evidence: Evidence, reading: _Reading, contrasts: Sequence[ContrastVerdict], base: Word
) -> tuple[Variation, ...]:
    """Return what the word would be otherwise: margin, dataset, learner, metric, defaults, twins."""
    readings: dict[str, _Reading] = {}
    if any(True for _ in reading.claim.comparisons):
        readings["half the margin"] = dataclasses.replace(reading, factor=0.5)
        readings["twice the margin"] = dataclasses.replace(reading, factor=2.0)
        for dataset in _influential(contrasts):
            readings[f"without {dataset}"] = dataclasses.replace(reading, keep=_without(dataset))
        for learner, claim in _narrower(reading.claim):
            readings[f"without {learner}"] = dataclasses.replace(reading, claim=claim)
        for name, asked in (
            ("another metric", dataclasses.replace(reading.asked, metric="other")),
            ("defaults", dataclasses.replace(reading.asked, show="default")),
            ("test rows without twins", dataclasses.replace(reading.asked, rows="without-twins")),
        ):
            if not _scarce(reading.claim, name):
                readings[name] = dataclasses.replace(reading, asked=asked)
    words = {name: _word(evidence, each) for name, each in readings.items()}
    return tuple(Variation(name=name, word=word, flips=word is not base) for name, word in words.items())


def _scarce(claim: Claim, name: str) -> bool:
    """Whether a variation says nothing of a claim: its margin is of another unit, or all are defaults."""
    points = any(each.margin.scale is Scale.POINTS for each in claim.comparisons)
    return (name == "another metric" and points) or (
        name == "defaults" and all(side.show == "default" for side in claim.sides.values())
    )


def _without(dataset: str) -> Callable[[pd.DataFrame], pd.Series[bool]]:
    return lambda table: table["dataset"] != dataset


def _influential(contrasts: Sequence[ContrastVerdict]) -> tuple[str, ...]:
    """Return the datasets without which the mean of a primary comparison would move most, up and down."""
    named: list[str] = []
    for each in contrasts:
        if isinstance(each, ComparisonVerdict) and each.contrast.primary:
            by_dataset = each.found.table.groupby("dataset")["value"].mean()
            if len(by_dataset) > 1:
                named += [str(by_dataset.idxmax()), str(by_dataset.idxmin())]
    return tuple(dict.fromkeys(named))


def _narrower(claim: Claim) -> list[tuple[str, Claim]]:
    """Return the claim without each learner that is not alone in its side."""
    removable = [name for side in claim.sides.values() if len(side.learners) > 1 for name in side.learners]
    found = []
    for learner in dict.fromkeys(removable):
        sides = {
            name: dataclasses.replace(side, learners=tuple(n for n in side.learners if n != learner))
            if len(side.learners) > 1
            else side
            for name, side in claim.sides.items()
        }
        found.append((learner, dataclasses.replace(claim, sides=sides)))
    return found
