"""A plan in words: before a run, and instead of one."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Sequence

import click

from bench.cli.estimate import cell_wall_s, span
from bench.datasets import ProblemType
from bench.plans import Plan, is_tour
from bench.sources.catalog import Package

WIDTH = 100


def announce(plan: Plan, jobs: int) -> None:
    """Say what is about to run, under which rules, and what its results may be used for."""
    learners = {planned.cell.learner for planned in plan.cells}
    title = (
        f"{plan.suite.title}: {len(plan.tasks)} tables x {len(learners)} learners, {len(plan.cells)} cells"
    )
    click.echo(title)
    _say(_tables_line(plan))
    _say(_rules_line(plan))
    if is_tour(plan):
        _say("A tour, not evidence: budgets this short and so few splits rank by speed and luck as well.")
    if plan.suite.note:
        _say(plan.suite.note)
    for exclusion in plan.exclusions:
        _say(f"left out: {exclusion.what}: {exclusion.reason}")
    for planned in plan.cells:
        if planned.not_applicable is not None:
            _say(f"not applicable: {planned.cell.id}: {planned.not_applicable}")
    wall = span(len(plan.runnable) * cell_wall_s(plan.budget) / jobs)
    _say(f"about {wall} at {jobs} cell{'s' if jobs > 1 else ''} at once, if nothing is done yet")


def show_plan(plan: Plan, jobs: int) -> None:
    """Show every table and cell of a plan, then what `announce` says."""
    for task in plan.tasks:
        data = task.dataset
        openml = f"OpenML {data.openml_id}, {data.grade}" if data.openml_id else "not on OpenML"
        click.echo(
            f"{task.name}: {data.problem}, {data.n_rows:,} rows, {len(data.features)} features "
            f"({data.n_categorical} categorical), {data.origin}; {openml}; {task.splits.procedure}; "
            f"{data.source}"
        )
    for planned in plan.cells:
        click.echo(planned.cell.id)
    announce(plan, jobs)


def _say(text: str) -> None:
    click.echo(
        textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    )


def _rules_line(plan: Plan) -> str:
    """The budget, the caps and the validation, as one sentence."""
    suite, budget = plan.suite, plan.budget
    limits = [
        f"{budget.seconds:g} CPU s" if budget.seconds else "",
        f"{budget.trials} trials" if budget.trials else "",
    ]
    caps = [
        f"{cap:,} {what} rows"
        for cap, what in ((suite.train_cap, "training"), (suite.test_cap, "test"))
        if cap is not None
    ]
    holdout = suite.validation.method == "holdout"
    validation = "% of the training rows held out" if holdout else " inner folds"
    splits = len({planned.cell.split.fold for planned in plan.cells})
    return (
        f"each cell: at most {' and '.join(limit for limit in limits if limit)}, {budget.cores} core"
        f"{'s' if budget.cores > 1 else ''}, {budget.memory_bytes / 2**30:g} GiB; "
        f"{'at most ' + ' and '.join(caps) if caps else 'all rows'}; "
        f"{suite.validation.amount}{validation}; {splits} split{'s' if splits > 1 else ''}"
    )


def show_downloads(packages: Sequence[Package]) -> None:
    """Say what would be fetched."""
    for package in packages:
        click.echo(f"  to download: {package.name} {package.version}, {package.size_bytes / 1e6:.1f} MB")
    if not packages:
        click.echo("  nothing to download")


def _tables_line(plan: Plan) -> str:
    kinds = Counter(task.problem for task in plan.tasks)
    parts = [f"{kinds[problem]} {problem}" for problem in ProblemType if kinds[problem]]
    official = sum(task.splits.official for task in plan.tasks)
    others = len(plan.tasks) - official
    origins = Counter(task.dataset.origin.value for task in plan.tasks)
    splits = f"OpenML's own splits on {official}, seeded 3-fold on {others}"
    return f"{', '.join(parts)}; {', '.join(f'{n} {origin}' for origin, n in origins.items())}; {splits}"
