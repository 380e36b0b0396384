"""One line for each thing wrong with a file: where, what, and what was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import BaseModel, ValidationError


def problem_lines(path: str, error: ValidationError, model: type[BaseModel]) -> tuple[str, ...]:
    """Return `path: key: what` for every error, with a "did you mean" beside unknown keys."""
    lines = []
    for item in error.errors():
        location = item["loc"]
        text = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            text = "unknown key" + did_you_mean(str(location[-1]), _keys_at(model, location[:-1]))
        elif item["type"] == "missing":
            text = "missing"
        lines.append(f"{path}: {key_path(location)}: {text}")
    return tuple(lines)


def key_path(location: Iterable[int | str]) -> str:
    """Return `tasks[3].dataset` from its parts."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "(the file)"


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """Return ` - did you mean "x"?` or nothing."""
    close = difflib.get_close_matches(wrong, list(known), n=1, cutoff=0.5)
    return f' - did you mean "{close[0]}"?' if close else ""


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    current = model
    for part in location:
        if isinstance(part, int):
            continue
        field = current.model_fields.get(part)
        nested = _model_in(field.annotation) if field else None
        if nested is None:
            return []
        current = nested
    return list(current.model_fields)


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_model_in(part) for part in getattr(annotation, "__args__", ()))
    return next((model for model in found if model is not None), None)
