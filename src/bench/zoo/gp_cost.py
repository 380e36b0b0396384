"""What Gaussian processes cost on one core, as formulas with measured constants.

All outputs share one kernel matrix and differ in their noise, so each has a factorisation of its own: of
all rows in an exact process, of the inducing points in a sparse one.
Constants: AMD EPYC with AVX-512, one thread, double precision, 20 features, medians: of the exact process at
500-1500 rows, of the sparse one at 1,000-50,000 rows, 250-1,000 inducing points and 1-26 outputs.
"""

from __future__ import annotations

STEPS = 50
"""Evaluations of the likelihood in a usual search for hyperparameters."""
GRADIENT_PAIR_S = 8e-8
"""Kernel and its gradient, per pair of rows."""
KERNEL_PAIR_S = 4e-8
"""Kernel alone, per pair of rows."""
LIKELIHOOD_S = 3.5e-11
"""Factor, inverse and gradient, per output and row cubed."""
FACTOR_S = 1.5e-11
"""Factor alone, per output and row cubed."""
SOLVE_S = 2e-11
"""Predictive variance, per output, row predicted and fit row squared."""
KERNEL_COPIES = 6
"""Matrices of n x n that live beside the factors while a kernel is made."""


def step_s(rows: int, outputs: int) -> float:
    """Return the seconds of one evaluation of the likelihood and its gradient."""
    return GRADIENT_PAIR_S * rows**2 + LIKELIHOOD_S * outputs * rows**3


def condition_s(rows: int, outputs: int) -> float:
    """Return the seconds of conditioning on so many rows."""
    return KERNEL_PAIR_S * rows**2 + FACTOR_S * outputs * rows**3


def predict_s(rows: int, predicted: int, outputs: int) -> float:
    """Return the seconds of predicting so many rows after conditioning on `rows`."""
    return predicted * (KERNEL_PAIR_S * rows + SOLVE_S * outputs * rows**2)


def fit_s(rows: int, optimise_rows: int, outputs: int) -> float:
    """Return the seconds of a fit."""
    return STEPS * step_s(min(rows, optimise_rows), outputs) + condition_s(rows, outputs)


def memory_bytes(rows: int, outputs: int) -> int:
    """Return the most memory that a fit holds at a time."""
    return 8 * rows**2 * (outputs + KERNEL_COPIES)


SPEED_UP = 10.0
"""How many times faster than one core a device is taken to be, in double precision.

An assumption: it was not measured on any device.
"""

SEARCH_INDUCING = 250
"""Inducing points while hyperparameters of a sparse process are searched for."""
CLUSTER_ROWS = 20_000
"""The most rows that are clustered to find inducing points."""
CLUSTER_PAIR_S = 2e-8
"""Clustering, per row and inducing point."""
SPARSE_GRADIENT_PAIR_S = 5e-8
"""Kernel and its gradient, per row and inducing point."""
SPARSE_KERNEL_PAIR_S = 2e-8
"""Kernel alone, per row and inducing point."""
SPARSE_BOUND_S = 1.1e-10
"""Bound with gradient, per row and inducing point squared."""
SPARSE_CONDITION_S = 5e-11
"""Moments of the rows, per row and inducing point squared."""
SPARSE_OUTPUT_S = 2e-10
"""Factor, inverse and gradient, per output and inducing point cubed."""
SPARSE_FACTOR_S = 4e-11
"""Factor alone, per output and inducing point cubed."""


def on_device(seconds: float, device: str) -> float:
    """Return what so many seconds of one core are assumed to take on a device."""
    return seconds if device == "cpu" else seconds / SPEED_UP


def sparse_step_s(rows: int, inducing: int, outputs: int) -> float:
    """Return the seconds of one evaluation of the collapsed bound and its gradient."""
    pairs = rows * inducing
    return (
        pairs * (SPARSE_GRADIENT_PAIR_S + SPARSE_BOUND_S * inducing) + SPARSE_OUTPUT_S * outputs * inducing**3
    )


def cluster_s(rows: int, inducing: int) -> float:
    """Return the seconds of finding inducing points, which a CPU does whatever the device."""
    return CLUSTER_PAIR_S * min(rows, CLUSTER_ROWS) * inducing


def sparse_condition_s(rows: int, inducing: int, outputs: int) -> float:
    """Return the seconds of conditioning on so many rows, once the inducing points are found."""
    moments = rows * inducing * (SPARSE_KERNEL_PAIR_S + SPARSE_CONDITION_S * inducing)
    return moments + SPARSE_FACTOR_S * outputs * inducing**3


def sparse_predict_s(predicted: int, inducing: int, outputs: int) -> float:
    """Return the seconds of predicting so many rows."""
    return predicted * inducing * (SPARSE_KERNEL_PAIR_S + SOLVE_S * (1 + outputs) * inducing)


def sparse_fit_s(rows: int, optimise_rows: int, inducing: int, outputs: int) -> float:
    """Return the seconds of a fit."""
    step = sparse_step_s(min(rows, optimise_rows), SEARCH_INDUCING, outputs)
    rest = cluster_s(rows, inducing) + sparse_condition_s(rows, inducing, outputs)
    return STEPS * step + rest


def sparse_memory_bytes(rows: int, optimise_rows: int, inducing: int, outputs: int) -> int:
    """Return the most memory that a fit holds at a time: in its search, or for the outputs after it."""
    posterior = 3 * outputs * inducing**2
    search = 6 * min(rows, optimise_rows) * SEARCH_INDUCING + 6 * outputs * SEARCH_INDUCING**2
    return 8 * max(posterior, search)
