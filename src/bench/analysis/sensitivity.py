"""How much each entry's error grows under each intervention: who notices what. A pure function of frames."""

from __future__ import annotations

import dataclasses
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.analysis.columns import estimate
from bench.analysis.errors import errors
from bench.analysis.leaderboard import Estimate, by_dataset, estimates
from bench.analysis.results import results
from bench.analysis.sizes import of_size, rows_title
from bench.analysis.tables import TEXT_WIDTH
from bench.analysis.traces import traces
from bench.analysis.views import View
from bench.errors import ConfigError
from bench.interventions import NONE

if TYPE_CHECKING:
    from bench.analysis.errors import Errors, Floats


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What interventions did to entries."""

    view: View
    entries: tuple[str, ...]
    """In the order of the plan."""
    interventions: tuple[str, ...]
    changes: tuple[tuple[Estimate, ...], ...]
    """Of each entry, under each intervention: the mean over datasets of ln(error without / error under it),
    with a 95 % bootstrap interval over datasets. Below 0 it does worse than without."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each entry and intervention, with every number in full."""
        return pd.DataFrame(
            [
                {"entry": entry, "intervention": name, "log_error_ratio": each.mean, "low": each.low,
                 "high": each.high, "datasets": each.n}
                for entry, row in zip(self.entries, self.changes, strict=True)
                for name, each in zip(self.interventions, row, strict=True)
            ]
        )  # fmt: skip


def sensitivity(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Sensitivity:
    """Return how the errors of entries change under each intervention of a run.

    Only a task counts where an entry has an error of its own with and without the intervention, on as many
    splits: a stand-in would say nothing of the entry. Raises ConfigError where the run has no cells without
    an intervention, or none with one, or several training-set sizes of which the view names none.
    """
    cells = of_size(cells, view.train_rows)
    view = dataclasses.replace(view, failure_policy="complete-pairs", intervention=NONE)
    names = tuple(name for name in dict.fromkeys(cells["intervention"]) if name != NONE)
    plain = _errors(trials, cells, view)
    if not names or not plain.entries:
        lacking = "without an intervention" if names else "with one"
        raise ConfigError(
            f"this run has no cells {lacking}, so no change of errors can be shown: a suite needs "
            '`interventions = ["none", ...]` (see `bench list interventions`)'
        )
    columns = [
        estimates(by_dataset(plain, _changes(plain, _errors(trials, cells, under)))[1])
        for under in (dataclasses.replace(view, intervention=name) for name in names)
    ]
    return Sensitivity(view, plain.entries, names, tuple(zip(*columns, strict=True)))


def _errors(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Errors:
    of = traces(trials, cells, view.intervention or NONE)
    return errors(results(of, view, None), of, view)


def _changes(plain: Errors, under: Errors) -> Floats:
    """Return (E, T) ln(error without / error under), as the plain ones are ordered; NaN where one lacks."""
    rows = pd.Index(under.entries).get_indexer(pd.Index(plain.entries))
    columns = pd.Index(under.tasks).get_indexer(pd.Index(plain.tasks))
    at = np.ix_(rows, columns)
    both = (rows >= 0)[:, None] & (columns >= 0)[None, :] & (under.n_splits[at] == plain.n_splits)
    return np.where(both, plain.log_error - under.log_error[at], np.nan)


def text(found: Sensitivity) -> str:
    """Return the changes as aligned text, a column for each intervention."""
    rows = zip(found.entries, found.changes, strict=True)
    lines = [[found.view.by, *found.interventions], *([entry, *map(estimate, row)] for entry, row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    size = "" if found.view.train_rows is None else f", {rows_title(found.view.train_rows)}"
    title = (
        f"Change of the error under each intervention, by {found.view.by}, {found.view.show}{size}: mean "
        "[95 % bootstrap interval over tables] against the same cells without it. +12 % is 12 % higher."
    )
    return "\n".join([*textwrap.wrap(title, TEXT_WIDTH), "", *table]) + "\n"
