"""Any metric as an error: positive, lower is better, with a floor under it where it is to be logged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.metrics import METRICS, Metric

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]
    Texts: TypeAlias = NDArray[np.object_]

WITHOUT_RATIO = ("log_density",)
"""Metrics that have any sign: no ratio of them means anything."""
PRIMARY = {ProblemType.BINARY: "auc", ProblemType.MULTICLASS: "error_rate", ProblemType.REGRESSION: "nrmse"}
"""The metric behind each primary score."""
_BY_NEEDS = {
    "ranking": (ProblemType.BINARY,),
    "labels": (ProblemType.BINARY, ProblemType.MULTICLASS),
    "probabilities": (ProblemType.BINARY, ProblemType.MULTICLASS),
    "values": (ProblemType.REGRESSION,),
    "density": (ProblemType.REGRESSION,),
}


def checked(name: str) -> Metric:
    """Return the metric of this name.

    Raises ConfigError where there is none, and where it can be no error.
    """
    if name not in METRICS:
        raise ConfigError(f'no metric "{name}" (metrics: {", ".join(METRICS)})')
    if name in WITHOUT_RATIO:
        raise ConfigError(
            f"{name} may have any sign, so that no ratio of it means anything: "
            "read it in the density columns (--columns density)"
        )
    return METRICS[name]


def problems_with(name: str) -> tuple[ProblemType, ...]:
    """Return the problem types that have a metric."""
    return _BY_NEEDS[METRICS[name].needs]


def short_title(name: str) -> str:
    """Return what a metric is called, without how it is computed."""
    return METRICS[name].title.partition(",")[0]


def error_title(name: str) -> str:
    """Return what a metric's error is called: `log loss`, `1 - balanced accuracy`."""
    return f"1 - {short_title(name)}" if METRICS[name].higher_is_better else short_title(name)


def on_test_rows(recorded: str, part: str = "test") -> Mapping[str, float]:
    """Return the metrics on the test rows, or on a part of them, from a trial's JSON; empty for none."""
    found: Mapping[str, float] = json.loads(recorded or "{}").get(part, {})
    return found


def as_error(name: str, metrics: Mapping[str, float]) -> float:
    """Return a metric as an error, lower is better; NaN where it is not offered."""
    value = metrics.get(name)
    if value is None:
        return float("nan")
    return 1.0 - value if METRICS[name].higher_is_better else value


def floored(error: Floats, metric: Texts, n_test: Floats, n_minority: Floats) -> Floats:
    """Return errors that can be logged; `metric` names what each one is made of.

    What k of n rows decide becomes (k + 1/2) / (n + 1): the error rate, and 1 - balanced accuracy, where two
    classes count as many rows each as the rarer has. 1 - AUC grows by 1 / (2 x the rows of the rarer class);
    log loss, Brier score and calibration error grow by 1 / (2n), half a row that is wrong. What regressions
    have stays, but for the smallest positive number instead of 0. The counts are those of all the test rows
    that an error is the mean of; `n_minority` is NaN but for two classes.
    """
    balanced = np.where(np.isfinite(n_minority), 2 * n_minority, n_test)
    floors = {
        ("error_rate",): _rate(error, n_test),
        ("balanced_accuracy",): _rate(error, balanced),
        ("auc",): error + 0.5 / np.maximum(n_minority, 1),
        ("log_loss", "brier", "ece"): error + 0.5 / np.maximum(n_test, 1),
    }
    return np.select(
        [np.isin(metric, names) for names in floors],
        list(floors.values()),
        np.maximum(error, np.finfo(float).tiny),
    )


def _rate(error: Floats, n: Floats) -> Floats:
    return (error * n + 0.5) / (n + 1)
