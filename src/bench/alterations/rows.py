"""The rows of a cell, as far as an intervention may change them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.datasets import ImageShape, ProblemType


@dataclass(frozen=True, slots=True)
class Rows:
    """Training rows and test features; the labels of test rows are not here."""

    X: pd.DataFrame
    """(n, d), of the training rows."""
    y: np.ndarray
    """(n,), values or class codes."""
    X_test: pd.DataFrame
    """(m, d)."""
    problem: ProblemType
    image: ImageShape | None = None
    """What each row is, where rows are images."""
