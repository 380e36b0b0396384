"""Splits in time: what is tested is later than everything that is learnt from.

Expanding windows, as scikit-learn's `TimeSeriesSplit`, but of rows at their times: those of one time stay
together, and the first fold is the latest one, which has the most to learn from.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.errors import DataError


def windows(time: npt.NDArray[np.float64], n_folds: int) -> npt.NDArray[np.int16]:
    """Return the window (n_rows,) of each row: 0 is the latest, `n_folds` the earliest, which none tests.

    Fold k tests window k and learns from the windows above it. Windows hold about as many rows each.
    Raises DataError where there are fewer different times than windows.
    """
    times, place, counts = np.unique(time, return_inverse=True, return_counts=True)
    n_windows = n_folds + 1
    if len(times) < n_windows:
        raise DataError(
            f"{len(times)} different times cannot be cut into {n_windows} windows, "
            f"{n_folds} to test and one before them"
        )
    edges = len(time) * np.arange(1, n_windows) / n_windows
    ends = np.cumsum(counts)
    middles = ends - counts / 2
    cuts = np.searchsorted(middles, edges)
    for i in range(n_folds):  # no window may be empty, however many rows share one time
        earliest = 1 if i == 0 else int(cuts[i - 1]) + 1
        cuts[i] = min(max(int(cuts[i]), earliest), len(times) - (n_folds - i))
    from_the_start = np.searchsorted(cuts, np.arange(len(times)), side="right")
    return (n_folds - from_the_start)[place].astype(np.int16)


def latest(time: npt.NDArray[np.float64], share: float) -> npt.NDArray[np.bool_]:
    """Return which rows (n_rows,) are the latest, about that share of them; those of one time go together.

    Raises DataError where all rows have the same time.
    """
    times, counts = np.unique(time, return_counts=True)
    if len(times) < 2:
        raise DataError("all training rows have the same time, so that none is later than the others")
    before = np.cumsum(counts)[:-1]
    cut = int(np.argmin(np.abs(before - len(time) * (1 - share))))
    late: npt.NDArray[np.bool_] = time >= times[cut + 1]
    return late
