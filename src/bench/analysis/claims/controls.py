"""Controls: what must come out as known. One that does not makes the verdict INVALID."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.claims.amounts import size
from bench.analysis.claims.differences import Differences, differences
from bench.analysis.claims.evidence import DUMMY, SLOT, Asked, Evidence, State
from bench.analysis.claims.rulings import FEWEST_REPLICATIONS, ruled
from bench.analysis.inference.effects import effect
from bench.claims import Claim, Comparison, Margin, Pair, Scale, Side, Unit
from bench.interventions import NONE, RANDOM_LABELS
from bench.verdicts import Rule, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

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


def control_results(evidence: Evidence, claim: Claim, asked: Asked) -> tuple[ControlResult, ...]:
    """Return how each control of a claim came out, at the budget that is asked for."""
    return (
        *(_same(evidence, claim, name, asked) for name in claim.controls.same),
        *_nulls(evidence, claim, asked),
        *_positive(evidence, claim, asked),
        *(_permuted(evidence, claim, name, asked) for name in claim.controls.permuted_labels),
    )


def _not_yet(name: str, n_pending: int) -> ControlResult:
    text = f"{n_pending} results are to come" if n_pending else "has not run"
    return ControlResult(name=name, held=None, text=text)


def _scale_of(claim: Claim) -> Margin:
    """The smallest margin of errors that a claim has: what noise is measured against."""
    margins = [each.margin for each in claim.comparisons if each.margin.scale is not Scale.SLOPE]
    return min(margins, key=lambda each: each.amount, default=Margin(float(np.log(1.05)), Scale.RATIO))


def _intact(claim: Claim) -> str:
    return next((each.intact for each in claim.comparisons), NONE)


def _same(evidence: Evidence, claim: Claim, side: str, asked: Asked) -> ControlResult:
    """Run twice: the noise of a mean must be under half the margin, and no difference may be supported.

    The noise is the root mean square of the differences between two seeds, over the root of how many errors
    a mean of the claim is of: the standard error of a mean that is truly 0.
    """
    name, margin = f"same ({side} twice)", _scale_of(claim)
    found, n_pending = _between_seeds(evidence, claim, side, asked)
    if n_pending or not found or found[0].empty:
        return _not_yet(name, n_pending)
    together = pd.concat(found)
    values = together.to_numpy(float)
    n_units = len(found[0]) if claim.unit is Unit.DATASET else 1
    noise = float(np.sqrt((values**2).mean() / (n_units * len(evidence.seeds))))
    first = effect(np.asarray(found[0], dtype=np.float64))
    told = claim.unit is Unit.DATASET and first.low * first.high > 0
    apart = told and abs(first.mean) >= margin.amount
    held = NOISE_FACTOR * noise <= margin.amount and not apart
    largest = together.index.tolist()[int(np.abs(values).argmax())]
    text = (
        f"noise {size(noise, margin.scale)}, margin {size(margin.amount, margin.scale)}; "
        f"from {len(values)} differences between two seeds, the largest on {largest}"
        f"{'; the two differ as if they were not the same' if apart else ''}"
    )
    return ControlResult(name=name, held=held, text=text)


def _between_seeds(
    evidence: Evidence, claim: Claim, side: str, asked: Asked
) -> tuple[list[pd.Series[float]], int]:
    """Return the differences of a side between each seed and the next, and how many results are to come.

    By dataset. Errors are taken against the dummy's on the same rows, of which a seed may draw others.
    """
    comparison = Comparison(
        name="same",
        rule=Rule.EQUIVALENCE,
        pairs=(Pair(side, DUMMY.name),),
        margin=_scale_of(claim),
        intact=_intact(claim),
    )
    seeds = sorted(int(seed) for seed in evidence.cells["seed"].unique())
    pairs = list(itertools.pairwise(seeds))
    at = {
        seed: differences(
            evidence, _with_dummy(claim), comparison, asked, policy="complete-pairs", seeds=(seed,)
        )
        for seed in dict.fromkeys(seed for pair in pairs for seed in pair)
    }
    found = []
    for first, second in pairs:
        on = ["dataset", "problem"]
        both = at[first].table.merge(at[second].table, on=on, suffixes=("", "_again"))
        found.append((both["value_again"] - both["value"]).set_axis(both["dataset"]))
    return found, sum(each.n_pending for each in at.values())


def _with_dummy(claim: Claim) -> Claim:
    """Return the claim with the dummy as a side, and a value for each dataset."""
    return dataclasses.replace(claim, sides={**claim.sides, DUMMY.name: DUMMY}, unit=Unit.DATASET)


def _nulls(evidence: Evidence, claim: Claim, asked: Asked) -> Iterator[ControlResult]:
    altering = {each.interventions: each for each in claim.comparisons if each.altered is not None}
    for comparison in altering.values():
        for learner in claim.controls.null:
            yield _null(evidence, comparison, learner, asked)


def _null(evidence: Evidence, comparison: Comparison, learner: str, asked: Asked) -> ControlResult:
    """A learner that must not notice: trial for trial, its errors are the same under both.

    It holds if its errors are equal but for rounding, or if what ties and rounding at the edge of a class
    move them by is, in the mean, under a tenth of the margin.
    """
    name = f"null ({learner} under {comparison.altered})"
    trials = _finished(evidence, learner, asked)
    sides = [trials[(trials["intervention"] == under).to_numpy()] for under in comparison.interventions]
    both = sides[0].merge(sides[1], on=[*SLOT, "trial"], suffixes=("", "_altered"))
    n_pending = sum(_n_pending(evidence, learner, under, asked) for under in comparison.interventions)
    if n_pending or both.empty:
        return _not_yet(name, n_pending)
    one, two = both["test_score"].to_numpy(float), both["test_score_altered"].to_numpy(float)
    exact = np.abs(one - two) <= EXACT * np.maximum(np.abs(one), np.abs(two))
    scale = comparison.margin.scale
    with np.errstate(divide="ignore", invalid="ignore"):
        floor = 0.5 / np.maximum(both["n_test"].to_numpy(float), 1.0)  # half a row that is wrong
        ratio = np.log(two + floor) - np.log(one + floor)
        moved = np.abs(two - one) if scale is Scale.POINTS else np.abs(ratio)
    moved = np.where(exact, 0.0, moved)
    by_dataset = pd.Series(moved).groupby(both["dataset"].to_numpy()).mean()
    mean = float(by_dataset.mean())
    n_exact = int((by_dataset == 0).sum())
    text = f"equal but for rounding on {n_exact} of {len(by_dataset)} datasets, trial for trial"
    if n_exact < len(by_dataset):
        text += f"; moved by {size(mean, scale)} in the mean, most on {by_dataset.idxmax()}"
    return ControlResult(name=name, held=mean <= NULL_SHARE * comparison.margin.amount, text=text)


def _finished(evidence: Evidence, learner: str, asked: Asked) -> pd.DataFrame:
    """Return a learner's trials that have an error, once each, as far as the budget lets them be seen."""
    trials = evidence.trials_of(learner).merge(evidence.cells[["evidence_key", "train_cap"]])
    seen = trials["seed"].isin(evidence.seeds) & trials["test_score"].notna() & (trials["status"] == "ok")
    if asked.budget_trials is not None:
        seen &= trials["trial"] < asked.budget_trials
    if asked.budget_s is not None:
        seen &= (trials["trial"] == 0) | (trials["spent_s"] <= asked.budget_s)
    return trials[seen].sort_values("attempt").drop_duplicates(["evidence_key", "trial"], keep="last")


