"""A comparison as text, Markdown, HTML and JSON: the answer first, then the numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench.analysis import forms
from bench.analysis.comparison.answers import Answer, Word
from bench.analysis.comparison.comparing import Comparison
from bench.analysis.comparison.matching import Lost, listed, number_of

if TYPE_CHECKING:
    import pandas as pd

_ORDER = list(Word)
_MOST_LOST = 5
LEGEND = (
    "change: mean over splits, the run against the baseline, with its 95 % interval. p: signed-rank test, "
    "adjusted for all tests here. identical: pairs of cells with the same predictions. seen from: the "
    "smallest true change that is called worse in 4 of 5 cases, with such splits."
)


def summary(of: Comparison) -> str:
    """Return the whole answer in a line."""
    failed = list(_lost_summary(of))
    n_not_worse = sum(answer.word is Word.NOT_WORSE for answer in of.answers)
    parts = {
        "Worse": [*([] if of.allow_failures else failed), *_named(of, Word.WORSE)],
        "Not enough evidence": list(_named(of, Word.UNDECIDED)),
        "Not worse": [str(n_not_worse)] if n_not_worse else [],
        "Allowed": failed if of.allow_failures else [],
    }
    told = [(what, "; ".join(whom)) for what, whom in parts.items() if whom]
    return " ".join(f"{what if i else what.upper()}: {whom}." for i, (what, whom) in enumerate(told))


def sheets(of: Comparison) -> list[forms.Sheet]:
    """Return what every form of a comparison shows: a table for each threshold, notes under the last."""
    notes = (*_lost_lines(of.lost), *_reasons(of), *of.notes, LEGEND)
    found = []
    for threshold in of.thresholds:
        own = [answer for answer in of.answers if answer.threshold == threshold]
        ordered = sorted(own, key=lambda answer: _ORDER.index(answer.word))
        first, last = threshold == of.thresholds[0], threshold == of.thresholds[-1]
        found.append(
            forms.Sheet(
                title=summary(of) if first else "",
                legend=_sides(of) if first else "",
                headings=("learner", str(threshold), "change", "p", "splits", "identical", "seen from"),
                left=(True, True, *([False] * 5)),
                name=0,
                lines=tuple(map(_line, ordered)),
                notes=notes if last else (),
            )
        )
    return found


def text(of: Comparison) -> str:
    """Return the comparison as plain aligned text, wrapped at 100 characters."""
    return "".join(map(forms.text, sheets(of)))


def markdown(of: Comparison) -> str:
    """Return the comparison in Markdown."""
    first, *others = sheets(of)
    return forms.markdown(first) + "".join(forms.markdown(each).removeprefix("****\n\n") for each in others)


def html(of: Comparison) -> str:
    """Return the comparison as a fragment of HTML."""
    return "".join(map(forms.html, sheets(of)))


def to_frame(of: Comparison) -> pd.DataFrame:
    """Return a row for each answer with every number in full, in the direction of a loss."""
    import pandas as pd

    return pd.DataFrame([_record(answer) for answer in of.answers])


def to_json(of: Comparison) -> str:
    """Return everything that a comparison holds, numbers in full; null where there is no number.

    Changes are in the direction of a loss: logarithms of ratios for `error` and `fit_s`, else differences.
    """
    sides = {
        name: {field: getattr(side, field) for field in side.__slots__}
        for name, side in (("baseline", of.baseline), ("run", of.run))
    }
    record = {
        "summary": summary(of),
        "worse": of.worse,
        "undecided": of.undecided,
        **sides,
        "thresholds": [str(each) for each in of.thresholds],
        "n_pairs": of.n_pairs,
        "failed": [{field: getattr(cell, field) for field in cell.__slots__} for cell in of.lost],
        "allow_failures": of.allow_failures,
        "answers": [{**_plain(_record(answer)), "changes": _values(answer)} for answer in of.answers],
        "notes": of.notes,
    }
    return json.dumps(record, indent=2, allow_nan=False) + "\n"


def change(answer: Answer, value: float) -> str:
    """Return a change as it is, a fall below 0: `+4.1` per cent, or `-0.62` points of a metric."""
    if math.isnan(value):
        return "-"
    if answer.threshold.relative:
        return f"{100 * math.expm1(min(value, 100.0)):+.1f}"
    return f"{math.copysign(100, answer.threshold.change) * value:+.2f}"


def _line(answer: Answer) -> tuple[str, ...]:
    seen = change(answer, answer.seen_from)
    settled = answer.changes.proven and math.isnan(answer.p)
    return (
        answer.learner,
        answer.word.upper() if answer.word is Word.WORSE else str(answer.word),
        "none" if settled else _interval(answer),
        "-" if math.isnan(answer.p_adjusted) else f"{answer.p_adjusted:.2g}",
        str(len(answer.changes.values)),
        f"{answer.changes.n_identical} of {answer.changes.n_pairs}",
        "-" if settled or seen == "-" else f"{seen}{_unit(answer)}",
    )


def _interval(answer: Answer) -> str:
    """Return `+4.1 % [+2.6, +5.7]`, or what there is of it."""
    mean = change(answer, answer.mean)
    if mean == "-":
        return mean
    ends = sorted((answer.low, answer.high), key=lambda end: end * answer.threshold.change)
    between = "" if math.isnan(answer.low) else f" [{', '.join(change(answer, end) for end in ends)}]"
    return f"{mean}{_unit(answer)}{between}"


def _unit(answer: Answer) -> str:
    return " %" if answer.threshold.relative else " points"


def _named(of: Comparison, word: Word) -> Iterator[str]:
    """Yield the learners of an answer for each threshold, which is named where there are several."""
    for threshold in of.thresholds:
        own = [a.learner for a in of.answers if a.threshold == threshold and a.word is word]
        if own:
            yield f"{f'{threshold} ' if len(of.thresholds) > 1 else ''}{listed(own)}"


def _lost_summary(of: Comparison) -> Iterator[str]:
    if of.lost:
        learners = listed(list(dict.fromkeys(cell.learner for cell in of.lost)))
        yield f"{number_of(len(of.lost))} failed that had not ({learners})"


def _sides(of: Comparison) -> str:
    """Return which runs were compared, by what."""
    run, baseline = (f"{side.run_id} ({side.suite}, {side.commit[:12]})" for side in (of.run, of.baseline))
    thresholds = ", ".join(map(str, of.thresholds))
    return f"Run {run} against baseline {baseline}: {of.n_pairs} pairs of cells, by {thresholds}."


def _lost_lines(lost: tuple[Lost, ...]) -> Iterator[str]:
    for cell in lost[:_MOST_LOST]:
        yield f"Failed: {cell.cell_id}: {cell.status}{': ' if cell.reason else ''}{cell.reason}"
    if len(lost) > _MOST_LOST:
        yield f"Failed: {len(lost) - _MOST_LOST} more; --format json has them all"


def _reasons(of: Comparison) -> Iterator[str]:
    """Say why there is not enough evidence, a line for each reason."""
    undecided = [answer for answer in of.answers if answer.word is Word.UNDECIDED]
    for reason in dict.fromkeys(answer.why for answer in undecided):
        whose = dict.fromkeys(answer.learner for answer in undecided if answer.why == reason)
        yield f"Not enough evidence: {reason} ({listed(list(whose))})"


def _record(answer: Answer) -> dict[str, Any]:
    names = ("mean", "low", "high", "p", "p_adjusted", "seen_from")
    return {
        "learner": answer.learner,
        "threshold": str(answer.threshold),
        "answer": str(answer.word),
        "why": answer.why,
        **{name: getattr(answer, name) for name in names},
        "bound": answer.threshold.bound,
        "n_splits": len(answer.changes.values),
        "n_pairs": answer.changes.n_pairs,
        "n_identical": answer.changes.n_identical,
    }


def _values(answer: Answer) -> list[dict[str, Any]]:
    changes = answer.changes
    return [
        {"dataset": dataset, "split": split, "change": float(value)}
        for dataset, split, value in zip(changes.datasets, changes.splits, changes.values, strict=True)
    ]


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}
