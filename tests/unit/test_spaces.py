"""Trial t's configuration is a pure function of a key and t, inside its bounds."""

from __future__ import annotations

import itertools
import json
import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import kstest

from bench.spaces import Choice, Float, Int, Space

MIXED = Space(
    {"rate": 0.1, "depth": 6, "kind": "a", "fixed": True},
    {
        "rate": Float(low=1e-4, high=1.0, log=True),
        "depth": Int(low=1, high=12),
        "kind": Choice(("a", "b", None)),
    },
)
FINITE = Space({"a": 1, "b": "x", "c": 0}, {"a": Choice((1, 2, 3)), "b": Choice(("x", "y", "z", "w"))})
KEYS = st.text(max_size=20)


@pytest.mark.parametrize("space", [MIXED, FINITE, Space({})])
@given(key=KEYS)
def test_trial_0_is_the_default(space, key):
    assert space.trial(key, 0) == space.default


@pytest.mark.parametrize("space", [MIXED, FINITE])
@given(key=KEYS, numbers=st.lists(st.integers(0, 11), max_size=12))
def test_a_trial_depends_on_its_key_and_number_alone(space, key, numbers):
    alone = {number: replace(space).trial(key, number) for number in range(12)}
    assert [space.trial(key, number) for number in numbers] == [alone[number] for number in numbers]
    assert dict(itertools.islice(space.trials(key), 12)) == alone
    start = numbers[0] if numbers else 5
    assert dict(itertools.islice(space.trials(key, start), 12 - start)) == {
        number: alone[number] for number in range(start, 12)
    }


def test_another_key_or_number_is_another_draw():
    rates = [MIXED.trial(key, number)["rate"] for key in ("k", "l") for number in range(1, 200)]
    assert len(set(rates)) == len(rates)


def test_what_does_not_vary_keeps_its_default():
    assert all(MIXED.trial("k", number)["fixed"] is True for number in range(50))
    assert list(MIXED.trial("k", 3)) == list(MIXED.default)


@given(key=KEYS)
def test_a_finite_space_is_walked_once_and_ends(key):
    walked = [tuple(config.items()) for _, config in FINITE.trials(key)]
    everything = {(("a", a), ("b", b), ("c", 0)) for a in (1, 2, 3) for b in "xyzw"}
    assert len(walked) == FINITE.size == 12
    assert set(walked) == everything
    assert FINITE.trial(key, 12) is None
    assert FINITE.trial(key, 500) is None


def test_a_default_outside_the_grid_is_one_configuration_more():
    space = Space({"a": 0}, {"a": Choice((1, 2))})
    assert space.size == 3
    assert sorted(config["a"] for _, config in space.trials("k")) == [0, 1, 2]


def test_the_walk_of_a_finite_space_is_shuffled_by_its_key():
    orders = {tuple(config["a"] for _, config in FINITE.trials(f"key {i}")) for i in range(20)}
    assert len(orders) > 15


def test_only_choices_make_a_space_finite():
    assert MIXED.size is None
    assert Space({"depth": 1}, {"depth": Int(low=1, high=2)}).size is None
    assert Space({}).size == 1


bounds = st.tuples(st.floats(1e-9, 1e6), st.floats(1.001, 1e9)).map(lambda pair: (pair[0], pair[0] * pair[1]))


@given(bounds=bounds, log=st.booleans(), key=KEYS)
def test_reals_stay_in_their_bounds(bounds, log, key):
    low, high = bounds
    space = Space({"x": low}, {"x": Float(low=low, high=high, log=log)})
    assert all(low <= space.trial(key, number)["x"] <= high for number in range(1, 20))


@given(low=st.integers(1, 1000), width=st.integers(0, 1000), log=st.booleans(), key=KEYS)
def test_whole_numbers_stay_in_their_bounds_and_are_whole(low, width, log, key):
    space = Space({"x": low}, {"x": Int(low=low, high=low + width, log=log)})
    drawn = [space.trial(key, number)["x"] for number in range(1, 20)]
    assert all(type(value) is int and low <= value <= low + width for value in drawn)


