"""A verdict in words."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Iterator

from bench.analysis.claims.amounts import amount
from bench.analysis.claims.contrasts import ComparisonVerdict, ContrastVerdict, CountVerdict
from bench.analysis.claims.verdicts import Verdict
from bench.analysis.inference.effects import Effect, effect
from bench.claims import Scale
from bench.verdicts import Word

WIDTH = 100
MARK = "\N{DAGGER}"
"""Beside a verdict that some variation flips."""


def line(found: Verdict) -> str:
    """Return the verdict in one line: id, name, word, effect of the first contrast."""
    first = found.contrasts[0]
    told = effect_text(first) if isinstance(first, ComparisonVerdict) and first.effect else found.decision.why
    return f"{found.claim.id:<7} {found.claim.name:<28} {word(found):<24} {told}"


def word(found: Verdict) -> str:
    """Return `SUPPORTED`, with a dagger where some variation flips it."""
    return f"{found.decision}{MARK if found.marked else ''}"


def effect_text(each: ComparisonVerdict) -> str:
    """Return `+12.3 % [+8.0 %, +16.7 %] over 34 datasets`."""
    if each.effect is None:
        return "no value"
    scale = each.contrast.margin.scale
    if each.ruling.by_dataset:
        return ", ".join(f"{name} {amount(part.mean, scale)}" for name, part in by_dataset(each))
    return f"{interval(each.effect, scale)} over {each.effect.n} dataset{'s' * (each.effect.n != 1)}"


def interval(of: Effect, scale: Scale) -> str:
    """Return `+12.3 % [+8.0 %, +16.7 %]`."""
    return f"{amount(of.mean, scale)} [{amount(of.low, scale)}, {amount(of.high, scale)}]"


def by_dataset(each: ComparisonVerdict) -> Iterator[tuple[str, Effect]]:
    """Yield the effect over the seeds of each dataset."""
    for name, group in each.found.table.groupby("dataset", sort=False):
        yield str(name), effect(group["value"].to_numpy(float))


def text(found: Verdict) -> str:
    """Return all that a verdict says, wrapped."""
    claim = found.claim
    lines = [
        f"{claim.id} {claim.name} ({found.profile} profile): {word(found)}",
        *_wrapped(f'"{claim.statement}"', 2),
        *_wrapped(f"expected {claim.expected}: {claim.because}", 2),
    ]
    if found.decision.word in (Word.INCONCLUSIVE, Word.INVALID, Word.NOT_RUN):
        lines += _wrapped(f"why: {found.decision.why}", 2)
        lines += _wrapped(f"it would take: {found.decision.needs}", 2) if found.decision.needs else []
    for each in found.contrasts:
        lines += _contrast_lines(each)
    lines += _control_lines(found)
    lines += _variation_lines(found)
    return "\n".join(lines) + "\n"


def _contrast_lines(each: ContrastVerdict) -> Iterator[str]:
    role = "" if each.contrast.primary else " (secondary)"
    yield f"  {each.contrast.rule}{role}: {each.contrast.name}: {each.decision}"
    if isinstance(each, CountVerdict):
        yield from _wrapped(each.decision.why, 4)
        return
    if each.effect is None:
        yield from _wrapped(each.decision.why, 4)
        return
    scale = each.contrast.margin.scale
    margin = f"margin {amount(each.contrast.margin.amount, scale)[1:]}"
    seeds = bool(each.ruling.by_dataset)
    yield from _wrapped(margin if seeds else f"{effect_text(each)}; {margin}", 4)
    yield from _wrapped("; ".join(companions(each)), 4)
    if each.ruling.by_dataset:
        for name, part in by_dataset(each):
            told = f"{name}: {each.ruling.by_dataset[name]}: {interval(part, scale)} over {part.n} seeds"
            yield from _wrapped(told, 4)
    if len(each.by_problem) > 1 and not seeds:
        parts = (f"{name} {amount(part.mean, scale)} ({part.n})" for name, part in each.by_problem.items())
        yield from _wrapped(f"by problem type: {', '.join(parts)}", 4)
    for moderator in each.moderators:
        parts = (
            f"{what} {moderator.cut:,.4g}: {amount(part.mean, scale)} ({part.n})"
            for what, part in (("up to", moderator.little), ("above", moderator.much))
        )
        yield from _wrapped(f"by {moderator.name}: {', '.join(parts)}", 4)
    if each.found.left_out:
        told = ", ".join(f"{task} ({why})" for task, why in each.found.left_out.items())
        yield from _wrapped(f"left out: {told}", 4)


def companions(each: ComparisonVerdict) -> Iterator[str]:
    """Yield what stands beside the interval: p, new dataset, posterior, replication, what is bound."""
    scale = each.contrast.margin.scale
    if not math.isnan(each.p):
        adjusted = "" if math.isnan(each.p_adjusted) else f", by Holm {each.p_adjusted:.2g}"
        yield f"Wilcoxon p {each.p:.2g}{adjusted}"
    if each.spread is not None and not math.isnan(each.spread.new_low):
        new = f"[{amount(each.spread.new_low, scale)}, {amount(each.spread.new_high, scale)}]"
        yield f"on a new dataset {new}, above 0 with {100 * each.spread.p_above:.0f} %"
    if each.posterior is not None:
        left, rope, right = (f"{100 * part:.0f} %" for part in each.posterior)
        yield f"Bayesian signed-rank: worse {left}, within the margin {rope}, better {right}"
    if each.n_individually is not None:
        yield f"holds by itself on at least {each.n_individually} datasets"
    n_bound = int(each.found.table["bound"].sum())
    if n_bound:
        yield f"{n_bound} of {len(each.found.table)} values rest on a search bound by its budget"
    if each.found.n_missing:
        yield f"{each.found.n_missing} errors are missing"


def _control_lines(found: Verdict) -> Iterator[str]:
    words = {True: "held", False: "FAILED", None: "not yet"}
    for each in found.controls:
        yield from _wrapped(f"control {each.name}: {words[each.held]}: {each.text}", 2)


def _variation_lines(found: Verdict) -> Iterator[str]:
    if not found.variations:
        return
    flips = [f"{each.name}: {each.word}" for each in found.variations if each.flips]
    same = [each.name for each in found.variations if not each.flips]
    if flips:
        yield from _wrapped(f"{MARK} another word: {'; '.join(flips)}", 2)
    if same:
        yield from _wrapped(f"the same word: {', '.join(same)}", 2)


def _wrapped(words: str, indent: int) -> list[str]:
    pad = " " * indent
    return textwrap.wrap(words, WIDTH, initial_indent=pad, subsequent_indent=f"{pad}  ")
