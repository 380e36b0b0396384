"""A learner made of any scikit-learn estimator."""

from __future__ import annotations

import functools
import importlib.metadata
import inspect
import math
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import FrozenInstanceError, dataclass
from importlib.machinery import PathFinder
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, TypedDict, Unpack, get_args

from bench.datasets import ProblemType
from bench.environments import ALTERNATIVES
from bench.errors import ConfigError
from bench.learners import BuildContext, Estimator, Learner
from bench.plugins import NAME, NAME_RULE, UnusableError, find_module, said
from bench.spaces import Choice, Config, Float, Int, Parameter, Space
from bench.tasks import TaskShape
from bench.zoo.declaration import COMMON_MODULES, ZooLearner
from bench.zoo.scaling import SCALINGS, dense_encoder, model_params

Preprocessing: TypeAlias = Literal["dense", "trees", "none"]
BASE = ("numpy", "scipy", "sklearn")
"""What every learner's results depend on anyway."""
SET_BY_BENCH = ("random_state", "n_jobs")


class Declared(TypedDict, total=False):
    """What a wrapped learner may say of itself."""

    family: str
    """Default: its own name, a family of its own."""
    title: str
    """Default: its name."""
    version: int
    """To be raised whenever its results may change. Default: 1."""
    packages: tuple[str, ...]
    """Default: the distributions that hold the estimators' classes."""
    polls_deadline: bool
    """Default: whether a `fit` takes `deadline`; False for an import string."""
    limit: Callable[[TaskShape], str | None]
    """Returns why the learner does not apply to such a task, or None."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """What is fitted, on what, and what of it is searched."""

    classifier: Any
    """An estimator, an import string `package.module:Class`, or None."""
    regressor: Any
    space: Mapping[str, Parameter]
    preprocessing: Preprocessing

    @property
    def given(self) -> list[Any]:
        """The estimators that there are."""
        return [each for each in (self.classifier, self.regressor) if each is not None]

    def of(self, problem: ProblemType) -> Any:
        """Return what is fitted for a problem, or None."""
        return self.classifier if problem.is_classification else self.regressor


def wrap(
    name: str,
    *,
    classifier: Any = None,
    regressor: Any = None,
    space: Mapping[str, Parameter] = MappingProxyType({}),
    preprocessing: Preprocessing = "dense",
    **declared: Unpack[Declared],
) -> Learner:
    """Return a learner that fits scikit-learn estimators.

    Its default configuration is the estimator's own parameters, as far as they are plain values.
    `random_state` and `n_jobs` are set by bench, at every depth; a `fit` that takes `validation` or
    `deadline` is given them.

    Args:
        name: what cell ids call it.
        classifier: for classes: an estimator, its class, or "package.module:Class", which is imported when
            the first model is built; its default configuration then reads {}.
        regressor: the same for numbers. A problem without an estimator does not apply.
        space: parameter (`step__parameter` inside a pipeline) to Float, Int or Choice; one that a single
            one of the two estimators has is searched there.
        preprocessing: "dense": numbers complete and scaled (which way is searched too), categories one-hot
            or target-encoded; "trees": categories as ordinal codes, missing values as NaN; "none": the
            frame as it is, its categories as pandas categoricals.
        declared: see `Declared`.

    Raises:
        ConfigError: the name, an estimator, or a parameter of the space cannot be used.
    """
    unknown = sorted(set(declared) - set(Declared.__annotations__))
    if unknown:
        options = ", ".join(Declared.__annotations__)
        raise ConfigError(f"wrap({name!r}): there is no option {unknown[0]!r} (there are {options})")
    recipe = Recipe(
        classifier=_instance(name, "classifier", classifier),
        regressor=_instance(name, "regressor", regressor),
        space=dict(space),
        preprocessing=preprocessing,
    )
    for problem in _problems(name, declared.get("family", name), recipe):
        raise ConfigError(f"wrap({name!r}): {problem}")
    return Wrapped(name, recipe, declared)


class Wrapped(ZooLearner):
    """A learner around scikit-learn estimators. Nothing of it can be changed."""

    recipe: Recipe
    declared_limit: Callable[[TaskShape], str | None] | None

    def __init__(self, name: str, recipe: Recipe, declared: Declared) -> None:
        """Keep what `wrap` has checked."""
        self.__dict__.update(
            name=name,
            family=declared.get("family", name),
            title=declared.get("title", name),
            version=declared.get("version", 1),
            packages=tuple(declared.get("packages", _packages(recipe))),
            modules=(*COMMON_MODULES, *_modules(recipe)),
            polls_deadline=declared.get("polls_deadline", any(map(_takes_deadline, recipe.given))),
            recipe=recipe,
            declared_limit=declared.get("limit"),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name!r}: a wrapped learner is frozen")

    def space(self, problem: ProblemType) -> Space:
        """Return the estimator's own parameters first, then those that vary."""
        estimator, declared = self.recipe.of(problem), self.recipe.space
        if estimator is None:
            return Space({})
        own: Mapping[str, Any] = declared if isinstance(estimator, str) else estimator.get_params()
        searched = {name: parameter for name, parameter in declared.items() if name in own}
        default = {} if isinstance(estimator, str) else {n: v for n, v in own.items() if _plain(n, v)}
        if self.recipe.preprocessing == "dense":
            return Space({"scaling": "standard", **default}, {"scaling": SCALINGS, **searched})
        return Space(default, searched)

    def limit(self, shape: TaskShape) -> str | None:
        """Return why it does not apply: there is no estimator for the problem, or its declared limit."""
        if self.recipe.of(shape.problem) is None:
            kind = "classifier" if shape.problem.is_classification else "regressor"
            return f"{self.name} has no {kind}"
        return None if self.declared_limit is None else self.declared_limit(shape)

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Fit the default configuration on made-up rows, where there is an estimator."""
        if self.recipe.of(problem) is not None:
            super().warm_up(problem, device)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return an unfitted estimator. Raises ConfigError where it does not have a parameter."""
        from sklearn.base import clone

        from bench.zoo.composite import tabular

        model = clone(_imported(self.name, self.recipe.of(context.problem)))
        known = model.get_params()
        params = model_params(config) if self.recipe.preprocessing == "dense" else dict(config)
        unknown = sorted(set(params) - set(known))
        if unknown:
            raise ConfigError(f"{self.name}: {_no_parameter(unknown[0], set(known))}")
        model.set_params(**{**_ours(known, context), **params})
        return tabular(
            self._encoder(config, context), model, classification=context.problem.is_classification
        )

    def _encoder(self, config: Config, context: BuildContext) -> Any:
        from bench.zoo.estimators.as_is import AsIs
        from bench.zoo.preprocessing import TreeEncoder

        if self.recipe.preprocessing == "dense":
            return dense_encoder(config, context)
        return TreeEncoder() if self.recipe.preprocessing == "trees" else AsIs()