def drawn_from(parameter, count):
    space = Space({"x": None}, {"x": parameter})
    return [space.trial("key", number)["x"] for number in range(1, count + 1)]


@pytest.mark.parametrize("log", [False, True])
def test_reals_are_even_or_even_in_their_logarithm(log):
    low, high = 1e-5, 10.0
    scale = math.log if log else float
    values = [scale(value) for value in drawn_from(Float(low=low, high=high, log=log), 3000)]
    even = kstest(values, "uniform", args=(scale(low), scale(high) - scale(low)))
    assert even.pvalue > 0.01
    other = drawn_from(Float(low=low, high=high, log=not log), 3000)
    crossed = kstest(
        [scale(value) for value in other], "uniform", args=(scale(low), scale(high) - scale(low))
    )
    assert crossed.pvalue < 1e-6, "the check tells the two apart"


@pytest.mark.parametrize("log", [False, True])
def test_each_whole_number_has_its_share(log):
    low, high, count = 1, 8, 8000
    values = drawn_from(Int(low=low, high=high, log=log), count)
    total = math.log((high + 0.5) / (low - 0.5))
    for number in range(low, high + 1):
        share = math.log((number + 0.5) / (number - 0.5)) / total if log else 1 / 8
        spread = math.sqrt(count * share * (1 - share))
        assert abs(values.count(number) - count * share) < 4 * spread, number


def test_every_choice_is_equally_likely():
    space = Space({"x": "a", "y": 0.0}, {"x": Choice(("a", "b", "c", "d")), "y": Float(low=0, high=1)})
    found = [space.trial("key", number)["x"] for number in range(1, 4001)]
    assert all(abs(found.count(option) - 1000) < 4 * math.sqrt(4000 * 0.25 * 0.75) for option in "abcd")


def described(space):
    """What the hash of a learner's specification is made of."""
    return json.dumps(space.describe(), sort_keys=True)


def test_the_description_changes_when_anything_does():
    base = {"x": Float(low=0.1, high=1.0), "n": Int(low=1, high=9), "k": Choice((1, 2))}
    spaces = [
        Space({"x": 0.5}, base),
        Space({"x": 0.6}, base),
        Space({"x": 0.5, "other": 1}, base),
        Space({"x": 0.5}, base | {"x": Float(low=0.2, high=1.0)}),
        Space({"x": 0.5}, base | {"x": Float(low=0.1, high=2.0)}),
        Space({"x": 0.5}, base | {"x": Float(low=0.1, high=1.0, log=True)}),
        Space({"x": 0.5}, base | {"n": Int(low=2, high=9)}),
        Space({"x": 0.5}, base | {"n": Int(low=1, high=8)}),
        Space({"x": 0.5}, base | {"n": Int(low=1, high=9, log=True)}),
        Space({"x": 0.5}, base | {"n": Float(low=1, high=9)}),
        Space({"x": 0.5}, base | {"k": Choice((2, 1))}),
        Space({"x": 0.5}, base | {"k": Choice((1, 2, 3))}),
        Space({"x": 0.5}, base | {"k": Choice(("1", "2"))}),
        Space({"x": 0.5}, base | {"m": Choice((1, 2))}),
        Space({"x": 0.5}, {}),
    ]
    texts = [described(space) for space in spaces]
    assert len(set(texts)) == len(texts)
    assert described(Space({"x": 0.5}, dict(base))) == texts[0]


def test_spaces_that_draw_other_configurations_are_described_otherwise():
    """Draws follow the order of the parameters: evidence of one order must not pass for the other's."""
    parameters = {"x": Float(low=0.0, high=1.0), "y": Float(low=0.0, high=1.0)}
    forth = Space({"x": 0.5, "y": 0.5}, parameters)
    back = Space({"x": 0.5, "y": 0.5}, dict(reversed(parameters.items())))
    same_draws = all(forth.trial("k", number) == back.trial("k", number) for number in range(5))
    assert same_draws or described(forth) != described(back)
