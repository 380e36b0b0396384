"""`bench run SUITE` and `bench run FILE --target COLUMN`."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.complete import complete_learners, complete_suites
from bench.cli.options import Duration, KindOf, cache_option, results_option
from bench.config.limits import LONGEST_BUDGET_S, MOST_FOLDS, MOST_REPEATS, MOST_TRIALS
from bench.datasets import ColumnKind, ProblemType
from bench.errors import ExitCode
from bench.facts import ACCEPTABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from bench.events import Event
    from bench.plans import Plan
    from bench.sources.cache import Cache
    from bench.store.sqlite import Store
    from bench.suites import Suite


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """The command line of `bench run`, read once."""

    suite: str
    target: str | None
    problem: str | None
    kinds: tuple[tuple[str, ColumnKind], ...]
    group: str | None
    time: str | None
    learners: tuple[str, ...]
    selection: str | None
    dry_run: bool
    budget: float | None
    trials: int | None
    folds: int | None
    repeats: int | None
    within: float | None
    jobs: int | None
    device: str | None
    accept: tuple[str, ...]
    executor: str
    fresh: bool
    rerun: str | None
    as_json: bool
    results: Path
    cache: Path | None

    @property
    def key(self) -> str:
        """What makes two commands the same one, for going on with a budget that `--within` resolved."""
        names = (
            *("suite", "target", "learners", "selection", "trials", "folds", "repeats", "within", "jobs"),
            *("device", "accept"),
        )
        return " ".join(f"{name}={getattr(self, name)}" for name in names)


@click.command("run")
@click.argument("suite", metavar="SUITE|FILE", shell_complete=complete_suites)
@click.option("--target", metavar="COLUMN", help="Run on a file of your own: predict this column of it.")
@click.option(
    "--problem",
    type=click.Choice([problem.value for problem in ProblemType]),
    help="What the target is, where it is misread.",
)
@click.option(
    "--kind",
    "kinds",
    multiple=True,
    type=KindOf(),
    metavar="COLUMN=KIND",
    help="What a column holds: numeric, categorical, date or ignore. May be given again.",
)
@click.option("--group", metavar="COLUMN", help="Never part rows that share this column's value.")
@click.option("--time", metavar="COLUMN", help="Learn from the past, test on the future, by this column.")
@click.option(
    "-l",
    "--learner",
    "learners",
    multiple=True,
    shell_complete=complete_learners,
    help="Run this learner instead of the suite's: a name, or package.module:attribute. May be given again.",
)
@click.option(
    "-k", "selection", default=None, help="Only cells whose id matches: parts or globs, and, or, not."
)
@click.option("--dry-run", is_flag=True, help="Show the plan and stop: cells, exclusions, time, downloads.")
@click.option("--budget", type=Duration(LONGEST_BUDGET_S), help="CPU seconds a cell may spend.")
@click.option("--trials", type=click.IntRange(1, MOST_TRIALS), help="Trials a cell may make.")
@click.option(
    "--folds",
    type=click.IntRange(1, MOST_FOLDS),
    help="How many folds of a repeat to run, if it has so many.",
)
@click.option(
    "--repeats",
    type=click.IntRange(1, MOST_REPEATS),
    help="How many repeats of the splits, if there are so many.",
)
@click.option("--within", type=Duration(), help="Choose the budget so that the run ends in about this time.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Cells at once (default: as many as there are cores for)."
)
@click.option(
    "--device",
    type=click.Choice(["cpu", "cuda"]),
    help="cuda: cells have the GPU, one at a time, and seconds are wall seconds for every learner.",
)
@click.option(
    "--accept",
    multiple=True,
    type=click.Choice(ACCEPTABLE),
    help="Run tables that this fact would leave out. May be given again.",
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
@click.option("--rerun", type=click.Choice(["failed"]), help="Begin the cells anew that failed.")
@click.option("--json", "as_json", is_flag=True, help="Say what happens as JSON, an event a line.")
@results_option
@cache_option
def command(**values: object) -> None:
    """Run a suite by name or path, or learners on a file of your own, and show the leaderboard.

    Trials are kept as they end. After Ctrl-C the same command goes on; a larger --budget goes on too.
    A file (CSV, Parquet or ARFF) needs --target; the suite made of it is written down for next time.
    """
    click.get_current_context().exit(int(_run(RunOptions(**values))))  # type: ignore[arg-type]


def _run(options: RunOptions) -> ExitCode:
    from bench.execution.choice import executor_for
    from bench.session import Request, make_plan, run
    from bench.sources.cache import Cache
    from bench.store.opening import open_store

    if options.budget is not None and options.within is not None:
        raise click.UsageError("give --budget or --within, not both")
    cache = Cache(options.cache)
    suite = _requested_suite(options, cache)
    if options.dry_run:
        return _dry_run(suite, cache, options)
    executor = executor_for(suite, options.executor, options.jobs)
    store = open_store(options.results)
    request = Request(
        selection=options.selection,
        fresh=options.fresh,
        rerun_failed=options.rerun is not None,
        isolated=options.executor != "inline",
        within_s=options.within,
        key=options.key,
    )
    plan = make_plan(suite, cache, request, _teller(options))
    if options.target is not None:
        plan = _written_down(plan, options)
    plan = _fitted_to_time(plan, options, store, executor.jobs)
    events = run(plan, store, executor, cache, request)
    try:
        return _followed(events, plan, store, options, executor.jobs)
    except BrokenPipeError:
        raise click.Abort from None  # whoever read along has gone: as Ctrl-C
    finally:
        events.close()


def _written_down(plan: Plan, options: RunOptions) -> Plan:
    """The plan of a file of one's own, its suite kept for next time now that it is known to work."""
    from bench.cli.own import write_down

    path = write_down(plan.suite, options.results / "suites")
    _teller(options)(f"suite for next time, yours to change: {path}")
    return dataclasses.replace(plan, suite=dataclasses.replace(plan.suite, path=str(path)))


