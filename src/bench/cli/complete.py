"""What a shell is offered after `bench run <Tab>`: names of suites, learners and runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import click
    from click.shell_completion import CompletionItem


def complete_suites(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the suites that begin so, then files."""
    from click.shell_completion import CompletionItem

    from bench.config.load import list_suites

    named = [CompletionItem(name) for name in list_suites() if name.startswith(incomplete)]
    return [*named, CompletionItem(incomplete, type="file")]


def complete_learners(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return the learners that begin so."""
    from click.shell_completion import CompletionItem

    from bench.registry import learners

    found = learners()
    return [CompletionItem(name, help=found[name].title) for name in found if name.startswith(incomplete)]


def complete_shown(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Return what `bench show` knows in the results folder: runs, tasks and cells; and learners."""
    from click.shell_completion import CompletionItem

    from bench.errors import BenchError
    from bench.store.opening import read_store
    from bench.store.query import cell_rows, find_run, runs

    offered = complete_learners(ctx, param, incomplete)
    try:
        store = read_store(Path(ctx.params.get("results") or "bench-results"))
        rows = cell_rows(store, find_run(store, None)["run_id"])
        names = [run["run_id"] for run in runs(store)]
    except BenchError:
        return offered  # there is no store yet: a Tab must not answer with an error
    names += list(dict.fromkeys(row["task"] for row in rows)) + [row["cell_id"] for row in rows]
    return [*offered, *(CompletionItem(name) for name in names if name.startswith(incomplete))]
