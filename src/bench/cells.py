"""A cell is the unit that is planned, isolated, limited and resumed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from bench.tasks import Split, Task


class CellStatus(StrEnum):
    """How a cell ended. A failure is a result, never a missing row."""

    OK = "ok"
    """At least one trial has a valid score."""
    KILLED = "killed"
    """Some trials have a valid score, then the guard stopped the cell."""
    TIMEOUT = "timeout"
    """The guard stopped it before any trial had a valid score."""
    OOM = "oom"
    """It ran out of memory before any trial had a valid score."""
    CRASH = "crash"
    """Its process died before any trial had a valid score."""
    ERROR = "error"
    """Every trial raised, or predicted nothing that can be scored."""
    NOT_APPLICABLE = "not_applicable"
    """The task is past the learner's limit."""
    INTERRUPTED = "interrupted"
    """Stopped from outside before its budget was spent; the next run goes on with it."""

    @property
    def has_score(self) -> bool:
        """Whether a valid score is certain."""
        return self in (CellStatus.OK, CellStatus.KILLED)

    @property
    def failed(self) -> bool:
        """Whether this counts against the suite's allowance of failures."""
        return self in (CellStatus.TIMEOUT, CellStatus.OOM, CellStatus.CRASH, CellStatus.ERROR)


@dataclass(frozen=True, slots=True)
class Validation:
    """How a configuration is validated inside the training rows."""

    method: str
    """`holdout` or `cv`."""
    amount: int
    """Per cent of the training rows held out, or the number of folds."""

    def __str__(self) -> str:
        """`holdout25` or `cv4`: what a cell id shows."""
        return f"{self.method}{self.amount}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Task x split x learner x intervention x seed x device. Its budget is no part of it."""

    task: Task
    split: Split
    learner: str
    family: str
    intervention: str
    seed: int
    device: str
    cores: int
    validation: Validation
    augmentation: bool = False
    """Whether augmentation of images is among what is searched: part of the evidence key, not of the id."""

    @property
    def id(self) -> str:
        """`cmc/r0f0-n2000-t5000/xgboost/none/s0/cpu1/holdout25`: logical, readable, computed without data."""
        device = f"{self.device}{self.cores}"
        parts = (
            self.task.name,
            self.split,
            self.learner,
            self.intervention,
            f"s{self.seed}",
            device,
            self.validation,
        )
        return "/".join(str(part) for part in parts)

    @property
    def split_key(self) -> str:
        """(task, split, seed): what every learner's inner folds are seeded by."""
        return f"{self.task.name}/{self.split}/s{self.seed}"

    @property
    def search_key(self) -> str:
        """(learner, task, split, seed): what trial t's configuration depends on beside t."""
        return f"{self.learner}/{self.split_key}"


def evidence_key(cell_id: str, data_fingerprint: str, learner_hash: str, lock_hash: str) -> str:
    """Return what resume looks for: evidence counts again only where all four are the same."""
    text = f"{cell_id}\n{data_fingerprint}\n{learner_hash}\n{lock_hash}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]
