"""What may be said of a claim, and by which rule. The words alone: what decides is in `bench.analysis`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """How a contrast is decided; fixed before any evidence is seen."""

    SUPERIORITY = "superiority"
    """D1: one side is better than the other, by the margin at least."""
    EQUIVALENCE = "equivalence"
    """D2: neither side is better than the other by the margin."""
    INTERACTION = "interaction"
    """D3: an intervention takes from one side's advantage over the other the margin at least."""
    UNIVERSAL = "universal"
    """D4: something holds for every learner of a side; one replicated exception refutes it."""
    IMPOSSIBLE = "impossible"
    """D4: something holds for no learner of a side; one replicated exception refutes it."""
    SHAPE = "shape"
    """D5: one side's curve is steeper than the other's, by the margin at least."""
    AT_MOST = "at-most"
    """One side is better than the other by less than the margin."""


class Word(StrEnum):
    """The verdict on a claim, or on one of its contrasts."""

    SUPPORTED = "SUPPORTED"
    REFUTED = "REFUTED"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"
    """A control failed: whatever the contrast shows may have another cause."""
    NOT_RUN = "NOT RUN"


class Tag(StrEnum):
    """In which way a claim is refuted."""

    EQUIVALENT = "EQUIVALENT"
    REVERSED = "REVERSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What a rule makes of a contrast."""

    word: Word
    tag: Tag | None = None
    why: str
    """What decided, in a phrase."""
    needs: str = ""
    """Where it is inconclusive: what it would take."""

    def __str__(self) -> str:
        """`REFUTED (REVERSED)`."""
        return self.word.value if self.tag is None else f"{self.word.value} ({self.tag.value})"
