"""`bench list WHAT`."""

from __future__ import annotations

import itertools
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import click

from bench.cli.options import cache_option, json_option, results_option
from bench.execution.postmortem import visible
from bench.interventions import NONE

WIDTH = 100


@click.group("list")
def command() -> None:
    """List suites, learners, families, tables, interventions, cells or runs."""


@command.command("suites")
@json_option
def suites(*, as_json: bool) -> None:
    """Suites that `bench run` finds by name, and where each is."""
    from bench.config.load import list_suites

    echo_records(
        [{"suite": name, "file": str(path)} for name, path in list_suites().items()], as_json=as_json
    )


@command.command("learners")
@json_option
def learners(*, as_json: bool) -> None:
    """Learners, with their family and what keeps them from running: packages, or their own faults."""
    from bench.registry import broken, missing
    from bench.registry import learners as all_learners

    rows = []
    for name, learner in all_learners().items():
        absent = missing(learner)
        note = f"needs {', '.join(absent)}" if absent else ""
        rows.append({"learner": name, "family": learner.family, "title": learner.title, "note": note})
    rows += [
        {"learner": name, "family": "-", "title": "broken", "note": reason}
        for name, reason in broken().items()
    ]
    echo_records(rows, as_json=as_json)


@command.command("families")
@json_option
def families(*, as_json: bool) -> None:
    """Families, with their learners and their bias in a sentence."""
    from bench.registry import families as all_families

    echo_records(
        [
            {"family": name, "learners": ", ".join(family.learners), "bias": family.bias}
            for name, family in all_families().items()
        ],
        as_json=as_json,
    )


@command.command("tables")
@json_option
def tables(*, as_json: bool) -> None:
    """Tables of the catalogue, with problem, origin, identity grade and where they come from."""
    from bench.sources.catalog import catalog

    echo_records(
        [
            {
                "table": name,
                "problem": record.problem,
                "origin": record.origin,
                "grade": record.grade,
                "OpenML": f"OpenML {record.openml_id}" if record.openml_id else "-",
                "package": record.package,
            }
            for name, record in catalog().items()
        ],
        as_json=as_json,
    )


@command.command("interventions")
@json_option
def interventions(*, as_json: bool) -> None:
    """Interventions, what each destroys, and which learners must not notice."""
    from bench.interventions import KINDS

    records = [
        {
            "changes": str(kind.part),
            "intervention": f"{kind.name}:N" if kind.amount else kind.name,
            "amount": str(kind.amount or ""),
            "destroys": kind.destroys,
            "unmoved": ", ".join(kind.unmoved),
            "compared_with": "" if kind.name == NONE else kind.reference,
        }
        for kind in KINDS.values()
    ]
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    for part, group in itertools.groupby(records, lambda record: record["changes"]):
        click.echo(f"{part}:")
        for record in group:
            click.echo("\n".join(_described(record)))


def _described(record: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines on an intervention: its name and amounts, what it destroys, whom it leaves."""
    yield f"  {record['intervention']:20}{record['amount']}".rstrip()
    said = [f"destroys {record['destroys']}"]
    if record["unmoved"]:
        said.append(f"must not notice: {record['unmoved']}")
    if record["compared_with"] not in ("", NONE):
        said.append(f"compared with {record['compared_with']}")
    yield from textwrap.wrap("; ".join(said), WIDTH, initial_indent="      ", subsequent_indent="      ")


@command.command("cells")
@click.argument("suite")
@click.option("-k", "selection", default=None, help="Only cells whose id matches.")
@json_option
@cache_option
def cells(suite: str, selection: str | None, cache: Path | None, *, as_json: bool) -> None:
    """Cell ids of a suite; fetches its tables where they are not in the cache."""
    from bench.config.openml import named_suite
    from bench.session import Request, make_plan
    from bench.sources.cache import Cache

    def say(line: str) -> None:
        click.echo(line, err=True)

    tables_here = Cache(cache)
    loaded = named_suite(suite, tables_here, say)
    plan = make_plan(loaded, tables_here, Request(selection=selection), say)
    rows = [
        {"cell": p.cell.id, "note": f"(not applicable: {p.not_applicable})" if p.not_applicable else ""}
        for p in plan.cells
    ]
    echo_records(rows, as_json=as_json)


@command.command("runs")
@json_option
@results_option
def runs(results: Path, *, as_json: bool) -> None:
    """Runs in the store, the latest first."""
    from bench.store.opening import read_store
    from bench.store.query import runs as stored

    echo_records(
        [
            {
                "run": run["run_id"],
                "suite": run["suite"],
                "cells": f"{run['cells']} cells",
                "budget": _budget(run["budget_s"], run["budget_trials"]),
                "ended": "ended" if run["ended_at"] else "not ended",
            }
            for run in stored(read_store(results))
        ],
        as_json=as_json,
    )


def _budget(seconds: float | None, trials: int | None) -> str:
    parts = [f"{seconds:g} s" if seconds else "", f"{trials} trials" if trials else ""]
    return ", ".join(part for part in parts if part) + " a cell"


def echo_records(records: Sequence[Mapping[str, str]], *, as_json: bool) -> None:
    """Print records as aligned columns, or as one JSON array."""
    if as_json:
        click.echo(json.dumps(records, indent=2))
        return
    rows = [[visible(value) for value in record.values()] for record in records]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows else []
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
