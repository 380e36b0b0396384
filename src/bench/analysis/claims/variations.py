"""The word on a claim if one thing had been otherwise."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.claims.contrasts import ComparisonVerdict, ContrastVerdict
from bench.analysis.claims.evidence import Evidence
from bench.analysis.claims.readings import Reading, word_of
from bench.claims import Claim, Comparison, Scale, Side
from bench.verdicts import Word

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """The word on the claim if one thing had been otherwise."""

    name: str
    word: Word
    flips: bool
    """Whether it is another word than the rules say to the evidence as it is."""


def variations(
    evidence: Evidence, reading: Reading, contrasts: Sequence[ContrastVerdict], base: Word
) -> tuple[Variation, ...]:
    """Return what the word would be otherwise: margin, dataset, learner, metric, defaults, twins."""
    readings: dict[str, Reading] = {}
    if _rests_on_errors(reading.claim) and reading.asked.show != "ensembled":
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
    words = {name: word_of(evidence, each) for name, each in readings.items()}
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
            name: _without_learner(side, learner) if len(side.learners) > 1 else side
            for name, side in claim.sides.items()
        }
        found.append((learner, dataclasses.replace(claim, sides=sides)))
    return found


def _rests_on_errors(claim: Claim) -> bool:
    """Whether a primary contrast compares errors: no count hangs on what is varied."""
    return any(each.primary and isinstance(each, Comparison) for each in claim.contrasts)


def _without_learner(side: Side, learner: str) -> Side:
    """Return the side without a learner: the others keep the shares of the budget that they ran with."""
    left = tuple(name for name in side.learners if name != learner)
    return dataclasses.replace(side, learners=left, share=side.share * len(left) / len(side.learners))
