"""From the rows of a cell to its altered ones. Test labels are never touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from bench.alterations import columns, labels
from bench.alterations.rows import Rows
from bench.interventions import Intervention
from bench.seeds import derive_seed

_CHANGES: Mapping[str, Callable[[Rows, int, np.random.Generator], Rows]] = MappingProxyType(
    {
        "noise-columns": columns.with_noise_columns,
        "shuffled-columns": columns.with_shuffled_columns,
        "feature-noise": columns.with_feature_noise,
        "permute-pixels": columns.with_permuted_columns,
        "label-noise": labels.with_label_noise,
        "random-labels": labels.with_random_labels,
    }
)
"""By kind: a function of the rows, the amount (0 without one) and a generator."""


def altered(rows: Rows, intervention: Intervention, key: str) -> Rows:
    """Return the rows under an intervention.

    What is drawn depends on the intervention and on `key`, (task, split, seed), alone: every learner meets
    the same change.
    """
    if not intervention.changes:
        return rows
    generator = np.random.default_rng(derive_seed("intervention", intervention, key))
    return _CHANGES[intervention.kind.name](rows, intervention.amount or 0, generator)
