"""What OpenML's schemas ask of the XML that is sent here: order, number, letters, length."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass, field

from loopback_openml.documents import NAMESPACE

INTEGER = re.compile(r"[+-]?\d+")
SYSTEM = re.compile(r"[a-zA-Z0-9_\-.]+")
CASUAL = re.compile(r"[a-zA-Z0-9_\-.,():]+")
NAMED = re.compile(r"[a-zA-Z0-9_\-.,():=]+")
LATIN = re.compile(r"[\x00-\x7f]*")
ANY = re.compile(r".*", re.DOTALL)


@dataclass(frozen=True)
class Rule:
    """An element: what its text may be, or which children it has, in this order."""

    tag: str
    text: re.Pattern[str] = ANY
    longest: int = 1 << 20
    required: bool = False
    several: bool = False
    children: tuple[Rule, ...] = field(default=())


RUN = Rule(
    "run",
    children=(
        Rule("task_id", INTEGER),
        Rule("flow_id", INTEGER, required=True),
        Rule("setup_string", LATIN, 2048),
        Rule("error_message", LATIN, 128),
        Rule("run_details", SYSTEM, 128, several=True),
        Rule(
            "parameter_setting",
            several=True,
            children=(
                Rule("name", CASUAL, 1024, required=True),
                Rule("value", LATIN, 2048, required=True),
                Rule("component", INTEGER),
            ),
        ),
        Rule("tag", SYSTEM, 128, several=True),
    ),
)
FLOW = Rule(
    "flow",
    children=(
        Rule("name", NAMED, 1024, required=True),
        Rule("custom_name", LATIN, 128),
        Rule("class_name", NAMED, 128),
        Rule("external_version", NAMED, 128),
        Rule("description", required=True),
        Rule("language", NAMED, 128),
        Rule("dependencies"),
        Rule(
            "parameter",
            several=True,
            children=(
                Rule("name", NAMED, 128, required=True),
                Rule("data_type", LATIN, 128),
                Rule("default_value"),
                Rule("description"),
            ),
        ),
        Rule("tag", SYSTEM, 128, several=True),
    ),
)


def fault_of(element: ET.Element, rule: Rule) -> str | None:
    """Return what is wrong with an element, or None."""
    if element.tag != f"{{{NAMESPACE}}}{rule.tag}":
        return f"{element.tag} stands where {rule.tag} is expected"
    if not rule.children:
        text = element.text or ""
        fine = rule.text.fullmatch(text) and len(text) <= rule.longest and not len(element)
        return None if fine else f"{rule.tag} cannot be {text[:40]!r}"
    left = list(element)
    for child in rule.children:
        n_before = len(left)
        while left and left[0].tag == f"{{{NAMESPACE}}}{child.tag}":
            wrong = fault_of(left.pop(0), child)
            if wrong:
                return wrong
        found = n_before - len(left)
        if (child.required and not found) or (found > 1 and not child.several):
            return f"{rule.tag} has {found} {child.tag}"
    return f"{rule.tag} has no place for {left[0].tag}" if left else None
