"""A run as JSON, one event a line: for a program that follows it."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from bench.cli.conclusion import exit_code
from bench.errors import ExitCode
from bench.events import (
    CellElsewhere,
    CellFinished,
    CellStarted,
    Event,
    RunFinished,
    RunStarted,
    TrialFinished,
)
from bench.plans import Plan
from bench.store.query import cell_rows
from bench.store.sqlite import Store


def say(event: str, **values: Any) -> None:
    """Print one event with its UTC time."""
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    click.echo(json.dumps({"event": event, "at": at, **values}))


def say_plan(plan: Plan, downloads: Sequence[str]) -> None:
    """Print a plan, and which packages it would fetch."""
    say("plan", **_plan(plan), downloads=list(downloads))


def stream(events: Iterable[Event], plan: Plan, store: Store) -> ExitCode:
    """Print every event of a run; return its exit code."""
    run_id = ""
    for event in events:
        if isinstance(event, RunStarted):
            run_id = event.run_id
        _say_event(event)
    cells = cell_rows(store, run_id)
    return exit_code(plan, cells)


def _say_event(event: Event) -> None:
    match event:
        case RunStarted(run_id=run_id, plan=plan, done_before=before, to_do=to_do):
            say("run_started", run=run_id, **_plan(plan), done_before=before, to_do=to_do)
        case CellStarted(cell, continues_at):
            say("cell_started", cell=cell.id, continues_at=continues_at)
        case TrialFinished(cell, trial):
            say("trial_finished", cell=cell.id, trial=dataclasses.asdict(trial))
        case CellFinished(cell, outcome):
            say("cell_finished", cell=cell.id, outcome=dataclasses.asdict(outcome))
        case CellElsewhere(cell):
            say("cell_elsewhere", cell=cell.id)
        case RunFinished(run_id):
            say("run_finished", run=run_id)
        case _:
            pass


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "suite": plan.suite.name,
        "budget": dataclasses.asdict(plan.budget),
        "device": plan.suite.device,
        "cells": [planned.cell.id for planned in plan.cells],
        "not_applicable": {p.cell.id: p.not_applicable for p in plan.cells if p.not_applicable},
        "left_out": {each.what: each.reason for each in plan.exclusions},
    }
