"""`bench show WHAT`: everything that is known of a run, a task, a learner or a cell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.complete import complete_shown
from bench.cli.options import results_option, run_option
from bench.errors import BenchError, ConfigError
from bench.facts import CHECKS

if TYPE_CHECKING:
    from bench.store.sqlite import Store

MOST_LISTED = 10


@click.command("show")
@click.argument("what", metavar="CELL|TASK|LEARNER|RUN|FACT", shell_complete=complete_shown)
@click.option("--code", is_flag=True, help="Of a learner or cell: Python code of its best configuration.")
@click.option("--task", metavar="TASK", help="With --code: on which task, where the run has several.")
@click.option("--json", "as_json", is_flag=True, help="Everything as one JSON object.")
@run_option
@results_option
def command(what: str, run_id: str | None, results: Path, **asked: Any) -> None:
    """Show what is known of WHAT: a run, a task, a learner, a fact, or a cell by its id or a part of it.

    A fact such as D203 shows its page: what is looked at in every table, and why. A cell shows its trials,
    its log, its tracebacks; a run its budget, machine and packages; a learner its search space and what it
    found. `bench show xgboost --code` prints the winning configuration as code.
    """
    from bench import portraits

    if what in CHECKS:
        from bench.sources.facts.pages import page

        click.echo(page(what), nl=False)
        return
    store, found = _run_of(results, run_id)
    if asked["code"]:
        click.echo(_code(store, found, what, asked["task"]), nl=False)
        return
    reference = _learner(what, found)
    if reference is not None:
        record = portraits.of_learner(reference, store, found)
    elif store is None or found is None:
        raise ConfigError(
            f'no learner or fact is called "{what}", and there are no results in {results} '
            f"(a table: `bench data show {what}`)"
        )
    else:
        record = _portrait(store, found, what)
    as_json: bool = asked["as_json"]
    click.echo(json.dumps(record, indent=2, default=str) if as_json else portraits.text(record), nl=as_json)


def _run_of(results: Path, run_id: str | None) -> tuple[Store | None, dict[str, Any] | None]:
    """The store and the run, or nothing: a learner can be shown before anything was run."""
    from bench.store.opening import read_store
    from bench.store.query import find_run
    from bench.store.sqlite import FILE_NAME

    if run_id is None and not (results / FILE_NAME).is_file():
        return None, None
    store = read_store(results)
    try:
        return store, find_run(store, run_id)
    except BenchError:
        if run_id is not None:
            raise
        return store, None


def _learner(what: str, run: dict[str, Any] | None) -> str | None:
    """Where the learner of that name is found, or nothing: one's own go by the import path of the run."""
    from bench.arms import is_import_path, names_arm
    from bench.cli.winners import reference_in
    from bench.registry import learners

    if is_import_path(what) or what in learners():
        return what
    own = None if run is None else reference_in(run, what)
    if own is not None and is_import_path(own):
        return own
    return what if names_arm(what) else None


def _portrait(store: Store, run: dict[str, Any], what: str) -> dict[str, Any]:
    from bench import portraits
    from bench.store.query import cell_rows, runs

    if what in {each["run_id"] for each in runs(store)}:
        return portraits.of_run(what, store)
    cells = cell_rows(store, run["run_id"])
    if what in {cell["task"] for cell in cells}:
        return portraits.of_task(what, store, run)
    return portraits.of_cell(_cell(what, cells, run), store, run)


def _cell(what: str, cells: list[dict[str, Any]], run: dict[str, Any]) -> dict[str, Any]:
    """The one cell that a part of an id means."""
    from fnmatch import fnmatchcase

    exact = [cell for cell in cells if cell["cell_id"] == what]
    found = exact or [cell for cell in cells if fnmatchcase(cell["cell_id"], f"*{what}*")]
    if len(found) == 1:
        return found[0]
    if not found:
        tasks = ", ".join(dict.fromkeys(cell["task"] for cell in cells))
        raise ConfigError(
            f'"{what}" is no run, task, learner or cell of run {run["run_id"]} (tasks: {tasks}; '
            f"cells: bench status, or for example {cells[0]['cell_id']})"
        )
    listed = [cell["cell_id"] for cell in found[:MOST_LISTED]]
    more = f"and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
    raise ConfigError(f'"{what}" means {len(found)} cells; which one?', *listed, *([more] if more else []))


def _code(store: Store | None, run: dict[str, Any] | None, what: str, task: str | None) -> str:
    """The code of the best configuration that a run found, or of the default where none has run."""
    from bench.cli.winners import winner_code

    return winner_code(store, run, what, task)
