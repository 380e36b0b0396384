"""What is looked at in every table before any plan: numbered checks, their rules, and what was found.

The numbers of the rules stand here once; the code that looks, the texts and the pages take them from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

Value: TypeAlias = int | float | str

CONTINUOUS_VALUES = 50
"""A column with more different numbers than this is continuous,"""
CONTINUOUS_SHARE = 0.1
"""if they are more than this share of the rows as well."""
NEAR_ROWS = 5_000
NEAR_COLUMNS = 3
NEAR_MOST_COLUMNS = 200
"""With more columns the search of neighbours takes minutes."""
NEAR_DISTANCE = 0.001
ID_SHARE = 0.95
"""A category with as many levels, over its rows, is a name for each row."""
ID_ROWS = 20
ID_SPAN = 1.1
"""Whole numbers, no two the same, that span less than this times the rows are numbers of rows."""
LOOKED_AT_ROWS = 2_000
"""Training rows that leaks, learnability and ceiling are looked for in."""
LEAK_ERROR = 0.001
LEAK_REST_ERROR = 0.01
JUDGED_ROWS = 200
"""With fewer rows to score, nothing is left out on the grounds of an error."""
JUDGED_MINORITY = 20
"""The same with fewer rows of the rarer of two classes."""
HELD_OUT = 25
"""Per cent of the training rows that a reference fit is scored on."""
LEARNT_MARGIN = 0.01
LEARNT_NOISE = 2.0
CEILING_ERROR = 0.001
SMALLEST_SPREAD = 1e-100
"""A target with a smaller SD cannot be squared in double precision."""
LARGEST_SPREAD = 1e100


class Consequence(StrEnum):
    """What follows from a fact."""

    PASS = "pass"  # noqa: S105 - no secret, but what a check says
    NOTE = "note"
    """Shown, and nothing else."""
    GROUP = "group"
    """Rows with the same features are kept on one side of our own splits."""
    EXCLUDE = "exclude"
    """The table is left out of a plan, unless its suite accepts it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What one check found in one table."""

    code: str
    consequence: Consequence
    text: str
    """One line, for people."""
    values: Mapping[str, Value] = field(default_factory=dict, hash=False)
    """The numbers behind it, by name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that is looked at."""

    code: str
    title: str
    rule: str
    """When it says more than `pass`, with its numbers."""
    acceptable: bool = False
    """Whether a suite may run a table that the check would leave out."""


_JUDGED = (
    f"With fewer than {JUDGED_ROWS} rows to score, or {JUDGED_MINORITY} of the rarer of two classes, it is a "
    "`note`"
)

CHECKS: Mapping[str, Check] = {
    check.code: check
    for check in (
        Check(
            code="D101",
            title="exact duplicate rows",
            rule="Rows equal another in every feature and in the target. `group` where the table has a "
            f"continuous column (more than {CONTINUOUS_VALUES} different numbers, on more than "
            f"{CONTINUOUS_SHARE * 100:g} % of its rows) and splits of our own without a group or time "
            "column; else `note`.",
        ),
        Check(
            code="D102",
            title="the same features, different targets",
            rule="Rows equal another in every feature, and their targets are not all the same. `group` or "
            "`note` as D101.",
        ),
        Check(
            code="D103",
            title="near duplicates",
            rule=f"Among at most {NEAR_ROWS:,} seeded rows, no two of them equal, the nearest other row has "
            f"the same categories and is within {NEAR_DISTANCE} of the column's spread in every number. Not "
            f"judged with fewer than {NEAR_COLUMNS} or more than {NEAR_MOST_COLUMNS} columns of more than "
            f"{CONTINUOUS_VALUES} different numbers. `note`.",
        ),
        Check(
            code="D201",
            title="constant columns",
            rule="A column holds one value, or none, in all rows. `note`.",
        ),
        Check(
            code="D202",
            title="columns that name the row",
            rule=f"Categories of which there are at least {ID_SHARE} times as many as rows with one; or "
            "whole numbers, no two the same, that grow or fall from row to row throughout, or span less than "
            f"{ID_SPAN} times the number of rows. From {ID_ROWS} rows on. `note`.",
        ),
        Check(
            code="D203",
            title="a column that gives the target away",
            rule=f"On at most {LOOKED_AT_ROWS:,} training rows of repeat 0, fold 0, cross-fitted, one column "
            f"alone errs by at most {LEAK_ERROR} (1 - AUC, error rate, 1 - R2 of ranks), while a forest on "
            f"the columns that do not errs by more than {LEAK_REST_ERROR}. `exclude`. {_JUDGED}.",
            acceptable=True,
        ),
        Check(
            code="D301",
            title="folds that lack a class",
            rule="A training or test set of an outer fold of repeat 0, or the fit or validation part of its "
            f"training rows ({HELD_OUT} % held out), lacks a class of the table. `note`; a suite whose own "
            "folds, seeds and caps leave a set that cannot be scored leaves the table out, whatever it "
            "accepts.",
        ),
        Check(
            code="D302",
            title="rows without a target",
            rule="Rows were dropped because their target is missing. `note`.",
        ),
        Check(
            code="D303",
            title="a target without spread",
            rule=f"The standard deviation of a regression's target is not between {SMALLEST_SPREAD:g} and "
            f"{LARGEST_SPREAD:g}. `exclude`, whatever a suite accepts: errors cannot be computed.",
        ),
        Check(
            code="D401",
            title="nothing to learn",
            rule=f"On at most {LOOKED_AT_ROWS:,} training rows of repeat 0, fold 0, {HELD_OUT} % of them "
            "held out, the better of a random forest (50 trees) and a linear model has an error that is not "
            f"below the dummy's by {LEARNT_MARGIN * 100:g} % of it and by {LEARNT_NOISE:g} standard errors "
            "of the difference, and of a regression neither has that of the target's ranks. `exclude`. "
            f"{_JUDGED}.",
            acceptable=True,
        ),
        Check(
            code="D402",
            title="nothing left to learn",
            rule=f"The better of the two fits of D401 errs by at most {CEILING_ERROR} (1 - AUC, error rate, "
            f"or RMSE over SD). `exclude`. {_JUDGED}.",
            acceptable=True,
        ),
        Check(
            code="D501",
            title="where the rows come from",
            rule="The origin is simulated, signal-derived or unknown. `note`.",
        ),
    )
}  # fmt: skip

ACCEPTABLE: tuple[str, ...] = tuple(code for code, check in CHECKS.items() if check.acceptable)
"""What a suite may accept."""
