"""The training-set sizes of a run's cells: those there are, and the cells of one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Literal, TypeAlias

from bench.errors import ConfigError
from bench.suites import FULL

if TYPE_CHECKING:
    import pandas as pd

TrainRows: TypeAlias = int | Literal["full"]
"""A cap on training rows, or `full` for none."""


def is_size(value: object) -> bool:
    """Return whether a value is a number of rows; True is none."""
    return isinstance(value, int) and not isinstance(value, bool) and value > 0


def sizes(cells: pd.DataFrame) -> tuple[TrainRows, ...]:
    """Return the sizes of the cells of a frame, the smallest first, `full` last."""
    return tuple(FULL if math.isinf(cap) else int(cap) for cap in sorted(cells["train_cap"].unique()))


def of_size(cells: pd.DataFrame, asked: TrainRows | None) -> pd.DataFrame:
    """Return the cells of one training-set size: the asked one, or the only one there is.

    Raises ConfigError where no cell is of the asked size, and where none is asked for and there are several:
    errors at different sizes are never averaged.
    """
    there = sizes(cells)
    if asked is None:
        if len(there) < 2:
            return cells
        raise ConfigError(f"this run has cells at {listed_sizes(there)} training rows: say which, train_rows")
    if asked not in there:
        raise ConfigError(f"no cell of this run is at {asked} training rows (there: {listed_sizes(there)})")
    cap = math.inf if asked == FULL else float(asked)
    return cells[(cells["train_cap"] == cap).to_numpy()].reset_index(drop=True)


def listed_sizes(there: tuple[TrainRows, ...]) -> str:
    """Return `250, 1000, full`."""
    return ", ".join(map(str, there))


def rows_title(size: TrainRows) -> str:
    """Return a size as a title has it: `1,000 training rows`, `all training rows`."""
    return "all training rows" if size == FULL else f"{size:,} training rows"
