"""The search loop. It is handed no test row and no test score, and what it reports to returns nothing.

Billed: preprocessing, fitting, inner validation, failed trials. Whatever `on_candidate` does is not.
"""

from __future__ import annotations

import dataclasses
import math
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from bench import augmentations
from bench.budgets import DEFAULT_FACTOR, Budget, Deadline, NoDeadline
from bench.deadlines import DeadlinePassed
from bench.learners import BuildContext, Estimator, Learner
from bench.scoring.metrics import mean_score, score
from bench.scoring.predictions import Prediction, finite, predict
from bench.search.augmentation import augmented, n_copies
from bench.search.configurations import searched, with_fixed
from bench.seeds import derive_seed
from bench.spaces import Config, Space, Value
from bench.tasks import TaskShape
from bench.trials import Flag, TrialStatus

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from bench.datasets import ImageShape, ProblemType

LATE_SHARE = 0.03
"""Of the budget, what a later trial may end past it: about one interval between two looks at the clock.

A learner stops before the step that it foretells to be too long, so it may be late by a step's error.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingData:
    """The training rows of one cell and how they are validated: all that a search may see."""

    problem: ProblemType
    n_classes: int
    target_sd: float
    X: pd.DataFrame
    """(n, d), numeric and categorical columns."""
    y: np.ndarray
    """(n,), values or class codes."""
    folds: tuple[tuple[np.ndarray, np.ndarray], ...]
    """(fit, validation) positions; one pair for a hold-out."""
    image: ImageShape | None = None
    """What the rows are, where they are images."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A configuration that was tried: its models and how they did on the validation rows."""

    number: int
    config: Config
    status: TrialStatus
    models: tuple[Estimator, ...] = ()
    validation: tuple[Prediction, ...] = ()
    validation_score: float | None = None
    flags: tuple[Flag, ...] = ()
    reason: str = ""
    traceback: str = ""
    """Where the learner raised, for whoever mends it."""


class Meter(Protocol):
    """The clock that bills."""

    def spent_s(self) -> float:
        """Billed seconds of the cell so far, its earlier attempts included."""
        ...

    def billing(self, number: int) -> AbstractContextManager[None]:
        """Bill what happens inside to trial `number`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is searched, with what, for how much."""

    learner: Learner
    data: TrainingData
    key: str
    """Trial t's configuration is a pure function of (key, t)."""
    budget: Budget
    start_trial: int = 0
    threads: int = 1
    device: str = "cpu"
    shape: TaskShape | None = None
    """What a learner's limit is asked about, where fit rows may come with copies."""
    augmentation: bool = False
    """Whether augmentation of images is searched too."""
    fixed: Mapping[str, Value] = field(default_factory=dict)
    """What is held in every configuration, see `with_fixed`; all else is drawn as without."""

    @property
    def space(self) -> Space:
        """What is searched."""
        return searched(self.learner, self.data.problem, augmentation=self.augmentation)


def run_search(search: Search, meter: Meter, on_candidate: Callable[[Candidate], None]) -> str:
    """Try configurations until the budget or the space ends; return which: `seconds`, `trials` or `space`."""
    budget = search.budget
    for number, drawn in search.space.trials(search.key, search.start_trial):
        config = with_fixed(drawn, search.fixed)
        if budget.trials is not None and number >= budget.trials:
            return "trials"
        if number > 0 and _left_s(budget, meter) <= 0:
            return "seconds"
        with meter.billing(number):
            candidate = _judge_lateness(_attempt(search, meter, number, config), search, meter)
        on_candidate(candidate)
        del candidate  # its models are not held while the next ones are fitted
    return "space"


def _left_s(budget: Budget, meter: Meter) -> float:
    return math.inf if budget.seconds is None else budget.seconds - meter.spent_s()


def _judge_lateness(candidate: Candidate, search: Search, meter: Meter) -> Candidate:
    """Mark a default that ran past the budget; cut any later trial that did.

    Every default may run on to `DEFAULT_FACTOR` times the budget. Later, a model that says that the deadline
    cut it (`truncated_`) is its best so far: that is `truncated`, and counts at this budget. So does one that
    ended late by no more than `LATE_SHARE`. Any other is whole, and the budget did not pay for it: that is
    `timeout`, whether its learner could have polled or not.
    """
    seconds = search.budget.seconds
    if not candidate.status.valid or seconds is None or meter.spent_s() <= seconds:
        return candidate
    if candidate.number == 0:
        return _with(candidate, flags=(*candidate.flags, Flag.OVER_BUDGET))
    if candidate.status is TrialStatus.TRUNCATED or meter.spent_s() <= (1 + LATE_SHARE) * seconds:
        return _with(candidate, status=TrialStatus.TRUNCATED)
    return Candidate(
        number=candidate.number,
        config=candidate.config,
        status=TrialStatus.TIMEOUT,
        reason="finished after the deadline",
    )


