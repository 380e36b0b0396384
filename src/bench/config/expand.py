"""From a suite and its tables to a plan: every cell, and why each other one is left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from bench import augmentations
from bench.arms import Arm
from bench.cells import Cell, Validation, evidence_key
from bench.config.sizes import planned_caps, repeated_sizes
from bench.environments import lock_hash
from bench.errors import ConfigError
from bench.interventions import Intervention, parse_intervention, shape_under
from bench.learners import Learner, specification_hash
from bench.plans import Exclusion, Plan, PlannedCell
from bench.search.configurations import fixed_of, with_fixed
from bench.suites import Suite
from bench.tasks import Split, SplitPlan, Task, TaskShape


def expand(
    suite: Suite, tasks: Sequence[Task], learners: Mapping[str, Learner], exclusions: Sequence[Exclusion]
) -> Plan:
    """Return the plan: every task x split x learner x intervention x seed, and what is left out.

    `learners` go by what the suite calls them, a name or an import path.
    """
    named = [Named(reference, learner) for reference, learner in learners.items()]
    cells = tuple(
        planned_cell(cell, each)
        for task, each in itertools.product(tasks, named)
        for cell in _cells(suite, task, each.learner)
    )
    return Plan(
        suite=suite,
        budget=suite.budget,
        tasks=tuple(tasks),
        cells=cells,
        exclusions=(*exclusions, *repeated_sizes(suite, tasks)),
    )


def select(cells: Sequence[PlannedCell], expression: str) -> tuple[PlannedCell, ...]:
    """Return the cells whose id matches: globs or plain parts of an id, joined by `and`, `or`, `not`.

    Raises:
        ConfigError: the expression cannot be read.
    """
    alternatives = [list(part) for part in _split(expression.split(), "or")]
    terms = [[_term(words, expression) for words in _split(part, "and")] for part in alternatives]
    return tuple(
        planned for planned in cells if any(all(_matches(planned.cell.id, t) for t in part) for part in terms)
    )


@dataclass(frozen=True, slots=True)
class _Term:
    """A part of an id, or that it is not there."""

    glob: str
    negated: bool


def _split(words: Sequence[str], joint: str) -> Iterator[Sequence[str]]:
    """Yield the words between the joints; empty where two joints stand together."""
    start = 0
    for i, word in enumerate((*words, joint)):
        if word == joint:
            yield words[start:i]
            start = i + 1


def _term(words: Sequence[str], expression: str) -> _Term:
    negated = len(words) > 1 and words[0] == "not"
    rest = words[1:] if negated else words
    if len(rest) != 1 or rest[0] in ("and", "or", "not") or set(rest[0]) & set("()"):
        raise ConfigError(
            f'-k "{expression}": cannot be read at "{" ".join(words)}": write parts of cell ids, and, or, '
            'not between them and no brackets, for example -k "cmc and not svm or */xgboost/*"'
        )
    return _Term(rest[0], negated)


def _matches(cell_id: str, term: _Term) -> bool:
    return fnmatchcase(cell_id, f"*{term.glob}*") is not term.negated


def _cells(suite: Suite, task: Task, learner: Learner) -> Iterator[Cell]:
    caps = planned_caps(suite, task)
    splits = [split for split in outer_splits(suite, task.splits) if split.train_cap in caps]
    for split, intervention, seed in itertools.product(splits, suite.interventions, suite.seeds):
        yield Cell(
            task=task,
            split=split,
            learner=learner.name,
            family=learner.family,
            intervention=intervention,
            seed=seed,
            device=suite.device,
            cores=suite.budget.cores,
            validation=suite.validation,
            augmentation=suite.augmentation and _are_images(task, intervention),
        )


def _are_images(task: Task, intervention: str) -> bool:
    return task.dataset.image is not None and parse_intervention(intervention).kind.keeps_images


def outer_splits(suite: Suite, splits: SplitPlan) -> Iterator[Split]:
    """Yield the splits of a task that a suite runs, as far as the task has them, at every size."""
    repeats, folds = min(suite.repeats, splits.n_repeats), min(suite.folds, splits.n_folds)
    for repeat, fold, cap in itertools.product(range(repeats), range(folds), suite.train_caps):
        yield Split(repeat=repeat, fold=fold, train_cap=cap, test_cap=suite.test_cap)


class Named:
    """A learner, what the suite calls it, and the hashes that all of its cells share."""

    def __init__(self, reference: str, learner: Learner) -> None:
        self.reference, self.learner = reference, learner
        self.hash, self.lock_hash = specification_hash(learner), lock_hash(learner.packages)


def planned_cell(cell: Cell, named: Named) -> PlannedCell:
    """Return a cell with its evidence key, and why its learner does not apply, where it does not."""
    learner = named.learner
    intervention = parse_intervention(cell.intervention)
    shape = shape_under(intervention, task_shape(cell.task, cell.split, cell.validation), cell.task.dataset)
    return PlannedCell(
        cell=cell,
        learner=named.reference,
        evidence_key=evidence_key(cell.id, _data_key(cell, intervention), named.hash, named.lock_hash),
        learner_hash=named.hash,
        lock_hash=named.lock_hash,
        not_applicable=intervention.not_applicable(cell.task.dataset)
        or _held_otherwise(learner, cell, intervention)
        or _past_limit(learner, shape),
    )


def _held_otherwise(learner: Learner, cell: Cell, intervention: Intervention) -> str | None:
    """Return that an arm holds a parameter at another value than the intervention does, or None."""
    held = learner.held if isinstance(learner, Arm) else {}
    for name, value in with_fixed(held, fixed_of(cell.task.dataset, intervention)).items():
        if value != held[name]:
            return f"{intervention} holds {name} at {value!r}, and {learner.name} does at {held[name]!r}"
    return None


def _data_key(cell: Cell, intervention: Intervention) -> str:
    """Return what the rows that a learner meets follow from: the table, and the code that alters it."""
    parts = [cell.task.fingerprint]
    if intervention.changes:
        parts.append(f"{intervention.kind.name}@{intervention.kind.version}")
    if cell.augmentation:
        parts.append(f"{augmentations.PARAMETER}@{augmentations.VERSION}")
    return "+".join(parts)


def _past_limit(learner: Learner, shape: TaskShape) -> str | None:
    """Return why a learner does not apply; what goes wrong in an outside one's limit is its own affair."""
    try:
        reason: object = learner.limit(shape)
    except Exception as error:  # noqa: BLE001 - it may raise anything, and the others are to run
        return f"its limit could not be asked: {type(error).__name__}: {error}"
    return reason if reason is None or isinstance(reason, str) else f"its limit said {reason!r}, not why"


def task_shape(task: Task, split: Split, validation: Validation) -> TaskShape:
    """Return what a learner may know beforehand: how many rows one of its models will be fitted on."""
    train = task.splits.train_rows(task.dataset.n_rows, split.fold)
    if split.train_cap is not None:
        train = min(train, split.train_cap)
    share = 1 - validation.amount / 100 if validation.method == "holdout" else 1 - 1 / validation.amount
    features = task.dataset.features
    return TaskShape(
        problem=task.problem,
        n_rows=round(train * share),
        n_numeric=len(features) - task.dataset.n_categorical,
        levels=tuple(len(feature.levels) for feature in features if feature.levels),
        n_classes=len(task.dataset.classes),
        n_with_missing=sum(feature.n_missing > 0 for feature in features),
        image=task.dataset.image,
    )
