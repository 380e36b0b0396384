"""Arms: a learner with some of its parameters held, written `mlp{dropout=0,n_layers=3}`.

Its default configuration has these values and its space no longer has these parameters, so that every trial
keeps them. What is compared with what then differs in them alone.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, dataclass
from types import MappingProxyType
from typing import Any, Self

from bench.datasets import ProblemType
from bench.errors import ConfigError
from bench.learners import BuildContext, Estimator, Learner
from bench.spaces import Choice, Config, Float, Int, Parameter, Space, Value
from bench.tasks import TaskShape

EXAMPLE = "mlp{dropout=0,n_layers=3}"
STOPS_EARLY = "stops_early"
"""Whether the validation rows may end a fit: held as false, an arm of any learner fits to its own end."""
_ARM = re.compile(r"([^{}]*)\{(.*)\}", re.DOTALL)
_ITEM = re.compile(r'\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,="{}]+)\s*(,(?!\s*\Z)|\Z)')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_PLAIN = re.compile(r"[A-Za-z0-9_.-]")
"""What stands for itself in a quoted text: the rest is escaped, since cell ids are cut and matched."""
_WORDS: Mapping[str, Value] = MappingProxyType({"true": True, "false": False, "null": None})
_KINDS: Mapping[type, str] = MappingProxyType(
    {bool: "true or false", int: "a number", float: "a number", str: "a text", type(None): "null"}
)


def is_arm(reference: str) -> bool:
    """Whether a reference to a learner has braces, well written or not."""
    return "{" in reference or "}" in reference


def names_arm(text: str) -> bool:
    """Whether a text is an arm as a whole, and not a part of a cell id with one in it."""
    found = _ARM.fullmatch(text)
    return found is not None and "/" not in found[1]


def base_reference(reference: str) -> str:
    """Return the name or import path of a learner, or of the one that an arm holds parameters of."""
    return reference.partition("{")[0].strip()


def is_import_path(reference: str) -> bool:
    """Whether a learner is found by import path: `module:attribute`, with parameters held or without."""
    return ":" in base_reference(reference)


def base_of(learner: Learner) -> Learner:
    """Return the learner that an arm holds parameters of; any other is its own."""
    return learner.base if isinstance(learner, Arm) else learner


def held_in(reference: str) -> dict[str, Value]:
    """Return what an arm's reference holds, as it is written.

    Raises:
        ConfigError: it cannot be read, names a parameter twice, or has a value that is no scalar.
    """
    found = _ARM.fullmatch(reference)
    if found is None or not found[1].strip() or not found[2].strip() or not reference.isprintable():
        shown = reference if reference.isprintable() else repr(reference)
        raise ConfigError(f"{shown}: an arm is written learner{{parameter=value}}, as in {EXAMPLE}")
    text, held, place = found[2], dict[str, Value](), 0
    while place < len(text):
        item = _ITEM.match(text, place)
        if item is None:
            raise ConfigError(
                f"{reference}: cannot be read at {text[place:]!r}: write parameter=value between commas, "
                f"as in {EXAMPLE}"
            )
        if item[1] in held:
            raise ConfigError(f"{reference}: {item[1]!r} is named twice: keep one of its values")
        held[item[1]] = _value(reference, item[1], item[2])
        place = item.end()
    return held


def _value(reference: str, name: str, token: str) -> Value:
    """Return the scalar that a token stands for."""
    try:
        if token.startswith('"'):
            return str(json.loads(token))
        if _NUMBER.fullmatch(token) and math.isfinite(float(token)):
            number: int | float = json.loads(token)
            return number if isinstance(number, int) else number + 0.0  # -0.0 is 0
    except ValueError:
        pass
    if _WORD.fullmatch(token):
        return _WORDS.get(token, token)
    raise ConfigError(
        f"{reference}: {name}={token}: a value is a finite number, true, false, null, a word, "
        "or a text in double quotes"
    )


class Arm:
    """A learner that holds some parameters of another and is that one in all else. Nothing of it changes."""

    name: str
    family: str
    title: str
    version: int
    packages: tuple[str, ...]
    modules: tuple[str, ...]
    polls_deadline: bool
    devices: tuple[str, ...]
    needs_images: bool
    augments: bool
    source_hash: str
    expected_failed_checks: Mapping[str, str]
    base: Learner
    held: Mapping[str, Value]
    text: str

    def __init__(self, base: Learner, held: Mapping[str, Value], text: str) -> None:
        """Take values that `Arm.of` has checked, and how they are written: keys sorted, without blanks."""
        self.__dict__.update(
            base=base,
            held=dict(held),
            text=text,
            name=f"{base.name}{{{text}}}",
            family=base.family,
            title=f"{base.title}, {text}",
            version=base.version,
            packages=base.packages,
            modules=base.modules,
            polls_deadline=base.polls_deadline,
            devices=base.devices,
            needs_images=getattr(base, "needs_images", False),
            augments=getattr(base, "augments", False),
            source_hash=getattr(base, "source_hash", ""),
            expected_failed_checks=getattr(base, "expected_failed_checks", {}),
        )

    def __setattr__(self, name: str, value: object) -> None:
        raise FrozenInstanceError(f"cannot assign to {name!r}: an arm is frozen")

    @classmethod
    def of(cls, base: Learner, held: Mapping[str, Value], reference: str) -> Self:
        """Return the arm of a learner that holds these values.

        Raises:
            ConfigError: no configuration has such a parameter, or the value cannot be one of its.
        """
        spaces = [_with_switches(base.space(problem)) for problem in ProblemType]
        known = list(dict.fromkeys(name for space in spaces for name in _names(space)))
        for name in held:
            if name not in known:
                near = difflib.get_close_matches(name, known, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                listed = ", ".join(known) or "none"
                raise ConfigError(
                    f"{reference}: {base.name} has no parameter {name!r}{hint} (parameters: {listed})"
                )
        slots = {name: _Slot.of(name, spaces) for name in sorted(held)}
        fitted: dict[str, Value] = {}
        for name, slot in slots.items():
            try:
                fitted[name] = slot.fitted(held[name])
            except ValueError as error:
                raise ConfigError(f"{reference}: {name} {error}") from None
        text = ",".join(f"{name}={slot.text(fitted[name])}" for name, slot in slots.items())
        return cls(base, fitted, text)

    def absent(self, problem: ProblemType) -> str | None:
        """Return why it does not apply to a problem, or None: what it holds is no parameter there."""
        own = _names(_with_switches(self.base.space(problem)))
        for name in self.held:
            if name not in own:
                return f"{self.base.name} has no parameter {name!r} where the problem is {problem.value}"
        return None

    def space(self, problem: ProblemType) -> Space:
        """Return the base's space without what is held; its default has that, as far as there is such."""
        own = self.base.space(problem)
        held = {name: value for name, value in self.held.items() if name in _names(_with_switches(own))}
        varied = {name: each for name, each in own.parameters.items() if name not in held}
        return Space({**own.default, **held}, varied)

    def limit(self, shape: TaskShape) -> str | None:
        """Return why it does not apply: a parameter is not there for the problem, or the base's limit."""
        return self.absent(shape.problem) or self.base.limit(shape)

    def lacks(self, device: str) -> str | None:
        """Return what this machine lacks, where the base says so."""
        lacks = getattr(self.base, "lacks", None)
        reason: str | None = None if lacks is None else lacks(device)
        return reason

    def with_limit(self, limit_s: float) -> Arm:
        """Return the same arm of the base under another limit, where the base has one to change."""
        with_limit = getattr(self.base, "with_limit", None)
        return self if with_limit is None else Arm(with_limit(limit_s), self.held, self.text)

    def warm_up(self, problem: ProblemType, device: str = "cpu") -> None:
        """Warm the base up."""
        self.base.warm_up(problem, device)

    def build(self, config: Config, context: BuildContext) -> Estimator:
        """Return the base's estimator. Raises ConfigError where what is held is no parameter."""
        absent = self.absent(context.problem)
        if absent is not None:
            raise ConfigError(f"{self.name}: {absent}")
        own = {name: value for name, value in config.items() if name != STOPS_EARLY}
        built = self.base.build(own, context)
        return built if config.get(STOPS_EARLY, True) else WholeFit(built)


