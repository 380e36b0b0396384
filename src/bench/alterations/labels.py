"""Changes of the training labels, those of the validation rows among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bench.alterations.rows import Rows


def with_label_noise(rows: Rows, amount: int, generator: np.random.Generator) -> Rows:
    """Replace each label, with a probability of so many per cent, by that of a row drawn at random.

    As in Natarajan, Dhillon, Ravikumar and Tewari (2013) noise knows nothing of the features; it is drawn
    from the labels themselves, so that classes keep their shares and numbers their distribution.
    """
    hit = generator.random(len(rows.y)) < amount / 100
    drawn = rows.y[generator.integers(0, len(rows.y), len(rows.y))]
    return replace(rows, y=np.where(hit, drawn, rows.y))


def with_random_labels(rows: Rows, _: int, generator: np.random.Generator) -> Rows:
    """Deal the labels out anew (Zhang, Bengio, Hardt, Recht and Vinyals 2017): their counts stay."""
    return replace(rows, y=rows.y[generator.permutation(len(rows.y))])
