"""All facts of a table, in the order of their codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.datasets import Dataset
from bench.facts import Consequence, Fact
from bench.sources.facts.columns import constant_columns, id_columns
from bench.sources.facts.duplicates import conflicts, exact_duplicates, near_duplicates
from bench.sources.facts.leaks import leaking_columns
from bench.sources.facts.references import reference_facts
from bench.sources.facts.samples import draw
from bench.sources.facts.target import lacking_folds, missing_targets, origin, spread
from bench.sources.facts.twins import has_continuous
from bench.sources.tables import Content
from bench.splits.structure import Structure

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Outer:
    """How the table is split."""

    folds: npt.NDArray[np.int16]
    """(n_rows,) of repeat 0."""
    structure: Structure


def twin_facts(content: Content, twins: npt.NDArray[np.int32], *, official: bool) -> tuple[Fact, Fact]:
    """Return D101 and D102, which decide how a table is split; `official` says that OpenML has."""
    free = not official and content.group is None and content.time is None
    consequence = Consequence.GROUP if free and has_continuous(content.columns) else Consequence.NOTE
    return exact_duplicates(content, twins, consequence), conflicts(content, twins, consequence)


def all_facts(
    content: Content, dataset: Dataset, twins: npt.NDArray[np.int32], outer: Outer
) -> tuple[Fact, ...]:
    """Return every fact; `dataset` has those of the twins already, `twins` are codes (n_rows,)."""
    sample = draw(content, outer.folds, outer.structure)
    return (
        *dataset.facts,
        near_duplicates(content, twins),
        constant_columns(content),
        id_columns(content),
        leaking_columns(sample),
        lacking_folds(content, outer.folds, outer.structure),
        missing_targets(content),
        spread(content, dataset.target_sd),
        *reference_facts(sample),
        origin(dataset),
    )