def _requested_suite(options: RunOptions, cache: Cache) -> Suite:
    """The suite, or the one made of a file, with what the command line changes of it."""
    from bench.cli.own import is_data_file, suite_of_file
    from bench.config.changes import Changes, changed
    from bench.config.openml import named_suite

    changes = Changes(
        budget_s=options.budget,
        trials=options.trials,
        folds=options.folds,
        repeats=options.repeats,
        device=options.device,
        learners=options.learners,
        accept=options.accept,
    )
    if options.target is not None or is_data_file(options.suite):
        return suite_of_file(options, changes)
    own = [name for name in ("problem", "kinds", "group", "time") if getattr(options, name)]
    if own:
        raise click.UsageError(f"--{own[0].removesuffix('s')} belongs to a file of your own, with --target")
    return changed(named_suite(options.suite, cache, _teller(options)), changes)


def _teller(options: RunOptions) -> Callable[[str], None]:
    """Return who is told what is fetched and converted."""
    if options.as_json:
        from bench.cli.stream import say

        return lambda line: say("message", text=line)
    return lambda line: click.echo(f"  {line}")


def _followed(events: Iterable[Event], plan: Plan, store: Store, options: RunOptions, jobs: int) -> ExitCode:
    """Show a run until it ends."""
    if options.as_json:
        from bench.cli.stream import stream

        return stream(events, plan, store)
    from bench.cli.conclusion import conclude
    from bench.cli.display import follow
    from bench.cli.plan import announce

    announce(plan, jobs=jobs)
    tally = follow(events, store, plan, jobs=jobs)
    return conclude(tally.run_id, plan, store)


def _fitted_to_time(plan: Plan, options: RunOptions, store: Store | None, jobs: int) -> Plan:
    """The plan with the budget that `--within` leaves each cell; the same command gets the same one again."""
    if options.within is None:
        return plan
    from bench.cli.estimate import budget_within

    seconds = None if store is None else store.budget_of_request(options.key, plan.suite.hash)
    if seconds is None:
        seconds = budget_within(options.within, len(plan.runnable), jobs)
    _teller(options)(f"--within: {seconds:g} seconds a cell")
    return dataclasses.replace(plan, budget=dataclasses.replace(plan.budget, seconds=seconds))


def _dry_run(suite: Suite, cache: Cache, options: RunOptions) -> ExitCode:
    """Show what would be done, without fetching or fitting anything."""
    from bench.cli.plan import show_downloads, show_plan
    from bench.cli.stream import say_plan
    from bench.execution.choice import executor_for
    from bench.session import Request, outline_plan
    from bench.sources.prepare import missing_packages

    plan = outline_plan(suite, cache, Request(selection=options.selection))
    names = [task.dataset for task in suite.tasks if task.dataset is not None]
    to_ask = [t for t in suite.tasks if t.openml_task and cache.describe(f"openml-{t.openml_task}") is None]
    jobs = executor_for(suite, options.executor, options.jobs).jobs
    plan, packages = _fitted_to_time(plan, options, None, jobs), missing_packages(names, cache)
    if options.as_json:
        say_plan(plan, [package.name for package in packages])
    else:
        show_plan(plan, jobs)
        show_downloads(packages, len(to_ask))
    return ExitCode.DONE
