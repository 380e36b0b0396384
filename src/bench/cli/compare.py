"""`bench compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from bench.cli.options import results_option
from bench.errors import ExitCode


@click.command("compare")
@click.argument("baseline", metavar="BASELINE")
@click.argument("run", metavar="[RUN]", required=False)
@click.option(
    "--fail-on",
    "fail_on",
    metavar="THRESHOLD",
    multiple=True,
    help="A change that is a loss: error:+2% (the default), points of a metric (auc:-0.5%), seconds, "
    "fit_s:+20%; may be given again.",
)
@click.option("--strict", is_flag=True, help="Leave with 6 where something is not worse by evidence yet.")
@click.option("--allow-failures", is_flag=True, help="A cell that failed is no loss.")
@click.option(
    "--format", "form", type=click.Choice(["text", "markdown", "json"]), default="text", show_default=True
)
@results_option
def command(
    baseline: str,
    run: str | None,
    fail_on: tuple[str, ...],
    results: Path,
    **how: Any,
) -> None:
    """Compare a RUN (without one the latest) with a BASELINE: worse, not worse, or not enough evidence.

    Each is a run's id, a baseline's name, a baseline's file, or another results folder: FOLDER for its
    latest run, FOLDER:RUN for that one. Exit code 4: something is worse; with --strict 6: something is
    undecided.
    """
    from bench.analysis.comparison import tables
    from bench.comparisons import compared
    from bench.execution.postmortem import visible

    found = compared(baseline, run, results, fail_on, allow_failures=how["allow_failures"])
    if how["form"] == "json":
        click.echo(tables.to_json(found), nl=False)
    else:
        shown = (tables.text if how["form"] == "text" else tables.markdown)(found)
        click.echo("\n".join(map(visible, shown.splitlines())))
    code = ExitCode.DONE
    if found.worse:
        code = ExitCode.REGRESSION
    elif how["strict"] and found.undecided:
        code = ExitCode.NOT_ENOUGH_EVIDENCE
    click.get_current_context().exit(int(code))
