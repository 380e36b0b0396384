"""Bounds that the suite file and the command line share."""

from __future__ import annotations

LONGEST_BUDGET_S = 7 * 86400.0
MOST_TRIALS = 100_000
MOST_CORES = 256
MOST_FOLDS = 10
MOST_REPEATS = 10
LARGEST_MEMORY_BYTES = 2**50
SMALLEST_MEMORY_BYTES = 64 * 1024**2
