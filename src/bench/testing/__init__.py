"""For whoever brings a learner: the contract that every learner keeps, as a function and a pytest class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bench.testing.check import check_learner

if TYPE_CHECKING:
    from bench.testing.contract import LearnerContract

__all__ = ["LearnerContract", "check_learner"]


def __getattr__(name: str) -> Any:
    """Import the pytest class when it is asked for: the function needs no pytest."""
    if name == "LearnerContract":
        from bench.testing.contract import LearnerContract

        return LearnerContract
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
