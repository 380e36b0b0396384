"""Learners from outside, by entry point or import path: found, checked, and made to show what they are of."""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import importlib.metadata
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.arms import Arm
from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.learners import BuildContext, Estimator, Learner, specification_hash
from bench.spaces import Config, Space
from bench.tasks import TaskShape

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
"""What a learner or family may be called: it becomes part of cell ids."""
NAME_RULE = "lower-case letters, digits, '.', '_' and '-'"
DEVICES = ("cpu", "cuda")
IMPORT_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*")
MEMBERS = (*Learner.__annotations__, "space", "limit", "warm_up", "build")
"""What a learner has."""


class UnusableError(Exception):
    """Why an object, or where it should be, is no learner: one line."""


class Adopted:
    """A learner from outside, with what else its results depend on than what it declares itself."""

    def __init__(self, own: Learner, *, owner: str = "", source_hash: str = "") -> None:
        """Add the distribution that it came with to its packages, or a hash of the file that it came from."""
        self.own = own
        self.name, self.family, self.title = own.name, own.family, own.title
        self.version, self.modules, self.devices = own.version, own.modules, own.devices
        self.packages = tuple(dict.fromkeys((*own.packages, owner) if owner else own.packages))
        self.polls_deadline = own.polls_deadline
        self.source_hash = source_hash
        self.expected_failed_checks = getattr(own, "expected_failed_checks", {})

    def space(self, problem: ProblemType) -> Space:
        """Return its own search space."""
        return self.own.space(problem)

    def limit(self, shape: TaskShape) -> str | None:
        """Return why it does not apply to such a task, or None."""
        return self.own.limit(shape)

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Warm it up."""
        self.own.warm_up(problem, device)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return its unfitted estimator."""
        return self.own.build(config, context)


def by_path(reference: str) -> Learner:
    """Return the learner at `package.module:attribute`; its hash changes with the module's file.

    Raises:
        ConfigError: there is none; the line says what is missing.
    """
    if not IMPORT_PATH.fullmatch(reference):
        raise ConfigError(f"{reference}: an import path is written package.module:attribute")
    name, _, attribute = reference.partition(":")
    if name.endswith(".py"):
        raise ConfigError(
            f"{reference}: name the module, not its file: {name.removesuffix('.py')}:{attribute}"
        )
    try:
        module = find_module(name)
        found = _attribute(module, attribute)
        problem = fault(found)
    except UnusableError as error:
        raise ConfigError(f"{reference}: {error}") from error
    if problem is not None:
        raise ConfigError(f"{reference}: {attribute} is no learner: {problem}")
    return Adopted(found, source_hash=_file_hash(module))


def by_entry_point(entry: importlib.metadata.EntryPoint) -> Learner:
    """Return the learner that an installed package declares; its distribution's version counts as its own.

    Raises:
        UnusableError: it cannot be imported, or is no learner.
    """
    found = _attribute(find_module(entry.module), entry.attr)
    problem = fault(found)
    if problem is not None:
        raise UnusableError(f"it is no learner: {problem}")
    if found.name != entry.name:
        raise UnusableError(f"its `name` must be that of its entry point, but is {found.name!r}")
    return Adopted(found, owner=entry.dist.name if entry.dist is not None else "")


def find_module(name: str) -> ModuleType:
    """Import a module from where Python looks or else from the current folder, which shadows nothing.

    What it prints goes to standard error: standard output belongs to the command.

    Raises:
        UnusableError: there is no such module, or importing it failed.
    """
    here = str(Path.cwd())
    added = here not in sys.path
    if added:
        sys.path.append(here)
    importlib.invalidate_caches()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return importlib.import_module(name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        absent = isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}.")
        if absent:
            raise UnusableError(f"there is no module {name!r} on Python's path or in {here}") from error
        raise UnusableError(f"importing {name} failed: {said(error)}") from error
    finally:
        if added:
            with contextlib.suppress(ValueError):
                sys.path.remove(here)


def fault(candidate: Any) -> str | None:
    """Return why an object is no learner, the first reason found, or None. Calls its `space`.

    An arm is as good as its base.
    """
    if isinstance(candidate, Arm):
        return fault(candidate.base)
    if isinstance(candidate, type):
        return "it is a class: name an instance of it"
    if callable(getattr(candidate, "fit", None)) and not hasattr(candidate, "space"):
        return "it is an estimator: make a learner of it with bench.wrap"
    try:
        lacking = [member for member in MEMBERS if not hasattr(candidate, member)]
        return f"it lacks {', '.join(lacking)}" if lacking else _wrong(candidate)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # noqa: BLE001 - it is not ours: whatever it raises is what is wrong with it
        return said(error)


def said(error: BaseException) -> str:
    """Return the type and text of an error in one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}"[:400].removesuffix(": ")


def _wrong(candidate: Any) -> str | None:
    """Return what is wrong with a member, or None."""
    for member in ("name", "family"):
        value = getattr(candidate, member)
        if not isinstance(value, str) or not NAME.fullmatch(value):
            return f"its `{member}` {value!r} must be made of {NAME_RULE} (it becomes part of cell ids)"
    tuples = {member: getattr(candidate, member) for member in ("packages", "modules", "devices")}
    for member, value in tuples.items():
        if not isinstance(value, tuple) or not all(isinstance(each, str) for each in value):
            return f"its `{member}` must be a tuple of strings, not {value!r}"
    if not candidate.devices or not set(candidate.devices) <= set(DEVICES):
        return f"its `devices` must be of {', '.join(DEVICES)}, not {candidate.devices!r}"
    for member, kind in {"title": str, "version": int, "polls_deadline": bool}.items():
        if type(getattr(candidate, member)) is not kind:
            return f"its `{member}` must be of type {kind.__name__}, not {getattr(candidate, member)!r}"
    for member in ("space", "limit", "warm_up", "build"):
        if not callable(getattr(candidate, member)):
            return f"its `{member}` must be a method"
    return _space_fault(candidate)


def _space_fault(candidate: Any) -> str | None:
    for problem in ProblemType:
        try:
            space = candidate.space(problem)
        except Exception as error:  # noqa: BLE001 - see `fault`
            return f"its space({problem.value}) raises {said(error)}"
        if not isinstance(space, Space):
            return f"its space({problem.value}) must be a bench.Space, not {type(space).__name__}"
    try:
        specification_hash(candidate)
    except (TypeError, ValueError) as error:
        return f"its space must hold plain JSON values: {said(error)}"
    return None


def _attribute(module: ModuleType, path: str) -> Any:
    found: Any = module
    for part in path.split("."):
        if not hasattr(found, part):
            raise UnusableError(f"{module.__name__} has no attribute {path!r}")
        found = getattr(found, part)
    return found


def _file_hash(module: ModuleType) -> str:
    """Return a hash of the module's file: other code is another learner."""
    if module.__file__ is None:
        raise UnusableError(f"{module.__name__} is a folder without code: name a module in it")
    return hashlib.sha256(Path(module.__file__).read_bytes()).hexdigest()[:16]
