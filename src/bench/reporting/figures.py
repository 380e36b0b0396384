"""The figures of a report, each a pure function of what it shows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bench.reporting.svg import COLOURS, DASHES, INK, canvas, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A line with its band."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    look: int = 0
    """Its colour and dash, the same in every figure that shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A value with its interval, in its own line."""

    name: str
    value: float
    low: float = math.nan
    high: float = math.nan
    strong: bool = False
    """Whether it is a summary and not one of many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """What stands around a figure."""

    name: str
    """Of the file, and of ids in a page."""
    title: str
    """Read aloud, and the title of the file."""
    x: str
    y: str = ""


def lines(series: Sequence[Series], labels: Labels, *, ticks: Sequence[float] = ()) -> str:
    """Return lines over a logarithmic axis, each named at its end; bands where there are intervals."""
    with canvas(7.2, 4.2) as figure:
        axes = figure.subplots()
        for each in series:
            colour, dash = _look(each.look)
            axes.plot(each.x, each.y, color=colour, linestyle=dash, marker="o", markersize=2.5)
            if each.low:
                axes.fill_between(each.x, each.low, each.high, color=colour, alpha=0.1, linewidth=0)
        axes.set_xscale("log")
        if ticks:
            axes.set_xticks(list(ticks), [f"{tick:g}" for tick in ticks], minor=False)
            axes.minorticks_off()
        _framed(axes, labels)
        _named_ends(axes, series)
        return svg(figure, labels.name, labels.title)


def scatter(points: Sequence[Series], labels: Labels) -> str:
    """Return points with vertical intervals over a logarithmic axis, each with its name beside it."""
    with canvas(7.2, 4.2) as figure:
        axes = figure.subplots()
        for each in points:
            colour = _look(each.look)[0]
            if each.low:
                axes.vlines(each.x, each.low, each.high, color=colour, linewidth=1, alpha=0.6)
            axes.plot(each.x, each.y, "o", color=colour, markersize=5)
            axes.annotate(
                each.name,
                (each.x[0], each.y[0]),
                xytext=(6, 3),
                textcoords="offset points",
                color=colour,
                parse_math=False,
            )
        axes.set_xscale("log")
        axes.margins(x=0.15)
        _framed(axes, labels)
        return svg(figure, labels.name, labels.title)


def forest(
    rows: Sequence[Interval], labels: Labels, *, margin: float, new: tuple[float, float] | None = None
) -> str:
    """Return intervals line by line, the best first, with the margin shaded around 0.

    Summaries stand below as diamonds; `new` is the prediction interval of the last of them.
    """
    own = sorted((row for row in rows if not row.strong), key=lambda row: -row.value)
    summaries = [row for row in rows if row.strong]
    shown = [*own, *summaries]
    with canvas(6.4, 0.9 + 0.17 * len(shown)) as figure:
        axes = figure.subplots()
        axes.axvspan(-margin, margin, color="#8c8c8c", alpha=0.15, linewidth=0)
        axes.axvline(0, color=INK, linewidth=0.6)
        for strong in (False, True):
            _intervals(axes, {y: row for y, row in enumerate(reversed(shown)) if row.strong is strong})
        if new is not None and summaries:
            axes.hlines(0, *new, color=COLOURS[1], linewidth=1, linestyle=":")
        axes.set_yticks(range(len(shown)), [row.name for row in reversed(shown)], parse_math=False)
        axes.set_ylim(-0.8, len(shown) - 0.2)
        axes.tick_params(axis="y", length=0, labelsize=8)
        _framed(axes, labels)
        return svg(figure, labels.name, labels.title)


def _intervals(axes: Axes, rows: Mapping[int, Interval]) -> None:
    """Draw intervals of one kind at their heights."""
    strong = any(row.strong for row in rows.values())
    colour, marker, size, width = (COLOURS[1], "D", 5, 1.8) if strong else (COLOURS[0], "o", 3.5, 1)
    wide = {y: row for y, row in rows.items() if not math.isnan(row.low)}
    lows, highs = ([getattr(row, end) for row in wide.values()] for end in ("low", "high"))
    axes.hlines(list(wide), lows, highs, color=colour, linewidth=width)
    axes.plot([row.value for row in rows.values()], list(rows), marker, color=colour, markersize=size)


def _framed(axes: Axes, labels: Labels) -> None:
    axes.set_xlabel(labels.x)
    axes.set_ylabel(labels.y)
    axes.grid(color=INK, alpha=0.12, linewidth=0.5)
    axes.set_axisbelow(True)


def _named_ends(axes: Axes, series: Sequence[Series]) -> None:
    """Write the names at the ends of lines, moved apart where they would cover each other."""
    low, high = axes.get_ylim()
    apart = (high - low) / 24
    ends = sorted((each.y[-1], i) for i, each in enumerate(series) if math.isfinite(each.y[-1]))
    right = max((x for each in series for x in each.x), default=1.0)
    place = -math.inf
    for end, i in ends:
        place = max(end, place + apart)
        axes.annotate(
            series[i].name,
            (right, end),
            xytext=(1.02, (place - low) / (high - low)),
            textcoords="axes fraction",
            color=_look(series[i].look)[0],
            va="center",
            annotation_clip=False,
            parse_math=False,
            **_leader(_look(series[i].look)[0]),
        )


def _leader(colour: str) -> dict[str, Any]:
    return {"arrowprops": {"arrowstyle": "-", "color": colour, "linewidth": 0.5, "alpha": 0.6}}


def _look(i: int) -> tuple[str, str]:
    return COLOURS[i % len(COLOURS)], DASHES[i // len(COLOURS) % len(DASHES)]
