"""A static site of reports: an index, a feed, the latest, and each report as it is."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import DataError, PrerequisiteError
from bench.reporting.folder import PAGE
from bench.reporting.summary import FILE, FORMAT
from bench.reporting.templates import filled, source
from bench.reporting.writing import MARK, sums, verified

FEED = "feed.xml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A report that a site holds."""

    name: str
    """Of its folder."""
    summary: Mapping[str, Any]
    files: Mapping[str, bytes]


def read(reports: Path) -> tuple[Published, ...]:
    """Return the reports in the folders of a folder, the newest first.

    Raises:
        PrerequisiteError: there is none.
        DataError: one is not as it was written, or of a newer bench.
    """
    found = [_read(each.parent) for each in sorted(reports.glob(f"*/{FILE}"))]
    if not found:
        raise PrerequisiteError(f"{reports}: holds no report; `bench report -o {reports}/NAME` makes one")
    return tuple(sorted(found, key=lambda each: (each.summary["date"], each.name), reverse=True))


def site(found: Sequence[Published], *, title: str, url: str) -> dict[str, bytes]:
    """Return the files of a site of reports, the newest first; `url` is where it will be, or empty.

    Without a `url` the feed's links are relative, which some readers of feeds do not follow (RFC 4287).
    """
    made = {f"{each.name}/{name}": content for each in found for name, content in each.files.items()}
    made |= {f"latest/{name}": content for name, content in found[0].files.items()}
    at = f"{url.rstrip('/')}/" if url else ""
    style = source("reporting", "style.css")
    made[PAGE] = filled("publishing", "index.html", title=title, style=style, found=found).encode()
    made[FEED] = filled("publishing", "feed.xml", title=title, at=at, found=found).encode()
    made[".nojekyll"] = b""  # GitHub Pages would leave out what begins with an underscore
    return made | {MARK: sums(made)}


def _read(folder: Path) -> Published:
    content = verified(folder)
    try:
        summary = json.loads(content[FILE])
        written_by = summary["format"]
    except (ValueError, KeyError, TypeError) as error:
        raise DataError(
            f"{folder / FILE}: is no summary of a report ({error}); write the report again"
        ) from error
    if written_by > FORMAT:
        raise DataError(f"{folder / FILE}: of a newer bench; upgrade with `pip install -U inductive-bench`")
    return Published(name=folder.name, summary=summary, files=content)
