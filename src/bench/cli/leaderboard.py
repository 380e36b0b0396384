"""`bench leaderboard`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import Duration, results_option, run_option


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
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "json"]),
    default="text",
    show_default=True,
)
@run_option
@results_option
def command(form: str, run_id: str | None, results: Path, **view: Any) -> None:
    """Show the leaderboard of a run, by learner or family, at its own budget or any smaller one."""
    from bench.analysis import tables
    from bench.analysis.views import View
    from bench.cli.boards import board
    from bench.store.opening import read_store
    from bench.store.query import find_run

    store = read_store(results)
    run = find_run(store, run_id)
    render = {
        "text": tables.text,
        "markdown": tables.markdown,
        "csv": tables.to_csv,
        "json": tables.to_json,
    }[form]
    click.echo(render(board(store, run, View(**view))), nl=False)
