"""The rules that decide about a mean over datasets: D1 to D3, D5, and "at most".

An interval of the mean against a margin that was fixed beforehand. A rule knows three answers, and "nothing
can be said" is one of them. How often each is given at a known truth: docs/operating-characteristics.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from bench.analysis.inference.effects import Effect, effect
from bench.analysis.inference.power import MOST_UNITS, chances, units_needed
from bench.analysis.inference.significance import LEVEL
from bench.errors import ConfigError
from bench.verdicts import Decision, Rule, Tag, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Units:
    """What the numbers are one each of, and how many must be there."""

    noun: str
    minimum: int


DATASETS = Units("datasets", 8)
SEEDS = Units("seeds", 5)


def decide(rule: Rule, values: Floats, margin: float, p: float | None, units: Units = DATASETS) -> Decision:
    """Return what a rule makes of (N,) effects, one a unit, against a margin on their scale.

    Superiority, interaction and shape are SUPPORTED if the 95 % interval of the mean lies above 0, the mean
    reaches the margin and p is below 0.05; REFUTED if the interval lies below the margin, EQUIVALENT if
    the 90 % interval lies within the margins, REVERSED if the interval lies below 0 and the mean reaches
    the margin downwards. An interaction's effects are differences of differences. Equivalence is SUPPORTED
    if the 90 % interval lies within the margins (Schuirmann 1987), REFUTED if the 95 % interval lies
    outside. At-most is SUPPORTED if the 95 % interval lies below the margin, REFUTED if above it.

    `p` is the signed-rank p over datasets, adjusted for the claim's contrasts; the last two rules ignore
    it, and NaN supports nothing. It is None where the unit is the seed: of five values the signed-rank
    test can give no p below 0.0625, so the t-interval decides alone.

    Raises ConfigError for a margin that is none, and for the rules that count exceptions.
    """
    _demand_margin(rule, margin)
    found = effect(values)
    if found.n < units.minimum:
        return Decision(
            word=Word.INCONCLUSIVE,
            why=f"{found.n} {units.noun}, {units.minimum} are the least",
            needs=f"{units.minimum - found.n} more {units.noun}",
        )
    word, tag = judge(rule, found, margin, p)
    return Decision(
        word=word,
        tag=tag,
        why=f"{_numbers(rule, found, p, units)}: {_reason(rule, word, found, margin, p)}",
        needs=_needs(rule, found, margin, units) if word is Word.INCONCLUSIVE else "",
    )


def judge(rule: Rule, found: Effect, margin: float, p: float | None) -> tuple[Word, Tag | None]:
    """Return the word, and the way of a refutation, that `decide` gives to an effect of enough units."""
    match rule:
        case Rule.SUPERIORITY | Rule.INTERACTION | Rule.SHAPE:
            if not list(_lacking(found, margin, p)):
                return Word.SUPPORTED, None
            return (Word.REFUTED, _tag(found, margin)) if found.high < margin else (Word.INCONCLUSIVE, None)
        case Rule.EQUIVALENCE:
            if _within(found, margin):
                return Word.SUPPORTED, None
            outside = found.low >= margin or found.high <= -margin
            return (Word.REFUTED if outside else Word.INCONCLUSIVE), None
        case Rule.AT_MOST:
            if found.high < margin:
                return Word.SUPPORTED, None
            return (Word.REFUTED if found.low > margin else Word.INCONCLUSIVE), None
        case Rule.UNIVERSAL | Rule.IMPOSSIBLE:
            raise ConfigError(f'the rule "{rule}" counts exceptions: it decides nothing about a mean')


def _demand_margin(rule: Rule, margin: float) -> None:
    least = 0 if rule is Rule.AT_MOST else np.nextafter(0, 1)
    if not least <= margin < np.inf:
        raise ConfigError(f'the margin of the rule "{rule}" is {margin}: give a finite number above 0')


def _lacking(found: Effect, margin: float, p: float | None) -> Iterator[str]:
    """Yield what an effect lacks to be a superiority."""
    if not found.low > 0:
        yield "the interval is not above 0"
    if not found.mean >= margin:
        yield f"the mean does not reach the margin {margin:.3g}"
    if p is not None and not p < LEVEL:
        yield f"p is not below {LEVEL}"


def _tag(found: Effect, margin: float) -> Tag | None:
    if found.high < 0 and found.mean <= -margin:
        return Tag.REVERSED
    return Tag.EQUIVALENT if _within(found, margin) else None


def _within(found: Effect, margin: float) -> bool:
    return found.low_90 > -margin and found.high_90 < margin


def _numbers(rule: Rule, found: Effect, p: float | None, units: Units) -> str:
    """Return `mean +0.081, 95 % +0.043 to +0.119, p 0.0012, 16 datasets`."""
    narrow = f", 90 % {found.low_90:+.3g} to {found.high_90:+.3g}" if rule is Rule.EQUIVALENCE else ""
    tested = rule not in (Rule.EQUIVALENCE, Rule.AT_MOST) and p is not None
    return (
        f"mean {found.mean:+.3g}, 95 % {found.low:+.3g} to {found.high:+.3g}{narrow}"
        f"{f', p {p:.2g}' if tested else ''}, {found.n} {units.noun}"
    )


def _reason(rule: Rule, word: Word, found: Effect, margin: float, p: float | None) -> str:
    reasons = _REASONS.get(rule, _BETTER)
    return reasons[word].format(margin=f"{margin:.3g}", lacking=", ".join(_lacking(found, margin, p)))


_BETTER = {
    Word.SUPPORTED: "the interval is above 0 and the mean reaches the margin {margin}",
    Word.REFUTED: "the interval is below the margin {margin}",
    Word.INCONCLUSIVE: "{lacking}, nor is the interval below the margin {margin}",
}
_REASONS = {
    Rule.EQUIVALENCE: {
        Word.SUPPORTED: "the 90 % interval is within the margins, -{margin} and {margin}",
        Word.REFUTED: "the 95 % interval is outside the margins, -{margin} and {margin}",
        Word.INCONCLUSIVE: "an interval crosses a margin, -{margin} or {margin}",
    },
    Rule.AT_MOST: {
        Word.SUPPORTED: "the interval is below the margin {margin}",
        Word.REFUTED: "the interval is above the margin {margin}",
        Word.INCONCLUSIVE: "the interval holds the margin {margin}",
    },
}


def _needs(rule: Rule, found: Effect, margin: float, units: Units) -> str:
    """Return about how many units would decide if the mean and the spread are the true ones."""
    needed = units_needed(found.mean, found.sd, margin, rule)
    if needed is None:
        return f"more than {MOST_UNITS} {units.noun}: the mean is at the margin"
    supported, refuted = chances(needed, found.mean, found.sd, margin, rule)
    verb = "support" if supported > refuted else "refute"
    if needed <= found.n:
        return f"more {units.noun}: {needed} with this mean and spread {verb} it in four of five cases"
    return f"about {needed} {units.noun} would {verb} it, were this mean and spread the true ones"
