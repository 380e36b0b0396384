"""`bench sensitivity`: which learners notice which intervention."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import results_option, run_option, train_rows_option


@click.command("sensitivity")
@click.option(
    "--by",
    type=click.Choice(["learner", "family"]),
    default="family",
    show_default=True,
    help="What is compared.",
)
@click.option(
    "--show",
    type=click.Choice(["tuned", "default"]),
    default="tuned",
    show_default=True,
    help="The best validated configuration, or the default one.",
)
@train_rows_option
@click.option("--format", "form", type=click.Choice(["text", "csv"]), default="text", show_default=True)
@run_option
@results_option
def command(form: str, run_id: str | None, results: Path, **view: Any) -> None:
    """Show how much errors grow under each intervention of a run, and with which interval over tables.

    Of a run with several training-set sizes it is the largest, or the one that is asked for: the errors of a
    table at two sizes are not those of two tables.
    """
    from bench.analysis.sensitivity import text
    from bench.analysis.views import View
    from bench.boards import sensitivity_of
    from bench.store.opening import read_store
    from bench.store.query import find_run

    store = read_store(results)
    found = sensitivity_of(store, find_run(store, run_id), View(**view))
    shown = text(found) if form == "text" else found.to_frame().to_csv(index=False, lineterminator="\n")
    click.echo(shown, nl=False)
