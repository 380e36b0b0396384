"""The page that explains a fact, wherever bench is installed."""

from __future__ import annotations

from pathlib import Path

from bench.errors import ConfigError, PrerequisiteError
from bench.facts import CHECKS


def page_folders() -> tuple[Path, ...]:
    """Return where pages are looked for: the package, then the source checkout."""
    package = Path(__file__).resolve().parents[2]
    return (package / "_data" / "facts", package.parent.parent / "docs" / "facts")


def page(code: str) -> str:
    """Return the Markdown of a fact's page.

    Raises:
        ConfigError: there is no such fact.
        PrerequisiteError: the installation lacks its pages.
    """
    if code not in CHECKS:
        raise ConfigError(f"no fact {code!r} (facts: {', '.join(CHECKS)})")
    for folder in page_folders():
        path = folder / f"{code}.md"
        if path.is_file():
            return path.read_text("utf-8")
    raise PrerequisiteError(f"this installation has no page of {code}: install inductive-bench again")
