"""Which learners and families there are. Asking imports nothing that a learner fits with."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import EntryPoint
from types import MappingProxyType

from bench.arms import Arm, base_reference, held_in, is_arm
from bench.environments import ALTERNATIVES
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import Family, Learner
from bench.plugins import UnusableError, by_entry_point, by_path

FAMILIES_MODULE = "bench.zoo.families"
LEARNER_MODULES = (
    "bench.zoo.dummy",
    "bench.zoo.linear",
    "bench.zoo.polynomial",
    "bench.zoo.neighbors",
    "bench.zoo.tree",
    "bench.zoo.forest",
    "bench.zoo.boosted_trees",
    "bench.zoo.svm",
    "bench.zoo.gp",
    "bench.zoo.net",
    "bench.zoo.image_net",
    "bench.zoo.bagging",
    "bench.zoo.boosting",
    "bench.zoo.image_features",
    "bench.zoo.boosted_features",
    "bench.zoo.gp_conv",
)
"""Each holds a tuple `LEARNERS`. Named, not imported: the zoo stands above the registry."""

ENTRY_POINTS = "bench.learners"
"""The entry points by which an installed package adds a learner: its name, and where the object is."""


def learners() -> Mapping[str, Learner]:
    """Return every learner that can be used, by its name: bench's own in order, then installed ones."""
    installed = {name: found for name in _entries() if not isinstance(found := _installed(name), str)}
    return MappingProxyType({**_own(), **installed})


def learners_of_tables() -> tuple[str, ...]:
    """Return the names of all learners that do not need rows to be images and are not for experiments."""
    return tuple(
        name
        for name, each in learners().items()
        if not getattr(each, "needs_images", False) and not getattr(each, "for_experiments", False)
    )


def broken() -> Mapping[str, str]:
    """Return why an installed package's learner cannot be used, by its name; no key is in `learners`.

    Where bench has a learner of that name itself, the package's is called `name (distribution)`.
    """
    reasons = {name: found for name in _entries() if isinstance(found := _installed(name), str)}
    taken = [entry for entry in _entry_points() if entry.name in _own()]
    return MappingProxyType(
        reasons | {f"{e.name} ({_owner(e)})": _broken(e, "bench has a learner of this name") for e in taken}
    )


def learner(reference: str) -> Learner:
    """Return the learner of this name, or at this import path `package.module:attribute`, or an arm of one.

    Loads no other learner's package. An import path is looked up where Python looks, then in the current
    folder. An arm, `mlp{dropout=0}`, holds parameters of a learner: see `bench.arms`.

    Raises:
        ConfigError: there is none; the line guesses at the name, or says what the import path lacks, or what
            is wrong with an arm.
        PrerequisiteError: an installed package declares it, and it cannot be used.
    """
    if is_arm(reference):
        held = held_in(reference)
        return Arm.of(learner(base_reference(reference)), held, reference)
    if ":" in reference:
        return _by_path(reference)
    if reference in _own():
        return _own()[reference]
    if reference in _entries():
        found = _installed(reference)
        if isinstance(found, str):
            raise PrerequisiteError(found)
        return found
    known = learners()
    near = difflib.get_close_matches(reference, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    hint += "; in a shell, quote an arm: 'learner{parameter=value}'" if "=" in reference else ""
    raise ConfigError(f"no learner is called {reference!r}{hint} (learners: {', '.join(known)})")


@lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """Return every family by its name."""
    declared: tuple[Family, ...] = importlib.import_module(FAMILIES_MODULE).FAMILIES
    return MappingProxyType({family.name: family for family in declared})


def missing(learner: Learner) -> tuple[str, ...]:
    """Return the distributions that this learner needs and that are not installed."""
    wanted = (ALTERNATIVES.get(package, (package,)) for package in learner.packages)
    absent = [names[0] for names in wanted if not any(_is_installed(name) for name in names)]
    return tuple(dict.fromkeys(absent))


@lru_cache(maxsize=1)
def _own() -> Mapping[str, Learner]:
    modules = (importlib.import_module(module) for module in LEARNER_MODULES)
    return MappingProxyType({each.name: each for module in modules for each in module.LEARNERS})


@lru_cache(maxsize=1)
def _entry_points() -> tuple[EntryPoint, ...]:
    return tuple(importlib.metadata.entry_points(group=ENTRY_POINTS))


@lru_cache(maxsize=1)
def _entries() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Return who declares a learner of each name that bench itself does not have."""
    claims: dict[str, tuple[EntryPoint, ...]] = {}
    for entry in _entry_points():
        if entry.name not in _own():
            claims[entry.name] = (*claims.get(entry.name, ()), entry)
    return MappingProxyType(claims)


@lru_cache
def _installed(name: str) -> Learner | str:
    """Return the learner that an installed package declares, or why it cannot be used."""
    first, *others = _entries()[name]
    if others:
        return _broken(
            first, f"{' and '.join(_owner(other) for other in others)} declares one of this name too"
        )
    try:
        return by_entry_point(first)
    except UnusableError as error:
        return _broken(first, str(error))


@lru_cache
def _by_path(reference: str) -> Learner:
    found = by_path(reference)
    if found.name in _own() or found.name in _entries():
        raise ConfigError(
            f"{reference}: its name {found.name!r} is that of another learner; give it one of its own, "
            f"or write {found.name!r} for the other one"
        )
    return found


def _broken(entry: EntryPoint, why: str) -> str:
    return (
        f"{_owner(entry)}: learner {entry.name!r} ({entry.value}) cannot be used: {why}; mend or uninstall it"
    )


def _owner(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an installed package"


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