def _with(candidate: Candidate, **changes: object) -> Candidate:
    return dataclasses.replace(candidate, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Tally:
    """What the folds of one configuration came to."""

    models: list[Estimator] = field(default_factory=list)
    predictions: list[Prediction] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    converged: bool = True
    truncated: bool = False


def _attempt(search: Search, meter: Meter, number: int, config: Config) -> Candidate:
    """Fit and validate one configuration; whatever goes wrong is its status, never an exception."""
    failed = _failure_of(number, config)
    tally = _Tally()
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for fold in range(len(search.data.folds)):
                if not _fit_fold(search, meter, (number, config, fold), tally):
                    return failed(TrialStatus.NAN, "a validation prediction is not finite")
    except DeadlinePassed as error:
        return failed(TrialStatus.TIMEOUT, str(error) or "the deadline passed before there was a model")
    except MemoryError as error:
        return failed(TrialStatus.OOM, f"out of memory: {error}".rstrip(": "))
    except Exception as error:  # noqa: BLE001 - a learner may raise anything, and that is a result
        status = TrialStatus.OOM if _is_allocation_failure(error) else TrialStatus.ERROR
        return _with(failed(status, _one_line(error)), traceback=traceback.format_exc())
    converged = tally.converged and not any("Convergence" in w.category.__name__ for w in caught)
    return Candidate(
        number=number,
        config=config,
        status=TrialStatus.TRUNCATED if tally.truncated else TrialStatus.OK,
        models=tuple(tally.models),
        validation=tuple(tally.predictions),
        validation_score=mean_score(search.data.problem, tally.scores),
        flags=() if converged else (Flag.NOT_CONVERGED,),
    )


def _fit_fold(search: Search, meter: Meter, trial: tuple[int, Config, int], tally: _Tally) -> bool:
    """Fit one fold's model and validate it; False where its predictions cannot be scored."""
    number, config, fold = trial
    data = search.data
    fit, held_out = data.folds[fold]
    own, how = config, augmentations.NONE
    if search.augmentation:
        own = {name: value for name, value in config.items() if name != augmentations.PARAMETER}
        how = str(config[augmentations.PARAMETER])
    context = BuildContext(
        problem=data.problem,
        n_classes=data.n_classes,
        seed=derive_seed(search.key, "fit", number, fold),
        threads=search.threads,
        device=search.device,
        image=data.image,
        augmentation=how,
    )
    X_held, y_held = data.X.iloc[held_out], data.y[held_out]
    model = search.learner.build(own, context)
    allowance = DEFAULT_FACTOR if number == 0 else 1.0
    deadline = _deadline(search.budget.seconds, meter, allowance, folds_left=len(data.folds) - fold)
    X_fit, y_fit = data.X.iloc[fit], data.y[fit]
    if data.image is not None and not getattr(search.learner, "augments", False):
        _refuse_copies(search, how)
        X_fit, y_fit = augmented(X_fit, y_fit, data.image, how, context.seed)
    model.fit(X_fit, y_fit, validation=(X_held, y_held), deadline=deadline)
    prediction = predict(model, X_held, data.problem, data.n_classes)
    tally.truncated |= bool(getattr(model, "truncated_", False))
    tally.converged &= bool(getattr(model, "converged_", True))
    if not finite(prediction):
        return False
    tally.scores.append(score(data.problem, y_held, prediction, data.target_sd))
    tally.models.append(model)
    tally.predictions.append(prediction)
    return True


def _refuse_copies(search: Search, how: str) -> None:
    """Raise ValueError where a learner applies to the fit rows, and not to them with their copies."""
    shape, copies = search.shape, n_copies(how)
    if shape is None or not copies or search.learner.limit(shape) is not None:
        return
    reason = search.learner.limit(dataclasses.replace(shape, n_rows=(1 + copies) * shape.n_rows))
    if reason is not None:
        raise ValueError(f"augmentation {how!r} makes {1 + copies} rows of each: {reason}")


@dataclass(frozen=True, slots=True)
class _Until:
    """A deadline at a point of the meter."""

    meter: Meter
    end_s: float

    def remaining_s(self) -> float:
        """Billed seconds left."""
        return self.end_s - self.meter.spent_s()


def _deadline(seconds: float | None, meter: Meter, allowance: float, folds_left: int) -> Deadline:
    """Return the deadline of the next fold: its fair share of what is left of so many budgets."""
    if seconds is None:
        return NoDeadline()
    spent = meter.spent_s()
    return _Until(meter, spent + max(0.0, allowance * seconds - spent) / folds_left)


def _failure_of(number: int, config: Config) -> Callable[[TrialStatus, str], Candidate]:
    def failed(status: TrialStatus, reason: str) -> Candidate:
        return Candidate(number=number, config=config, status=status, reason=reason)

    return failed


def _is_allocation_failure(error: Exception) -> bool:
    text = str(error).lower()
    return any(
        sign in text for sign in ("bad_alloc", "can't allocate memory", "not enough memory", "out of memory")
    )


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500]
