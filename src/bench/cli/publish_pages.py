"""`bench publish folder` and `bench publish site`: reports where others find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from bench.config.claims import list_claims, load_claim
from bench.errors import ConfigError
from bench.publishing.site import read
from bench.publishing.site import site as site_of
from bench.reporting.contents import report
from bench.reporting.folder import folder
from bench.reporting.writing import check, write
from bench.sources.cache import Cache
from bench.store.opening import read_store


def publish_folder(
    target: Path, *, run_ids: Sequence[str], profile: str, results: Path, cache: Path | None, write_it: bool
) -> None:
    """Make the report and write it, or say what would be written. Raises what `report` and `write` do."""
    if target.name in ("", ".", "..") or target.name.startswith("."):
        raise ConfigError(f"{target}: is no name for a report; name it for example 2026-tabular")
    claims = [load_claim(name) for name in list_claims()]
    made = folder(report(read_store(results), run_ids, claims, profile, Cache(cache)))
    _done(made, target, write_it=write_it)


def publish_site(output: Path, reports: Path, *, title: str, url: str, write_it: bool) -> None:
    """Make the site and write it, or say what would be written. Raises what `read` and `write` do."""
    found = read(reports)
    for each in found:
        click.echo(f"{each.name}: {each.summary['title']}, of {each.summary['date'][:10]}")
    _done(site_of(found, title=title, url=url), output, write_it=write_it)


def _done(made: Mapping[str, bytes], target: Path, *, write_it: bool) -> None:
    size = f"{len(made)} files, {sum(map(len, made.values())) / 1e6:.2f} MB"
    if write_it:
        write(made, target)
        click.echo(f"{target}: {size}")
    else:
        check(target)
        click.echo(f"{target}: would hold {size}; --apply writes it")
