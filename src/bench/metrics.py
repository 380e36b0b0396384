"""The metrics: what each problem type is scored by, and which way each one points."""

from __future__ import annotations

from dataclasses import dataclass

from bench.datasets import ProblemType


@dataclass(frozen=True, slots=True)
class Metric:
    """A named measure of predictions against the truth."""

    name: str
    title: str
    higher_is_better: bool
    needs: str
    """`labels`, `ranking`, `probabilities`, `values` or `density`: what a prediction must offer."""


METRICS = {
    metric.name: metric
    for metric in (
        Metric("auc", "area under the ROC curve", True, "ranking"),
        Metric("error_rate", "error rate", False, "labels"),
        Metric("balanced_accuracy", "balanced accuracy", True, "labels"),
        Metric("log_loss", "log loss", False, "probabilities"),
        Metric("brier", "Brier score", False, "probabilities"),
        Metric("ece", "expected calibration error, 15 equal-width bins", False, "probabilities"),
        Metric("rmse", "root mean squared error", False, "values"),
        Metric("nrmse", "RMSE over the SD of the whole table's target", False, "values"),
        Metric("mae", "mean absolute error", False, "values"),
        Metric("r2", "coefficient of determination", True, "values"),
        Metric("log_density", "mean log predictive density", True, "density"),
        Metric("crps", "continuous ranked probability score", False, "density"),
    )
}

SCORE_TITLE = {
    ProblemType.BINARY: "1 - AUC",
    ProblemType.MULTICLASS: "error rate",
    ProblemType.REGRESSION: "RMSE / SD",
}
"""The primary score of each problem type, an error: lower is better."""
