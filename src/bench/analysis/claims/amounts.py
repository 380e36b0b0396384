"""Differences in their own unit, as people read them: per cent of an error, points, exponents."""

from __future__ import annotations

import math

from bench.claims import Scale


def amount(value: float, scale: Scale) -> str:
    """Return a difference with its sign: `+12.3 %`, `+4.1 points`, `+0.120`; `-` for NaN."""
    if math.isnan(value):
        return "-"
    match scale:
        case Scale.RATIO:
            return f"{100 * math.expm1(value):+.1f} %"
        case Scale.POINTS:
            return f"{100 * value:+.1f} points"
        case Scale.SLOPE:
            return f"{value:+.3f}"


def size(value: float, scale: Scale) -> str:
    """Return the size of a difference to two digits, without a sign: `2.4 %`, `0.66 points`."""
    if scale is Scale.POINTS:
        return f"{100 * abs(value):.2g} points"
    return f"{100 * math.expm1(abs(value)):.2g} %"
