"""`bench status`: how far a run is."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import click

from bench.cli.options import json_option, results_option, run_option


@click.command("status")
@json_option
@run_option
@results_option
def command(run_id: str | None, results: Path, *, as_json: bool) -> None:
    """Show how far a run is: cells by status, what failed and why, what is left."""
    from bench.store.opening import read_store
    from bench.store.query import NOT_BEGUN, cell_rows, exclusions, find_run

    store = read_store(results)
    run = find_run(store, run_id)
    cells = cell_rows(store, run["run_id"])
    if as_json:
        kept = ("cell_id", "status", "reason", "attempt", "ended_by", "wall_s", "started_at", "ended_at")
        record = {"run": run["run_id"], "suite": run["suite"], "ended": run["ended_at"] is not None}
        shown = [{key: cell[key] for key in kept} for cell in cells]
        click.echo(json.dumps({**record, "cells": shown, "left_out": exclusions(run)}, indent=2))
        return
    counts = Counter(cell["status"] or "not begun" for cell in cells)
    parts = [
        f"{run['budget_s']:g} s" if run["budget_s"] else "",
        f"{run['budget_trials'] or 'any number of'} trials",
    ]
    click.echo(f"run {run['run_id']} of suite {run['suite']}, {', '.join(p for p in parts if p)} a cell")
    click.echo(
        f"started {run['started_at']}, " + (f"ended {run['ended_at']}" if run["ended_at"] else "not ended")
    )
    click.echo(f"{len(cells)} cells: " + ", ".join(f"{n} {status}" for status, n in counts.most_common()))
    for cell in cells:
        if cell["status"] not in ("ok", NOT_BEGUN):
            click.echo(f"  {cell['status']}: {cell['cell_id']}: {cell['reason']}")
    for what, reason in exclusions(run).items():
        click.echo(f"  left out: {what}: {reason}")
    if any(cell["status"] in (NOT_BEGUN, "interrupted") for cell in cells):
        click.echo("the command that started it goes on with what is left")
