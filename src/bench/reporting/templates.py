"""Templates, which lie beside the code that fills them; whatever is put in is text, and no markup."""

from __future__ import annotations

from importlib.resources import files
from typing import Any


def source(room: str, name: str) -> str:
    """Return a file of the folder `page` in a room: `reporting`, `publishing`."""
    return (files(f"bench.{room}") / "page" / name).read_text(encoding="utf-8")


def filled(room: str, name: str, **values: Any) -> str:
    """Return a template with its values, each escaped unless the template says that it is safe."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = _short
    return environment.from_string(source(room, name)).render(**values)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}\N{HORIZONTAL ELLIPSIS}"
