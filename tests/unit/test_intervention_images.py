"""Test images that are moved, enlarged, hidden, turned and blurred, against what is known of each."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter

from bench.alterations import images
from bench.alterations.altered import altered
from bench.alterations.rows import Rows
from bench.config.expand import Named, planned_cell
from bench.datasets import ImageShape, ProblemType
from bench.errors import ConfigError
from bench.interventions import KINDS, Part, parse_intervention
from bench.registry import learner

KINDS_OF_IMAGES = [kind.name for kind in KINDS.values() if kind.part is Part.TEST_IMAGES]


def cells(pixels):
    n, height, width, channels = pixels.shape
    shape = ImageShape(height, width, channels)
    names = [feature.name for feature in shape.features()]
    frame = pd.DataFrame(pixels.reshape(n, -1).astype(np.float32), columns=names)
    return Rows(frame.iloc[:5].copy(), np.arange(5) % 2, frame, ProblemType.BINARY, shape)


def noise(n=40, height=9, width=12, channels=3, seed=0):
    return np.random.default_rng(seed).integers(1, 256, (n, height, width, channels)).astype(np.float32)


def under(text, pixels, key="x"):
    """Return the test images (n, h, w, c) under an intervention."""
    return altered(cells(pixels), parse_intervention(text), key).X_test.to_numpy().reshape(pixels.shape)


@pytest.mark.parametrize("name", KINDS_OF_IMAGES)
def test_only_test_images_change_and_stay_images(name):
    there = cells(noise())
    met = altered(there, parse_intervention(f"{name}:5"), "x")
    assert met.X is there.X
    assert met.y is there.y
    assert met.image == there.image
    assert there.X_test.equals(cells(noise()).X_test), "what is there is not written over"
    assert not met.X_test.equals(there.X_test)
    assert (met.X_test.dtypes == np.float32).all()
    assert list(met.X_test.columns) == list(there.X_test.columns)
    assert met.X_test.to_numpy().min() >= 0
    assert met.X_test.to_numpy().max() <= 255


@pytest.mark.parametrize("name", KINDS_OF_IMAGES)
def test_each_image_is_changed_by_itself(name, monkeypatch):
    """The same whatever the others hold; and what needs no draw whatever the band."""
    pixels = noise()
    other = pixels.copy()
    other[1:] = noise(seed=1)[1:]
    assert np.array_equal(under(f"{name}:3", pixels)[0], under(f"{name}:3", other)[0])
    if name in ("crop", "blur"):
        whole = under(f"{name}:3", pixels)
        monkeypatch.setattr(images, "BAND_BYTES", 4 * 9 * 12 * 3 * 7)
        assert np.array_equal(under(f"{name}:3", pixels), whole)


def test_bands_change_all_images(monkeypatch):
    monkeypatch.setattr(images, "BAND_BYTES", 4 * 9 * 12 * 3 * 7)
    pixels = noise()
    assert (under("occlude:20", pixels) != pixels).any(axis=(1, 2, 3)).all()


def test_a_translation_keeps_the_pixels_that_stay_inside():
    pixels, moved = noise(200), under("translate:2", noise(200))
    found = set()
    for before, after in zip(pixels, moved, strict=True):
        ways = {
            "up": (before[2:], after[:-2], after[-2:]),
            "down": (before[:-2], after[2:], after[:2]),
            "left": (before[:, 2:], after[:, :-2], after[:, -2:]),
            "right": (before[:, :-2], after[:, 2:], after[:, :2]),
        }
        fits = [way for way, (old, new, edge) in ways.items() if np.array_equal(old, new) and not edge.any()]
        assert len(fits) == 1
        found.add(fits[0])
        assert np.array_equal(np.sort(after[after > 0]), np.sort(ways[fits[0]][0], axis=None))
    assert found == {"up", "down", "left", "right"}


def test_a_crop_of_half_the_side_shows_the_middle():
    ramp = np.broadcast_to(np.arange(11.0)[None, :, None, None] * 10, (2, 11, 11, 1))
    shown = under("crop:50", ramp)
    np.testing.assert_allclose(shown[0, :, 4, 0], np.linspace(25, 75, 11), atol=1e-4)
    np.testing.assert_allclose(under("crop:60", np.full((2, 9, 7, 3), 77.0)), 77, atol=1e-4)
    pixels = noise(height=9, width=9)
    np.testing.assert_allclose(under("crop:50", pixels)[:, ::4, ::4], pixels[:, 2:7:2, 2:7:2], atol=1e-4)


@pytest.mark.parametrize(("per_cent", "height", "width"), [(25, 4, 6), (9, 2, 4), (99, 8, 12), (1, 1, 1)])
def test_what_is_hidden_is_one_block_of_the_area_asked_for(per_cent, height, width):
    pixels = noise(300, 8, 12)
    hidden = under(f"occlude:{per_cent}", pixels)
    corners = set()
    for before, after in zip(pixels, hidden, strict=True):
        gone = (after == 0).all(axis=2)
        rows, columns = np.flatnonzero(gone.any(axis=1)), np.flatnonzero(gone.any(axis=0))
        assert gone[np.ix_(rows, columns)].all()
        assert (len(rows), len(columns)) == (height, width)
        assert np.array_equal(after[~gone], before[~gone])
        corners.add((rows[0], columns[0]))
    assert len(corners) == min((8 - height + 1) * (12 - width + 1), len(corners))
    assert len(corners) > 0.7 * min(200, (8 - height + 1) * (12 - width + 1))


def test_a_quarter_turn_is_one_to_the_left_or_to_the_right():
    pixels = noise(60, 9, 9)
    turned = under("rotate-images:90", pixels)
    found = []
    for before, after in zip(pixels, turned, strict=True):
        ways = [np.allclose(after, np.rot90(before, way), atol=1e-3) for way in (1, 3)]
        assert sum(ways) == 1
        found.append(ways[0])
    assert 15 < sum(found) < 45
    np.testing.assert_allclose(under("rotate-images:180", pixels), pixels[:, ::-1, ::-1], atol=1e-3)
    disc = np.hypot(*np.mgrid[-15:16, -15:16]) < 10
    round_one = np.tile((disc * 200.0)[None, :, :, None], (4, 1, 1, 1))
    assert np.abs(under("rotate-images:37", round_one) - round_one).mean() < 8, "a disc is turned into itself"


def test_a_blur_is_a_gaussian_in_each_channel():
    pixels = noise(3, 15, 15)
    blurred = under("blur:12", pixels)
    for image, after in zip(pixels, blurred, strict=True):
        for channel in range(3):
            by_hand = gaussian_filter(image[..., channel].astype(np.float64), 1.2)
            np.testing.assert_allclose(after[..., channel], by_hand, atol=0.01)
    np.testing.assert_allclose(under("blur:30", np.full((2, 9, 7, 3), 91.0)), 91, atol=1e-3)


@pytest.mark.parametrize("text", ["crop:100", "rotate-images:0", "translate:0", "occlude:0", "blur:0"])
def test_what_would_change_nothing_cannot_be_asked_for(text):
    with pytest.raises(ConfigError, match="with N of 1 to"):
        parse_intervention(text)


def test_where_an_image_would_be_moved_away_it_does_not_apply(order_under):
    dummy = learner("dummy")
    planned = planned_cell(order_under("translate:8").cell, Named("dummy", dummy))
    assert planned.not_applicable == (
        "translate:8: the images of this table are 8 pixels wide or high, so nothing is left"
    )
    assert planned_cell(order_under("translate:7").cell, Named("dummy", dummy)).not_applicable is None
    assert (
        "no images" in planned_cell(order_under("blur:5", "wine").cell, Named("dummy", dummy)).not_applicable
    )
