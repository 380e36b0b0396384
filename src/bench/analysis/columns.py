"""The columns of a leaderboard, its title and its legend: one definition for every form."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from dataclasses import dataclass, fields
from typing import Literal, TypeAlias, get_args

from bench.analysis.leaderboard import Estimate, Leaderboard, Row
from bench.analysis.lone import Spread
from bench.analysis.metrics import error_title
from bench.analysis.sizes import rows_title
from bench.interventions import NONE
from bench.metrics import SCORE_TITLE

Extra: TypeAlias = Literal["calibration", "density", "ratings"]
"""Columns that are shown where they are asked for."""
EXTRAS: tuple[Extra, ...] = get_args(Extra)
_SHOWN_UP_TO = math.log(100)
"""Errors more than this many times the reference's are shown as `>9900`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: how a person reads it, and what it holds."""

    heading: str
    show: Callable[[Row], str]
    fields: tuple[str, ...]
    """What of a row it shows, `name` or `name.part`: the columns of the CSV."""
    left: bool = False
    """Whether it is aligned to the left."""


def error_change(log_ratio: float) -> str:
    """Return a log error ratio as a change of the error in whole per cent: `-12` is 12 % lower."""
    if math.isnan(log_ratio):
        return "-"
    if log_ratio < -_SHOWN_UP_TO:
        return f">{100 * math.expm1(_SHOWN_UP_TO):.0f}"
    text = f"{100 * math.expm1(-log_ratio):+.0f}"
    return "0" if text in {"+0", "-0"} else text


def estimate(value: Estimate) -> str:
    """Return an estimate as a change of the error with its interval: `-12 % [-18, -6]`."""
    if not value.n:
        return "-"
    if math.isnan(value.low):
        return f"{error_change(value.mean)} %"
    return f"{error_change(value.mean)} % [{error_change(value.high)}, {error_change(value.low)}]"


def columns(board: Leaderboard, extra: Collection[Extra] = ()) -> tuple[Column, ...]:
    """Return the columns of a leaderboard, in order."""
    return (
        *(_ranking(board) if board.task is None else _lone(board)),
        *(column for name in EXTRAS if name in extra for column in _EXTRA[name]),
    )


def all_columns(board: Leaderboard) -> tuple[Column, ...]:
    """Return every column that any leaderboard has: what files hold."""
    extras = (column for name in EXTRAS for column in _EXTRA[name])
    both = (*_ranking(board), *_errors(board), *extras)
    return tuple({column.fields: column for column in both}.values())


def _lone(board: Leaderboard) -> tuple[Column, ...]:
    """The columns where there is one task alone: its errors, and no tiers."""
    error, over_splits = _errors(board)
    against = f"vs {board.view.reference}"
    return (
        _entry(board),
        error,
        *[over_splits] * any(row.error.n > 1 for row in board.rows),
        Column(heading=against, show=lambda row: estimate(row.overall), fields=_parts("overall")),
        *_costs(board)[1:],
    )


def _errors(board: Leaderboard) -> tuple[Column, Column]:
    """The errors themselves, and what they span over splits."""
    best = min((row.error.mean for row in board.rows if row.error.n), default=math.nan)
    digits = _digits(best)
    span = ("error.low", "error.high", "error.n")
    return (
        Column(heading="error", show=lambda row: _number(row.error.mean, digits), fields=("error.mean",)),
        Column(heading="over splits", show=lambda row: _range(row.error, digits), fields=span),
    )


def _entry(board: Leaderboard) -> Column:
    return Column(heading=board.view.by, show=lambda row: row.entry, fields=("entry",), left=True)


