"""The made-up tables that every learner is checked on, and a deadline by the wall clock."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from bench.datasets import ImageShape, ProblemType
from bench.tasks import TaskShape

N_FIT, N_VALIDATION, N_TEST = 160, 60, 60
N_CLASSES = {ProblemType.BINARY: 2, ProblemType.MULTICLASS: 4, ProblemType.REGRESSION: 0}

Rows: TypeAlias = tuple[pd.DataFrame, np.ndarray]


@dataclass(frozen=True, slots=True)
class Parts:
    """A table in three parts, each a frame (n, 10) and a target (n,)."""

    fit: Rows
    validation: Rows
    test: Rows


class Wall:
    """A deadline so many wall seconds from now."""

    def __init__(self, seconds: float) -> None:
        """Start the clock."""
        self._end = time.monotonic() + seconds

    def remaining_s(self) -> float:
        """Return the seconds left."""
        return self._end - time.monotonic()


def parts(problem: ProblemType, image: ImageShape | None = None) -> Parts:
    """Return the table for a problem, of such images where a shape is given; always the same, each time new.

    Of the four classes one has no fit row, as may happen in a fold.
    """
    X, y = _table(problem) if image is None else _images(problem, image)
    cut = N_FIT + N_VALIDATION
    return Parts((X[:N_FIT], y[:N_FIT]), (X[N_FIT:cut], y[N_FIT:cut]), (X[cut:], y[cut:]))


def shape(problem: ProblemType, n_rows: int, image: ImageShape | None = None) -> TaskShape:
    """Return what a learner may know of such a table with so many rows."""
    return TaskShape(
        problem=problem,
        n_rows=n_rows,
        n_numeric=6 if image is None else image.n_values,
        levels=(3, 40, 1, 1) if image is None else (),
        n_classes=N_CLASSES[problem],
        image=image,
    )


def _table(problem: ProblemType) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows with a plain signal in numbers and categories, missing cells, and useless columns."""
    n = N_FIT + N_VALIDATION + N_TEST
    rng = np.random.default_rng(0)
    a, b, missing = rng.normal(size=(3, n))
    colour = rng.integers(0, 3, n)
    signal = 2 * a + np.array([-1.5, 0.0, 1.5])[colour]
    X = pd.DataFrame({"a": a, "b": b, "gaps": np.where(missing > 0, np.nan, missing)})
    codes = np.where(missing > 1.5, -1, colour).astype(np.int64)
    X["colour"] = pd.Categorical.from_codes(codes, pd.Index(["red", "green", "blue"]))
    X["many"] = pd.Categorical([f"v{i}" for i in rng.integers(0, 40, n)])
    X["constant"] = 1.0
    X["empty"] = np.nan
    X["one_level"] = pd.Categorical(["only"] * n)
    X["no_level"] = pd.Categorical([None] * n, categories=["never"])
    X["infinite"] = np.where(np.arange(n) % 7 == 0, np.inf, b)
    if problem is ProblemType.REGRESSION:
        return X, 100 + 10 * (signal + 0.1 * rng.normal(size=n))
    if problem is ProblemType.BINARY:
        return X, (signal > 0).astype(int)
    return X, _one_lacking(np.digitize(signal, [-2.0, 0.0, 2.0]))


def _one_lacking(y: np.ndarray) -> np.ndarray:
    """Return four classes (n,), of which one has no fit row."""
    return np.where(np.arange(len(y)) < N_FIT, np.where(y == 2, 1, y), y)


def _images(problem: ProblemType, image: ImageShape) -> tuple[pd.DataFrame, np.ndarray]:
    """Return noisy images of bars near one place: standing, lying or both; a number is how bright one is."""
    n = N_FIT + N_VALIDATION + N_TEST
    rng = np.random.default_rng(0)
    kind, brightness = rng.integers(0, 4, n), rng.integers(60, 200, n)
    y_at, x_at = rng.integers(-1, 2, (2, n)) + np.array([[image.height // 2], [image.width // 2]])
    drawn = rng.integers(0, 40, (n, image.height, image.width, image.channels)).astype(np.float32)
    for i in range(n):
        if kind[i] in (0, 2):
            drawn[i, y_at[i], 1:-1] += brightness[i]
        if kind[i] in (1, 2):
            drawn[i, 1:-1, x_at[i]] += brightness[i]
    X = pd.DataFrame(drawn.reshape(n, -1), columns=[feature.name for feature in image.features()])
    if problem is ProblemType.REGRESSION:
        return X, brightness.astype(np.float64)
    return X, kind % 2 if problem is ProblemType.BINARY else _one_lacking(kind)


def strange_images(X: pd.DataFrame) -> pd.DataFrame:
    """Return images as no fit row was: empty, white, far too bright, and with pixels that are no numbers."""
    values = X.to_numpy(np.float32, copy=True)
    values[0], values[1], values[2] = 0, 255, 1e6
    values[3, ::2], values[4, ::3] = np.nan, np.inf
    return pd.DataFrame(values, columns=X.columns)


def strange(X: pd.DataFrame) -> pd.DataFrame:
    """Return rows of the same columns with what no fit row had."""
    X, n = X.copy(), len(X)
    X["colour"] = pd.Categorical(["violet"] * n)
    X["many"] = pd.Categorical([None] * n, categories=["new", "v1"])
    X["no_level"] = pd.Categorical(["found"] * n)
    X["a"] = np.nan
    X["b"] = np.where(np.arange(n) < 5, -np.inf, np.where(np.arange(n) < 9, 1e300, X["b"]))
    X["constant"] = -3.0
    X["empty"] = 4.0
    return X


def outputs(estimator: Any, X: pd.DataFrame) -> np.ndarray:
    """Return everything an estimator says of X, as one array (n, ...)."""
    said = [estimator.predict(X)]
    methods = ("predict_proba", "decision_function")
    said.extend(getattr(estimator, method)(X) for method in methods if hasattr(estimator, method))
    if hasattr(estimator, "predict_distribution"):
        said.extend(estimator.predict_distribution(X))
    return np.column_stack([np.asarray(each, dtype=float).reshape(len(X), -1) for each in said])
