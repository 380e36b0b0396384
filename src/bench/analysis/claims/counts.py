"""Counts: on which datasets and seeds a learner keeps all of a contrast's conditions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.claims.evidence import DUMMY, Asked, Evidence, SideResults, State
from bench.analysis.inference.counts import decide_counts
from bench.claims import Claim, Condition, Count, Side
from bench.interventions import NONE
from bench.verdicts import Decision, Rule, Word

if TYPE_CHECKING:
    from numpy.typing import NDArray

Held: TypeAlias = Mapping[str, tuple[bool, ...]]
"""Dataset to whether all conditions hold, seed by seed."""
_KEY = ["dataset", "seed"]


def held(evidence: Evidence, claim: Claim, count: Count, asked: Asked) -> Mapping[str, Held]:
    """Return, for each learner of a count's side, where its default configuration keeps all conditions.

    Errors are means over tasks and splits of a dataset and seed. Where a cell failed nothing holds, and what
    is said to be impossible is left open. Datasets that a learner does not apply to, or has not run on, are
    not among its own. Of what is asked the budget alone counts.
    """
    chance = _errors(evidence, DUMMY, Condition(intervention=NONE, part="test", at_most=1.0), asked)
    found: dict[str, Held] = {}
    for learner in claim.sides[count.side].learners:
        side = _alone(learner)
        kept: pd.Series[bool] | None = None
        for condition in count.conditions:
            error = _errors(evidence, side, condition, asked)
            if count.rule is Rule.IMPOSSIBLE:
                error = error[error < np.inf]
            if condition.of_dummy:
                error = error[error.index.isin(chance.index[chance < np.inf])]
            bound = condition.at_most * (chance.reindex(error.index) if condition.of_dummy else 1.0)
            holds = (error < np.inf) & (error <= bound)
            both = holds.index if kept is None else kept.index.intersection(holds.index)
            kept = holds if kept is None else kept.loc[both] & holds.loc[both]
        found[learner] = _by_dataset(kept) if kept is not None else {}
    return found


def pending(evidence: Evidence, claim: Claim, count: Count, asked: Asked) -> int:
    """Return how many results of a count are still to come."""
    parts = _parts(evidence, claim, count, asked)
    if any(each.of_dummy for each in count.conditions):
        parts.append(evidence.of_side(DUMMY, NONE, asked.at_budget))
    return _n_in(evidence, parts, State.PENDING)


def failures(evidence: Evidence, claim: Claim, count: Count, asked: Asked) -> tuple[int, int]:
    """Return how many results of a count failed, and how many there are."""
    parts = _parts(evidence, claim, count, asked)
    failed = _n_in(evidence, parts, State.MISSING)
    return failed, failed + _n_in(evidence, parts, State.SCORED)


def _parts(evidence: Evidence, claim: Claim, count: Count, asked: Asked) -> list[SideResults]:
    """Return what each learner of a count's side did under each intervention of its conditions."""
    learners = claim.sides[count.side].learners
    return [
        evidence.of_side(_alone(learner), intervention, asked.at_budget)
        for learner in learners
        for intervention in count.interventions
    ]


def _alone(learner: str) -> Side:
    return Side(name=learner, learners=(learner,), show="default")


def _n_in(evidence: Evidence, parts: Iterable[SideResults], state: State) -> int:
    """Return how many results, of the seeds of the contrasts, are in a state."""
    own = np.isin(evidence.slots.seed, evidence.seeds)
    return sum(int((own & (part.state == state)).sum()) for part in parts)


def decide_count(count: Count, found: Mapping[str, Held], fewest: int) -> Decision:
    """Return what a count decides: every learner has to keep it, or none may.

    One learner's replicated exception refutes; support needs that of every learner.
    """
    decisions = {
        learner: decide_counts(count.rule, _masks(datasets), min_seeds=fewest)
        for learner, datasets in found.items()
        if datasets
    }
    if not decisions:
        return Decision(word=Word.NOT_RUN, why="no learner of the side applies to any dataset")
    for word in (Word.REFUTED, Word.INCONCLUSIVE):
        hit = {name: each for name, each in decisions.items() if each.word is word}
        if hit:
            first = next(iter(hit.values()))
            return Decision(word=word, why=f"{', '.join(hit)}: {first.why}", needs=first.needs)
    how = "every" if count.rule is Rule.UNIVERSAL else "no"
    return Decision(
        word=Word.SUPPORTED,
        why=f"{how} learner ({', '.join(decisions)}): {next(iter(decisions.values())).why}",
    )


def _masks(datasets: Held) -> Mapping[str, NDArray[np.bool_]]:
    return {name: np.array(seeds, dtype=bool) for name, seeds in datasets.items()}


def _errors(evidence: Evidence, side: Side, condition: Condition, asked: Asked) -> pd.Series[float]:
    """Return the errors of a side's default by dataset and seed; missing ones are infinite."""
    found, slots = evidence.of_side(side, condition.intervention, asked.at_budget), evidence.slots
    known = np.isin(found.state, (State.SCORED, State.MISSING)) & np.isin(slots.seed, evidence.seeds)
    errors = found.train_error if condition.part == "train" else found.error
    table = pd.DataFrame(
        {
            "dataset": np.array(slots.datasets, dtype=object)[slots.dataset[known]],
            "seed": slots.seed[known],
            "error": np.nan_to_num(errors[known], nan=np.inf, posinf=np.inf),
        }
    )
    return table.groupby(_KEY, sort=False)["error"].mean()


def _by_dataset(kept: pd.Series[bool]) -> Held:
    found: dict[str, list[bool]] = {}
    ordered = kept.sort_index()
    for dataset, holds in zip(ordered.index.get_level_values("dataset"), ordered, strict=True):
        found.setdefault(str(dataset), []).append(bool(holds))
    return {dataset: tuple(values) for dataset, values in found.items()}
