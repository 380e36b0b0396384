"""How errors fall and seconds grow with the training rows: a pure function of frames.

Learning curves are near to power laws, error ~ n^-alpha, over a range of sizes (Cortes, Jackel, Solla, Vapnik
and Denker 1993; Hestness et al. 2017). The exponent here is that of the range that was run, without the error
that no number of rows takes away: where a curve has come near to that, it is near to 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.curve_points import Points, points
from bench.analysis.leaderboard import Estimate, by_dataset, estimates
from bench.analysis.sizes import TrainRows, listed_sizes, sizes
from bench.analysis.views import View
from bench.errors import ConfigError
from bench.interventions import NONE
from bench.suites import FULL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Mask: TypeAlias = NDArray[np.bool_]
    Texts: TypeAlias = NDArray[np.object_]


_NO_SPREAD = 1e-12
"""Squares of ln n that sum to no more than this are of one number of rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What one entry does as its training rows grow."""

    entry: str
    errors: tuple[float, ...]
    """At each size, the geometric mean over the tasks that are run at every size and where it has an error at
    each; NaN without such a task."""
    n_tasks: int
    """How many those are."""
    error_exponent: Estimate
    """The mean over datasets of alpha in error ~ n^-alpha, with a 95 % bootstrap interval over datasets: per
    task a least-squares line of ln error on ln n over all its sizes, if the entry has an error at each."""
    time_exponent: Estimate
    """The same of beta in seconds ~ n^beta, for the billed seconds of the default configuration."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """The curves of every entry."""

    view: View
    sizes: tuple[TrainRows, ...]
    """The smallest first."""
    rows: tuple[tuple[float, float], ...]
    """The fewest and the most training rows that a task really has at each size, means over its splits."""
    curves: tuple[Curve, ...]
    """In the order of the plan."""
    notes: tuple[str, ...]
    """What is not in them, a line each."""

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each entry, with every number in full."""
        return pd.DataFrame([_record(self.sizes, curve) for curve in self.curves])


def curves(trials: pd.DataFrame, cells: pd.DataFrame, view: View) -> Curves:
    """Return the learning and cost curves of the entries of a run with several training-set sizes.

    n is the number of training rows of a split, those that validate included, as the run recorded it: at
    `full` that of the table. Nothing stands in for an error that is missing: the task leaves the entry's
    curve, and a note says where. A size that a task is not run at, since another takes all its rows too, is
    no lack. Raises ConfigError where no task is run at two sizes.
    """
    cells = cells[(cells["intervention"] == (view.intervention or NONE)).to_numpy()]
    there = sizes(cells)
    if not cells.drop_duplicates(["task", "train_cap"])["task"].duplicated().any():
        raise ConfigError(
            f"this run has no table at two training-set sizes ({listed_sizes(there) or 'no cells'}), so "
            f'there is no curve: a suite needs `[caps] train_rows = [250, 1000, "{FULL}"]`'
        )
    found = [points(trials, cells, dataclasses.replace(view, train_rows=size)) for size in there]
    first = found[0]
    n, log_error, log_s = (
        np.array([getattr(at, name) for at in found]) for name in ("n", "log_error", "log_s")
    )
    planned = np.array([at.planned.any(axis=0) for at in found])
    whole = _whole(log_error, planned) & planned.all(axis=0)
    exponents = [
        estimates(by_dataset(first, sign * _slopes(np.log(n), values, planned))[1])
        for sign, values in ((-1.0, log_error), (1.0, log_s))
    ]
    made = tuple(
        Curve(
            entry=entry,
            errors=tuple(_geometric_means(log_error[:, i, whole[i]])),
            n_tasks=int(whole[i].sum()),
            error_exponent=exponents[0][i],
            time_exponent=exponents[1][i],
        )
        for i, entry in enumerate(first.entries)
    )
    return Curves(
        view=view,
        sizes=there,
        rows=tuple(map(_span, n)),
        curves=made,
        notes=_notes(there, found, planned),
    )


def _whole(values: Floats, planned: Mask) -> Mask:
    """Return (E, T) where an entry has a value at every size (S, E, T) that the task is planned at (S, T)."""
    whole: Mask = np.logical_and.reduce(np.isfinite(values) | ~planned[:, None, :])
    return whole


def _slopes(log_n: Floats, values: Floats, planned: Mask) -> Floats:
    """Return (E, T) least-squares slopes of values (S, E, T) on ln n (S, T) over the planned sizes (S, T).

    NaN where a value or a number of rows is missing, and where there is but one number of rows.
    """
    weight = planned[:, None, :].astype(float)
    count = np.maximum(weight.sum(axis=0), 1)
    x, y = np.where(planned, log_n, 0.0)[:, None, :], np.where(planned[:, None, :], values, 0.0)
    dx = weight * (x - x.sum(axis=0) / count)
    dy = weight * (y - y.sum(axis=0) / count)
    spread, products = (dx * dx).sum(axis=0), (dx * dy).sum(axis=0)
    slopes = np.full(products.shape, np.nan)
    np.divide(products, spread, out=slopes, where=_whole(values, planned) & (spread > _NO_SPREAD))
    return slopes


def _span(n: Floats) -> tuple[float, float]:
    """Return the fewest and the most rows of any task; NaN where none is recorded."""
    known = n[np.isfinite(n)]
    return (float(known.min()), float(known.max())) if len(known) else (np.nan, np.nan)


def _geometric_means(log_values: Floats) -> list[float]:
    """Return the geometric mean of each row; NaN without a column."""
    if not log_values.shape[1]:
        return [np.nan] * len(log_values)
    return [float(value) for value in np.exp(log_values.mean(axis=1))]


def _notes(there: Sequence[TrainRows], found: Sequence[Points], planned: Mask) -> tuple[str, ...]:
    """Say which tasks have fewer sizes, and where an entry has no error or no time."""
    n = planned.sum(axis=0)
    notes = []
    if fewer := int(((n < len(there)) & (n > 1)).sum()):
        notes.append(f"{fewer} of {len(n)} tasks are run at fewer sizes: they are in the exponents alone")
    if lone := int((n == 1).sum()):
        notes.append(f"{lone} of {len(n)} tasks are run at one size: they are in no curve")
    for i, entry in enumerate(found[0].entries):
        lacking = {"error": [at.why[i] for at in found], "time": [at.why_no_time[i] for at in found]}
        for what, whys in lacking.items():
            if parts := list(_lacks(there, whys, planned)):
                notes.append(f"{entry} has no {what} {', '.join(parts)}: these tasks are not in its curve")
    return tuple(notes)


def _lacks(there: Sequence[TrainRows], whys: Sequence[Texts], planned: Mask) -> Iterator[str]:
    """Yield where an entry lacks something, and for which reasons: `at full on 2 (failed)`."""
    for size, why, here in zip(there, whys, planned, strict=True):
        reasons = [reason for reason in why[here] if reason]
        if reasons:
            yield f"at {size} on {len(reasons)} ({', '.join(dict.fromkeys(reasons))})"


def _record(there: Sequence[TrainRows], curve: Curve) -> dict[str, str | float | int]:
    record: dict[str, str | float | int] = {"entry": curve.entry}
    record |= {f"error_at_{size}": error for size, error in zip(there, curve.errors, strict=True)}
    record["tasks"] = curve.n_tasks
    for name, each in (("error_exponent", curve.error_exponent), ("time_exponent", curve.time_exponent)):
        record |= {name: each.mean, f"{name}_low": each.low, f"{name}_high": each.high}
        record[f"{name}_datasets"] = each.n
    return record
