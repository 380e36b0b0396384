"""How good the probabilities and the predictive distributions of an entry are, beside its errors.

Means over tasks of what a view shows: over the splits of a task first, and of those alone where the models
offer it. Nothing stands in here for what is missing, so entries are means over unlike tasks: `n` says how
many.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.results import Results


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Of an entry's class probabilities; NaN where it offers none."""

    ece: float
    brier: float
    log_loss: float
    n: int
    """Tasks with probabilities."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Density:
    """Of an entry's predictive distributions, on targets over the SD of the whole table's; NaN for none."""

    crps: float
    """Lower is better."""
    log_density: float
    """Higher is better."""
    n: int
    """Tasks with distributions."""


def calibrations(shown: Results, entries: Sequence[str]) -> list[Calibration]:
    """Return the calibration of each entry."""
    names = ("ece", "brier", "log_loss")
    means = _means(shown, lambda _, metrics: _picked(metrics, names))
    return [
        Calibration(**dict(zip(names, mean, strict=True)), n=n)
        for mean, n in (means.get(entry, ((math.nan,) * 3, 0)) for entry in entries)
    ]


def densities(shown: Results, entries: Sequence[str]) -> list[Density]:
    """Return the quality of each entry's distributions.

    A density of y / SD is SD times that of y, and its CRPS that of y over SD.
    """
    sd = _target_sds(shown)

    def scaled(task: str, metrics: Mapping[str, float]) -> tuple[float, ...] | None:
        found = _picked(metrics, ("crps", "log_density"))
        if found is None or task not in sd:
            return None
        return found[0] / sd[task], found[1] + math.log(sd[task])

    means = _means(shown, scaled)
    return [
        Density(crps=mean[0], log_density=mean[1], n=n)
        for mean, n in (means.get(entry, ((math.nan,) * 2, 0)) for entry in entries)
    ]


def _target_sds(shown: Results) -> dict[str, float]:
    """Return the SD of each regression's target: it is what the RMSE was divided by."""
    sds: dict[str, float] = {}
    for task, metrics in zip(shown.task, shown.metrics, strict=True):
        if metrics.get("nrmse", 0.0) > 0:
            sds.setdefault(task, metrics["rmse"] / metrics["nrmse"])
    return sds


def _picked(metrics: Mapping[str, float], names: tuple[str, ...]) -> tuple[float, ...] | None:
    """Return the values of the metrics, None unless all are there."""
    return tuple(metrics[name] for name in names) if all(name in metrics for name in names) else None


def _means(
    shown: Results, values: Callable[[str, Mapping[str, float]], tuple[float, ...] | None]
) -> dict[str, tuple[tuple[float, ...], int]]:
    """Return the means over tasks, and the number of tasks, of each entry that has any."""
    found: dict[str, dict[str, list[tuple[float, ...]]]] = {}
    for entry, task, metrics in zip(shown.entry, shown.task, shown.metrics, strict=True):
        if (measured := values(task, metrics)) is not None:
            found.setdefault(entry, {}).setdefault(task, []).append(measured)
    return {
        entry: (_mean([_mean(splits) for splits in tasks.values()]), len(tasks))
        for entry, tasks in found.items()
    }


def _mean(rows: Sequence[tuple[float, ...]]) -> tuple[float, ...]:
    return tuple(statistics.fmean(column) for column in zip(*rows, strict=True))
