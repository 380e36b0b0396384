"""Dense ARFF files, read and written without bench's own reader: the two check each other."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

_NAME_AND_TYPE = re.compile(r"""(?:'((?:[^'\\]|\\.)+)'|"((?:[^"\\]|\\.)+)"|(\S+))\s+(.+)""")
_ESCAPE = re.compile(r"\\(.)")

Cell = str | None
"""A value as the file has it, without its quotes; None is missing."""


class Kind(StrEnum):
    """What OpenML calls an attribute's type."""

    NUMERIC = "numeric"
    NOMINAL = "nominal"
    STRING = "string"


@dataclass(frozen=True)
class Attribute:
    """A column's name and type; `levels` in declared order, for a nominal one."""

    name: str
    kind: Kind
    levels: tuple[str, ...] = ()


@dataclass(frozen=True)
class ArffTable:
    """What an ARFF file holds; each row has a cell for each attribute."""

    attributes: tuple[Attribute, ...]
    rows: tuple[tuple[Cell, ...], ...]

    def column(self, name: str) -> tuple[Cell, ...]:
        """Return the cells (n_rows,) of the attribute. Raises ValueError where there is none."""
        index = [attribute.name for attribute in self.attributes].index(name)
        return tuple(row[index] for row in self.rows)


def read_arff(arff: bytes) -> ArffTable:
    """Return what a well-formed file holds. Raises ValueError for one that is not."""
    attributes: list[Attribute] = []
    rows: list[tuple[Cell, ...]] = []
    lines = (line.strip() for line in arff.decode("utf-8").split("\n"))
    content = (line for line in lines if line and not line.startswith("%"))
    for line in content:
        keyword = line.split(None, 1)[0].lower()
        if keyword == "@data":
            break
        if keyword == "@attribute":
            attributes.append(_attribute(line.split(None, 1)[1]))
    for line in content:
        rows.append(tuple(_cells(line)))
        if len(rows[-1]) != len(attributes):
            raise ValueError(f"{len(rows[-1])} values for {len(attributes)} attributes: {line[:80]!r}")
    return ArffTable(tuple(attributes), tuple(rows))


def write_arff(relation: str, attributes: Sequence[Attribute], rows: Iterable[Sequence[Cell]]) -> bytes:
    """Return the file; a missing value is a bare question mark."""
    lines = [f"@relation {quoted(relation)}", ""]
    lines += [f"@attribute {quoted(attribute.name)} {_declared(attribute)}" for attribute in attributes]
    lines += ["", "@data"]
    lines += (
        ",".join(_written(cell, attribute.kind) for cell, attribute in zip(row, attributes, strict=True))
        for row in rows
    )
    return ("\n".join(lines) + "\n").encode("utf-8")


def quoted(text: str) -> str:
    """Return text in single quotes. Raises ValueError for a line end, which ARFF has no way to hold."""
    if "\n" in text or "\r" in text:
        raise ValueError(f"an ARFF file cannot hold the line end in {text[:40]!r}")
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _declared(attribute: Attribute) -> str:
    if attribute.kind is Kind.NOMINAL:
        return "{" + ",".join(quoted(level) for level in attribute.levels) + "}"
    return attribute.kind


def _written(cell: Cell, kind: Kind) -> str:
    if cell is None:
        return "?"
    return cell if kind is Kind.NUMERIC else quoted(cell)


def _attribute(declaration: str) -> Attribute:
    """Read what stands behind `@attribute`: a name, bare or quoted, then its type."""
    match = _NAME_AND_TYPE.fullmatch(declaration)
    if match is None:
        raise ValueError(f"no attribute: {declaration[:80]!r}")
    name = _ESCAPE.sub(r"\1", match[1] or match[2] or match[3])
    kind = match[4].strip()
    if kind.startswith("{"):
        levels = tuple("?" if level is None else level for level in _cells(kind[1 : kind.rindex("}")]))
        return Attribute(name, Kind.NOMINAL, levels)
    if kind.lower() in ("numeric", "real", "integer"):
        return Attribute(name, Kind.NUMERIC)
    if kind.lower() == "string":
        return Attribute(name, Kind.STRING)
    raise ValueError(f"attribute {name!r} is of type {kind!r}, which is not served")


def _cells(line: str) -> Iterator[Cell]:
    """Split at the commas outside quotes; a backslash inside them takes the next character as it is."""
    value, quote, was_quoted = "", "", False
    characters = iter(line)
    for character in characters:
        if quote and character == "\\":
            value += next(characters)
        elif quote:
            value, quote = (value, "") if character == quote else (value + character, quote)
        elif character in "'\"" and not value.strip():
            value, quote, was_quoted = "", character, True
        elif character == ",":
            yield _cell(value, was_quoted=was_quoted)
            value, was_quoted = "", False
        elif not was_quoted:
            value += character
    if quote:
        raise ValueError(f"a quote is not closed: {line[:80]!r}")
    yield _cell(value, was_quoted=was_quoted)


def _cell(value: str, *, was_quoted: bool) -> Cell:
    if was_quoted:
        return value
    return None if value.strip() == "?" else value.strip()
