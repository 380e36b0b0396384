"""Numbers as people write them: decimal commas and marks between thousands."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from bench.sources.columns import parse_numbers

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_COMMA = re.compile(r"[+-]?(?:\d{1,3}(?:\.\d{3})+|\d*)(?:,\d*)?(?:[eE][+-]?\d+)?")
"""1.234,5"""
_POINT = re.compile(r"[+-]?(?:\d{1,3}(?:,\d{3})+|\d*)(?:\.\d*)?(?:[eE][+-]?\d+)?")
"""1,234.5"""
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+")


def parse_written(texts: Sequence[str | None], *, comma_separates: bool) -> npt.NDArray[np.float64] | None:
    """Return values (n_rows,) that hold a decimal comma or marks between thousands; None for anything else.

    `comma_separates` says that columns of the file are parted by commas: there 1,234 is a number above a
    thousand, elsewhere one above one.
    """
    present = [text for text in texts if text is not None]
    if not any("," in text for text in present):
        return None
    for form, mark in ((_POINT, ","), (_COMMA, ".")) if comma_separates else ((_COMMA, "."), (_POINT, ",")):
        if all(form.fullmatch(text) for text in present):
            plain = [None if text is None else text.replace(mark, "").replace(",", ".") for text in texts]
            return parse_numbers(plain)
    return None


def looks_like_thousands(texts: Collection[str | None]) -> bool:
    """Whether every value that holds a point may be one above a thousand: 1.234."""
    pointed = [text for text in texts if text is not None and "." in text]
    return bool(pointed) and all(_THOUSANDS.fullmatch(text) for text in pointed)


def padded(texts: Collection[str | None]) -> bool:
    """Whether some whole number begins with a zero, as a code does: 01234."""
    return any(text is not None and len(text) > 1 and text[0] == "0" and text.isdecimal() for text in texts)
