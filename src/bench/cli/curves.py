"""`bench curves`: how errors fall and seconds grow with the training rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import results_option, run_option


@click.command("curves")
@click.option(
    "--by",
    type=click.Choice(["learner", "family"]),
    default="learner",
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
@click.option("--format", "form", type=click.Choice(["text", "csv"]), default="text", show_default=True)
@run_option
@results_option
def command(form: str, run_id: str | None, results: Path, **view: Any) -> None:
    """Show how errors fall and seconds grow with the training rows, in a run with several sizes of them."""
    from bench.analysis.curve_tables import text
    from bench.analysis.views import View
    from bench.boards import curves_of
    from bench.store.opening import read_store
    from bench.store.query import find_run

    store = read_store(results)
    found = curves_of(store, find_run(store, run_id), View(**view))
    shown = text(found) if form == "text" else found.to_frame().to_csv(index=False, lineterminator="\n")
    click.echo(shown, nl=False)
