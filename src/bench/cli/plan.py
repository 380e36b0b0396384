"""A plan in words: before a run, and instead of one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click

from bench.cli.estimate import cell_wall_s, span
from bench.datasets import ProblemType
from bench.plans import Plan, is_tour
from bench.sources.catalog import Package


def announce(plan: Plan, jobs: int) -> None:
    """Say what is about to run, under which rules, and what its results may be used for."""
    suite, budget = plan.suite, plan.budget
    learners = {planned.cell.learner for planned in plan.cells}
    click.echo(f"{suite.title}: {len(plan.tasks)} tables x {len(learners)} learners, {len(plan.cells)} cells")
    click.echo(f"  {_tables_line(plan)}")
    limits = [
        f"{budget.seconds:g} CPU s" if budget.seconds else "",
        f"{budget.trials} trials" if budget.trials else "",
    ]
    caps = [
        f"{cap:,} {what} rows"
        for cap, what in ((suite.train_cap, "training"), (suite.test_cap, "test"))
        if cap
    ]
    folds = {planned.cell.split.fold for planned in plan.cells}
    click.echo(
        f"  each cell: at most {' and '.join(x for x in limits if x)}, {budget.cores} core, "
        f"{budget.memory_bytes / 2**30:g} GiB; at most {' and '.join(caps) or 'all rows'}; "
        f"{suite.validation.amount} "
        f"{'% of the training rows held out' if suite.validation.method == 'holdout' else 'inner folds'}; "
        f"{len(folds)} split{'s' if len(folds) > 1 else ''}"
    )
    if is_tour(plan):
        click.echo(
            "  A tour, not evidence: budgets this short and so few splits rank by speed and luck as well."
        )
    if suite.note:
        click.echo(f"  {suite.note}")
    for exclusion in plan.exclusions:
        click.echo(f"  left out: {exclusion.what}: {exclusion.reason}")
    not_applicable = [planned for planned in plan.cells if planned.not_applicable]
    for planned in not_applicable:
        click.echo(f"  not applicable: {planned.cell.id}: {planned.not_applicable}")
    wall = span(len(plan.runnable) * cell_wall_s(budget) / jobs)
    click.echo(f"  about {wall} at {jobs} cell{'s' if jobs > 1 else ''} at once, if nothing is done yet")


def show_plan(plan: Plan, jobs: int) -> None:
    """Show every cell of a plan, then what `announce` says."""
    for planned in plan.cells:
        click.echo(planned.cell.id)
    announce(plan, jobs)


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
