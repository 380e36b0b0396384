"""Which configurations a cell tries: its learner's space, with what the cell adds to it or holds fixed.

Imports nothing heavy: whoever says what a dead worker was at asks here too.
"""

from __future__ import annotations

from collections.abc import Mapping

from bench.augmentations import AUGMENTATIONS, NONE, PARAMETER
from bench.cells import Cell
from bench.datasets import Dataset, FeatureKind, ProblemType
from bench.interventions import Intervention, parse_intervention
from bench.learners import Learner
from bench.spaces import Choice, Config, Space, Value


def searched(learner: Learner, problem: ProblemType, *, augmentation: bool) -> Space:
    """Return a learner's space, with augmentation as one more choice where it is offered."""
    own = learner.space(problem)
    return offered(own) if augmentation else own


def offered(space: Space) -> Space:
    """Return the space with augmentation as one more choice; the default is without."""
    parameters = {**space.parameters, PARAMETER: Choice(AUGMENTATIONS)}
    return Space({**space.default, PARAMETER: NONE}, parameters)


def with_fixed(config: Config, fixed: Mapping[str, Value]) -> Config:
    """Return a configuration with what is fixed of it: a parameter, `scaling`, or one value of it, `p=1`."""
    return {name: fixed.get(name, fixed.get(f"{name}={value}", value)) for name, value in config.items()}


def trial_config(learner: Learner, cell: Cell, number: int) -> Config | None:
    """Return what a trial of a cell tries, or None where a finite space is exhausted."""
    space = searched(learner, cell.task.problem, augmentation=cell.augmentation)
    drawn = space.trial(cell.search_key, number)
    fixed = fixed_of(cell.task.dataset, parse_intervention(cell.intervention))
    return None if drawn is None else with_fixed(drawn, fixed)


def fixed_of(dataset: Dataset, intervention: Intervention) -> Mapping[str, Value]:
    """Return what an intervention holds in configurations for a table.

    Where that follows from the number of columns, it is of the numeric ones: interventions that fix anything
    leave no others.
    """
    numeric = sum(each.kind is FeatureKind.NUMERIC for each in dataset.features)
    return intervention.fixed(max(1, numeric))