def _n_pending(evidence: Evidence, learner: str, intervention: str, asked: Asked) -> int:
    found = evidence.of_side(Side(name=learner, learners=(learner,)), intervention, asked)
    return int(((found.state == State.PENDING) & np.isin(evidence.slots.seed, evidence.seeds)).sum())


def _positive(evidence: Evidence, claim: Claim, asked: Asked) -> Iterator[ControlResult]:
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
    found = differences(evidence, claim, comparison, asked)
    if found.n_pending or found.table.empty:
        yield _not_yet(comparison.name, found.n_pending)
        return
    decision = ruled(claim, comparison, found, None).decision
    held = None if _too_few(claim, found) else decision.word is Word.SUPPORTED
    yield ControlResult(name=comparison.name, held=held, text=decision.why)


def _too_few(claim: Claim, found: Differences) -> bool:
    """Whether no rule could decide on so few units: that a control is not found then says nothing."""
    if claim.unit is Unit.DATASET:
        return len(found.table) < claim.fewest
    seeds = found.table.groupby("dataset").size()
    return len(seeds) < FEWEST_REPLICATIONS or bool((seeds < claim.fewest).any())


def _permuted(evidence: Evidence, claim: Claim, side: str, asked: Asked) -> ControlResult:
    """Where training labels say nothing, no side may be better than chance by the margin."""
    name, margin = f"permuted labels ({side} at chance)", _scale_of(claim)
    comparison = Comparison(
        name=name,
        rule=Rule.SUPERIORITY,
        pairs=(Pair(side, DUMMY.name),),
        margin=margin,
        intact=RANDOM_LABELS,
    )
    found = differences(evidence, _with_dummy(claim), comparison, asked, policy="complete-pairs")
    if found.n_pending or found.table.empty:
        return _not_yet(name, found.n_pending)
    return _at_chance(name, found, margin)


def _told(difference: float, scale: Scale) -> str:
    """Return `3 % better`, or worse."""
    return f"{size(difference, scale)} {'better' if difference > 0 else 'worse'}"


def _at_chance(name: str, found: Differences, margin: Margin) -> ControlResult:
    seen = effect(found.values)
    better = seen.mean > margin.amount and (seen.n < 3 or seen.low > 0)
    dataset, best = max(zip(found.table["dataset"], found.values, strict=True), key=lambda each: each[1])
    text = (
        f"{_told(seen.mean, margin.scale)} than the dummy on {seen.n} datasets in the mean, "
        f"{_told(best, margin.scale)} where it does best, on {dataset}"
    )
    return ControlResult(name=name, held=not better, text=text)
