"""The two frames that every analysis starts from: one row per trial, one row per planned cell."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import pandas as pd

from bench.cells import CellStatus
from bench.datasets import ProblemType
from bench.trials import TrialStatus

Columns: TypeAlias = Mapping[str, type]
"""Column name to what it holds: str (never missing), int (never missing) or float (NaN where missing)."""

CELL_COLUMNS: Columns = {
    "cell_id": str,
    "evidence_key": str,
    "task": str,
    "dataset": str,
    "problem": str,
    "repeat": int,
    "fold": int,
    "learner": str,
    "family": str,
    "intervention": str,
    "seed": int,
    "device": str,
    "status": str,
    "reason": str,
    "train_cap": float,
    "n_train": float,
}
"""One row per planned cell, in the order of the plan, which is the order learners are declared in.

`status` is that of `CellStatus`, and empty for a cell that has not run; `reason` says why it failed or
does not apply. `train_cap` is the most training rows the cell may use, infinite for no cap; `n_train` is how
many its split really has, NaN where that is not recorded yet.
"""

TRIAL_COLUMNS: Columns = {
    "task": str,
    "dataset": str,
    "problem": str,
    "repeat": int,
    "fold": int,
    "learner": str,
    "family": str,
    "intervention": str,
    "seed": int,
    "device": str,
    "validation": str,
    "cell_id": str,
    "evidence_key": str,
    "attempt": int,
    "attempt_budget_s": float,
    "attempt_budget_trials": float,
    "trial": int,
    "status": str,
    "flags": str,
    "validation_score": float,
    "test_score": float,
    "train_score": float,
    "test_score_single": float,
    "billed_s": float,
    "spent_s": float,
    "unbilled_s": float,
    "n_test": float,
    "n_test_minority": float,
    "metrics": str,
}
"""One row per trial of every attempt, in any order. Attempts of a cell grow with time.

A budget that is NaN has no such limit. `flags` are joined by commas; `spent_s` counts the cell's billed
seconds up to the end of the trial; `n_test_minority` is the rows of the rarer class in a binary test set;
`metrics` is JSON, part (`train`, `validation`, `test`, `test_without_twins`) to metric to value.
"""

OPTIONAL: Mapping[str, str | float] = {"metrics": "{}", "train_cap": math.inf, "n_train": math.nan}
"""What a column that may be absent then holds: no metric beside the primary score, no cap on rows."""


def trials_frame(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any] | pd.DataFrame = ()) -> pd.DataFrame:
    """Return a trials frame with exactly `TRIAL_COLUMNS`; without rows, an empty one.

    Raises ValueError where a column is missing, a value is not of its column's type, or a problem type or
    status is unknown.
    """
    frame = _typed("trials", rows, TRIAL_COLUMNS)
    _known("trials", frame, "problem", [problem.value for problem in ProblemType])
    _known("trials", frame, "status", [status.value for status in TrialStatus])
    return frame


def cells_frame(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any] | pd.DataFrame = ()) -> pd.DataFrame:
    """Return a cells frame with exactly `CELL_COLUMNS`; without rows, an empty one.

    Raises ValueError as `trials_frame` does, and where a cell or an evidence key stands twice.
    """
    frame = _typed("cells", rows, CELL_COLUMNS)
    frame["train_cap"] = frame["train_cap"].fillna(math.inf)
    _known("cells", frame, "problem", [problem.value for problem in ProblemType])
    _known("cells", frame, "status", ["", *(status.value for status in CellStatus)])
    for column in ("cell_id", "evidence_key"):
        twice = frame[column][frame[column].duplicated()]
        if len(twice):
            raise ValueError(
                f"cells: {column} {twice.iloc[0]} stands twice; one row per planned cell is allowed"
            )
    return frame


def _typed(what: str, rows: Any, columns: Columns) -> pd.DataFrame:
    frame = rows if isinstance(rows, pd.DataFrame) else pd.DataFrame(rows or {name: [] for name in columns})
    absent = {name: OPTIONAL[name] for name in columns if name in OPTIONAL and name not in frame.columns}
    frame = frame.assign(**absent)
    missing = [name for name in columns if name not in frame.columns]
    if missing:
        raise ValueError(f"{what}: the columns {', '.join(missing)} are missing")
    typed = {}
    for name, kind in columns.items():
        try:
            typed[name] = _texts(frame[name]) if kind is str else frame[name].astype(kind)
        except (TypeError, ValueError) as error:
            raise ValueError(f"{what}: column {name} must hold {kind.__name__} values: {error}") from error
    return pd.DataFrame(typed, columns=list(columns)).reset_index(drop=True)


def _texts(column: pd.Series[Any]) -> pd.Series[Any]:
    if column.isna().any():
        raise ValueError("a text is missing")
    return column if pd.api.types.is_string_dtype(column) else column.astype(str)


def _known(what: str, frame: pd.DataFrame, column: str, known: list[str]) -> None:
    unknown = sorted(set(frame[column].unique()) - set(known))
    if unknown:
        raise ValueError(f"{what}: {column} {unknown[0]!r} is not one of {', '.join(known)}")
