"""What an executor yields, and what it promises."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from bench.orders import Order, Predictions
from bench.trials import Outcome, Trial


@dataclass(frozen=True, slots=True)
class Started:
    """A worker has the order."""

    order: Order


@dataclass(frozen=True, slots=True)
class Loaded:
    """The worker has its table."""

    order: Order
    rows: Mapping[str, int]
    """How many there are of each kind (see `bench.runner.cell.Reporter`)."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A trial ended."""

    order: Order
    trial: Trial
    predictions: Predictions | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The attempt ended, whichever way."""

    order: Order
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing happened for a while."""


Progress: TypeAlias = Started | Loaded | Tried | Ended | Idle


class Executor(Protocol):
    """Runs orders, each isolated from the others as far as the executor can.

    Every order that was `Started` is `Ended` exactly once, with its trials in between, unless the
    iterator is closed: then every worker is stopped before `close` returns, and nothing more is yielded.
    """

    jobs: int
    """How many cells it runs at once."""

    def run(self, next_order: Callable[[], Order | None]) -> Iterator[Progress]:
        """Yield what happens until there is nothing to start and nothing runs.

        `next_order` is called when there is room for a cell, and what it returns is run; None means that
        there is nothing to start now, and it is asked again while cells run.
        """
        ...