def _ranking(board: Leaderboard) -> tuple[Column, ...]:
    return (
        Column(heading="tier", show=lambda row: "-" if row.tier is None else str(row.tier), fields=("tier",)),
        _entry(board),
        Column(heading="all", show=lambda row: estimate(row.overall), fields=_parts("overall")),
        Column(
            heading="classification",
            show=lambda row: estimate(row.classification),
            fields=_parts("classification"),
        ),
        Column(heading="regression", show=lambda row: estimate(row.regression), fields=_parts("regression")),
        Column(heading="rank", show=lambda row: _number(row.mean_rank, 1), fields=("mean_rank",)),
        Column(
            heading="w/t/l",
            show=lambda row: f"{row.wins}/{row.ties}/{row.losses}",
            fields=("wins", "ties", "losses"),
        ),
        Column(heading="tasks", show=lambda row: str(row.n_tasks), fields=("n_tasks",)),
        *_costs(board),
    )


def _costs(board: Leaderboard) -> tuple[Column, ...]:
    return (
        Column(heading="stood in", show=lambda row: _count(row.n_stood_in), fields=("n_stood_in",)),
        Column(heading="failed", show=lambda row: _count(row.n_failed), fields=("n_failed",)),
        Column(heading="n/a", show=lambda row: _count(row.n_not_applicable), fields=("n_not_applicable",)),
        Column(heading="bound", show=_bound, fields=("n_bound",)),
        Column(heading="seconds", show=lambda row: _number(row.median_s, 2), fields=("median_s",)),
        Column(
            heading="trials",
            show=_valid_trials if board.view.show == "default" else _trials,
            fields=("median_trials", "defaults_only"),
            left=True,
        ),
    )


def _elo(row: Row) -> str:
    rating = row.rating
    if math.isnan(rating.low):
        return _number(rating.elo, 0)
    return f"{rating.elo:.0f} [{rating.low:.0f}, {rating.high:.0f}]"


def _percent(share: float) -> str:
    return "-" if math.isnan(share) else f"{100 * share:.0f} %"


_EXTRA: dict[Extra, tuple[Column, ...]] = {
    "calibration": (
        Column(heading="ECE", show=lambda row: _number(row.calibration.ece, 3), fields=("calibration.ece",)),
        Column(
            heading="Brier", show=lambda row: _number(row.calibration.brier, 3), fields=("calibration.brier",)
        ),
        Column(
            heading="log loss",
            show=lambda row: _number(row.calibration.log_loss, 3),
            fields=("calibration.log_loss",),
        ),
        Column(
            heading="prob. tasks",
            show=lambda row: str(row.calibration.n or "-"),
            fields=("calibration.n",),
        ),
    ),
    "density": (
        Column(heading="CRPS/SD", show=lambda row: _number(row.density.crps, 3), fields=("density.crps",)),
        Column(
            heading="log density",
            show=lambda row: _number(row.density.log_density, 2),
            fields=("density.log_density",),
        ),
        Column(heading="density tasks", show=lambda row: str(row.density.n or "-"), fields=("density.n",)),
    ),
    "ratings": (
        Column(heading="Elo", show=_elo, fields=("rating.elo", "rating.low", "rating.high", "rating.n")),
        Column(
            heading="win rate", show=lambda row: _percent(row.rating.win_rate), fields=("rating.win_rate",)
        ),
        Column(
            heading="improvability",
            show=lambda row: _percent(row.rating.improvability),
            fields=("rating.improvability",),
        ),
    ),
}
_SHOWN = {"tuned": "tuned", "default": "default configurations", "ensembled": "ensembles"}
_WHAT = {
    ("tuned", "learner"): "Each learner shows the configuration with the best validation score.",
    (
        "tuned",
        "family",
    ): "Each family shows the configuration with the best validation score of its learners'.",
    ("default", "learner"): "Each learner shows its default configuration.",
    ("default", "family"): "Each family shows the default configuration of its first learner that applies.",
    ("ensembled", "learner"): "Each learner shows an ensemble of its trials, chosen on the validation rows.",
    (
        "ensembled",
        "family",
    ): "Each family shows an ensemble of its learners' trials, chosen on the validation rows.",
}
_LEGEND: dict[Extra, str] = {
    "calibration": (
        "ECE (expected calibration error), Brier, log loss: of class probabilities on the test rows, "
        "lower is better, mean over the entry's own tasks with probabilities (prob. tasks)."
    ),
    "density": (
        "CRPS/SD (lower is better), log density (higher is better): of predictive distributions of the "
        "target over its SD, mean over the entry's own tasks with densities (density tasks)."
    ),
    "ratings": (
        "Elo (400 more: ten wins to one loss; {anchor} is 1000) [95 % bootstrap interval over tables]; "
        "win rate: share of the others that it beats on a table; improvability: mean of 1 - best error / own "
        "error. All three depend on which entries are in the table, and decide nothing."
    ),
}


