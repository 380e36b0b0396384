"""Augmentation: copies, moved and mirrored, offered to every learner, and to validation rows never."""

import numpy as np
import pandas as pd
import pytest
import torch

from bench.augmentations import AUGMENTATIONS, furthest
from bench.budgets import Budget
from bench.datasets import ImageShape, ProblemType
from bench.search.augmentation import augmented
from bench.search.configurations import offered
from bench.search.search import Search, TrainingData, run_search
from bench.spaces import Choice, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import ZooLearner
from bench.zoo.estimators.image_nets import Augment

IMAGE = ImageShape(8, 10, 2)


def images(n, seed=0):
    """Images without a zero, so that what was moved in is told from what was there."""
    return np.random.default_rng(seed).integers(1, 256, (n, 8, 10, 2)).astype(np.float32)


def frame(values):
    names = [feature.name for feature in IMAGE.features()]
    return pd.DataFrame(values.reshape(len(values), -1), columns=names)


def moved_by(whole, copy, most):
    """Every (down, right) by which `copy` may be `whole` moved over zeros."""
    h, w, _ = whole.shape
    padded = np.pad(whole, ((most, most), (most, most), (0, 0)))
    reach = range(-most, most + 1)
    return [
        (down, right)
        for down in reach
        for right in reach
        if (padded[most + down : most + down + h, most + right : most + right + w] == copy).all()
    ]


