"""Options that several verbs share, and how their values are read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from bench.datasets import ColumnKind
from bench.suites import FULL

F = TypeVar("F", bound=Callable[..., Any])

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType[float]):
    """Seconds, written as `90`, `90s`, `15m`, `1h30m` or `2h`."""

    name = "duration"

    def __init__(self, longest_s: float = math.inf) -> None:
        """Refuse more than so many seconds."""
        self._longest_s = longest_s

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds that a text says, more than 0."""
        if isinstance(value, float):
            return value
        text = str(value).strip().lower()
        parts = re.findall(r"(\d+(?:\.\d+)?)(s|min|m|h|d|$)", text)
        if not parts or "".join(number + unit for number, unit in parts) != text:
            self.fail(f'"{value}" is no duration; write for example 90, 90s, 15m or 2h', param, ctx)
        seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in parts)
        if not (0 < seconds <= self._longest_s and math.isfinite(seconds)):
            most = f"at most {self._longest_s:.0f}" if math.isfinite(self._longest_s) else "finitely many"
            self.fail(f"give more than 0 and {most} seconds", param, ctx)
        return seconds


class KindOf(click.ParamType[tuple[str, ColumnKind]]):
    """A column and what it holds, written as `zip=categorical`; the name may hold `=` itself."""

    name = "kind"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, ColumnKind]:
        """Return the column's name and kind."""
        if isinstance(value, tuple):
            return value
        column, _, kind = str(value).rpartition("=")
        if not column or kind not in list(ColumnKind):
            known = ", ".join(ColumnKind)
            self.fail(f'"{value}": write COLUMN=KIND, with a kind of {known}', param, ctx)
        return column, ColumnKind(kind)


class TrainRows(click.ParamType[int | str]):
    """A training-set size: a number of rows, or `full` for all of them."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """Return the number, or `full`."""
        text = str(value).strip().lower()
        if text == FULL:
            return FULL
        if not text.isascii() or not text.isdecimal() or int(text) < 1:
            self.fail(f'"{value}" is no training-set size; write for example 250, or {FULL}', param, ctx)
        return int(text)


def train_rows_option(function: F) -> F:
    """Add `--train-rows`."""
    return click.option(
        "--train-rows",
        type=TrainRows(),
        help="Of a run with several training-set sizes: a number of rows, or full for all.",
    )(function)


def results_option(function: F) -> F:
    """Add `--results`."""
    return click.option(
        "--results",
        type=click.Path(path_type=Path),
        default=Path("bench-results"),
        show_default=True,
        envvar="BENCH_RESULTS",
        help="Folder of the store.",
    )(function)


def json_option(function: F) -> F:
    """Add `--json`."""
    return click.option("--json", "as_json", is_flag=True, help="As JSON, for programs.")(function)


def cache_option(function: F) -> F:
    """Add `--cache`."""
    return click.option(
        "--cache",
        type=click.Path(path_type=Path),
        default=None,
        envvar="BENCH_CACHE",
        help="Folder of fetched tables (default: the user's cache folder).",
    )(function)


def run_option(function: F) -> F:
    """Add `--run`."""
    return click.option(
        "--run", "run_id", metavar="ID", default=None, help="Which run (default: the latest)."
    )(function)
