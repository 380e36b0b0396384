"""`bench list WHAT`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from bench.cli.options import cache_option, results_option


@click.group("list")
def command() -> None:
    """List suites, learners, families, tables, cells or runs."""


@command.command("suites")
def suites() -> None:
    """Suites that `bench run` finds by name, and where each is."""
    from bench.config.load import list_suites

    _echo_table([(name, str(path)) for name, path in list_suites().items()])


@command.command("learners")
def learners() -> None:
    """Learners, with their family and whether their packages are installed."""
    from bench.registry import learners as all_learners
    from bench.registry import missing

    rows = []
    for name, learner in all_learners().items():
        absent = missing(learner)
        rows.append((name, learner.family, learner.title, f"needs {', '.join(absent)}" if absent else ""))
    _echo_table(rows)


@command.command("families")
def families() -> None:
    """Families, with their learners and their bias in a sentence."""
    from bench.registry import families as all_families

    _echo_table([(name, ", ".join(f.learners), f.bias) for name, f in all_families().items()])


@command.command("tables")
def tables() -> None:
    """Tables of the catalogue, with problem, origin, identity grade and where they come from."""
    from bench.sources.catalog import catalog

    _echo_table(
        [
            (name, r.problem, r.origin, r.grade, f"OpenML {r.openml_id}" if r.openml_id else "-", r.package)
            for name, r in catalog().items()
        ]
    )


@command.command("cells")
@click.argument("suite")
@click.option("-k", "selection", default=None, help="Only cells whose id matches.")
@cache_option
def cells(suite: str, selection: str | None, cache: Path | None) -> None:
    """Cell ids of a suite; fetches its tables where they are not in the cache."""
    from bench.config.load import load_suite
    from bench.registry import learners as all_learners
    from bench.session import Request, make_plan
    from bench.sources.cache import Cache
    from bench.sources.catalog import catalog

    loaded = load_suite(suite, all_learners(), catalog())
    plan = make_plan(
        loaded, Cache(cache), Request(selection=selection), lambda line: click.echo(line, err=True)
    )
    for planned in plan.cells:
        note = f"  (not applicable: {planned.not_applicable})" if planned.not_applicable else ""
        click.echo(planned.cell.id + note)


@command.command("runs")
@results_option
def runs(results: Path) -> None:
    """Runs in the store, the latest first."""
    from bench.store.opening import read_store
    from bench.store.query import runs as stored

    rows = [
        (r["run_id"], r["suite"], f"{r['cells']} cells", _budget(r["budget_s"], r["budget_trials"]),
         "ended" if r["ended_at"] else "not ended")
        for r in stored(read_store(results))
    ]  # fmt: skip
    _echo_table(rows)


def _budget(seconds: float | None, trials: int | None) -> str:
    parts = [f"{seconds:g} CPU s" if seconds else "", f"{trials} trials" if trials else ""]
    return ", ".join(part for part in parts if part) + " a cell"


def _echo_table(rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
