"""Worse, not worse, or not enough evidence: the rule, and what it rests on.

- **worse**: at least 8 splits, the 95 % interval of the mean change wholly beyond the threshold, and a
  two-sided signed-rank p of at most 0.02 after Holm's adjustment for every test of the comparison;
- **not worse**: the same predictions in every pair; or at least 8 splits and the interval wholly on the right
  side of the threshold;
- else **not enough evidence**.

Where nothing has changed, the two sides of each pair could be exchanged: every sign of a change is as likely
as the other, and the signed-rank test is exact whatever the tails. So at most one comparison in a hundred,
with however many learners and thresholds, calls anything worse (half of 0.02: the other half is for gains).
A learner without any change cannot be called worse, and is no test.

Seconds of two sessions on one machine differ by more than their spread within a session says: their interval
is widened by `SESSIONS` on either side, which is twice the standard deviation that was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.comparison.changes import Changes
from bench.analysis.inference.effects import effect
from bench.analysis.inference.power import detectable_loss
from bench.analysis.inference.rules import DATASETS
from bench.analysis.inference.significance import holm, wilcoxon
from bench.thresholds import FIT_S, Threshold

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

LEVEL = 0.02
FEWEST = DATASETS.minimum
SESSIONS = 0.08
"""ln(seconds): by so much may the same fits differ between two sessions on one machine."""


class Word(StrEnum):
    """What may be said of a learner's change."""

    WORSE = "worse"
    NOT_WORSE = "not worse"
    UNDECIDED = "not enough evidence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a comparison says of one learner and threshold, with the numbers behind it.

    Changes are in the direction of a loss, as `Changes.values`; NaN where there is none.
    """

    threshold: Threshold
    learner: str
    word: Word
    why: str
    mean: float
    low: float
    """Lower end of the 95 % interval of the mean."""
    high: float
    p: float
    """Two-sided, of the signed-rank test that changes lie evenly about 0."""
    p_adjusted: float
    """Adjusted for every test of the comparison; NaN where nothing was tested."""
    seen_from: float
    """The smallest true mean loss that is called worse in four of five cases, with such splits and spread."""
    changes: Changes


def answers(found: Sequence[tuple[Threshold, Changes]], silent: str = "") -> list[Answer]:
    """Return an answer for each threshold and learner.

    `silent` says why seconds cannot be compared; they then have no numbers.
    """
    asked = [not (threshold.quantity == FIT_S and silent) for threshold, _ in found]
    p = np.array(
        [
            wilcoxon(changes.values) if ask and not _settled(threshold, changes) else np.nan
            for ask, (threshold, changes) in zip(asked, found, strict=True)
        ]
    )
    adjusted = holm(p) if len(p) else p
    level = LEVEL / max(1, int(np.isfinite(p).sum()))
    return [
        _answer(*each, float(p[i]), float(adjusted[i]), level) if asked[i] else _silent(*each, silent)
        for i, each in enumerate(found)
    ]


def _settled(threshold: Threshold, changes: Changes) -> bool:
    """Whether there is nothing to test: no value, or the same predictions, which say nothing of seconds."""
    return not len(changes.values) or (threshold.quantity != FIT_S and changes.proven)


def _answer(threshold: Threshold, changes: Changes, p: float, adjusted: float, level: float) -> Answer:
    found = effect(changes.values)
    widened = SESSIONS if threshold.quantity == FIT_S else 0.0
    low, high = found.low - widened, found.high + widened
    word, why = _decided(threshold, changes, (low, high), adjusted, level)
    return Answer(
        threshold=threshold,
        learner=changes.learner,
        word=word,
        why=why,
        mean=found.mean,
        low=low,
        high=high,
        p=p,
        p_adjusted=adjusted,
        seen_from=detectable_loss(found.n, found.sd, threshold.bound + widened, level),
        changes=changes,
    )


def _decided(
    threshold: Threshold, changes: Changes, interval: tuple[float, float], adjusted: float, level: float
) -> tuple[Word, str]:
    """Return the word and the reason: the first of these that holds."""
    n, (low, high), bound = len(changes.values), interval, threshold.bound
    timed = threshold.quantity == FIT_S
    nothing = "of one configuration on one machine" if timed else "and scored by it"
    reasons = (
        (n == 0, Word.UNDECIDED, f"no pair has a trial that both runs finished {nothing}"),
        (changes.proven and not timed, Word.NOT_WORSE, "the same predictions in every pair"),
        (n < FEWEST, Word.UNDECIDED, f"{n} splits, {FEWEST} are the least"),
        (high < bound, Word.NOT_WORSE, "the interval is on the right side of the threshold"),
        (not low > bound, Word.UNDECIDED, "the interval holds the threshold"),
        (adjusted <= LEVEL, Word.WORSE, f"the interval is beyond the threshold, and p is at most {LEVEL}"),
        (2.0 ** (1 - n) > level, Word.UNDECIDED, f"beyond the threshold, but {n} splits are too few to tell"),
        (True, Word.UNDECIDED, f"beyond the threshold, but p is above {LEVEL}"),
    )
    return next((word, why) for holds, word, why in reasons if holds)


def _silent(threshold: Threshold, changes: Changes, why: str) -> Answer:
    """Return the answer about what cannot be compared at all: a reason, and no number."""
    numbers = dict.fromkeys(("mean", "low", "high", "p", "p_adjusted", "seen_from"), np.nan)
    return Answer(
        threshold=threshold,
        learner=changes.learner,
        word=Word.UNDECIDED,
        why=why,
        changes=changes,
        **numbers,
    )
