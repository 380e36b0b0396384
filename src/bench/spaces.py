"""Search spaces: what may be tried, and trial t's configuration as a pure function of a key and t."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypeAlias

from bench.seeds import derive_seed

Value: TypeAlias = bool | int | float | str | None
"""A hyperparameter's value: a JSON scalar."""
Config: TypeAlias = Mapping[str, Value]
"""A configuration: hyperparameter name to value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Float:
    """A real number between two bounds, drawn evenly or evenly in its logarithm."""

    low: float
    high: float
    log: bool = False

    def draw(self, rng: random.Random) -> float:
        """Return one value."""
        if self.log:
            return math.exp(rng.uniform(math.log(self.low), math.log(self.high)))
        return rng.uniform(self.low, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Int:
    """A whole number between two bounds, both included, drawn evenly or evenly in its logarithm."""

    low: int
    high: int
    log: bool = False

    def draw(self, rng: random.Random) -> int:
        """Return one value."""
        if self.log:
            value = math.exp(rng.uniform(math.log(self.low - 0.5), math.log(self.high + 0.5)))
            return min(self.high, max(self.low, round(value)))
        return rng.randint(self.low, self.high)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values, all equally likely."""

    options: tuple[Value, ...]

    def draw(self, rng: random.Random) -> Value:
        """Return one value."""
        return self.options[rng.randrange(len(self.options))]


Parameter: TypeAlias = Float | Int | Choice


@dataclass(frozen=True, slots=True)
class Space:
    """The default configuration, tried first, and the parameters that vary around it."""

    default: Config
    parameters: Mapping[str, Parameter] = field(default_factory=dict)

    @property
    def size(self) -> int | None:
        """The number of configurations, the default counted once; None where it is not finite."""
        if not all(isinstance(parameter, Choice) for parameter in self.parameters.values()):
            return None
        return len(self._grid())

    def trial(self, key: str, number: int) -> Config | None:
        """Return trial `number`'s configuration, or None where a finite space is exhausted.

        Trial 0 is the default. Later ones depend on (key, number) alone, so that a trace can be
        resumed, replayed and shuffled; a finite space is walked once, in an order seeded by the key.
        """
        if number == 0:
            return dict(self.default)
        if self.size is not None:
            others = self._grid()[1:]
            random.Random(derive_seed(key, "order")).shuffle(others)
            return others[number - 1] if number <= len(others) else None
        rng = random.Random(derive_seed(key, "trial", number))
        drawn = {name: parameter.draw(rng) for name, parameter in self.parameters.items()}
        return {**self.default, **drawn}

    def trials(self, key: str, start: int = 0) -> Iterator[tuple[int, Config]]:
        """Yield (number, configuration) from trial `start` on, for as long as the space lasts."""
        for number in itertools.count(start):
            config = self.trial(key, number)
            if config is None:
                return
            yield number, config

    def describe(self) -> dict[str, Any]:
        """Return the space as plain JSON values, for hashing and showing; the order of drawing counts."""
        drawn = [
            {"name": name, "kind": type(parameter).__name__.lower(), **asdict(parameter)}
            for name, parameter in self.parameters.items()
        ]
        return {"default": dict(self.default), "parameters": drawn}

    def _grid(self) -> list[Config]:
        choices = {n: p.options for n, p in self.parameters.items() if isinstance(p, Choice)}
        product = itertools.product(*choices.values())
        drawn = [{**self.default, **dict(zip(choices, values, strict=True))} for values in product]
        return [dict(self.default), *(config for config in drawn if config != dict(self.default))]
