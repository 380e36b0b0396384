"""What became of each contrast of a claim: its decision, and all that stands beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from bench.analysis.claims.counts import Held, decide_count, failures, held, pending
from bench.analysis.claims.differences import Differences
from bench.analysis.claims.evidence import Evidence
from bench.analysis.claims.moderators import Moderator, moderators
from bench.analysis.claims.readings import AGAINST, Reading, fewest_seeds, p_values, read
from bench.analysis.claims.rulings import Ruling, ruled
from bench.analysis.inference.effects import Effect, effect
from bench.analysis.inference.heterogeneity import Spread, spread
from bench.analysis.inference.signed_rank import Posterior, signed_rank
from bench.analysis.inference.significance import replicated
from bench.claims import Comparison, Count, Unit
from bench.verdicts import Decision, Word


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
    """By Holm, among the primary comparisons of the claim or among the others; NaN where no rule asks."""
    posterior: Posterior | None
    """Of the Bayesian signed-rank test: worse, within the margin, better."""
    by_problem: Mapping[str, Effect]
    n_individually: int | None
    """On at least how many datasets the first side is better by itself; None with one split each."""
    moderators: tuple[Moderator, ...] = ()
    """The effect by what datasets are like, where datasets are the sample."""

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
    """Results that are still to come."""
    n_failed: int = 0
    n_results: int = 0
    """Results that are there, failed ones included."""


ContrastVerdict: TypeAlias = ComparisonVerdict | CountVerdict


def contrast_verdicts(evidence: Evidence, reading: Reading) -> tuple[ContrastVerdict, ...]:
    """Return what becomes of each contrast of a claim in a reading of the evidence."""
    claim = reading.claim
    found = {each.name: read(evidence, reading, each) for each in claim.comparisons}
    p = p_values(claim, found)
    contrasts: list[ContrastVerdict] = []
    for contrast in claim.contrasts:
        if isinstance(contrast, Comparison):
            own = found[contrast.name]
            made = _comparison(reading, contrast, own, p[contrast.name])
            if claim.unit is Unit.DATASET:
                made = replace(made, moderators=tuple(moderators(own.table, evidence.traits)))
            contrasts.append(made)
        else:
            holds = held(evidence, claim, contrast, reading.asked)
            n_failed, n_results = failures(evidence, claim, contrast, reading.asked)
            contrasts.append(
                CountVerdict(
                    contrast=contrast,
                    decision=decide_count(contrast, holds, fewest_seeds(claim)),
                    held=holds,
                    n_pending=pending(evidence, claim, contrast, reading.asked),
                    n_failed=n_failed,
                    n_results=n_results,
                )
            )
    return tuple(contrasts)


def _comparison(
    reading: Reading, comparison: Comparison, found: Differences, p: tuple[float, float]
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
    from scipy.special import stdtr

    df = np.maximum(found.table["splits"].to_numpy(float) - 1, 1)
    return replicated(np.where(known, stdtr(df, -found.values / np.where(known, error, 1.0)), np.nan))


def combined(contrasts: Sequence[ContrastVerdict]) -> Decision:
    """Return the decision of a claim: all its primary contrasts must be supported, and one may refute it."""
    primary = [each for each in contrasts if each.contrast.primary]
    for word in AGAINST:
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


def n_pending(each: ContrastVerdict) -> int:
    """Return how many results of a contrast are still to come."""
    return each.found.n_pending if isinstance(each, ComparisonVerdict) else each.n_pending


def is_bare(each: ContrastVerdict) -> bool:
    """Whether there is no evidence at all for a contrast."""
    if isinstance(each, ComparisonVerdict):
        return each.found.table.empty and not each.found.n_missing
    return not any(each.held.values())
