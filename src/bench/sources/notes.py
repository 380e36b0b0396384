"""What reading made of a table, in lines that its owner can take in: a line a cause, columns shortened."""

from __future__ import annotations

from collections.abc import Iterable

SHOWN = 5
LONGEST = 40


def listed(names: Iterable[str], most: int = SHOWN) -> str:
    """Return `a, b, c and 37 more`; one more than shown is shown too."""
    short = [shortened(name) for name in names]
    if len(short) <= most + 1:
        return ", ".join(short)
    return f"{', '.join(short[:most])} and {len(short) - most:,} more"


def shortened(name: str, most: int = LONGEST) -> str:
    """Return a name on one line, cut in the middle where it is long."""
    line = " ".join(name.split())
    if len(line) <= most:
        return line
    return f"{line[: most // 2]}...{line[-(most // 2 - 3) :]}"


class Notes:
    """Notes as they gather: causes in the order they came up, each with what it struck."""

    def __init__(self) -> None:
        """Start with none."""
        self._struck: dict[str, list[str]] = {}

    def add(self, cause: str, *struck: str) -> None:
        """Note a cause, and what it struck: columns."""
        self._struck.setdefault(cause, []).extend(struck)

    def lines(self) -> tuple[str, ...]:
        """Return a line for each cause."""
        return tuple(
            f"{cause}: {listed(struck)}" if struck else cause for cause, struck in self._struck.items()
        )
