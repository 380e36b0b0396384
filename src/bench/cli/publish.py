"""`bench publish ...`: results handed on; nothing leaves this machine without `--apply`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.options import cache_option, results_option

if TYPE_CHECKING:
    from bench.publishing.chosen import Shown


@click.group("publish")
def command() -> None:
    """Hand on the results of a run; without --apply only show what would be handed on."""


@command.command("openml")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option(
    "--show",
    type=click.Choice(["default", "tuned"]),
    default="default",
    show_default=True,
    help="Each learner's default configuration, or what the search chose in each fold.",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for the files (default: published/openml in the results folder).",
)
@click.option("--apply", is_flag=True, help="Send them: needs an API key of OpenML.")
@results_option
@cache_option
def openml(
    *, run_id: str | None, show: Shown, output: Path | None, apply: bool, results: Path, cache: Path | None
) -> None:
    """Make runs on OpenML of the stored predictions of a RUN (default: the latest), and send them.

    A run there is a learner on every fold of a task with OpenML's own splits. Files are written and checked
    first; what was sent before is not sent again. No feature is ever sent.
    """
    from bench.cli.publish_openml import publish_openml
    from bench.sources.cache import Cache
    from bench.store.opening import read_store
    from bench.store.query import find_run

    store = read_store(results)
    publish_openml(store, find_run(store, run_id), show, Cache(cache), output, send=apply)


@command.command("mlflow")
@click.argument("run_id", metavar="[RUN]", required=False)
@click.option("--uri", help="The tracking server or folder (default: MLflow's own, MLFLOW_TRACKING_URI).")
@click.option("--apply", is_flag=True, help="Log them: needs the package mlflow-skinny.")
@results_option
def mlflow(*, run_id: str | None, uri: str | None, apply: bool, results: Path) -> None:
    """Log the tuned result of each cell of a RUN (default: the latest) as a run of MLflow.

    The experiment has the suite's name. What is logged there under the same evidence key is not logged again.
    """
    from bench.cli.publish_mlflow import publish_mlflow
    from bench.store.opening import read_store
    from bench.store.query import find_run

    store = read_store(results)
    publish_mlflow(store, find_run(store, run_id), uri, send=apply)


@command.command("folder")
@click.argument("name")
@click.option("--run", "run_ids", metavar="ID", multiple=True, help="Of this run; may be given again.")
@click.option(
    "--profile", type=click.Choice(["small", "full"]), default="small", show_default=True, help="Of claims."
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder of published reports.",
)
@click.option("--apply", is_flag=True, help="Write it.")
@results_option
@cache_option
def folder(*, name: str, apply: bool, reports: Path, **what: Any) -> None:
    """Put a report into reports/NAME, with a README and hashes, to be committed with a project.

    Of the latest run, or those given, and of all claims that there is evidence of.
    """
    from bench.cli.publish_pages import publish_folder

    publish_folder(reports / name, write_it=apply, **what)


@command.command("site")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("site"),
    show_default=True,
    help="Folder to write.",
)
@click.option(
    "--reports",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("reports"),
    show_default=True,
    help="Folder of published reports.",
)
@click.option("--title", default="bench reports", show_default=True, help="Of the site.")
@click.option("--url", default="", help="Where the site will be: its feed then has whole addresses.")
@click.option("--apply", is_flag=True, help="Write it.")
def site(*, output: Path, reports: Path, title: str, url: str, apply: bool) -> None:
    """Make a static site of all reports in a folder: an index, a feed, the latest; GitHub Pages serves it."""
    from bench.cli.publish_pages import publish_site

    publish_site(output, reports, title=title, url=url, write_it=apply)
