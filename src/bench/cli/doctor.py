"""`bench doctor`: is this machine fit to run on, and what would mend it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import click

from bench.cli.options import cache_option, json_option, results_option
from bench.errors import ExitCode


@click.command("doctor")
@json_option
@results_option
@cache_option
def command(results: Path, cache: Path | None, *, as_json: bool) -> None:
    """Check this machine: packages, devices, cores, limits, folders and plug-ins, each with what to do.

    Ends with 5 where something stops `bench run`; what only limits it is a warning.
    """
    from bench.diagnosis import Level, diagnose

    findings = diagnose(results, cache)
    if as_json:
        click.echo(json.dumps([dataclasses.asdict(finding) for finding in findings], indent=2))
    else:
        width = max(len(finding.what) for finding in findings)
        for finding in findings:
            advice = f"; {finding.advice}" if finding.advice else ""
            click.echo(f"{finding.level:<7} {finding.what:<{width}}  {finding.found}{advice}")
    stopped = any(finding.level is Level.STOPS for finding in findings)
    click.get_current_context().exit(int(ExitCode.PREREQUISITE if stopped else ExitCode.DONE))