def copies_of(how, n=40, seed=3):
    whole = images(n)
    X, y = augmented(frame(whole), np.arange(n), IMAGE, how, seed)
    np.testing.assert_array_equal(X[:n].to_numpy(), frame(whole).to_numpy())
    np.testing.assert_array_equal(y, np.tile(np.arange(n), len(y) // n))
    return whole, X.to_numpy()[n:].reshape(-1, n, 8, 10, 2)


def test_none_leaves_the_rows_as_they_are():
    X, y = frame(images(5)), np.arange(5)
    assert augmented(X, y, IMAGE, "none", 0) == (X, y)


def test_moved_copies_are_the_image_at_another_place_over_zeros():
    whole, copies = copies_of("shift")
    most = furthest(IMAGE)
    found = [moved_by(whole[i], each[i], most) for each in copies for i in range(len(whole))]
    assert all(len(each) == 1 for each in found)
    assert {each[0] for each in found} == {(d, r) for d in (-1, 0, 1) for r in (-1, 0, 1)}
    assert len(copies) == 2


def test_a_mirrored_copy_is_the_image_from_right_to_left():
    whole, copies = copies_of("mirror")
    np.testing.assert_array_equal(copies, whole[None, :, :, ::-1])


def test_both_mirrors_about_half_of_what_is_moved():
    whole, copies = copies_of("shift-mirror")
    most = furthest(IMAGE)
    plain = [bool(moved_by(whole[i], each[i], most)) for each in copies for i in range(len(whole))]
    turned = [bool(moved_by(whole[i][:, ::-1], each[i], most)) for each in copies for i in range(len(whole))]
    assert all(a != b for a, b in zip(plain, turned, strict=True))
    assert 0.3 < np.mean(plain) < 0.7


def test_copies_follow_from_the_seed():
    one, two, other = (copies_of("shift", seed=seed)[1] for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


@pytest.mark.parametrize("how", AUGMENTATIONS)
def test_a_net_s_own_augmentation_moves_as_the_copies_are_moved(how):
    whole = images(30)
    net = Augment(how, IMAGE)
    torch.manual_seed(0)
    drawn = net.train()(torch.as_tensor(whole)).permute(0, 2, 3, 1).numpy()
    most = furthest(IMAGE) if "shift" in how else 0
    for original, changed in zip(whole, drawn, strict=True):
        sides = [original, original[:, ::-1]] if "mirror" in how else [original]
        assert sum(len(moved_by(side, changed, most)) for side in sides) == 1
    assert (drawn != whole).any() == (how != "none")
    np.testing.assert_array_equal(net.eval()(torch.as_tensor(whole)).permute(0, 2, 3, 1).numpy(), whole)


def test_what_is_offered_is_one_more_choice_and_not_the_default():
    space = offered(Space({"a": 1}, {"a": Choice((1, 2))}))
    assert space.default == {"a": 1, "augmentation": "none"}
    assert space.parameters["augmentation"] == Choice(AUGMENTATIONS)


class Recorder:
    """An estimator that notes what it is fitted and asked on."""

    seen: list

    def __init__(self, seen):
        self.seen = seen
        self.classes_ = np.array([0, 1])

    def fit(self, X, y, *, validation=None, deadline=None):
        self.seen.append((X, validation[0]))
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def predict_proba(self, X):
        return np.full((len(X), 2), 0.5)


class Recording(ZooLearner):
    name, family, title = "recording", "dummy", "Recording"

    def __init__(self, *, augments, most=10**9):
        self.augments, self.most = augments, most
        self.seen, self.contexts, self.configs = [], [], []

    def space(self, problem):
        return Space({})

    def limit(self, shape):
        return f"{shape.n_rows} rows" if shape.n_rows > self.most else None

    def build(self, config, context):
        self.configs.append(dict(config))
        self.contexts.append(context)
        return Recorder(self.seen)


class Free:
    def spent_s(self):
        return 0.0

    def billing(self, number):
        import contextlib

        return contextlib.nullcontext()


def shape_of(n_rows):
    return TaskShape(
        problem=ProblemType.BINARY, n_rows=n_rows, n_numeric=160, levels=(), n_classes=2, image=IMAGE
    )


def searched(*, augments, augmentation=True, image=IMAGE, limit=10**9, shape_rows=None):
    learner, tried = Recording(augments=augments, most=limit), []
    shape = None if shape_rows is None else shape_of(shape_rows)
    fit, held = np.arange(12), np.arange(12, 20)
    data = TrainingData(
        problem=ProblemType.BINARY,
        n_classes=2,
        target_sd=1.0,
        X=frame(images(20)),
        y=np.arange(20) % 2,
        folds=((fit, held),),
        image=image,
    )
    budget = Budget(seconds=None, trials=10, cores=1, memory_bytes=2**30)
    options = {"shape": shape, "augmentation": augmentation}
    search = Search(learner=learner, data=data, key="k", budget=budget, **options)
    assert run_search(search, Free(), tried.append) == "space"
    return learner, tried


def test_every_choice_is_tried_and_only_fit_rows_are_augmented():
    learner, tried = searched(augments=False)
    how = [candidate.config["augmentation"] for candidate in tried]
    assert how[0] == "none"
    assert sorted(how) == sorted(AUGMENTATIONS)
    rows = {"none": 12, "mirror": 24, "shift": 36, "shift-mirror": 36}
    assert [len(fit) for fit, _ in learner.seen] == [rows[each] for each in how]
    assert all(len(held) == 8 for _, held in learner.seen)
    assert learner.configs == [{}] * 4, "the learner is not asked to know the parameter"


def test_a_net_gets_its_rows_as_they_are_and_is_told_how():
    learner, tried = searched(augments=True)
    assert [context.augmentation for context in learner.contexts] == [
        candidate.config["augmentation"] for candidate in tried
    ]
    assert {len(fit) for fit, _ in learner.seen} == {12}


def test_copies_past_a_learner_s_limit_are_refused_before_they_are_made():
    """A learner that may be fitted on 20 rows is not fitted on 36 because they are copies."""
    learner, tried = searched(augments=False, limit=20, shape_rows=12)
    status = {candidate.config["augmentation"]: candidate.status.value for candidate in tried}
    assert status == {"none": "ok", "mirror": "error", "shift": "error", "shift-mirror": "error"}
    reasons = [candidate.reason for candidate in tried if candidate.config["augmentation"] == "shift"]
    assert reasons == ["ValueError: augmentation 'shift' makes 3 rows of each: 36 rows"]
    assert [len(fit) for fit, _ in learner.seen] == [12]


def test_a_suite_may_offer_it_to_nobody():
    learner, tried = searched(augments=False, augmentation=False)
    assert [candidate.config for candidate in tried] == [{}]
    assert [len(fit) for fit, _ in learner.seen] == [12]
