"""Learning and cost curves as text."""

from __future__ import annotations

import math
import textwrap

from bench.analysis.curves import Curve, Curves
from bench.analysis.forms import TEXT_WIDTH
from bench.analysis.leaderboard import Estimate
from bench.interventions import NONE
from bench.suites import FULL


def text(found: Curves) -> str:
    """Return the curves as aligned text, a column for each size; what is around the table is wrapped."""
    view = found.view
    heads = [size if size == FULL else f"n={size}" for size in found.sizes]
    lines = [
        [view.by, *heads, "tasks", "a: error ~ n^-a", "b: seconds ~ n^b"],
        *(_line(curve) for curve in found.curves),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    table = [
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in lines
    ]
    notes = [
        part
        for note in found.notes
        for part in textwrap.wrap(f"- {note}", TEXT_WIDTH, subsequent_indent="  ")
    ]
    head = textwrap.wrap(_title(found), TEXT_WIDTH)
    return "\n".join([*head, "", *table, *([""] if notes else []), *notes]) + "\n"


def _title(found: Curves) -> str:
    view = found.view
    under = "" if view.intervention in (None, NONE) else f", under {view.intervention}"
    limits = [
        f"{view.budget_s:g} s" if view.budget_s is not None else "",
        f"{view.budget_trials} trials" if view.budget_trials is not None else "",
    ]
    budget = ", ".join(limit for limit in limits if limit) or "no limit"
    low, high = found.rows[-1]
    largest = "" if math.isnan(low) else f"; at {found.sizes[-1]} they are {low:,.0f} to {high:,.0f}"
    parts = (
        f"Learning and cost curves by {view.by}, {view.show}{under}.",
        f"Budget per cell: {budget}, at every size.",
        f"n: training rows, those that validate included{largest}.",
        "Errors (1 - AUC, error rate, RMSE over the target's SD) are geometric means over the tasks with an",
        "error at every size.",
        "a, b: per task the slope of ln error, or of ln billed seconds of the default configuration,",
        "on ln n;",
        "mean [95 % bootstrap interval over tables].",
    )
    return " ".join(parts)


def _line(curve: Curve) -> list[str]:
    errors = ["-" if math.isnan(error) else f"{error:.3g}" for error in curve.errors]
    exponents = [_exponent(curve.error_exponent), _exponent(curve.time_exponent)]
    return [curve.entry, *errors, str(curve.n_tasks), *exponents]


def _exponent(value: Estimate) -> str:
    if not value.n:
        return "-"
    interval = "" if math.isnan(value.low) else f" [{_number(value.low)}, {_number(value.high)}]"
    return f"{_number(value.mean)}{interval}"


def _number(value: float) -> str:
    return f"{round(value, 2) + 0.0:.2f}"  # a slope of -0.001 is 0.00
