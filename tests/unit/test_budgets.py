"""What a budget allows and covers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.budgets import UNTIMED_LIMIT_S, Budget, NoDeadline

budgets = st.builds(
    Budget,
    seconds=st.none() | st.sampled_from([0.5, 1.0, 4.0, 60.0]),
    trials=st.none() | st.sampled_from([1, 3, 50]),
)


def test_the_guard_gives_twice_the_budget_and_two_seconds():
    assert Budget(seconds=4.0, trials=None).guard_s == 10.0
    assert Budget(seconds=0.5, trials=3).guard_s == 3.0
    assert Budget(seconds=None, trials=3).guard_s == UNTIMED_LIMIT_S


@pytest.mark.parametrize(
    ("mine", "other", "covered"),
    [
        ((4.0, 50), (4.0, 50), True),
        ((4.0, 50), (3.9, 50), True),
        ((4.0, 50), (4.0, 49), True),
        ((4.0, 50), (4.1, 50), False),
        ((4.0, 50), (4.0, 51), False),
        ((4.0, 50), (4.0, None), False),
        ((4.0, 50), (None, 50), False),
        ((4.0, None), (1.0, 1000), True),
        ((None, 50), (1000.0, 50), True),
        ((None, 50), (None, None), False),
        ((None, None), (9.0, 9), True),
    ],
)
def test_a_budget_covers_those_with_no_more_of_either(mine, other, covered):
    one, two = (Budget(seconds=seconds, trials=trials) for seconds, trials in (mine, other))
    assert one.covers(two) is covered


@given(budgets, budgets, budgets)
def test_covering_is_an_order(a, b, c):
    assert a.covers(a)
    assert not (a.covers(b) and b.covers(c)) or a.covers(c)
    assert not (a.covers(b) and b.covers(a)) or a == b


def test_no_deadline_never_comes():
    assert NoDeadline().remaining_s() == math.inf
