"""Judgements in words and as JSON: the verdict, and where it comes from."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pandas as pd

from bench.analysis.claims import text as verdict_text
from bench.analysis.claims.contrasts import ComparisonVerdict
from bench.analysis.inference.significance import benjamini_hochberg
from bench.claims import Claim
from bench.judgements import Judgement


def text(each: Judgement) -> str:
    """Return a judgement as text."""
    view = f"A view ({each.view}), and not the verdict of the claim:\n" if each.view else ""
    return view + verdict_text.text(each.verdict) + "".join(f"  {line}\n" for line in provenance(each))


def lines(found: Sequence[Judgement]) -> str:
    """Return a line for each judgement, with its false-discovery rate among them: no part of any verdict."""
    rates = discovery_rates(found)
    rows = [
        f"{verdict_text.line(each.verdict)}{'' if math.isnan(rate) else f'; across claims q {rate:.2g}'}"
        f"{'; EXPLORATORY' if each.exploratory else ''}{f'; a view: {each.view}' if each.view else ''}"
        for each, rate in zip(found, rates, strict=True)
    ]
    return "".join(f"{row}\n" for row in rows)


def discovery_rates(found: Sequence[Judgement]) -> list[float]:
    """Return the p of each claim's primary contrasts, the largest of them, by Benjamini and Hochberg 1995.

    NaN where no signed-rank test is part of the claim.
    """
    p = np.array([_largest_p(each) for each in found])
    return [float(q) for q in benjamini_hochberg(p)] if len(p) else []


def to_json(found: Sequence[Judgement]) -> str:
    """Return everything that judgements hold, numbers in full; null where there is no number."""
    records = [{**_plain(each), "word": str(each.verdict.decision)} for each in found]
    return json.dumps(records, indent=2, allow_nan=False) + "\n"


def _largest_p(each: Judgement) -> float:
    p = [
        c.p_adjusted
        for c in each.verdict.contrasts
        if isinstance(c, ComparisonVerdict) and c.contrast.primary and not math.isnan(c.p_adjusted)
    ]
    return max(p, default=math.nan)


def provenance(each: Judgement) -> Iterator[str]:
    """Yield since when the claim says so, what the evidence is of, and what is left out, a line each."""
    registered = each.registration
    added = f"added in {registered.added}" if registered.added else "in no commit"
    fixed = f", as it is since {registered.fixed}" if registered.fixed else ", not committed as it is"
    yield f"claim {each.verdict.claim.hash}, {added}{fixed if registered.added else ''}"
    if each.first_evidence is not None:
        source = f"commit {each.first_commit[:7]}" if each.first_commit else "an installed package"
        done = f"{each.n_done} of {each.n_cells} cells"
        yield f"first evidence {each.first_evidence[:16]}Z, by {source}; {done}"
    if each.exploratory is not None:
        yield f"EXPLORATORY: {each.exploratory}"
    for what, why in each.left_out.items():
        yield f"left out: {what}: {why}"
    yield from each.notes


def _plain(value: Any) -> Any:
    """Return plain JSON values; null for NaN."""
    if isinstance(value, Claim):
        return {"id": value.id, "name": value.name, "statement": value.statement, "hash": value.hash}
    if isinstance(value, pd.DataFrame):
        return _plain(value.to_dict(orient="records"))
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (tuple, list)):
        return [_plain(each) for each in value]
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
