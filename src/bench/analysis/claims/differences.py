"""From the results of sides to the values that a rule decides on: one for each dataset, or seed on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import pandas as pd

from bench.analysis.claims.evidence import SLOT, Asked, Evidence, metric_of
from bench.analysis.inference.significance import corrected_t
from bench.analysis.metrics import floored
from bench.analysis.views import FailurePolicy
from bench.claims import Claim, Comparison, Pair, Scale, Side, Unit

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats: TypeAlias = NDArray[np.float64]

DUMMY = Side(name="dummy", learners=("dummy",), show="default")
FOREST = Side(name="random-forest", learners=("random-forest",), show="default")
"""What stands in for a missing error, by the failure policy: the forest where the claim runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Differences:
    """The values of a comparison; above 0 the first side of each pair is better."""

    table: pd.DataFrame
    """A row for each unit: dataset, problem, seed (-1 where seeds are averaged), value, standard_error (NaN
    where a unit has one split alone), bound (whether some result that it rests on is bound by its budget)."""
    n_pending: int = 0
    """Results that are still to come."""
    n_missing: int = 0
    """Results without an error, for which something may stand in."""
    failing: tuple[str, ...] = ()
    """Sides that failed on more than a tenth of the claim's tasks."""
    left_out: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Tasks that no value is of, and why."""

    @property
    def values(self) -> Floats:
        """(N,) the values."""
        return self.table["value"].to_numpy(dtype=float)


MOST_FAILURES = 0.1
"""A side that fails on a larger share of a claim's tasks is given no verdict."""


def differences(
    evidence: Evidence,
    claim: Claim,
    comparison: Comparison,
    asked: Asked = Asked(),  # noqa: B008 - frozen
    policy: FailurePolicy = "fallback",
    seeds: tuple[int, ...] | None = None,
) -> Differences:
    """Return the values of a comparison, one for each unit of the claim.

    A dataset's value is of its errors averaged over splits and seeds, then floored and logged where the
    margin is a ratio. Several pairs are averaged, dataset by dataset. An interaction is the advantage under
    what is intact less that under what is altered. Of the seeds given, else of those of the contrasts.
    """
    read = _Read(evidence, claim, comparison, asked, policy)
    read.seeds = seeds or evidence.seeds
    parts = [
        read.pair(pair, intervention)
        for intervention in comparison.interventions
        for pair in comparison.pairs
    ]
    n = len(comparison.pairs)
    found = _mean(parts[:n])
    if comparison.altered is not None:
        found = _less(found, _mean(parts[n:]))
    return Differences(
        table=found.sort_values(["dataset", "seed"], kind="stable").reset_index(drop=True),
        n_pending=read.n_pending,
        n_missing=read.n_missing,
        failing=tuple(dict.fromkeys(read.failing)),
        left_out=read.left_out,
    )


class _Read:
    """One reading of the evidence for a comparison, and what was met on the way."""

    def __init__(
        self, evidence: Evidence, claim: Claim, comparison: Comparison, asked: Asked, policy: FailurePolicy
    ) -> None:
        self.evidence, self.claim, self.comparison = evidence, claim, comparison
        self.asked, self.policy = asked, policy
        self.seeds = evidence.seeds
        self.n_pending = self.n_missing = 0
        self.failing: list[str] = []
        self.left_out: dict[str, str] = {}

    def pair(self, pair: Pair, intervention: str) -> pd.DataFrame:
        """Return the values of one pair under one intervention."""
        sides = [self.claim.sides[name] for name in (pair.side, pair.against)]
        both = self._joined(sides, intervention)
        seeds = "seed" if self.claim.unit is Unit.SEED else None
        scale = self.comparison.margin.scale
        return _slopes(both, self.asked, seeds) if scale is Scale.SLOPE else self._values(both, seeds, scale)

    def _joined(self, sides: Sequence[Side], intervention: str) -> pd.DataFrame:
        """Return a row for each slot where both sides have an error, or something stands in for it."""
        own, other = (self._results(side, intervention) for side in sides)
        both = own.merge(other, on=[*SLOT, "dataset", "problem"], suffixes=("", "_against"))
        both = both[both["seed"].isin(self.seeds)]
        for state in ("pending", "not_applicable", "not_offered"):
            hit = (both["state"] == state) | (both["state_against"] == state)
            if state == "pending":
                self.n_pending += int(hit.sum())
            else:
                self.left_out |= {str(task): state.replace("_", " ") for task in both["task"][hit]}
            both = both[~hit]
        self.n_missing += int((both["state"] == "missing").sum() + (both["state_against"] == "missing").sum())
        self._note_failures(both, sides)
        bare = both["error"].isna() | both["error_against"].isna()
        self.left_out |= {str(task): "failed" for task in both["task"][bare]}
        return both[~bare]

    def _note_failures(self, both: pd.DataFrame, sides: Sequence[Side]) -> None:
        n_tasks = both["task"].nunique()
        for side, state in zip(sides, ("state", "state_against"), strict=True):
            failed = both.loc[both[state] == "missing", "task"].nunique()
            if failed > MOST_FAILURES * n_tasks:
                self.failing.append(f"{side.name} (on {failed} of {n_tasks} tasks)")

    def _results(self, side: Side, intervention: str) -> pd.DataFrame:
        own = self.evidence.of_side(side, intervention, self.asked)
        if self.policy == "complete-pairs" or not (own["state"] == "missing").any():
            return own
        stand_in = self._stand_in(intervention)
        lent = ["error", "n_test", "n_minority"]
        joined = own.merge(stand_in[[*SLOT, *lent]], on=SLOT, how="left", suffixes=("", "_lent"))
        missing = joined["state"] == "missing"
        filled = {name: np.where(missing, joined[f"{name}_lent"], joined[name]) for name in lent}
        return joined.assign(**filled).drop(columns=[f"{name}_lent" for name in lent])

    def _stand_in(self, intervention: str) -> pd.DataFrame:
        forest = self.evidence.of_side(FOREST, intervention, self.asked)
        known = self.policy == "fallback" and len(forest) > 0
        return forest if known else self.evidence.of_side(DUMMY, intervention, self.asked)

    def _values(self, both: pd.DataFrame, seeds: str | None, scale: Scale) -> pd.DataFrame:
        by_task = _averaged(both, ["task", "dataset", "problem", *([seeds] if seeds else [])])
        own, other = _logged(by_task, self.asked) if scale is Scale.RATIO else _plain(by_task)
        by_task = by_task.assign(value=other - own, standard_error=np.nan)
        if seeds is None:
            by_task = by_task.drop(columns="standard_error").merge(
                _standard_errors(both, self.asked, scale), on="task", how="left"
            )
        return _by_unit(by_task, seeds)