def _ours(known: Mapping[str, Any], context: BuildContext) -> dict[str, int]:
    """Return the seeds and threads of an estimator with these parameters, at every depth."""
    ours: dict[str, int] = {}
    for name, value in known.items():
        last = name.rpartition("__")[2]
        if last == "random_state":
            ours[name] = context.seed
        elif last == "n_jobs" and (value is not None or context.threads > 1):  # None is one thread already
            ours[name] = context.threads
    return ours


def _instance(name: str, role: str, given: Any) -> Any:
    """Return an estimator for whatever was given; an import string stays one."""
    if not isinstance(given, type):
        return given
    try:
        return given()
    except TypeError as error:
        raise ConfigError(f"wrap({name!r}): {role}: give an instance: {said(error)}") from error


def _problems(name: str, family: str, recipe: Recipe) -> Iterator[str]:
    """Yield what is wrong with a recipe."""
    for each in (name, family):
        if not NAME.fullmatch(str(each)):
            yield f"{each!r} must be made of {NAME_RULE} (it becomes part of cell ids)"
    if not recipe.given:
        yield "give a classifier, a regressor or both"
    if recipe.preprocessing not in get_args(Preprocessing):
        yield f"preprocessing {recipe.preprocessing!r} is none of {', '.join(get_args(Preprocessing))}"
    for role, estimator in {"classifier": recipe.classifier, "regressor": recipe.regressor}.items():
        yield from _estimator_problems(role, estimator)
    for parameter, values in recipe.space.items():
        if type(values) not in (Float, Int, Choice):
            yield f"space: {parameter!r} must be a Float, an Int or a Choice, not {values!r}"
    instances = [each for each in recipe.given if not isinstance(each, str)]
    known = {parameter for each in instances for parameter in each.get_params()}
    if recipe.preprocessing == "dense" and "scaling" in {*known, *recipe.space}:
        yield "'dense' has a parameter 'scaling' of its own: take preprocessing 'trees' or 'none'"
    unknown = sorted(set(recipe.space) - known)
    if unknown and len(instances) == len(recipe.given):
        yield f"space: {_no_parameter(unknown[0], known)}"


