"""How a run ended: its leaderboards, what could not be finished and why, and where everything is."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from bench.cells import CellStatus
from bench.cli.plan import not_applicable
from bench.errors import ExitCode
from bench.execution.postmortem import visible
from bench.interventions import NONE, parse_intervention
from bench.plans import Plan, is_of_interventions, is_tour
from bench.store.query import cell_rows, find_run, trial_rows
from bench.store.sqlite import FILE_NAME, Store

FAILED = frozenset(status.value for status in CellStatus if status.failed)


def conclude(run_id: str, plan: Plan, store: Store) -> ExitCode:
    """Show the end of a run and return its exit code."""
    from bench.analysis import tables
    from bench.analysis.views import View
    from bench.boards import board, curves_of, sensitivity_of

    run = find_run(store, run_id)
    for by in ("learner", "family"):
        click.echo()
        click.echo(tables.text(board(store, run, View(by=by))), nl=False)
    cells = cell_rows(store, run_id)
    if _compares_interventions(plan):
        from bench.analysis import sensitivity

        click.echo()
        click.echo(sensitivity.text(sensitivity_of(store, run, View(by="family"))), nl=False)
    if _has_curves(plan):
        from bench.analysis import curve_tables

        click.echo()
        click.echo(curve_tables.text(curves_of(store, run, View(by="family"))), nl=False)
    click.echo()
    _say_unfinished(plan, cells)
    _say_trials(store, run_id)
    if is_tour(plan):
        click.echo(
            "This was a tour, not evidence. More from the same cells: --budget 60, --folds 3, --within 2h."
        )
    if is_of_interventions(plan):
        click.echo(
            "This was evidence of what the interventions change (bench sensitivity), not of what the "
            f"learners can do: {plan.budget.trials} trials are too few to rank by."
        )
    click.echo(f"Every trial: {store.folder / FILE_NAME}, predictions beside it. Again: bench leaderboard")
    return exit_code(plan, cells)


def _has_curves(plan: Plan) -> bool:
    """Whether some table is run at two training-set sizes, in the cells that curves are of."""
    there = [planned.cell.intervention for planned in plan.cells]
    first = NONE if NONE in there else there[0]
    shown = (planned.cell for planned in plan.cells if planned.cell.intervention == first)
    sizes = {(cell.task.name, cell.split.train_cap) for cell in shown}
    return len(sizes) > len({task for task, _ in sizes})


def _compares_interventions(plan: Plan) -> bool:
    """Whether there are cells under an intervention, and some under what it is compared with."""
    there = {planned.cell.intervention for planned in plan.cells}
    return any(parse_intervention(name).kind.reference in there for name in there - {NONE})


def exit_code(plan: Plan, cells: list[dict[str, Any]]) -> ExitCode:
    """Return how a run that went through ended: with failed cells, with parts left out, or whole."""
    failed = sum(cell["status"] in FAILED for cell in cells)
    if failed > plan.suite.allowed_failures * len(cells):
        return ExitCode.SOME_FAILED
    missing = any(not exclusion.repeated for exclusion in plan.exclusions)
    return ExitCode.PREREQUISITE if missing else ExitCode.DONE


def _say_trials(store: Store, run_id: str) -> None:
    """Say how the trials ended: one that failed inside a cell that has a score shows nowhere else."""
    counts = Counter(str(trial["status"]) for trial in trial_rows(store, run_id))
    click.echo(
        f"{counts.total():,} trials: " + ", ".join(f"{n:,} {status}" for status, n in counts.most_common())
    )


def _say_unfinished(plan: Plan, cells: list[dict[str, object]]) -> None:
    """Say how many cells ended how, and name each one that has no score, with the reason."""
    counts = Counter(str(cell["status"] or "not begun") for cell in cells)
    click.echo(f"{len(cells)} cells: " + ", ".join(f"{n} {status}" for status, n in counts.most_common()))
    for cell in cells:
        if cell["status"] not in (CellStatus.OK, CellStatus.NOT_APPLICABLE):
            click.echo(
                f"  {cell['status'] or 'not begun'}: {cell['cell_id']}: {visible(str(cell['reason']))}"
            )
    for line in not_applicable(plan):
        click.echo(f"  {line}")
    for exclusion in plan.exclusions:
        click.echo(f"  left out: {exclusion.what}: {exclusion.reason}")
