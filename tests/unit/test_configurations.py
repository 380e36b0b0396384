"""What a trial tries is one answer, whoever asks: the search, and whoever says what a dead worker was at."""

import dataclasses
import mmap

import numpy as np
import pandas as pd
import pytest

from bench import registry
from bench.alterations.columns import with_permuted_columns
from bench.alterations.rows import Rows
from bench.datasets import ImageShape, ProblemType
from bench.execution.postmortem import Death, Remains, conclude
from bench.runner.scores import SCORED_FIT_ROWS, scored_fit_rows
from bench.runner.state import PAGE_BYTES, Phase, State
from bench.search.configurations import searched, trial_config


def cell_of(cell, **changes):
    return dataclasses.replace(cell, **changes)


@pytest.mark.parametrize("augmentation", [False, True])
def test_a_trial_is_that_of_the_space_that_is_searched(cell, augmentation):
    knn = registry.learner("knn")
    asked = cell_of(cell, learner="knn", augmentation=augmentation)
    space = searched(knn, asked.task.problem, augmentation=augmentation)
    for number in range(5):
        config = trial_config(knn, asked, number)
        assert config == space.trial(asked.search_key, number)
        assert ("augmentation" in config) is augmentation


def test_what_an_intervention_holds_is_held_in_what_is_said(cell):
    svm = registry.learner("svm-rbf")
    asked = cell_of(cell, learner="svm-rbf", intervention="scaled-features")
    assert {trial_config(svm, asked, number)["scaling"] for number in range(4)} == {"none"}


def test_a_dead_trial_is_recorded_with_what_it_tried(order):
    """A worker that dies in trial 2 of an augmented search tried what the search drew, copies and all."""
    cell = cell_of(order.cell, learner="knn", augmentation=True)
    asked = dataclasses.replace(order, cell=cell, learner="knn")
    state = State(mmap.mmap(-1, PAGE_BYTES))
    state.reset(0.0)
    state.trial = 2
    state.enter(Phase.BILLED)
    death = Remains(reported=None, death=Death(code=-9), cpu_s=3.5, log="")
    _, last = conclude(asked, state, [], death)
    assert last.config == trial_config(registry.learner("knn"), asked.cell, 2)
    assert "augmentation" in last.config


def test_a_training_score_is_of_at_most_5000_evenly_spaced_rows():
    few, many = np.arange(SCORED_FIT_ROWS), np.arange(0, 3 * 45_000, 3)
    np.testing.assert_array_equal(scored_fit_rows(few), few)
    shown = scored_fit_rows(many)
    assert len(np.unique(shown)) == SCORED_FIT_ROWS
    assert set(shown) <= set(many)
    assert (shown[0], shown[-1]) == (many[0], many[-1])
    assert np.diff(shown).max() - np.diff(shown).min() <= 3


def test_permuted_pixels_keep_their_channels_together():
    image = ImageShape(3, 4, 3)
    values = np.arange(2 * 36, dtype=np.float32).reshape(2, 36)
    X = pd.DataFrame(values)
    rows = Rows(X, np.array([0, 1]), X, ProblemType.BINARY, image)
    altered = with_permuted_columns(rows, 0, np.random.default_rng(0)).X.to_numpy()
    pixels = [tuple(pixel) for pixel in altered[0].reshape(-1, 3)]
    assert sorted(pixels) == [tuple(pixel) for pixel in values[0].reshape(-1, 3)]
    assert pixels != sorted(pixels)


def test_learners_of_tables_are_all_that_do_not_need_images():
    of_tables = set(registry.learners_of_tables())
    assert {"linear", "mlp", "gp-exact"} <= of_tables
    assert not {"conv-net", "conv-net-bf16", "vit", "hog-svm", "gp-conv", "pixel-mlp"} & of_tables
