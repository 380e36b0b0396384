"""CSV that a spreadsheet shows and does not run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?\d[\d,.]*(e[+-]?\d+)?$|[+-]?\.?inf$|-$", re.IGNORECASE)


def plain(cell: Any) -> Any:
    """Return a cell; a text that a spreadsheet would take for a formula with a `'` before it (OWASP 2020)."""
    if isinstance(cell, str) and _FORMULA.match(cell) and not _NUMBER.match(cell):
        return f"'{cell}"
    return cell


def to_csv(frame: pd.DataFrame) -> str:
    """Return a frame as CSV, its texts plain."""
    return written(
        [list(frame.columns), *frame.astype(object).where(frame.notna(), None).to_numpy().tolist()]
    )


def rewritten(text: str) -> str:
    """Return CSV with its texts plain."""
    return written(csv.reader(io.StringIO(text)))


def written(rows: Iterable[Iterable[Any]]) -> str:
    """Return rows as CSV, their texts plain."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([plain(cell) for cell in row] for row in rows)
    return out.getvalue()
