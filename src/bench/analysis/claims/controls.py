"""Controls: what must come out as known. One that does not makes the verdict INVALID."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.claims.differences import DUMMY, Differences, differences
from bench.analysis.claims.evidence import SLOT, Evidence
from bench.analysis.claims.rulings import ruled
from bench.analysis.inference.effects import effect
from bench.claims import Claim, Comparison, Margin, Pair, Scale, Unit
from bench.interventions import NONE
from bench.verdicts import Rule, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

RANDOM_LABELS = "random-labels"
NULL_SHARE = 0.1
"""A learner that must not notice may move by this share of the margin in the mean: ties between neighbours
and rounding at the edge of a class do so much and no more."""
EXACT = 1e-6
"""Two errors that differ by less than this, relative to the larger, are the same but for rounding."""
NOISE_FACTOR = 2.0
"""Noise that is more than one part in so many of the margin drowns it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """How one control came out."""

    name: str
    held: bool | None
    """None where nothing can be said yet."""
    text: str


def control_results(evidence: Evidence, claim: Claim) -> tuple[ControlResult, ...]:
    """Return how each control of a claim came out."""
    return (
        *(_same(evidence, claim, name) for name in claim.controls.same),
        *_nulls(evidence, claim),
        *_positive(evidence, claim),
        *(_permuted(evidence, claim, name) for name in claim.controls.permuted_labels),
    )


def _scale_of(claim: Claim) -> Margin:
    """The smallest margin of errors that a claim has: what noise is measured against."""
    margins = [each.margin for each in claim.comparisons if each.margin.scale is not Scale.SLOPE]
    return min(margins, key=lambda each: each.amount, default=Margin(float(np.log(1.05)), Scale.RATIO))


def _intact(claim: Claim) -> str:
    return next((each.intact for each in claim.comparisons), NONE)


def _shown(amount: float, scale: Scale) -> str:
    if scale is Scale.POINTS:
        return f"{100 * amount:.2g} points"
    return f"{100 * np.expm1(amount):.2g} %"


def _same(evidence: Evidence, claim: Claim, side: str) -> ControlResult:
    """Run twice: the noise of a mean must be under half the margin, and no difference may be supported.

    The noise is the root mean square of the differences between two seeds over the root of how many units
    there are: the standard error of a mean that is truly 0.
    """
    name, margin = f"same ({side} twice)", _scale_of(claim)
    values, n_units = _between_seeds(evidence, claim, side, margin)
    if len(values) == 0:
        return ControlResult(name=name, held=None, text="has not run")
    noise = float(np.sqrt((values**2).mean() / n_units))
    told = claim.unit is Unit.DATASET and effect(values).low * effect(values).high > 0
    apart = told and abs(effect(values).mean) >= margin.amount
    held = NOISE_FACTOR * noise <= margin.amount and not apart
    text = (
        f"noise {_shown(noise, margin.scale)} of the margin's {_shown(margin.amount, margin.scale)}, "
        f"from {len(values)} differences between two seeds"
        f"{'; the two differ as if they were not the same' if apart else ''}"
    )
    return ControlResult(name=name, held=held, text=text)


def _between_seeds(evidence: Evidence, claim: Claim, side: str, margin: Margin) -> tuple[Floats, int]:
    """Return the differences of a side between two seeds, and over how many units a mean of the claim is."""
    seeds = sorted(int(seed) for seed in evidence.cells["seed"].unique())
    pairs = [(seeds[0], seeds[-1])] if claim.unit is Unit.DATASET else list(itertools.pairwise(seeds))
    found = []
    for first, second in pairs:
        comparison = Comparison(
            name="same",
            rule=Rule.EQUIVALENCE,
            pairs=(Pair(side, side),),
            margin=margin,
            intact=_intact(claim),
        )
        sides = [_errors_alone(evidence, claim, comparison, seed) for seed in (first, second)]
        both = sides[0].merge(sides[1], on=["dataset", "problem"], suffixes=("", "_again"))
        found.append((both["value_again"] - both["value"]).to_numpy(float))
    values = np.concatenate(found) if found else np.empty(0)
    return values, len(values) if claim.unit is Unit.DATASET else len(evidence.seeds)


