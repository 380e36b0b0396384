"""`bench report`: a page, and its tables and figures, of what a store holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import cache_option, results_option


@click.command("report")
@click.argument("run_ids", metavar="[RUN]...", nargs=-1)
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option(
    "--claim",
    "claims",
    metavar="CLAIM",
    multiple=True,
    help="Of the claims this one; may be given again (default: all that the store has evidence of).",
)
@click.option("--no-claims", is_flag=True, help="Leave claims out.")
@click.option(
    "--profile", type=click.Choice(["small", "full"]), default="small", show_default=True, help="Of claims."
)
@results_option
@cache_option
def command(
    *, run_ids: tuple[str, ...], output: Path, results: Path, cache: Path | None, **which: Any
) -> None:
    """Write a report: one page that opens without a network, and all its numbers as files beside it.

    Without a RUN it is of the latest, and of all claims that the store has evidence of.
    """
    from bench.config.claims import list_claims, load_claim
    from bench.reporting.contents import report
    from bench.reporting.folder import PAGE, folder
    from bench.reporting.writing import write
    from bench.sources.cache import Cache
    from bench.store.opening import read_store

    if which["no_claims"] and which["claims"]:
        raise click.UsageError("give --claim or --no-claims, not both")
    store = read_store(results)
    names = () if which["no_claims"] else which["claims"] or list_claims()
    claims = [load_claim(name) for name in names]
    made = folder(report(store, run_ids, claims, which["profile"], Cache(cache)))
    write(made, output)
    of_page, of_all = len(made[PAGE]) / 1e6, sum(map(len, made.values())) / 1e6
    click.echo(f"{output / PAGE}: open it in a browser")
    click.echo(f"{of_page:.2f} MB, and {len(made) - 1} files beside it; {of_all:.2f} MB in all")
