"""The comparison of a run with a baseline: a pure function of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.analysis.comparison.answers import Answer, Word, answers
from bench.analysis.comparison.caveats import machine_difference, notes
from bench.analysis.comparison.changes import Changes, changes
from bench.analysis.comparison.matching import Lost, matching
from bench.analysis.comparison.pairs import Pairs, pairs
from bench.baselines import Baseline
from bench.errors import ConfigError
from bench.thresholds import RELATIVE, Threshold

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Which run one side of a comparison is of."""

    run_id: str
    suite: str
    started_at: str
    commit: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A run against a baseline. In a notebook it shows itself."""

    baseline: Compared
    run: Compared
    thresholds: tuple[Threshold, ...]
    n_pairs: int
    """Pairs of cells with a score in both runs."""
    answers: tuple[Answer, ...]
    """For each threshold, each learner that offers it, in the plan's order."""
    lost: tuple[Lost, ...]
    """Cells that failed, and have a score in the baseline: a loss, unless failures are allowed."""
    allow_failures: bool
    notes: tuple[str, ...]

    @property
    def worse(self) -> bool:
        """Whether anything is worse: an answer, or a cell that failed where that is not allowed."""
        failed = bool(self.lost) and not self.allow_failures
        return failed or any(each.word is Word.WORSE for each in self.answers)

    @property
    def undecided(self) -> bool:
        """Whether some answer is not enough evidence."""
        return any(each.word is Word.UNDECIDED for each in self.answers)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each answer with every number in full, in the direction of a loss."""
        from bench.analysis.comparison.tables import to_frame

        return to_frame(self)

    def __str__(self) -> str:
        from bench.analysis.comparison.tables import text

        return text(self)

    def _repr_html_(self) -> str:
        from bench.analysis.comparison.tables import html

        return html(self)


def compare(
    baseline: Baseline, run: Baseline, thresholds: Sequence[Threshold], *, allow_failures: bool = False
) -> Comparison:
    """Return what became of a baseline's quality, and of its costs where a threshold asks for them.

    Raises ConfigError where both are one run, have no cell in common that both have a score of, or offer
    what a threshold is of nowhere.
    """
    if (baseline.run_id, baseline.started_at) == (run.run_id, run.started_at):
        raise ConfigError(
            f"{run.run_id} is compared with itself: run the suite again, with --fresh or another --results, "
            "and compare that"
        )
    matched = matching(baseline, run)
    found = pairs(baseline, run, matched)
    if not len(found.cells) and not matched.lost:
        raise ConfigError(
            "no cell has a score in both runs: " + ("; ".join(matched.notes) or "all of them failed")
        )
    asked, lacking = _asked(found, thresholds)
    silent = machine_difference(baseline, run)
    made = tuple(answers(asked, silent))
    return Comparison(
        baseline=_compared(baseline),
        run=_compared(run),
        thresholds=tuple(thresholds),
        n_pairs=len(found.cells),
        answers=made,
        lost=matched.lost,
        allow_failures=allow_failures,
        notes=(*notes(baseline, run, found, made), *lacking, *matched.notes),
    )


def _asked(
    found: Pairs, thresholds: Sequence[Threshold]
) -> tuple[list[tuple[Threshold, Changes]], list[str]]:
    """Return the changes by threshold and learner, and whose models offer no such metric, a line each."""
    asked, lacking = [], []
    for threshold in thresholds:
        of_all = changes(found, threshold)
        offering = [each for each in of_all if _offers(found, each.learner, threshold)]
        if of_all and not offering:
            raise ConfigError(f"fail-on: no cell of both runs has the metric {threshold.quantity}")
        asked += [(threshold, each) for each in offering]
        without = [each.learner for each in of_all if each not in offering]
        if without:
            lacking.append(f"No {threshold.quantity}, so no answer by it: {', '.join(without)}")
    return asked, lacking


def _offers(found: Pairs, learner: str, threshold: Threshold) -> bool:
    """Whether some cell of a learner has what a threshold is of, in either run."""
    if threshold.quantity in RELATIVE:
        return True
    own = (found.cells["learner"] == learner).to_numpy()
    return any(threshold.quantity in metrics for side in found.metrics for metrics in side[own])


def _compared(of: Baseline) -> Compared:
    return Compared(run_id=of.run_id, suite=of.suite, started_at=of.started_at, commit=of.commit)
