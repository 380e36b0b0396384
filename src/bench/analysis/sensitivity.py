"""How much each entry's error grows under each intervention: who notices what. A pure function of frames."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from bench.analysis.columns import estimate
from bench.analysis.errors import errors
from bench.analysis.forms import TEXT_WIDTH
from bench.analysis.leaderboard import Estimate, by_dataset, estimates
from bench.analysis.results import results
from bench.analysis.sizes import of_size, rows_title
from bench.analysis.traces import traces
from bench.analysis.views import View
from bench.errors import ConfigError
from bench.interventions import NONE, parse_intervention

if TYPE_CHECKING:
    from bench.analysis.errors import Errors, Floats


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """What interventions did to entries."""

    view: View
    entries: tuple[str, ...]
    """In the order of the plan."""
    interventions: tuple[str, ...]
    references: tuple[str, ...]
    """What each is contrasted with: none, or another intervention."""
    lacking: tuple[str, ...]
    """Interventions that are not shown: the run has no cells under what they are contrasted with."""
    changes: tuple[tuple[Estimate, ...], ...]
    """Of each entry, under each intervention: the mean over datasets of ln(error under its reference / error
    under it), with a 95 % bootstrap interval over datasets. Below 0 it does worse than without it."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each entry and intervention, with every number in full."""
        return pd.DataFrame(
            [
                {"entry": entry, "intervention": name, "reference": reference, "log_error_ratio": each.mean,
                 "low": each.low, "high": each.high, "datasets": each.n}
                for entry, row in zip(self.entries, self.changes, strict=True)
                for name, reference, each in zip(self.interventions, self.references, row, strict=True)
            ]
        )  # fmt: skip


def sensitivity(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Sensitivity:
    """Return how the errors of entries change under each intervention of a run, against its reference.

    Only a task counts where an entry has an error of its own under both, on as many splits: a stand-in would
    say nothing of the entry. Raises ConfigError where the run has nothing to compare, or several training-set
    sizes of which the view names none.
    """
    cells = of_size(cells, view.train_rows)
    view = dataclasses.replace(view, failure_policy="complete-pairs")
    found = {
        name: _errors(trials, cells, dataclasses.replace(view, intervention=name))
        for name in dict.fromkeys(cells["intervention"])
    }
    asked = {name: parse_intervention(name).kind.reference for name in found if name != NONE}
    pairs = {name: reference for name, reference in asked.items() if _has_entries(found, reference)}
    if not pairs:
        wanted = " or ".join(sorted(set(asked.values())))
        lacking = f"under {wanted}" if asked else "with an intervention"
        raise ConfigError(
            f"this run has no cells {lacking}, so no change of errors can be shown: a suite needs "
            '`interventions = ["none", ...]` (see `bench list interventions`)'
        )
    entries = tuple(dict.fromkeys(entry for each in pairs.values() for entry in found[each].entries))
    columns = [_column(entries, found[reference], found[name]) for name, reference in pairs.items()]
    return Sensitivity(
        view=dataclasses.replace(view, intervention=NONE),
        entries=entries,
        interventions=tuple(pairs),
        references=tuple(pairs.values()),
        lacking=tuple(name for name in asked if name not in pairs),
        changes=tuple(zip(*columns, strict=True)),
    )


def _errors(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Errors:
    of = traces(trials, cells, view.intervention or NONE)
    return errors(results(of, view, None), of, view)


def _has_entries(found: Mapping[str, Errors], name: str) -> bool:
    return name in found and bool(found[name].entries)


def _column(entries: Sequence[str], plain: Errors, under: Errors) -> list[Estimate]:
    """Return the change of each entry under one intervention; one that the reference lacks has none."""
    known = dict(zip(plain.entries, estimates(by_dataset(plain, _changes(plain, under))[1]), strict=True))
    none = Estimate(mean=math.nan, low=math.nan, high=math.nan, n=0)
    return [known.get(entry, none) for entry in entries]


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
    notes = [
        f"{name}: against the same cells under {reference}."
        for name, reference in zip(found.interventions, found.references, strict=True)
        if reference != NONE
    ]
    notes += [
        f"{name} is not shown: this run has no cells under {parse_intervention(name).kind.reference}, which "
        "it is compared with."
        for name in found.lacking
    ]
    paragraphs = [line for each in (title, *notes) for line in textwrap.wrap(each, TEXT_WIDTH)]
    return "\n".join([*paragraphs, "", *table]) + "\n"
