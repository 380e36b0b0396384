"""What a learner raises when its deadline comes before it has anything to show."""

from __future__ import annotations


class DeadlinePassed(Exception):
    """The deadline came before there was any model that could predict: the trial is a `timeout`."""