class WholeFit:
    """An estimator that is not shown the validation rows, so that none of them ends its fit early."""

    def __init__(self, estimator: Estimator) -> None:
        """Take the estimator, which scikit-learn's `clone` copies as a parameter."""
        self.estimator = estimator

    def fit(self, X: Any, y: Any, *, validation: Any = None, deadline: Any = None) -> Self:
        """Fit on X (n, d) and y (n,) to the estimator's own end, or the deadline."""
        self.estimator.fit(X, y, deadline=deadline)
        return self

    def predict(self, X: Any) -> Any:
        """Return what the estimator predicts."""
        return self.estimator.predict(X)

    def get_params(self, deep: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - scikit-learn's
        """Return the estimator as the one parameter."""
        return {"estimator": self.estimator}

    def __getattr__(self, name: str) -> Any:
        """Return what else the estimator has: probabilities, classes, whether it was cut."""
        if name == "estimator" or (name.startswith("__") and name != "__sklearn_tags__"):
            raise AttributeError(name)  # nothing is there yet while it is unpickled
        return getattr(self.estimator, name)


def _with_switches(space: Space) -> Space:
    """Return a space with what an arm may hold of any learner beside its own parameters."""
    return Space({**space.default, STOPS_EARLY: True}, space.parameters)


def _names(space: Space) -> Mapping[str, object]:
    return {**space.default, **space.parameters}


@dataclass(frozen=True, slots=True)
class _Slot:
    """What a parameter may be: values that it has in some space, and whether it is searched there."""

    examples: tuple[Value, ...]
    searched: bool

    @classmethod
    def of(cls, name: str, spaces: list[Space]) -> Self:
        """Return the slot of a parameter; a default counts where it is of another kind than what is searched.

        A default of 0 may stand where real numbers are searched: that makes it no whole number.
        """
        examples: list[Value] = []
        searched = False
        for space in spaces:
            drawn = _drawn(space.parameters.get(name))
            searched |= bool(drawn)
            examples += drawn
            if name in space.default and _kind(space.default[name]) not in map(_kind, drawn):
                examples.append(space.default[name])
        return cls(tuple(examples), searched)

    def fitted(self, value: Value) -> Value:
        """Return a value as the parameter takes it, in or out of its range. Raises ValueError for none."""
        kinds = dict.fromkeys(map(_kind, self.examples))
        if set(kinds) <= {"null"}:  # nothing tells what else it takes
            return value
        if _kind(value) not in kinds:
            raise ValueError(f"takes {' or '.join(kinds)}, not {json.dumps(value)}")
        if not isinstance(value, int | float) or isinstance(value, bool):
            return value
        if self._real:
            return float(value)
        if self._whole and float(value).is_integer():
            return int(value)
        if self._whole:
            raise ValueError(f"takes a whole number, not {json.dumps(value)}")
        return value

    def text(self, value: Value) -> str:
        """Return the one way in which a value is written, which reads back as the same."""
        if isinstance(value, float):
            text = re.sub(r"e([-+]?)0*", lambda sign: f"e{sign[1].strip('+')}", repr(value))
            return text.removesuffix(".0") if self._real else text
        if not isinstance(value, str):
            return json.dumps(value)
        return value if _WORD.fullmatch(value) and value not in _WORDS else _quoted(value)

    @property
    def _numbers(self) -> list[Value]:
        return [each for each in self.examples if _kind(each) == _KINDS[int]]

    @property
    def _real(self) -> bool:
        return bool(self._numbers) and all(isinstance(each, float) for each in self._numbers)

    @property
    def _whole(self) -> bool:
        return self.searched and all(isinstance(each, int) for each in self._numbers)


def _drawn(parameter: Parameter | None) -> tuple[Value, ...]:
    """Return values that show what is drawn: of a range, its low end."""
    match parameter:
        case Choice(options):
            return options
        case Float(low=low):
            return (float(low),)
        case Int(low=low):
            return (low,)
        case None:
            return ()


def _kind(value: Value) -> str:
    return _KINDS[type(value)]


def _quoted(text: str) -> str:
    """Return a JSON string of ASCII letters, digits, `_.-` and escapes."""
    return f'"{"".join(each if _PLAIN.fullmatch(each) else _escaped(each) for each in text)}"'


def _escaped(character: str) -> str:
    code = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{code[place : place + 4]}" for place in range(0, len(code), 4))