def _errors_alone(evidence: Evidence, claim: Claim, comparison: Comparison, seed: int) -> pd.DataFrame:
    """Return each dataset's error of a side at one seed, against the dummy's, which no seed moves."""
    side = comparison.pairs[0].side
    against = dataclasses.replace(claim, sides={**claim.sides, DUMMY.name: DUMMY}, unit=Unit.DATASET)
    asked = dataclasses.replace(comparison, pairs=(Pair(side, DUMMY.name),))
    return differences(evidence, against, asked, policy="complete-pairs", seeds=(seed,)).table


def _nulls(evidence: Evidence, claim: Claim) -> Iterator[ControlResult]:
    for comparison in claim.comparisons:
        if comparison.altered is None:
            continue
        for learner in claim.controls.null:
            yield _null(evidence, comparison, learner)


def _null(evidence: Evidence, comparison: Comparison, learner: str) -> ControlResult:
    """A learner that must not notice: trial for trial, its errors are the same under both.

    It holds if its errors are equal but for rounding, or if what ties and rounding at the edge of a class
    move them by is, in the mean, under a tenth of the margin.
    """
    name = f"null ({learner} under {comparison.altered})"
    trials = evidence.trials_of((learner,))
    trials = trials[trials["seed"].isin(evidence.seeds) & trials["test_score"].notna()]
    sides = [
        trials[(trials["intervention"] == under).to_numpy()]
        for under in (comparison.intact, comparison.altered)
    ]
    key = [name for name in SLOT if name != "train_cap"] + ["trial"]
    both = sides[0].merge(sides[1], on=key, suffixes=("", "_altered"))
    if both.empty:
        return ControlResult(name=name, held=None, text="has not run")
    one, two = both["test_score"].to_numpy(float), both["test_score_altered"].to_numpy(float)
    exact = np.abs(one - two) <= EXACT * np.maximum(np.abs(one), np.abs(two))
    scale = comparison.margin.scale
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.abs(two - one) if scale is Scale.POINTS else np.abs(np.log(two) - np.log(one))
    moved = np.where(exact, 0.0, moved)
    by_dataset = pd.Series(moved).groupby(both["dataset"].to_numpy()).mean()
    mean = float(by_dataset.mean())
    n_exact = int((by_dataset == 0).sum())
    text = f"equal but for rounding on {n_exact} of {len(by_dataset)} datasets, trial for trial"
    if n_exact < len(by_dataset):
        text += f"; moved by {_shown(mean, scale)} in the mean, most on {by_dataset.idxmax()}"
    return ControlResult(name=name, held=mean <= NULL_SHARE * comparison.margin.amount, text=text)


def _positive(evidence: Evidence, claim: Claim) -> Iterator[ControlResult]:
    pair = claim.controls.positive
    if pair is None:
        return
    comparison = Comparison(
        name=f"positive ({pair.side} better than {pair.against})",
        rule=Rule.SUPERIORITY,
        pairs=(pair,),
        margin=_scale_of(claim),
        intact=_intact(claim),
    )
    found = differences(evidence, claim, comparison)
    if found.n_pending or found.table.empty:
        yield ControlResult(name=comparison.name, held=None, text="has not run")
        return
    decision = ruled(claim, comparison, found, None).decision
    yield ControlResult(name=comparison.name, held=decision.word is Word.SUPPORTED, text=decision.why)


def _permuted(evidence: Evidence, claim: Claim, side: str) -> ControlResult:
    """Where training labels say nothing, no side may be better than chance by the margin."""
    name, margin = f"permuted labels ({side} at chance)", _scale_of(claim)
    comparison = Comparison(
        name=name,
        rule=Rule.SUPERIORITY,
        pairs=(Pair(side, DUMMY.name),),
        margin=margin,
        intact=RANDOM_LABELS,
    )
    against = dataclasses.replace(claim, sides={**claim.sides, DUMMY.name: DUMMY}, unit=Unit.DATASET)
    found = differences(evidence, against, comparison, policy="complete-pairs")
    if found.table.empty:
        return ControlResult(name=name, held=None, text="has not run")
    return _at_chance(name, found, margin)


def _at_chance(name: str, found: Differences, margin: Margin) -> ControlResult:
    seen = effect(found.values)
    better = seen.mean > margin.amount and (seen.n < 3 or seen.low > 0)
    side = "better" if seen.mean > 0 else "worse"
    return ControlResult(
        name=name,
        held=not better,
        text=f"{_shown(abs(seen.mean), margin.scale)} {side} than the dummy on {seen.n} datasets in the mean",
    )
