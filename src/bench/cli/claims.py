"""`bench claims VERB`: claims, what they need, and what the evidence says of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bench.cli.options import Duration, cache_option, json_option, results_option
from bench.errors import ExitCode

if TYPE_CHECKING:
    from bench.analysis.claims.evidence import Asked
    from bench.claims import Claim
    from bench.execution.progress import Executor
    from bench.judgements import Judgement
    from bench.plans import Plan
    from bench.sources.cache import Cache
    from bench.store.sqlite import Store

F = TypeVar("F", bound=Callable[..., Any])


def _names(function: F) -> F:
    return click.argument("names", metavar="[CLAIM]...", nargs=-1)(function)


def _profile(function: F) -> F:
    return click.option(
        "--profile",
        type=click.Choice(["small", "full"]),
        default="small",
        show_default=True,
        help="How large: two cores and minutes, or hours.",
    )(function)


@click.group("claims")
def command() -> None:
    """Run and judge claims: verdicts by rules that were fixed beforehand.

    A CLAIM is a name, an id or the path of a .toml file; without one, all of them.
    """


@command.command("list")
@json_option
def list_(*, as_json: bool) -> None:
    """Claims that there are, and what is expected of each."""
    from bench.cli.listing import echo_records

    rows = [
        {"id": c.id, "claim": c.name, "expected": c.expected.value, "title": c.title} for c in _claims(())
    ]
    echo_records(sorted(rows, key=lambda row: row["id"]), as_json=as_json)


@command.command("show")
@click.argument("name", metavar="CLAIM")
def show(name: str) -> None:
    """What a claim says, its sources, sides, contrasts, controls and scope."""
    from bench.cli.claim_portrait import portrait

    click.echo(portrait(_claims((name,))[0]), nl=False)


@command.command("plan")
@_names
@_profile
@results_option
@cache_option
def plan(names: tuple[str, ...], profile: str, results: Path, cache: Path | None) -> None:
    """What would be run, how long that takes, and which effect it can detect."""
    from bench.cli.claim_portrait import plan_lines
    from bench.judgements import outlined
    from bench.sources.cache import Cache
    from bench.store.opening import read_store
    from bench.store.sqlite import FILE_NAME

    store = read_store(results) if (results / FILE_NAME).is_file() else None
    cached = Cache(cache)
    for claim in _claims(names):
        if profile in claim.profiles or names:
            for line in plan_lines(claim, outlined(claim, profile, cached), store):
                click.echo(line)


@command.command("run")
@_names
@_profile
@click.option(
    "--jobs", type=click.IntRange(1), help="Cells at once (default: as many as there are cores for)."
)
@click.option("--fresh", is_flag=True, help="Begin every cell anew.")
@results_option
@cache_option
def run(names: tuple[str, ...], profile: str, results: Path, cache: Path | None, **how: Any) -> None:
    """Run the cells of claims that the store does not hold yet, then judge them."""
    from bench.sources.cache import Cache
    from bench.store.opening import open_store

    store, cached = open_store(results), Cache(cache)
    code = ExitCode.DONE
    for claim in _claims(names):
        if profile in claim.profiles or names:
            code = max(code, _run(claim, profile, store, cached, **how))
    click.get_current_context().exit(int(code))


@command.command("judge")
@_names
@_profile
@click.option("--at", "budget_s", type=Duration(), help="Replay a smaller budget: billed seconds a cell.")
@click.option("--at-trials", "budget_trials", type=click.IntRange(1), help="The same in trials a cell.")
@click.option(
    "--show",
    type=click.Choice(["tuned", "default", "ensembled"]),
    help="For every side alike: the best validated trial, the default, or an ensemble of the trials.",
)
@click.option(
    "--format", "form", type=click.Choice(["text", "lines", "json"]), default="text", show_default=True
)
@results_option
@cache_option
def judge(form: str, budget_s: float | None, budget_trials: int | None, show: Any, **scope: Any) -> None:
    """What the evidence in the store says of claims; nothing is run."""
    from bench.analysis.claims.evidence import Asked

    _say(_judged(Asked(budget_s=budget_s, budget_trials=budget_trials, show=show), **scope), form)


@command.command("check")
@_names
@_profile
@results_option
@cache_option
def check(**scope: Any) -> None:
    """Judge, and leave with an exit code: 4 if a verdict is not the one expected, 6 if one is undecided."""
    from bench.analysis.claims.evidence import Asked
    from bench.verdicts import Word

    found = _judged(Asked(), **scope)
    _say(found, "lines")
    others = [each.verdict.decision.word for each in found if not each.verdict.as_expected]
    code = ExitCode.NOT_ENOUGH_EVIDENCE if others else ExitCode.DONE
    if {Word.SUPPORTED, Word.REFUTED} & set(others):
        code = ExitCode.REGRESSION
    click.get_current_context().exit(int(code))


def _claims(names: Sequence[str]) -> list[Claim]:
    from bench.config.claims import list_claims, load_claim

    return [load_claim(name) for name in names or list_claims()]


def _judged(
    asked: Asked, *, names: Sequence[str], profile: str, results: Path, cache: Path | None
) -> list[Judgement]:
    from bench.judgements import judgement
    from bench.sources.cache import Cache
    from bench.store.opening import read_store

    wanted = [claim for claim in _claims(names) if profile in claim.profiles or names]
    store, cached = read_store(results), Cache(cache)
    return [judgement(store, claim, profile, cached, asked) for claim in wanted]


def _say(found: Sequence[Judgement], form: str) -> None:
    from bench.reporting import judgement_text

    match form:
        case "json":
            click.echo(judgement_text.to_json(found), nl=False)
        case "lines":
            click.echo(judgement_text.lines(found), nl=False)
        case _:
            for each in found:
                click.echo(judgement_text.text(each))
            if len(found) > 1:
                click.echo(judgement_text.lines(found), nl=False)


def _run(
    claim: Claim, profile: str, store: Store, cache: Cache, *, jobs: int | None, fresh: bool
) -> ExitCode:
    from bench.cli.plan import announce
    from bench.execution.choice import executor_for
    from bench.judgements import judgement, planned, shares
    from bench.reporting.judgement_text import text

    plan = planned(claim, profile, cache, lambda line: click.echo(f"  {line}"))
    executor = executor_for(plan.suite, "local", jobs)
    announce(plan, jobs=executor.jobs, ranks=False)
    code = ExitCode.DONE
    for part in shares(claim, plan):
        code = max(code, _run_part(part, store, cache, executor, fresh=fresh))
    click.echo()
    click.echo(text(judgement(store, claim, profile, cache)))
    return code


def _run_part(part: Plan, store: Store, cache: Cache, executor: Executor, *, fresh: bool) -> ExitCode:
    """Run the cells of a claim that spend the same."""
    from bench.cli.conclusion import exit_code
    from bench.cli.display import follow
    from bench.session import Request, run
    from bench.store.query import cell_rows

    budget = part.budget
    key = f"suite={part.suite.name} {part.suite.hash} seconds={budget.seconds} trials={budget.trials}"
    events = run(part, store, executor, cache, Request(key=key, fresh=fresh))
    try:
        tally = follow(events, store, part, jobs=executor.jobs)
    except BrokenPipeError:
        raise click.Abort from None  # whoever read along has gone: as Ctrl-C
    finally:
        events.close()
    return exit_code(part, cell_rows(store, tally.run_id))
