"""What else differs between a run and its baseline, and what to know before an answer is believed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bench.analysis.comparison.answers import Answer, Word
from bench.analysis.comparison.matching import listed
from bench.analysis.comparison.pairs import Pairs
from bench.baselines import Baseline
from bench.environments import MACHINE
from bench.thresholds import FIT_S

FEWER = 0.8
"""A run that finished a smaller share of the other's trials is said to be slower."""
MOVED = 3


def machine_difference(baseline: Baseline, run: Baseline) -> str:
    """Return why seconds of two runs are no measure of each other; empty where they ran on one machine."""
    if baseline.machine == run.machine:
        return ""
    old, new = baseline.environment, run.environment
    parts = [
        f"{name} {old.get(name)} -> {new.get(name)}" for name in MACHINE if old.get(name) != new.get(name)
    ]
    return f"another machine: {', '.join(parts)}"


def notes(baseline: Baseline, run: Baseline, found: Pairs, answers: Sequence[Answer]) -> tuple[str, ...]:
    """Return what else differs and what the answers leave out, a line each."""
    return (
        *_moved(answers),
        *_budgets(baseline, run, found),
        *_declarations(baseline, run, found),
        *_predictions(baseline, run, found),
        *_packages(baseline, run),
        *(_costs(baseline, run) if any(each.threshold.quantity == FIT_S for each in answers) else ()),
    )


def _moved(answers: Sequence[Answer]) -> Iterator[str]:
    """Say on which datasets what is worse grew worst."""
    for answer in answers:
        if answer.word is Word.WORSE and answer.threshold.quantity != FIT_S:
            datasets = np.array(answer.changes.datasets, dtype=object)
            names = dict.fromkeys(answer.changes.datasets)
            means = {name: float(answer.changes.values[datasets == name].mean()) for name in names}
            worst = sorted(names, key=lambda name: -means[name])[:MOVED]
            yield f"{answer.learner}, {answer.threshold}: most on {', '.join(worst)}"


def _budgets(baseline: Baseline, run: Baseline, found: Pairs) -> Iterator[str]:
    asked = (found.view.budget_s, found.view.budget_trials)
    replayed = [
        name
        for name, of in (("the baseline", baseline), ("the run", run))
        if (of.budget_s, of.budget_trials) != asked
    ]
    if replayed:
        yield f"Compared at the smaller budget, {_budget(*asked)} a cell: {' and '.join(replayed)} replayed"
    without = int((~np.isfinite(found.errors[0]) | ~np.isfinite(found.errors[1])).sum())
    if without:
        yield (
            f"{without} of {len(found.cells)} pairs have no valid trial that both finished within the "
            "budget: give trials instead of seconds, or more of them"
        )
    old, new = found.n_finished
    if asked[0] is not None and old != new:
        slower = (
            "the run finished" if new < FEWER * old else "the baseline finished" if old < FEWER * new else ""
        )
        said = f"; {slower} far fewer, which is cost and not quality" if slower else ""
        yield (
            f"Trials finished within the budget: {old:,} in the baseline, {new:,} in the run; compared are "
            f"the {int(found.n_common.sum()):,} that both finished{said}"
        )


def _declarations(baseline: Baseline, run: Baseline, found: Pairs) -> Iterator[str]:
    """Say which learners are not what they were."""
    if found.n_other_config:
        yield f"{found.n_other_config:,} common trials have other configurations: a search space has changed"
    old, new = _versions_by_cell(baseline), _versions_by_cell(run)
    redeclared = {
        str(learner)
        for learner, cell in zip(found.cells["learner"], found.cells["cell_id"], strict=True)
        if old[cell][0] != new[cell][0]
    }
    if redeclared:
        yield f"Learners whose declaration, version or search space has changed: {listed(sorted(redeclared))}"


def _predictions(baseline: Baseline, run: Baseline, found: Pairs) -> Iterator[str]:
    """Say that predictions changed where neither packages nor learners nor the machine did."""
    if baseline.machine != run.machine:
        return
    old, new = _versions_by_cell(baseline), _versions_by_cell(run)
    other = found.cells[~found.identical & (found.n_common > 0)]
    unexplained = [
        str(learner)
        for learner, cell in zip(other["learner"], other["cell_id"], strict=True)
        if old[cell] == new[cell]
    ]
    if unexplained:
        yield (
            f"Predictions differ in {len(unexplained)} of {len(found.cells)} pairs though machine, packages "
            f"and learners' versions are the same, so bench's own code or a learner's did it: "
            f"{listed(list(dict.fromkeys(unexplained)))}"
        )


def _packages(baseline: Baseline, run: Baseline) -> Iterator[str]:
    old, new = (_versions(of.environment) for of in (baseline, run))
    changed = [
        f"{name} {old.get(name, 'absent')} -> {new.get(name, 'absent')}"
        for name in sorted({*old, *new})
        if old.get(name) != new.get(name)
    ]
    if changed:
        yield f"Packages that differ: {listed(changed)}"
    if baseline.machine != run.machine:
        yield f"The run is of {machine_difference(baseline, run)}"


def _costs(baseline: Baseline, run: Baseline) -> Iterator[str]:
    if baseline.machine == run.machine:
        yield (
            "Seconds of two sessions: intervals are widened by 8 % each way, since sessions on one machine "
            "were seen to differ by 4 % (standard deviation) whatever they ran"
        )


def _versions_by_cell(of: Baseline) -> dict[str, tuple[str, str]]:
    cells = of.cells
    hashes = zip(cells["learner_hash"], cells["lock_hash"], strict=True)
    return dict(zip(cells["cell_id"], hashes, strict=True))


def _versions(environment: Any) -> dict[str, str]:
    return {**environment.get("packages", {}), "python": environment.get("python", "unknown")}


def _budget(seconds: float | None, trials: int | None) -> str:
    parts = (f"{seconds:g} s" if seconds else "", f"{trials} trials" if trials else "")
    return ", ".join(filter(None, parts))
