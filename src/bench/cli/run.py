"""`bench run SUITE`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import Duration, cache_option, results_option
from bench.config.limits import LONGEST_BUDGET_S, MOST_FOLDS, MOST_TRIALS
from bench.errors import ExitCode

if TYPE_CHECKING:
    from bench.execution.progress import Executor
    from bench.plans import Plan
    from bench.sources.cache import Cache
    from bench.store.sqlite import Store
    from bench.suites import Suite


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The command line of `bench run`, read once."""

    suite: str
    selection: str | None
    dry_run: bool
    budget: float | None
    trials: int | None
    folds: int | None
    within: float | None
    jobs: int | None
    executor: str
    fresh: bool
    results: Path
    cache: Path | None

    @property
    def key(self) -> str:
        """What makes two commands the same one, for going on with a budget that `--within` resolved."""
        names = ("suite", "selection", "trials", "folds", "within", "jobs")
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


@click.command("run")
@click.argument("suite")
@click.option(
    "-k", "selection", default=None, help="Only cells whose id matches: parts or globs, and, or, not."
)
@click.option("--dry-run", is_flag=True, help="Show the plan and stop: cells, exclusions, time, downloads.")
@click.option("--budget", type=Duration(LONGEST_BUDGET_S), help="CPU seconds a cell may spend.")
@click.option("--trials", type=click.IntRange(1, MOST_TRIALS), help="Trials a cell may make.")
@click.option(
    "--folds", type=click.IntRange(1, MOST_FOLDS), help="How many folds of the first repeat to run."
)
@click.option("--within", type=Duration(), help="Choose the budget so that the run ends in about this time.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Cells at once (default: as many as there are cores for)."
)
@click.option(
    "--executor",
    type=click.Choice(["local", "inline"]),
    default="local",
    show_default=True,
    help="local: a limited process for each cell; inline: this process, no limits, for debugging.",
)
@click.option(
    "--fresh", is_flag=True, help="Begin every cell anew; without it, finished work is never repeated."
)
@results_option
@cache_option
def command(**values: object) -> None:
    """Run a suite by name or path, or go on with it where it stopped, and show the leaderboard.

    Trials are kept as they end. After Ctrl-C the same command goes on; a larger --budget goes on too.
    """
    click.get_current_context().exit(int(_run(RunOptions(**values))))  # type: ignore[arg-type]


def _run(options: RunOptions) -> ExitCode:
    from bench.cli.conclusion import conclude
    from bench.cli.display import follow
    from bench.cli.plan import announce
    from bench.session import Request, make_plan, run
    from bench.sources.cache import Cache
    from bench.store.opening import open_store

    if options.budget is not None and options.within is not None:
        raise click.UsageError("give --budget or --within, not both")
    suite = _requested_suite(options)
    cache = Cache(options.cache)
    if options.dry_run:
        return _dry_run(suite, cache, options)
    executor = _executor(options, suite.budget.cores)
    store = open_store(options.results)
    request = Request(
        selection=options.selection,
        fresh=options.fresh,
        isolated=options.executor != "inline",
        within_s=options.within,
        key=options.key,
    )
    plan = make_plan(suite, cache, request, lambda line: click.echo(f"  {line}"))
    plan = _fitted_to_time(plan, options, store, executor.jobs)
    announce(plan, jobs=executor.jobs)
    events = run(plan, store, executor, cache, request)
    try:
        tally = follow(events, store, plan, jobs=executor.jobs)
    finally:
        events.close()
    return conclude(tally.run_id, plan, store)


def _requested_suite(options: RunOptions) -> Suite:
    """The suite with what the command line changes of it."""
    from bench.config.load import load_suite
    from bench.registry import learners
    from bench.sources.catalog import catalog

    suite = load_suite(options.suite, learners(), catalog())
    budget = dataclasses.replace(
        suite.budget,
        seconds=options.budget or suite.budget.seconds,
        trials=options.trials or suite.budget.trials,
    )
    return dataclasses.replace(suite, budget=budget, folds=options.folds or suite.folds)


def _executor(options: RunOptions, cores: int) -> Executor:
    if options.executor == "inline":
        from bench.execution.inline import InlineExecutor

        return InlineExecutor()
    from bench.execution.local import LocalExecutor

    return LocalExecutor(options.jobs, cores)


def _fitted_to_time(plan: Plan, options: RunOptions, store: Store | None, jobs: int) -> Plan:
    """The plan with the budget that `--within` leaves each cell; the same command gets the same one again."""
    if options.within is None:
        return plan
    from bench.cli.estimate import budget_within

    seconds = None if store is None else store.budget_of_request(options.key, plan.suite.hash)
    if seconds is None:
        seconds = budget_within(options.within, len(plan.runnable), jobs)
    click.echo(f"--within: {seconds:g} CPU seconds a cell")
    return dataclasses.replace(plan, budget=dataclasses.replace(plan.budget, seconds=seconds))


def _dry_run(suite: Suite, cache: Cache, options: RunOptions) -> ExitCode:
    """Show what would be done, without fetching or fitting anything."""
    from bench.cli.plan import show_downloads, show_plan
    from bench.session import Request, outline_plan
    from bench.sources.prepare import missing_packages

    plan = outline_plan(suite, cache, Request(selection=options.selection))
    names = [task.dataset for task in suite.tasks if task.dataset is not None]
    jobs = _executor(options, suite.budget.cores).jobs
    show_plan(_fitted_to_time(plan, options, None, jobs), jobs)
    show_downloads(missing_packages(names, cache))
    return ExitCode.DONE
