"""What a rule makes of the values of a comparison, over datasets or over seeds dataset by dataset."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from bench.analysis.claims.differences import Differences
from bench.analysis.inference.rules import DATASETS, SEEDS, Units, decide
from bench.claims import Claim, Comparison, Unit
from bench.verdicts import Decision, Word

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

FEWEST_REPLICATIONS = 2
"""Datasets on which a mechanism must show, where seeds are the sample; so many that refute it do so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """The decision on a comparison."""

    decision: Decision
    by_dataset: Mapping[str, Decision] = field(default_factory=dict)
    """Where seeds are the sample: the decision on each dataset."""


def ruled(
    claim: Claim,
    comparison: Comparison,
    found: Differences | pd.DataFrame,
    p: float | None,
    factor: float = 1.0,
) -> Ruling:
    """Return the ruling on the values of a comparison, at so many times its margin.

    `p` is the adjusted signed-rank p over datasets; it is not asked for where seeds are the sample.
    """
    table = found.table if isinstance(found, Differences) else found
    margin = factor * comparison.margin.amount
    if claim.unit is Unit.DATASET:
        units = Units(DATASETS.noun, claim.fewest)
        values = table["value"].to_numpy(dtype=float)
        return Ruling(decision=decide(comparison.rule, values, margin, p, units))
    units = Units(SEEDS.noun, claim.fewest)
    by_dataset = {
        str(dataset): decide(comparison.rule, group["value"].to_numpy(dtype=float), margin, None, units)
        for dataset, group in table.groupby("dataset", sort=False)
    }
    return Ruling(decision=_replicated(by_dataset), by_dataset=by_dataset)


def _replicated(by_dataset: Mapping[str, Decision]) -> Decision:
    """Return the decision over datasets: support needs all of them, and two that refute refute it."""
    words = {decision.word for decision in by_dataset.values()}
    told = ", ".join(f"{decision} on {name}" for name, decision in by_dataset.items())
    if len(by_dataset) < FEWEST_REPLICATIONS:
        lacking = FEWEST_REPLICATIONS - len(by_dataset)
        return Decision(
            word=Word.INCONCLUSIVE,
            why=f"on {len(by_dataset)} datasets, {FEWEST_REPLICATIONS} are the least; {told}",
            needs=f"{lacking} more dataset{'s' * (lacking > 1)}",
        )
    refuting = [decision for decision in by_dataset.values() if decision.word is Word.REFUTED]
    if len(words) > 1 and len(refuting) >= FEWEST_REPLICATIONS:
        tags = {decision.tag for decision in refuting}
        return Decision(word=Word.REFUTED, tag=tags.pop() if len(tags) == 1 else None, why=told)
    if len(words) > 1:
        needs = "; ".join(f"{name}: {d.needs}" for name, d in by_dataset.items() if d.needs)
        return Decision(word=Word.INCONCLUSIVE, why=f"datasets differ: {told}", needs=needs)
    word = words.pop()
    tags = {decision.tag for decision in by_dataset.values()}
    needs = "; ".join(f"{name}: {d.needs}" for name, d in by_dataset.items() if d.needs)
    return Decision(word=word, tag=tags.pop() if len(tags) == 1 else None, why=told, needs=needs)
