"""Worlds with planted errors: the frames that a store would give of a claim whose truth is known."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Any

import numpy as np

from bench.analysis.claims.evidence import Asked, Evidence
from bench.analysis.claims.verdicts import Verdict, verdict
from bench.analysis.frames import cells_frame, trials_frame
from bench.claims import Claim, Comparison, Controls, Count, Margin, Pair, Scale, Side, Unit
from bench.verdicts import Rule, Word

MARGIN = math.log(1.05)
RATIO = Margin(MARGIN, Scale.RATIO)
POINTS = Margin(0.05, Scale.POINTS)
TRIALS = 8
N_TEST, N_MINORITY = 400, 150


@dataclass(frozen=True)
class Place:
    """Where an error is: of a learner, under an intervention, on a split of a table."""

    dataset: str
    learner: str
    intervention: str = "none"
    seed: int = 0
    fold: int = 0
    cap: float = math.inf

    @property
    def id(self) -> str:
        """As unique as a cell's."""
        return f"{self.dataset}/f{self.fold}n{self.cap:g}/{self.learner}/{self.intervention}/s{self.seed}"

    def draw(self, *parts: object) -> float:
        """Return a normal number that follows from the parts alone."""
        return float(np.random.default_rng(zlib.crc32(repr(parts).encode())).normal())


Errors = Callable[[Place], float]
"""The true error of a learner's tuned configuration at a place."""
Picks = Callable[[Place], bool]


def advantages(by_learner: Mapping[str, float], *, sd: float = 0.02, base: float = 0.3) -> Errors:
    """Return errors `base * exp(-advantage)` with noise of its own for each place."""

    def error(at: Place) -> float:
        return base * math.exp(-by_learner.get(at.learner, 0.0) + sd * at.draw(at.id))

    return error


def none(_: Place) -> bool:
    """Pick no place."""
    return False


