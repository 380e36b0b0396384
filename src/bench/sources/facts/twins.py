"""Twins: rows that are equal in every feature. A missing value equals a missing value, and -0 equals 0."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.facts import CONTINUOUS_SHARE, CONTINUOUS_VALUES
from bench.sources.columns import Column

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def row_hashes(columns: Iterable[Column], n_rows: int) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash (n_rows,) of each row's features, the same on every machine.

    The finaliser of SplitMix64 (Steele, Lea and Flood 2014) is chained over the columns. It is a bijection:
    rows that differ in one column alone never collide. Others do with probability 2^-64 a pair, which for any
    pair of 327,346 rows comes to 3e-9.
    """
    hashes = np.zeros(n_rows, dtype=np.uint64)
    for column in columns:
        hashes = _mixed((hashes + _GOLDEN) ^ _bits(column.data))
    return hashes


def image_hashes(file: Path) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash (n_rows,) of each image in a .npy file, which is never whole in memory."""
    images = np.load(file, mmap_mode="r", allow_pickle=False)
    digests = b"".join(hashlib.blake2b(image.tobytes(), digest_size=8).digest() for image in images)
    return np.frombuffer(digests, dtype="<u8").astype(np.uint64)


def has_continuous(columns: Iterable[Column]) -> bool:
    """Return whether some column is continuous, so that equal rows are no chance repetition.

    It is numeric, and its different values are more than `CONTINUOUS_VALUES` and more than `CONTINUOUS_SHARE`
    of the rows. In a table of few possible rows, such as the boards of a game, equal rows are observations
    of their own.
    """
    return any(
        n_distinct(column.data) > max(CONTINUOUS_VALUES, CONTINUOUS_SHARE * len(column.data))
        for column in columns
        if column.data.dtype.kind == "f"
    )


def n_distinct(values: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> int:
    """Return how many different values there are; those that are missing count as none."""
    if values.dtype.kind == "f":
        return len(np.unique(values[~np.isnan(values)]))
    return len(np.unique(values[values >= 0]))


def _bits(data: npt.NDArray[np.float64] | npt.NDArray[np.int32]) -> npt.NDArray[np.uint64]:
    if data.dtype.kind == "f":
        canonical: npt.NDArray[np.float64] = np.where(np.isnan(data), np.nan, data) + 0.0
        return canonical.astype(np.float64).view(np.uint64)
    return data.astype(np.int64).view(np.uint64)


def _mixed(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))
