"""`bench leaderboard`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import Duration, cache_option, results_option, run_option, train_rows_option
from bench.metrics import METRICS

if TYPE_CHECKING:
    from bench.analysis.columns import Extra
    from bench.analysis.forms import Sheet
    from bench.analysis.leaderboard import Leaderboard


@click.command("leaderboard")
@click.option(
    "--by",
    type=click.Choice(["learner", "family"]),
    default="learner",
    show_default=True,
    help="What is ranked.",
)
@click.option("--at", "budget_s", type=Duration(), help="Replay a smaller budget: billed seconds a cell.")
@click.option(
    "--at-trials", "budget_trials", type=click.IntRange(1), help="Replay a smaller budget: trials a cell."
)
@click.option(
    "--failures",
    "failure_policy",
    type=click.Choice(["fallback", "dummy", "complete-pairs"]),
    default="fallback",
    show_default=True,
    help="What stands in for a missing score: the default random forest's, the dummy's, or nothing.",
)
@click.option(
    "--show",
    type=click.Choice(["tuned", "default", "ensembled"]),
    default="tuned",
    show_default=True,
    help="The best validated configuration, the default one, or an ensemble of the trials.",
)
@click.option(
    "--metric",
    type=click.Choice(list(METRICS)),
    help="What errors are made of (default: the primary score of each problem type).",
)
@click.option(
    "--rows",
    type=click.Choice(["all", "without-twins"]),
    default="all",
    show_default=True,
    help="Which test rows count: all, or those whose features no training row has.",
)
@click.option(
    "--intervention", help="Under which intervention cells are compared (default: without one, if there are)."
)
@train_rows_option
@click.option(
    "--columns",
    "extra",
    multiple=True,
    type=click.Choice(["calibration", "density", "ratings"]),
    help="More columns; may be given again. CSV and JSON always have them.",
)
@click.option(
    "--only",
    multiple=True,
    metavar="NAME",
    help="A narrower field: of the learners (--by family: families) this one; may be given again.",
)
@click.option("--matrix", is_flag=True, help="Every entry against every other, instead of the ranking.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "latex", "csv", "json"]),
    default="text",
    show_default=True,
)
@run_option
@results_option
@cache_option
def command(
    *,
    form: str,
    extra: tuple[Extra, ...],
    matrix: bool,
    run_id: str | None,
    results: Path,
    cache: Path | None,
    **view: Any,
) -> None:
    """Show the leaderboard of a run: learners or families, tuned, default or ensembled, at any budget.

    A run with several training-set sizes has one for each, the smallest first.
    """
    from bench.analysis.views import View
    from bench.boards import board, sizes_of
    from bench.sources.cache import Cache
    from bench.store.opening import read_store
    from bench.store.query import find_run

    if matrix and extra:
        raise click.UsageError("give --matrix or --columns, not both: the matrix has no columns of its own")
    store = read_store(results)
    run, asked = find_run(store, run_id), View(**view)
    there = sizes_of(store, run)
    views = [asked]
    if asked.train_rows is None and len(there) > 1:
        views = [dataclasses.replace(asked, train_rows=size) for size in there]
    found = [board(store, run, each, Cache(cache)) for each in views]
    click.echo(_matrices(found, form) if matrix else _rankings(found, form, extra), nl=False)


def _rankings(found: list[Leaderboard], form: str, extra: tuple[Extra, ...]) -> str:
    from bench.analysis import tables

    match form:
        case "csv":
            return tables.to_csv(*found)
        case "json":
            return tables.to_json(*found)
        case _:
            return _shown((tables.sheet(each, extra) for each in found), form)


def _matrices(found: list[Leaderboard], form: str) -> str:
    from bench.analysis import matrix_tables

    match form:
        case "csv":
            return matrix_tables.to_csv(*found)
        case "json":
            return matrix_tables.to_json(*found)
        case _:
            return _shown(map(matrix_tables.sheet, found), form)


def _shown(sheets: Iterable[Sheet], form: str) -> str:
    from bench.analysis import forms

    render = {"text": forms.text, "markdown": forms.markdown, "html": forms.html, "latex": forms.latex}[form]
    return "\n".join(map(render, sheets))
