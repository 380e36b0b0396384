"""The verdict on a claim: a pure function of the claim and of the frames of its trials and cells."""

from __future__ import annotations

from dataclasses import dataclass

from bench.analysis.claims.contrasts import ContrastVerdict, combined, contrast_verdicts, is_bare, n_pending
from bench.analysis.claims.controls import ControlResult, control_results
from bench.analysis.claims.evidence import Asked, Evidence
from bench.analysis.claims.obstacles import gated
from bench.analysis.claims.readings import Reading
from bench.analysis.claims.variations import Variation, variations
from bench.claims import Claim
from bench.verdicts import Decision, Word


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


def verdict(evidence: Evidence, claim: Claim, profile: str, asked: Asked | None = None) -> Verdict:
    """Return the verdict on a claim.

    A control that fails makes it INVALID. It is NOT RUN without any evidence, and INCONCLUSIVE before all of
    it is there, where a side fails too often, where the failure policies do not agree, where problem types
    contradict each other, and where it would not stand without results that are bound by their budget.
    """
    reading = Reading(claim=claim, asked=asked or Asked())
    contrasts = contrast_verdicts(evidence, reading)
    ruled = combined(contrasts)
    n_to_come = sum(map(n_pending, contrasts))
    if all(is_bare(each) for each in contrasts):
        why = f"{n_to_come} results are to come" if n_to_come else "the store holds no evidence for it"
        return Verdict(
            claim=claim,
            profile=profile,
            decision=Decision(word=Word.NOT_RUN, why=why, needs=f"`bench claims run {claim.name}`"),
            contrasts=contrasts,
        )
    controls = control_results(evidence, claim, reading.asked.at_budget)
    decision = gated(evidence, reading, contrasts, controls, ruled)
    return Verdict(
        claim=claim,
        profile=profile,
        decision=decision,
        contrasts=contrasts,
        controls=controls,
        variations=() if n_to_come else variations(evidence, reading, contrasts, ruled.word),
    )