def _estimator_problems(role: str, estimator: Any) -> Iterator[str]:
    needed = ("predict_proba", "decision_function") if role == "classifier" else ("predict",)
    if estimator is None:
        return
    if isinstance(estimator, str):
        if estimator.count(":") != 1:
            yield f"{role} {estimator!r} must be an estimator, its class, or 'package.module:Class'"
    elif not all(callable(getattr(estimator, each, None)) for each in ("fit", "get_params", "set_params")):
        yield f"{role} {estimator!r} is no scikit-learn estimator: it needs fit, get_params and set_params"
    elif not any(hasattr(estimator, method) for method in needed):
        yield f"{role} {type(estimator).__name__} has neither {' nor '.join(needed)}: nothing could be scored"


def _no_parameter(name: str, known: set[str]) -> str:
    own = sorted(each for each in known if each.rpartition("__")[2] not in SET_BY_BENCH)
    return f"there is no parameter {name!r} (known: {', '.join(own)})"


def _imported(name: str, estimator: Any) -> Any:
    """Return the estimator, imported where it was named."""
    if not isinstance(estimator, str):
        return estimator
    module, _, attribute = estimator.partition(":")
    try:
        return _instance(name, estimator, getattr(find_module(module), attribute))
    except (AttributeError, UnusableError) as error:
        raise ConfigError(f"{name}: {estimator}: {error}") from error


def _plain(name: str, value: Any) -> bool:
    """Return whether a parameter's value can be written down, and is not bench's to set."""
    finite = not isinstance(value, float) or math.isfinite(value)
    kinds = (bool, int, float, str, type(None))
    return finite and isinstance(value, kinds) and name.rpartition("__")[2] not in SET_BY_BENCH


def _takes_deadline(estimator: Any) -> bool:
    return not isinstance(estimator, str) and "deadline" in inspect.signature(estimator.fit).parameters


def _class_modules(recipe: Recipe) -> list[str]:
    """Return the modules of the estimators' classes, those inside a pipeline too."""
    found = [each.partition(":")[0] for each in recipe.given if isinstance(each, str)]
    for each in recipe.given:
        if not isinstance(each, str):
            parts = [part for part in (each, *each.get_params().values()) if hasattr(part, "get_params")]
            found += [type(part).__module__ for part in parts if not isinstance(part, type)]
    return list(dict.fromkeys(found))


def _packages(recipe: Recipe) -> tuple[str, ...]:
    roots = dict.fromkeys(module.partition(".")[0] for module in _class_modules(recipe))
    return tuple(package for root in roots if root not in BASE for package in _distributions(root))


def _modules(recipe: Recipe) -> tuple[str, ...]:
    """Return what a fork server can import beforehand: installed modules, not the user's own files."""
    roots = {module: module.partition(".")[0] for module in _class_modules(recipe)}
    return tuple(module for module, root in roots.items() if root in BASE or _distributions(root))


@functools.lru_cache
def _distributions(root: str) -> tuple[str, ...]:
    """Return the distributions that hold a top-level module: its own name where there is no such module."""
    if root in ALTERNATIVES:
        return ALTERNATIVES[root]
    try:
        return (importlib.metadata.distribution(root).name,)
    except importlib.metadata.PackageNotFoundError:
        pass
    if PathFinder.find_spec(root, [*sys.path, str(Path.cwd())]) is None and root != "__main__":
        return (root,)
    holding = importlib.metadata.packages_distributions().get(root, ())
    return tuple(name for name in holding if _is_of(root, importlib.metadata.distribution(name)))


def _is_of(root: str, distribution: importlib.metadata.Distribution) -> bool:
    """Whether a module is the distribution's, and not one of that name that is found before it.

    Some distributions hold a `tests`, which a user's own folder goes before.
    """
    imported = sys.modules.get(root)
    spec = PathFinder.find_spec(root) if imported is None else imported.__spec__
    places = [] if spec is None else [*(spec.submodule_search_locations or ()), spec.origin or ""]
    own = Path(str(distribution.locate_file(""))).resolve()
    return any(Path(place).resolve().is_relative_to(own) for place in places if place)