def title(board: Leaderboard, what: str = "Leaderboard") -> str:
    """Return what is shown, by what, at which budget, on how many tables."""
    view = board.view
    metric = "" if view.metric is None else f", {error_title(view.metric)}"
    rows = "" if view.rows == "all" else " without a twin in training"
    shared = ", shared by a family's learners" if view.by == "family" else ""
    replay = ", replayed from a larger run" if board.replay else ""
    under = "" if view.intervention in (None, NONE) else f", under {view.intervention}"
    size = "" if view.train_rows is None else f", {rows_title(view.train_rows)}"
    tables = ", ".join(f"{n} {problem}" for problem, n in board.datasets.items() if n)
    if board.task is not None:
        return (
            f"{board.task} by {view.by}, {_SHOWN[view.show]}{size}: {_error_name(board)} on test rows{rows}"
            f"{under}. "
            f"Budget per cell: {board.budget}{shared}{replay}."
        )
    return (
        f"{what} by {view.by}, {_SHOWN[view.show]}{size}{metric}{rows and f', test rows{rows}'}{under}. "
        f"Budget per cell: {board.budget}{shared}{replay}. Tables compared: {tables or 'none yet'}."
    )


def legend(board: Leaderboard, extra: Collection[Extra] = ()) -> str:
    """Return how to read the numbers."""
    view = board.view
    errors = "errors" if view.metric is None else f"errors ({error_title(view.metric)})"
    ratios = (
        f"all, classification, regression: {errors} against those of the default {view.reference} "
        "on the same tables, mean [95 % bootstrap interval over tables]: -12 % is 12 % lower."
    )
    lone = f"error: {_error_name(board)}, lower is better, mean over splits, and the least and most of any."
    against = f"vs {view.reference}: against the error of its default configuration."
    ranking = (
        ratios,
        "rank: mean over tasks.",
        "w/t/l: tasks won, tied (within 5 %) and lost against it.",
        "One tier: cannot be told apart.",
    )
    parts = [
        _WHAT[view.show, view.by],
        *(ranking if board.task is None else (lone, against)),
        "seconds, trials: of the median split.",
        *(
            _LEGEND[name].format(anchor=board.contest.anchor or "the mean")
            for name in EXTRAS
            if name in extra
        ),
    ]
    return " ".join(parts)


def _error_name(board: Leaderboard) -> str:
    if board.view.metric is not None:
        return error_title(board.view.metric)
    return "error" if board.problem is None else SCORE_TITLE[board.problem]


def _parts(estimate: str) -> tuple[str, ...]:
    return tuple(f"{estimate}.{field.name}" for field in fields(Estimate))


def _digits(best: float) -> int:
    """Return how many decimals show three digits of the best error."""
    return 3 if math.isnan(best) or best <= 0 else min(8, max(0, 2 - math.floor(math.log10(best))))


def _range(spread: Spread, digits: int) -> str:
    return "-" if spread.n < 2 else f"{spread.low:.{digits}f} to {spread.high:.{digits}f}"


def _valid_trials(row: Row) -> str:
    return _number(row.median_trials, 0)


def _trials(row: Row) -> str:
    return _valid_trials(row) + ("  defaults only" if row.defaults_only else "")


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"


def _bound(row: Row) -> str:
    return "-" if row.n_bound is None else _count(row.n_bound)


def _count(value: int) -> str:
    return str(value) if value else ""
