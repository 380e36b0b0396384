"""D101 to D103: rows that are there twice, or nearly."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bench.datasets import ProblemType
from bench.facts import (
    CONTINUOUS_VALUES,
    NEAR_COLUMNS,
    NEAR_DISTANCE,
    NEAR_MOST_COLUMNS,
    NEAR_ROWS,
    Consequence,
    Fact,
)
from bench.scoring.metrics import score
from bench.scoring.predictions import Prediction
from bench.seeds import derive_seed
from bench.sources.columns import Column
from bench.sources.facts.twins import n_distinct
from bench.sources.tables import Content

Codes = npt.NDArray[np.int32]

_FAR = 1e300
"""Distances of numbers up to this are finite."""


def exact_duplicates(content: Content, twins: Codes, consequence: Consequence) -> Fact:
    """Return D101; `twins` are codes (n_rows,), `consequence` is that of a table with duplicates."""
    codes, sizes = _counted(_with_target(content, twins))
    n, extra = int((sizes[codes] > 1).sum()), len(codes) - len(sizes)
    if not n:
        return Fact(
            code="D101", consequence=Consequence.PASS, text="no two rows are the same", values={"rows": 0}
        )
    kept = _kept(consequence)
    text = f"{n:,} of {len(codes):,} rows have an exact duplicate: {extra:,} are one too many{kept}"
    return Fact(code="D101", consequence=consequence, text=text, values={"rows": n, "extra": extra})


def conflicts(content: Content, twins: Codes, consequence: Consequence) -> Fact:
    """Return D102; `twins` are codes (n_rows,), `consequence` is that of a table with conflicts.

    Its best error is the lowest primary error that a function of the features can have on these rows: what
    answers each twin with the mean of them all.
    """
    codes, sizes = _counted(twins)
    both, both_sizes = _counted(_with_target(content, twins))
    n = int((both_sizes[both] < sizes[codes]).sum())
    if not n:
        text = "no two rows have the same features and different targets"
        return Fact(code="D102", consequence=Consequence.PASS, text=text, values={"rows": 0})
    error = _best_error(content, codes)
    text = (
        f"{n:,} of {len(codes):,} rows have the features of a row with another target: on all rows at once "
        f"no model can err by less than {error:.4g}{_kept(consequence)}"
    )
    return Fact(code="D102", consequence=consequence, text=text, values={"rows": n, "best_error": error})


def near_duplicates(content: Content, twins: Codes) -> Fact:
    """Return D103; `twins` are codes (n_rows,)."""
    numeric = [
        column
        for column in content.columns
        if column.data.dtype.kind == "f" and n_distinct(column.data) > CONTINUOUS_VALUES
    ]
    if len(numeric) > NEAR_MOST_COLUMNS:
        text = f"not judged: more than {NEAR_MOST_COLUMNS} columns have more than {CONTINUOUS_VALUES} numbers"
        return Fact(code="D103", consequence=Consequence.PASS, text=text)
    if len(numeric) < NEAR_COLUMNS:
        text = f"not judged: fewer than {NEAR_COLUMNS} columns have more than {CONTINUOUS_VALUES} numbers"
        return Fact(code="D103", consequence=Consequence.PASS, text=text)
    rows = np.unique(twins, return_index=True)[1]
    order = np.random.default_rng(derive_seed("facts", "D103")).permutation(len(rows))
    rows = rows[order[:NEAR_ROWS]]
    n = int((_nearest(content.columns, rows) <= NEAR_DISTANCE).sum())
    values = {"rows": n, "looked_at": len(rows)}
    if not n:
        text = f"none of {len(rows):,} different rows nearly equals another"
        return Fact(code="D103", consequence=Consequence.PASS, text=text, values=values)
    text = f"{n:,} of {len(rows):,} different rows nearly equal another of them"
    return Fact(code="D103", consequence=Consequence.NOTE, text=text, values=values)


def _kept(consequence: Consequence) -> str:
    return "; they are kept on one side of every split" if consequence is Consequence.GROUP else ""


def _with_target(content: Content, twins: Codes) -> npt.NDArray[np.int64]:
    targets = np.unique(content.target, return_inverse=True)[1].astype(np.int64)
    return twins.astype(np.int64) * (int(targets.max()) + 1) + targets


def _counted(codes: npt.NDArray[np.integer]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the group (n_rows,) of each row from 0, and how many rows each group has."""
    _, groups, sizes = np.unique(codes, return_inverse=True, return_counts=True)
    return groups.astype(np.int64), sizes.astype(np.int64)


def _best_error(content: Content, groups: npt.NDArray[np.int64]) -> float:
    sizes = np.bincount(groups)
    if content.problem is ProblemType.REGRESSION:
        scale = float(np.abs(content.target).max()) or 1.0
        y = content.target / scale
        means = np.bincount(groups, weights=y) / sizes
        return score(content.problem, y, Prediction(kind="value", values=means[groups]), float(np.std(y)))
    labels = content.target.astype(np.int64)
    shares = np.stack(
        [np.bincount(groups, weights=labels == c) / sizes for c in range(len(content.classes))], axis=1
    )
    return score(content.problem, labels, Prediction(kind="probability", values=shares[groups]), 1.0)


def _nearest(columns: Sequence[Column], rows: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return how far (n,) the nearest other row is, in the number that differs most; infinite if far."""
    from scipy.spatial import cKDTree

    parts = [part for column in columns for part in _coordinates(column, rows)]
    points = np.column_stack(parts)
    distances = cKDTree(points, balanced_tree=False, compact_nodes=False).query(
        points, k=2, p=np.inf, distance_upper_bound=2 * NEAR_DISTANCE
    )[0]
    nearest: npt.NDArray[np.float64] = distances[:, 1]
    return nearest


def _coordinates(column: Column, rows: npt.NDArray[np.int64]) -> Sequence[npt.NDArray[np.float64]]:
    """Return numbers over their spread, so that what is missing, and each category, is far from all else."""
    if column.data.dtype.kind != "f":
        return [column.data[rows].astype(np.float64)]
    data = column.data.astype(np.float64)
    missing = np.isnan(data)
    present = data[~missing]
    if not len(present):
        return []
    spread = _spread(present)
    with np.errstate(over="ignore"):  # a number that far away is near no other, however far it is
        values = np.clip(np.where(missing, 0.0, data / spread)[rows], -_FAR, _FAR)
    return [values, missing[rows].astype(np.float64)] if missing.any() else [values]


def _spread(values: npt.NDArray[np.float64]) -> float:
    """Return the interquartile range as an SD of a normal, which no outlier moves; else the SD, else 1."""
    with np.errstate(over="ignore", invalid="ignore"):
        quarter, three_quarters = np.quantile(values, (0.25, 0.75))
        for spread in ((three_quarters - quarter) / 1.349, float(np.std(values))):
            if np.isfinite(spread) and spread > 0:
                return float(spread)
    return 1.0
