"""Made-up rows to warm up on: no row of any task, and every kind of column that a task may have."""

from __future__ import annotations

import numpy as np
import pandas as pd

from bench.datasets import ImageShape, ProblemType

N_ROWS = 64


def warm_up_table(problem: ProblemType) -> tuple[pd.DataFrame, np.ndarray]:
    """Return 64 rows with numbers, a missing value and categories of few and of many levels, and a target."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(N_ROWS, 3))
    numbers[0, 0] = np.nan
    X = pd.DataFrame(numbers, columns=["a", "b", "c"])
    X["few"] = pd.Categorical([f"v{i % 3}" for i in range(N_ROWS)])
    X["many"] = pd.Categorical([f"v{i % 40}" for i in range(N_ROWS)])
    if problem is ProblemType.REGRESSION:
        return X, numbers[:, 1] + 0.1 * rng.normal(size=N_ROWS)
    n_classes = 2 if problem is ProblemType.BINARY else 3
    return X, np.arange(N_ROWS) % n_classes


def warm_up_images(problem: ProblemType, image: ImageShape) -> tuple[pd.DataFrame, np.ndarray]:
    """Return 64 images of noise, flattened, and their classes."""
    rng = np.random.default_rng(0)
    X = pd.DataFrame(rng.integers(0, 256, (N_ROWS, image.n_values)).astype(np.float32))
    return X, np.arange(N_ROWS) % (2 if problem is ProblemType.BINARY else 3)
