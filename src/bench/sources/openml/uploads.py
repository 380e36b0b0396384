"""What is sent to OpenML, before it is in OpenML's forms: a flow, a run of it, its predictions. Plain values.

No feature has a place here: row ids, predictions, and the target's values in the rows that are tested.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A parameter of a flow, and what a run has it at; values as JSON."""

    name: str
    data_type: str
    """`integer`, `numeric`, `boolean` or `string`."""
    default: str
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What made the predictions. Name and external version are what OpenML knows it by."""

    name: str
    external_version: str
    description: str
    dependencies: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoldPredictions:
    """The predictions of a fold's n test rows, in the order of their ids."""

    repeat: int
    fold: int
    rows: tuple[int, ...]
    """Ids, from 0."""
    predicted: tuple[float, ...]
    """Values of a regression, codes into the classes otherwise."""
    truth: tuple[float, ...]
    confidences: tuple[tuple[float, ...], ...]
    """(n, n_classes); empty for a regression."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A run: one flow with one setting on every fold of a task."""

    task_id: int
    flow: Flow
    parameters: tuple[Parameter, ...]
    classes: tuple[str, ...]
    """Labels in code order; empty for a regression."""
    folds: tuple[FoldPredictions, ...]
    probabilities: bool
    """Whether the confidences are; otherwise 1 for what is predicted, as for the learner's own decisions."""
    comment: str
    """What stands above the predictions, for people: where each fold's come from."""

    @property
    def content_hash(self) -> str:
        """What tells one run from another: all but the words about it. SHA-256, 32 hex digits."""
        told = {**self.to_json(), "comment": "", "flow": [self.flow.name, self.flow.external_version]}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:32]

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Upload:
        """Return what `to_json` wrote, read again or not."""
        return cls(
            task_id=values["task_id"],
            flow=Flow(**values["flow"]),
            parameters=tuple(Parameter(**each) for each in values["parameters"]),
            classes=tuple(values["classes"]),
            folds=tuple(_fold(each) for each in values["folds"]),
            probabilities=values["probabilities"],
            comment=values["comment"],
        )


def _fold(values: Mapping[str, Any]) -> FoldPredictions:
    columns = {name: tuple(values[name]) for name in ("rows", "predicted", "truth")}
    return FoldPredictions(
        repeat=values["repeat"],
        fold=values["fold"],
        confidences=tuple(map(tuple, values["confidences"])),
        **columns,
    )
