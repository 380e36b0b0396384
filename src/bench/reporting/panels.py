"""The leaderboards of a run that a report holds: the same run at several budgets, by learner and by family.

Every one is made by the code that `bench leaderboard` shows: a page that is asked for another budget turns
to a leaderboard that is there, and computes none of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from bench.analysis.metrics import WITHOUT_RATIO, on_test_rows
from bench.analysis.views import By, FailurePolicy, Show, View
from bench.boards import Recorded, board_of, sizes_of
from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.analysis.leaderboard import Leaderboard
    from bench.analysis.sizes import TrainRows

Axis: TypeAlias = Literal["seconds", "trials"]
BYS: tuple[By, ...] = ("family", "learner")
SHOWS: tuple[Show, ...] = ("tuned", "default")
POLICIES: tuple[FailurePolicy, ...] = get_args(FailurePolicy)
HALVINGS = 6
"""How often seconds are halved from the budget of the run down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which of the leaderboards of a run one is."""

    train_rows: TrainRows | None
    """The training-set size, of a run that has several."""
    by: By
    show: Show
    failure_policy: FailurePolicy
    axis: Axis
    amount: float
    """Seconds or trials a cell."""
    metric: str | None = None
    """What errors are made of; None for the primary score of each problem type."""


Panels: TypeAlias = Mapping[Place, "Leaderboard"]


def axes(run: Mapping[str, float | None]) -> dict[Axis, tuple[float, ...]]:
    """Return the budgets at which a run is shown, rising to its own, for each budget that it has."""
    found: dict[Axis, tuple[float, ...]] = {}
    seconds, trials = run["budget_s"], run["budget_trials"]
    if seconds:
        found["seconds"] = (*(_rounded(seconds / 2**k) for k in range(HALVINGS, 0, -1)), seconds)
    if trials:
        powers = itertools.takewhile(lambda n: n < trials, (2.0**k for k in itertools.count()))
        found["trials"] = (*powers, float(trials))
    return found


def panels(of: Recorded) -> Panels:
    """Return the leaderboards of a run: at each of its training-set sizes and budgets.

    Raises what `board_of` does.
    """
    return {place: board_of(of, view_at(place)) for place in places(of)}


def places(of: Recorded) -> Iterator[Place]:
    """Yield what leaderboards of a run there are, the largest size first and the whole budget first.

    Tuned ones at every budget; those of defaults, which hardly depend on it, and those by another metric at
    the run's own.
    """
    there = sizes_of(of.store, of.run)
    sizes: tuple[TrainRows | None, ...] = tuple(reversed(there)) if len(there) > 1 else (None,)
    for size, (axis, amounts) in itertools.product(sizes, axes(of.run).items()):
        for amount, by, policy, show in itertools.product(reversed(amounts), BYS, POLICIES, SHOWS):
            if show == "tuned" or amount == amounts[-1]:
                yield Place(
                    train_rows=size, by=by, show=show, failure_policy=policy, axis=axis, amount=amount
                )
    for size, metric, by in itertools.product(sizes, metrics(of), BYS):
        axis, amounts = next(iter(axes(of.run).items()))
        yield Place(
            train_rows=size,
            by=by,
            show="tuned",
            failure_policy="fallback",
            axis=axis,
            amount=amounts[-1],
            metric=metric,
        )


def metrics(of: Recorded) -> tuple[str, ...]:
    """Return the metrics that some default of a run was scored by and that can be errors."""
    defaults = of.trials["trial"] == 0
    recorded = {name for text in of.trials.loc[defaults, "metrics"] for name in on_test_rows(text)}
    return tuple(name for name in METRICS if name in recorded and name not in WITHOUT_RATIO)


def view_at(place: Place) -> View:
    """Return the view of a run that a place is."""
    return View(
        budget_s=place.amount if place.axis == "seconds" else None,
        budget_trials=int(place.amount) if place.axis == "trials" else None,
        by=place.by,
        show=place.show,
        failure_policy=place.failure_policy,
        train_rows=place.train_rows,
        metric=place.metric,
    )


def _rounded(seconds: float) -> float:
    """Return seconds to three digits: 0.0625, and not 0.06249999."""
    return float(f"{seconds:.3g}") if seconds > 0 and math.isfinite(seconds) else seconds
