"""What an exact Gaussian process costs on one core, as formulas with measured constants.

All outputs share one kernel matrix and differ in their noise, so each has a factorisation of its own.
Constants: AMD EPYC with AVX-512, one thread, double precision, medians at 500-1500 rows and 20 features.
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