def _standard_errors(both: pd.DataFrame, asked: Asked, scale: Scale) -> pd.DataFrame:
    """Return the standard error of each task's value, from its splits; NaN where there is one alone.

    Corrected for training sets that overlap (Nadeau and Bengio 2003).
    """
    if not both.duplicated("task").any():
        return pd.DataFrame({"task": both["task"], "standard_error": np.nan})
    by = ["task", "dataset", "problem", "repeat", "fold"]
    by_split = _averaged(both, by)
    rows = both.groupby(by, sort=False, as_index=False)[["n_train", "n_test"]].mean()
    own, other = _logged(by_split, asked) if scale is Scale.RATIO else _plain(by_split)
    by_split = by_split.assign(value=other - own, ratio=rows["n_test"] / rows["n_train"])
    found = [
        (task, corrected_t(group["value"].to_numpy(float), float(group["ratio"].mean())).error)
        for task, group in by_split.groupby("task", sort=False)
    ]
    return pd.DataFrame(found, columns=["task", "standard_error"])


def _averaged(both: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    bound = both["bound"].astype(bool) | both["bound_against"].astype(bool)
    grouped = both.assign(bound=bound).groupby(by, sort=False)
    means = grouped[["error", "error_against"]].mean()
    sums = grouped[["n_test", "n_minority"]].sum(min_count=1)
    return means.join(sums).assign(bound=grouped["bound"].any()).reset_index()


def _plain(by_task: pd.DataFrame) -> tuple[Floats, Floats]:
    return by_task["error"].to_numpy(float), by_task["error_against"].to_numpy(float)


def _logged(by_task: pd.DataFrame, asked: Asked) -> tuple[Floats, Floats]:
    """Return ln(error) of both sides, floored by what the test rows can resolve."""
    metric = np.array([metric_of(problem, asked) for problem in by_task["problem"]], dtype=object)
    counts = by_task["n_test"].to_numpy(float), by_task["n_minority"].to_numpy(float)
    own, other = (np.log(floored(error, metric, *counts)) for error in _plain(by_task))
    return own, other


def _slopes(both: pd.DataFrame, asked: Asked, seeds: str | None) -> pd.DataFrame:
    """Return, of each unit, by how much steeper the first side's ln(error) falls in ln(training rows)."""
    by = ["task", "dataset", "problem", *([seeds] if seeds else [])]
    by_size = _averaged(both[np.isfinite(both["train_cap"])], [*by, "train_cap"])
    own, other = _logged(by_size, asked)
    by_size = by_size.assign(own=own, other=other, x=np.log(by_size["train_cap"]))
    rows = []
    for key, group in by_size.groupby(by, sort=False):
        if len(group) < 2:
            continue
        slopes = [np.polyfit(group["x"], group[side], 1)[0] for side in ("own", "other")]
        rows.append((*key, slopes[1] - slopes[0], bool(group["bound"].any())))
    table = pd.DataFrame(rows, columns=[*by, "value", "bound"])
    return _by_unit(table.assign(standard_error=np.nan), seeds)


def _by_unit(by_task: pd.DataFrame, seeds: str | None) -> pd.DataFrame:
    """Return the means over the tasks of each dataset, which share its rows."""
    by = ["dataset", "problem", *([seeds] if seeds else [])]
    grouped = by_task.groupby(by, sort=False, as_index=False)
    found = grouped[["value", "standard_error"]].mean()
    found = found.assign(bound=grouped["bound"].any()["bound"])
    return found if seeds else found.assign(seed=-1)


_UNIT = ["dataset", "problem", "seed"]


def _mean(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the mean of several tables, unit by unit, where all of them have one."""
    if len(parts) == 1:
        return parts[0]
    stacked = pd.concat(parts, ignore_index=True)
    grouped = stacked.groupby(_UNIT, sort=False, as_index=False)
    found = grouped[["value", "standard_error"]].mean()
    found = found.assign(bound=grouped["bound"].any()["bound"], n=grouped.size()["size"])
    return found[found["n"] == len(parts)].drop(columns="n")


def _less(intact: pd.DataFrame, altered: pd.DataFrame) -> pd.DataFrame:
    both = intact.merge(altered, on=_UNIT, suffixes=("", "_altered"))
    error = np.hypot(both["standard_error"], both["standard_error_altered"])
    bound = both["bound"].astype(bool) | both["bound_altered"].astype(bool)
    found = both.assign(value=both["value"] - both["value_altered"], standard_error=error, bound=bound)
    return found[[*_UNIT, "value", "standard_error", "bound"]]
