"""`bench baseline VERB`: runs that are kept for later ones to be compared with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bench.cli.options import json_option, results_option, run_option

_FILE = click.Path(path_type=Path, dir_okay=False)


@click.group("baseline")
def command() -> None:
    """Save, list, show and drop baselines: runs that later ones are compared with.

    A baseline is a file of its own: in the results folder under a NAME, or anywhere with --file, to be
    committed or kept as an artefact of a build. `bench compare` takes either.
    """


@command.command("save")
@click.argument("name", required=False)
@click.option("--file", "path", type=_FILE, help="Write it there; packed if it ends in .gz.")
@click.option("--replace", is_flag=True, help="Over one that is there.")
@run_option
@results_option
def save(name: str | None, path: Path | None, run_id: str | None, results: Path, *, replace: bool) -> None:
    """Save a run, the latest without --run, as the baseline NAME or as a file."""
    from bench.comparisons import latest
    from bench.store import baselines

    target = _target(name, path, results)
    found = latest(results, run_id)
    size = baselines.write(found, target, replace=replace)
    click.echo(f"{target}: run {found.run_id}, {len(found.cells['cell_id'])} cells, {size / 1000:,.0f} kB")


@command.command("list")
@json_option
@results_option
def list_(results: Path, *, as_json: bool) -> None:
    """Baselines of the results folder."""
    from bench.cli.listing import echo_records
    from bench.store import baselines

    found = {name: baselines.read(baselines.named_file(results, name)) for name in baselines.names(results)}
    records = [
        {
            "baseline": name,
            "run": each.run_id,
            "suite": each.suite,
            "cells": f"{len(each.cells['cell_id'])} cells",
            "commit": each.commit[:12],
        }
        for name, each in found.items()
    ]
    echo_records(records, as_json=as_json)


@command.command("show")
@click.argument("name", required=False)
@click.option("--file", "path", type=_FILE, help="Of a baseline that is a file.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@results_option
def show(name: str | None, path: Path | None, results: Path, *, as_json: bool) -> None:
    """What a baseline is of: suite, budget, machine, commit, packages, tables, cells."""
    from bench.portraits import of_baseline, text
    from bench.store import baselines

    target = _target(name, path, results)
    if name is not None and not target.is_file():
        raise baselines.unknown(results, name)
    record = of_baseline(baselines.read(target))
    click.echo(json.dumps(record, indent=2) if as_json else text(record), nl=as_json)


@command.command("drop")
@click.argument("name")
@results_option
def drop(name: str, results: Path) -> None:
    """Remove a baseline; the run it was saved from stays."""
    from bench.store import baselines

    click.echo(f"{baselines.drop(results, name)}: removed")


def _target(name: str | None, path: Path | None, results: Path) -> Path:
    """Return the file that is meant: that of a name, or the one that is given."""
    from bench.store import baselines

    if (name is None) == (path is None):
        raise click.UsageError("give a NAME or --file, and not both")
    return path if path is not None else baselines.named_file(results, str(name))
