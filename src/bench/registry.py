"""Which learners and families there are. Asking imports nothing that a learner fits with."""

from __future__ import annotations

import difflib
import importlib
import importlib.metadata
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from bench.environments import ALTERNATIVES
from bench.errors import ConfigError, PrerequisiteError
from bench.learners import Family, Learner

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
    "bench.zoo.bagging",
    "bench.zoo.boosting",
)
"""Each holds a tuple `LEARNERS`. Named, not imported: the zoo stands above the registry."""

ENTRY_POINTS = "bench.learners"
"""The entry points by which an installed package adds a learner: its name, and where the object is."""


@lru_cache(maxsize=1)
def learners() -> Mapping[str, Learner]:
    """Return every learner by its name: those of bench in the order of the families, then installed ones.

    Raises PrerequisiteError where an installed package declares a learner that cannot be loaded.
    """
    found: dict[str, Learner] = {}
    for module in LEARNER_MODULES:
        for each in importlib.import_module(module).LEARNERS:
            found[each.name] = each
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        if entry.name in found:
            raise PrerequisiteError(_broken(entry, "a learner of this name exists already"))
        found[entry.name] = _load(entry)
    return MappingProxyType(found)


def learner(name: str) -> Learner:
    """Return the learner of this name. Raises ConfigError, with a guess and the list, for any other."""
    known = learners()
    if name in known:
        return known[name]
    near = difflib.get_close_matches(name, known, n=1)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    raise ConfigError(f"no learner is called {name!r}{hint} (learners: {', '.join(known)})")


@lru_cache(maxsize=1)
def families() -> Mapping[str, Family]:
    """Return every family by its name."""
    declared: tuple[Family, ...] = importlib.import_module(FAMILIES_MODULE).FAMILIES
    return MappingProxyType({family.name: family for family in declared})


def missing(learner: Learner) -> tuple[str, ...]:
    """Return the distributions that this learner needs and that are not installed."""
    wanted = (ALTERNATIVES.get(package, (package,)) for package in learner.packages)
    absent = [names[0] for names in wanted if not any(_installed(name) for name in names)]
    return tuple(dict.fromkeys(absent))


def _load(entry: importlib.metadata.EntryPoint) -> Learner:
    try:
        loaded: Learner = entry.load()
    except Exception as error:  # whatever it is, it has to be said, and by whom
        raise PrerequisiteError(_broken(entry, f"{type(error).__name__}: {error}")) from error
    if getattr(loaded, "name", None) != entry.name:
        raise PrerequisiteError(_broken(entry, "its `name` must be that of its entry point"))
    return loaded


def _broken(entry: importlib.metadata.EntryPoint, why: str) -> str:
    owner = entry.dist.name if entry.dist is not None else "an installed package"
    return f"{owner}: learner {entry.name!r} ({entry.value}) cannot be used: {why}; mend or uninstall it"


def _installed(distribution: str) -> bool:
    try:
        importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
