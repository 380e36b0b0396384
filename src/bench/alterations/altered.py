"""From the rows of a cell to its altered ones. Test labels are never touched."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from bench.alterations import columns, images, labels, scaled, smoothing, warp
from bench.alterations.rows import Rows
from bench.interventions import Intervention, Part
from bench.seeds import derive_seed

CHANGES: Mapping[str, Callable[[Rows, int, np.random.Generator], Rows]] = MappingProxyType(
    {
        "noise-columns": columns.with_noise_columns,
        "dilute-columns": columns.with_diluting_columns,
        "shuffled-columns": columns.with_shuffled_columns,
        "drop-columns": columns.without_least_columns,
        "feature-noise": columns.with_feature_noise,
        "warp-features": warp.with_warped_features,
        "scaled-features": scaled.with_scaled_features,
        "rotate-features": scaled.with_rotated_features,
        "permute-pixels": columns.with_permuted_columns,
        "label-noise": labels.with_label_noise,
        "random-labels": labels.with_random_labels,
        "smooth-target": smoothing.with_smooth_target,
        "translate": images.of_test_images(images.translated),
        "crop": images.of_test_images(images.cropped),
        "occlude": images.of_test_images(images.occluded),
        "rotate-images": images.of_test_images(images.turned),
        "blur": images.of_test_images(images.blurred),
    }
)
"""By kind: a function of the rows, the amount (0 without one) and a generator."""


def altered(rows: Rows, intervention: Intervention, key: str) -> Rows:
    """Return the rows under an intervention; one of which rows there are was seen to before (`redrawn`).

    What is drawn depends on the intervention and on `key`, (task, split, seed), alone: every learner meets
    the same change.
    """
    if intervention.kind.part in (Part.NOTHING, Part.ROWS):
        return rows
    generator = np.random.default_rng(derive_seed("intervention", intervention, key))
    return CHANGES[intervention.kind.name](rows, intervention.amount or 0, generator)
