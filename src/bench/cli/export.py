"""`bench export`: the trials and cells of a run as files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import results_option, run_option
from bench.errors import PrerequisiteError

if TYPE_CHECKING:
    import pandas as pd


@click.command("export")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Folder to write.")
@click.option("--format", "form", type=click.Choice(["csv", "parquet"]), default="csv", show_default=True)
@run_option
@results_option
def command(output: Path, form: str, run_id: str | None, results: Path) -> None:
    """Write trials, cells and the environment record of a run as CSV or Parquet, at full precision."""
    import pandas as pd

    from bench.store.opening import read_store
    from bench.store.query import cell_rows, find_run, trial_rows

    store = read_store(results)
    run = find_run(store, run_id)
    frames = {
        "trials": pd.DataFrame(trial_rows(store, run["run_id"])),
        "cells": pd.DataFrame(cell_rows(store, run["run_id"])),
        "environment": pd.DataFrame(
            store.rows("SELECT * FROM environments WHERE hash = ?", (run["environment"],))
        ),
        "run": pd.DataFrame([run]),
    }
    try:
        output.mkdir(parents=True, exist_ok=True)
        for name, frame in frames.items():
            path = output / f"{name}.{form}"
            _write(frame, path, form)
            click.echo(f"{path}: {len(frame)} rows")
    except OSError as error:
        raise PrerequisiteError(
            f"{output}: {error.strerror or error}; name another folder with --output"
        ) from error


def _write(frame: pd.DataFrame, path: Path, form: str) -> None:
    if form == "csv":
        frame.to_csv(path, index=False)
        return
    try:
        frame.to_parquet(path, index=False)
    except ImportError as error:
        raise PrerequisiteError(
            "Parquet needs pyarrow; install it with `pip install 'inductive-bench[parquet]'`"
        ) from error
