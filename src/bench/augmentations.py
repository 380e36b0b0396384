"""How images may be augmented: a choice that every learner is offered, those without convolutions as well."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bench.datasets import ImageShape

NONE = "none"
SHIFT = "shift"
MIRROR = "mirror"
SHIFT_MIRROR = "shift-mirror"
AUGMENTATIONS = (NONE, SHIFT, MIRROR, SHIFT_MIRROR)
"""Images as they are, moved by some pixels, mirrored left to right, or both: as is usual for CIFAR-10 (He,
Zhang, Ren and Sun 2016), with the edges filled with zeros."""
PARAMETER = "augmentation"
"""What a configuration calls the choice."""
VERSION = 1
"""Raised when the same choice would give other rows; part of the evidence key."""


def furthest(image: ImageShape) -> int:
    """Return by how many pixels an image is moved at most, each way: an eighth of its side, at least one."""
    return max(1, min(image.height, image.width) // 8)
