"""Verdicts as a report shows them: in words, with a figure for each comparison."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bench.analysis.claims.amounts import size
from bench.analysis.claims.contrasts import ComparisonVerdict, ContrastVerdict, CountVerdict
from bench.analysis.claims.controls import ControlResult
from bench.analysis.claims.text import by_dataset, companions, effect_text, word
from bench.analysis.claims.variations import Variation
from bench.claims import Claim, Comparison, Scale
from bench.judgements import Judgement
from bench.reporting.figures import Interval, Labels, forest
from bench.reporting.judgement_text import discovery_rates, provenance
from bench.verdicts import Word


@dataclass(frozen=True, slots=True, kw_only=True)
class ContrastCard:
    """One contrast of a claim."""

    name: str
    rule: str
    primary: bool
    decision: str
    effect: str
    """In words, with its interval; of a count how often all conditions held."""
    margin: str
    """Empty for a count, which has none."""
    beside: tuple[str, ...]
    """What stands beside the interval: p, a new dataset, the posterior, what is bound."""
    figure: tuple[str, str] | None
    """The file name, without its ending, and the SVG of its values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One claim and its verdict."""

    claim: Claim
    word: Word
    told: str
    """The verdict as it is printed, with its tag and its dagger."""
    profile: str
    effect: str
    """Of the first contrast."""
    why: str
    needs: str
    contrasts: tuple[ContrastCard, ...]
    controls: tuple[ControlResult, ...]
    variations: tuple[Variation, ...]
    provenance: tuple[str, ...]
    exploratory: bool
    as_expected: bool
    discovery_rate: float
    """Across the claims of the report; NaN where no signed-rank test is part of the claim."""

    @property
    def control_count(self) -> str:
        """`3 of 4 controls held`."""
        held = sum(each.held is True for each in self.controls)
        return f"{held} of {len(self.controls)} controls held" if self.controls else "no controls"


def cards(found: Sequence[Judgement]) -> tuple[Card, ...]:
    """Return the cards of judgements, in their order."""
    return tuple(_card(each, rate) for each, rate in zip(found, discovery_rates(found), strict=True))


def _card(each: Judgement, rate: float) -> Card:
    found = each.verdict
    first = found.contrasts[0]
    undecided = found.decision.word in (Word.INCONCLUSIVE, Word.INVALID, Word.NOT_RUN)
    return Card(
        claim=found.claim,
        word=found.decision.word,
        told=word(found),
        profile=found.profile,
        effect=_effect(first),
        why=found.decision.why if undecided else "",
        needs=found.decision.needs if undecided else "",
        contrasts=tuple(_contrasts(found.claim, found.contrasts)),
        controls=found.controls,
        variations=found.variations,
        provenance=tuple(provenance(each)),
        exploratory=each.exploratory is not None,
        as_expected=found.as_expected,
        discovery_rate=rate,
    )


def _contrasts(claim: Claim, contrasts: Sequence[ContrastVerdict]) -> Iterator[ContrastCard]:
    for i, each in enumerate(contrasts, 1):
        compared = each if isinstance(each, ComparisonVerdict) else None
        margin = each.contrast.margin if isinstance(each.contrast, Comparison) else None
        yield ContrastCard(
            name=each.contrast.name,
            rule=each.contrast.rule.value,
            primary=each.contrast.primary,
            decision=str(each.decision),
            effect=_effect(each),
            margin="" if margin is None else size(margin.amount, margin.scale),
            beside=tuple(companions(compared)) if compared is not None and compared.effect else (),
            figure=None if compared is None else _figure(f"{claim.name}-{i}", compared),
        )


def _effect(each: ContrastVerdict) -> str:
    if isinstance(each, CountVerdict):
        return _counted(each)
    return effect_text(each) if each.effect is not None else each.decision.why


def _counted(each: CountVerdict) -> str:
    """Return on how many datasets and seeds all conditions held, learner by learner."""
    parts = []
    for learner, datasets in each.held.items():
        held = sum(sum(seeds) for seeds in datasets.values())
        parts.append(f"{learner} {held} of {sum(map(len, datasets.values()))}")
    return f"all conditions held: {', '.join(parts)}" if parts else each.decision.why


def _figure(name: str, each: ComparisonVerdict) -> tuple[str, str] | None:
    if each.effect is None:
        return None
    scale = each.contrast.margin.scale
    rows = [*_values(each), *_summaries(each)]
    spread = each.spread if not each.ruling.by_dataset else None
    new = (spread.new_low, spread.new_high) if spread and not math.isnan(spread.new_low) else None
    labels = Labels(name=name, title=f"{each.contrast.name}: {_effect(each)}", x=_axis(scale))
    margin = _shown(each.contrast.margin.amount, scale)
    shown = None if new is None else (_shown(new[0], scale), _shown(new[1], scale))
    return name, forest(rows, labels, margin=margin, new=shown)


def _values(each: ComparisonVerdict) -> Iterator[Interval]:
    """Yield the value of each dataset, with an interval where seeds are the sample."""
    scale = each.contrast.margin.scale
    if each.ruling.by_dataset:
        for name, part in by_dataset(each):
            ends = (_shown(part.mean, scale), _shown(part.low, scale), _shown(part.high, scale))
            yield Interval(name=name, value=ends[0], low=ends[1], high=ends[2])
        return
    for dataset, value in zip(each.found.table["dataset"], each.found.values, strict=True):
        yield Interval(name=str(dataset), value=_shown(float(value), scale))


def _summaries(each: ComparisonVerdict) -> Iterator[Interval]:
    """Yield the mean over datasets, which is there where datasets are the sample."""
    if each.effect is None or each.ruling.by_dataset:
        return
    scale, of = each.contrast.margin.scale, each.effect
    ends = (_shown(of.mean, scale), _shown(of.low, scale), _shown(of.high, scale))
    yield Interval(name="mean", value=ends[0], low=ends[1], high=ends[2], strong=True)


def _shown(value: float, scale: Scale) -> float:
    """Return a difference in the unit of its axis; ratios stay logs, in which both directions are alike."""
    return 100 * value if scale is not Scale.SLOPE else value


def _axis(scale: Scale) -> str:
    match scale:
        case Scale.RATIO:
            return "100 ln of the ratio of errors: right, the first side is better (10 is about 10 %)"
        case Scale.POINTS:
            return "points of error: right, the first side is better"
        case Scale.SLOPE:
            return "difference of exponents"
