"""Whether an effect depends on what datasets are like: looked at beside a verdict, and no part of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from bench.analysis.inference.effects import Effect, effect

if TYPE_CHECKING:
    import pandas as pd

FEWEST = 4
"""Datasets on each side of a cut."""
TRAITS = {"n_rows": "rows", "categorical": "share of categorical columns"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Moderator:
    """The effect on datasets that have little of something, and on those that have much."""

    name: str
    cut: float
    """The median: datasets of just that have little."""
    little: Effect
    much: Effect


def moderators(values: pd.DataFrame, traits: pd.DataFrame) -> Iterator[Moderator]:
    """Yield the effect by each trait of datasets, where enough of them differ in it.

    `values` has a row for each dataset, `traits` their `n_rows` and `categorical`, by name of dataset.
    """
    known = values[["dataset", "value"]].merge(traits, left_on="dataset", right_index=True)
    for trait, name in TRAITS.items():
        amounts, value = known[trait].to_numpy(float), known["value"].to_numpy(float)
        cut = float(np.median(amounts)) if len(amounts) else 0.0
        much = amounts > cut
        if min(much.sum(), (~much).sum()) >= FEWEST:
            yield Moderator(name=name, cut=cut, little=effect(value[~much]), much=effect(value[much]))
