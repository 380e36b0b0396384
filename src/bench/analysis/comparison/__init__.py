"""A run against a baseline: pairs of cells, changes with intervals, and one of three answers."""
