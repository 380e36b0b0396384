"""Ways to read the evidence for a claim, and the word that its rules say to each."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.claims.counts import decide_count, held
from bench.analysis.claims.differences import Differences, differences
from bench.analysis.claims.evidence import Asked, Evidence
from bench.analysis.claims.rulings import ruled
from bench.analysis.inference.rules import SEEDS
from bench.analysis.inference.significance import holm, wilcoxon
from bench.analysis.views import FailurePolicy
from bench.claims import Claim, Comparison, Unit
from bench.verdicts import Rule, Word

if TYPE_CHECKING:
    import pandas as pd


TESTED = (Rule.SUPERIORITY, Rule.INTERACTION, Rule.SHAPE)
"""The rules that ask for a signed-rank test."""
AGAINST = (Word.REFUTED, Word.NOT_RUN, Word.INCONCLUSIVE)
"""What one primary contrast says for the whole claim, the strongest first; else all are supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read the evidence."""

    claim: Claim
    asked: Asked = field(default_factory=Asked)
    policy: FailurePolicy = "fallback"
    factor: float = 1.0
    keep: Callable[[pd.DataFrame], pd.Series[bool]] | None = None
    """Which rows of a table of differences count; None for all."""


def read(evidence: Evidence, reading: Reading, comparison: Comparison) -> Differences:
    """Return the values of a comparison in a reading."""
    found = differences(evidence, reading.claim, comparison, reading.asked, reading.policy)
    if reading.keep is None:
        return found
    table = found.table[reading.keep(found.table)].reset_index(drop=True)
    return dataclasses.replace(found, table=table)


def p_values(claim: Claim, found: Mapping[str, Differences]) -> Mapping[str, tuple[float, float]]:
    """Return the signed-rank p of each comparison, and that by Holm.

    Among the primary ones of the claim whose rule asks for it, so that no other moves what they say; those
    that the verdict does not rest on are adjusted among themselves.
    """
    if claim.unit is Unit.SEED:
        return dict.fromkeys(found, (np.nan, np.nan))
    p = {name: wilcoxon(each.values) if len(each.table) else np.nan for name, each in found.items()}
    adjusted: dict[str, float] = {}
    for primary in (True, False):
        names = [c.name for c in claim.comparisons if c.primary is primary and c.rule in TESTED]
        adjusted |= zip(names, holm(np.array([p[name] for name in names])).tolist(), strict=True)
    return {name: (p[name], adjusted.get(name, np.nan)) for name in found}


def word_of(evidence: Evidence, reading: Reading) -> Word:
    """Return the word of a reading, by the rules alone."""
    claim = reading.claim
    found = {each.name: read(evidence, reading, each) for each in claim.comparisons}
    p = p_values(claim, found)
    words = []
    for contrast in claim.contrasts:
        if not contrast.primary:
            continue
        if isinstance(contrast, Comparison):
            ruling = ruled(claim, contrast, found[contrast.name], p[contrast.name][1], reading.factor)
            words.append(ruling.decision.word)
        else:
            holds = held(evidence, claim, contrast, reading.asked)
            words.append(decide_count(contrast, holds, fewest_seeds(claim)).word)
    return next((word for word in AGAINST if word in words), Word.SUPPORTED)


def fewest_seeds(claim: Claim) -> int:
    """Return how many seeds of a dataset a count needs."""
    return claim.fewest if claim.unit is Unit.SEED else SEEDS.minimum