@dataclass(frozen=True, kw_only=True)
class World:
    """What is planted, and what became of its cells."""

    errors: Errors
    learners: Sequence[str] = ("alpha", "beta", "dummy")
    datasets: Sequence[str] = tuple(f"d{i:02d}" for i in range(12))
    problems: Mapping[str, str] = field(default_factory=dict)
    """Where they are not regressions."""
    interventions: Sequence[str] = ("none",)
    seeds: Sequence[int] = (0,)
    folds: int = 1
    caps: Sequence[float] = (math.inf,)
    failed: Picks = none
    pending: Picks = none
    beyond: Picks = none
    """Cells that a learner does not apply to."""
    late: Picks = none
    """Cells whose incumbent comes in the last half of their budget."""
    default_gain: float = 0.1
    """What tuning gains, in logs."""
    other: Errors | None = None
    """Errors by the other metric of a problem type; as by the primary one where it is None."""
    apart: Errors | None = None
    """Errors on the test rows without twins; as on all where it is None."""
    train: Errors = lambda _: 0.0
    later: Errors | None = None
    """Errors of trials past the budget, each of which validates better than all before."""

    def evidence(self, claim: Claim) -> Evidence:
        """Return what a store would say of it."""
        trials, cells = self.rows()
        return Evidence(trials_frame(trials), cells_frame(cells), own_seeds(claim, self.seeds))

    def verdict(self, claim: Claim, asked: Asked | None = None) -> Verdict:
        """Return the verdict on a claim in it, at its budget."""
        asked = asked or Asked(budget_trials=TRIALS)
        return verdict(self.evidence(claim), claim, "small", asked)

    def rows(self) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """Return rows of trials and of cells."""
        cells = [self._cell(at) for at in self.places()]
        trials = [row for at in self.places() if not self._bare(at) for row in self._trials(at)]
        return trials, cells

    def places(self) -> Iterator[Place]:
        """Yield every place that it has a cell of."""
        of = product(self.datasets, range(self.folds), self.caps, self.learners, self.interventions)
        for (dataset, fold, cap, learner, intervention), seed in product(of, self.seeds):
            yield Place(dataset, learner, intervention, seed, fold, cap)

    def _bare(self, at: Place) -> bool:
        return self.pending(at) or self.beyond(at)

    def _named(self, at: Place) -> dict[str, Any]:
        return {
            "cell_id": at.id, "evidence_key": f"key of {at.id}", "task": at.dataset, "dataset": at.dataset,
            "problem": self.problems.get(at.dataset, "regression"), "repeat": 0, "fold": at.fold,
            "learner": at.learner, "family": "any", "intervention": at.intervention, "seed": at.seed,
            "device": "cpu1",
        }  # fmt: skip

    def _cell(self, at: Place) -> dict[str, Any]:
        status = "error" if self.failed(at) else "ok"
        status = "not_applicable" if self.beyond(at) else "" if self.pending(at) else status
        return {
            **self._named(at), "status": status, "reason": "", "train_cap": at.cap,
            "n_train": math.nan if self._bare(at) else 800.0,
        }  # fmt: skip

    def _trials(self, at: Place) -> Iterator[dict[str, Any]]:
        """Yield trials whose second validates best, or whose last does by far where the place is late.

        A failed cell has one trial without a score.
        """
        best = TRIALS - 1 if self.late(at) else 1
        gain = 0.0 if at.learner == "dummy" else self.default_gain
        budget = TRIALS if self.later is None else 2 * TRIALS
        for trial in range(1 if self.failed(at) else budget):
            tuned = trial > 0
            factor = math.exp(0.0 if tuned else gain)
            errors = self.errors if trial < TRIALS or self.later is None else self.later
            yield {
                **self._named(at), "validation": "holdout25", "attempt": 1, "attempt_budget_s": math.nan,
                "attempt_budget_trials": float(budget), "trial": trial, "flags": "",
                "status": "error" if self.failed(at) else "ok",
                "validation_score": math.nan if self.failed(at) else _validated(trial, best),
                "test_score": math.nan if self.failed(at) else factor * errors(at),
                "train_score": math.nan if self.failed(at) else self.train(at),
                "test_score_single": math.nan, "billed_s": 1.0, "spent_s": trial + 1.0, "unbilled_s": 0.0,
                "n_test": math.nan if self.failed(at) else N_TEST,
                "n_test_minority": self._minority(at), "metrics": self._metrics(at, factor),
            }  # fmt: skip

    def _minority(self, at: Place) -> float:
        binary = self.problems.get(at.dataset) == "binary" and not self.failed(at)
        return N_MINORITY if binary else math.nan

    def _metrics(self, at: Place, factor: float) -> str:
        if self.failed(at):
            return "{}"
        other = factor * (self.other or self.errors)(at)
        apart = factor * (self.apart or self.errors)(at)
        test = {"mae": other, "error_rate": other, "balanced_accuracy": 1 - other}
        rows = {"n_rows": N_TEST, "n_minority": self._minority(at)}
        rows = {name: n for name, n in rows.items() if not math.isnan(n)}
        return json.dumps({"test": test | rows, "test_without_twins": {"test_score": apart} | rows})


def _validated(trial: int, best: int) -> float:
    if trial >= TRIALS:
        return 0.5 - 0.05 * (trial - TRIALS)
    return 0.9 if trial == best else 1.2 if trial == 0 else 1.1


def own_seeds(claim: Claim, seeds: Sequence[int]) -> tuple[int, ...]:
    """Return the seeds of the contrasts: the last is there for a side that is run twice."""
    return tuple(seeds[:-1] if claim.controls.same and claim.unit is Unit.DATASET else seeds)


def versus(rule: Rule = Rule.SUPERIORITY, **changes: Any) -> Comparison:
    """Return a comparison of alpha with beta."""
    given = {"name": "alpha against beta", "rule": rule, "pairs": (Pair("a", "b"),), "margin": RATIO}
    return Comparison(**given | changes)


def claim(*contrasts: Comparison | Count, **changes: Any) -> Claim:
    """Return a claim about alpha and beta."""
    sides = {
        "a": Side(name="a", learners=("alpha",)),
        "b": Side(name="b", learners=("beta",)),
        "chance": Side(name="chance", learners=("dummy",)),
    }
    given: dict[str, Any] = {
        "id": "TST-1", "name": "planted", "title": "Planted", "statement": "Alpha beats beta.", "note": "",
        "sources": (), "unit": Unit.DATASET, "fewest": 8, "contrasts": contrasts or (versus(),),
        "controls": Controls(), "expected": Word.SUPPORTED, "because": "it is planted", "profiles": {},
        "path": "planted.toml", "hash": "0" * 16,
    }  # fmt: skip
    return Claim(**given | changes | {"sides": sides | changes.get("sides", {})})


def changed(world: World, **changes: Any) -> World:
    """Return a world but for these fields."""
    return replace(world, **changes)
