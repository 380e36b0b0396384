"""`bench`: reads the command line, calls one verb, and turns errors into one line and an exit code."""

from __future__ import annotations

import importlib
import os
import signal
import sys
from types import FrameType
from typing import Any

import click

from bench.errors import BenchError, ExitCode

VERBS = {
    "run": ("bench.cli.run", "Run a suite, or learners on your own file, and show the leaderboard."),
    "leaderboard": ("bench.cli.leaderboard", "Show the leaderboard of a run, at any smaller budget."),
    "curves": ("bench.cli.curves", "Show how errors fall and seconds grow with the training rows."),
    "report": ("bench.cli.report", "Write a page, tables and figures of runs and claims."),
    "compare": ("bench.cli.compare", "Compare a run with a baseline; leave with 4 where it is worse."),
    "baseline": ("bench.cli.baseline", "Save, list, show and drop runs that others are compared with."),
    "claims": ("bench.cli.claims", "List, plan, run and judge claims about inductive biases."),
    "sensitivity": ("bench.cli.sensitivity", "Show how much errors grow under each intervention."),
    "status": ("bench.cli.status", "Show how far a run is and what failed."),
    "show": ("bench.cli.show", "Show a run, task, learner or cell: log, configurations, environment, code."),
    "list": ("bench.cli.listing", "List suites, learners, families, tables, interventions, cells or runs."),
    "data": ("bench.cli.data", "Fetch, list, show, verify, pack, unpack and evict tables."),
    "validate": ("bench.cli.validate", "Check a suite file; every error at once."),
    "export": ("bench.cli.export", "Write the trials of a run as CSV or Parquet."),
    "publish": ("bench.cli.publish", "Hand results on: runs on OpenML, runs of MLflow."),
    "doctor": ("bench.cli.doctor", "Check this machine: packages, devices, limits, folders, plug-ins."),
    "completion": ("bench.cli.completion", "Print the script for completion in bash, zsh or fish."),
}
EPILOG = """\b
Exit codes:
  0 done                     4 regression
  1 some cells failed        5 prerequisite missing
  2 usage or configuration   6 not enough evidence
  3 nothing selected         130 interrupted"""


class _ReaderLeftError(Exception):
    """Whoever read the output has gone."""


class Verbs(click.Group):
    """Loads a verb's module when it is called, so that help answers at once."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order in which one needs them."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the verb's command, or None where there is no such verb."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name][0]).command
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Call the verb; that nobody reads what it prints is no failure, which click takes it for."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise _ReaderLeftError from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing one."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in VERBS.items()])


@click.group(cls=Verbs, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="inductive-bench", prog_name="bench")
def bench() -> None:
    """Which inductive bias fits which data, at what cost?

    Compares model families on real tables under equal, enforced budgets.
    Start with `bench run tabular`, or `bench run FILE.csv --target COLUMN`.
    """


def main() -> None:
    """Run the command line and leave with its exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = bench.main(standalone_mode=False, complete_var="_BENCH_COMPLETE")
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        code = ExitCode.USAGE
    except click.UsageError as error:
        where = error.ctx.command_path if error.ctx is not None else "bench"
        click.echo(f"{where}: {error.format_message()} (see {where} --help)", err=True)
        code = ExitCode.USAGE
    except BenchError as error:
        for line in str(error).splitlines():
            click.echo(f"bench: {line}", err=True)
        code = error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("bench: interrupted; everything finished is kept, the same command goes on", err=True)
        code = ExitCode.INTERRUPTED
    except _ReaderLeftError:
        code = ExitCode.DONE
    _flush()
    sys.exit(int(code or 0))


def _flush() -> None:
    """Write out what is left, and do not mind whether anybody still reads."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
