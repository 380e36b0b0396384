"""`bench data ...`: the tables that are kept on this machine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.options import cache_option, json_option
from bench.errors import BenchError, ConfigError, DataError, ExitCode

if TYPE_CHECKING:
    from bench.sources.cache import Cache
    from bench.sources.requests import TableRequest


@click.group("data")
def command() -> None:
    """Fetch, list, show, verify, pack, unpack and evict tables."""


@command.command("fetch")
@click.argument("what", nargs=-1, metavar="[SUITE|openml:suite/N|openml:task/N|TABLE]...")
@cache_option
def fetch(what: tuple[str, ...], cache: Path | None) -> None:
    """Fetch the tables of suites, or single ones; without an argument every table of the catalogue.

    What is there is not fetched again, and what was stopped goes on. Exit code 5: some could not be had.
    """
    from bench.sources.cache import Cache
    from bench.sources.prepare import prepare

    start = time.monotonic()
    shelf = Cache(cache)
    requests = _requests(what, shelf)
    found = prepare(requests, shelf, lambda line: click.echo(f"  {line}"))
    failed: dict[str, list[str]] = {}
    for name, outcome in found.items():
        if isinstance(outcome, BenchError):
            failed.setdefault(str(outcome), []).append(name)
    for reason, names in failed.items():
        click.echo(f"not to be had: {', '.join(names)}: {reason}", err=True)
    folders = {shelf.folder(each.name) for each in found.values() if not isinstance(each, BenchError)}
    size = sum(path.stat().st_size for folder in folders for path in folder.iterdir())
    missing = sum(map(len, failed.values()))
    click.echo(
        f"{len(found) - missing} of {len(found)} tables are here, {size / 1e6:,.1f} MB in {shelf.root}; "
        f"{time.monotonic() - start:.1f} s"
    )
    click.get_current_context().exit(int(ExitCode.PREREQUISITE if missing else ExitCode.DONE))


@command.command("list")
@json_option
@cache_option
def list_(cache: Path | None, *, as_json: bool) -> None:
    """List the tables of the cache: size, grade, licence, bytes."""
    from bench.cli.listing import echo_records
    from bench.sources.cache import Cache
    from bench.sources.shelf import kept_tables

    echo_records(
        [
            {
                "table": kept.name,
                "problem": kept.dataset.problem.value if kept.dataset else "damaged",
                "rows": str(kept.dataset.n_rows) if kept.dataset else "",
                "features": str(len(kept.dataset.features)) if kept.dataset else "",
                "grade": kept.dataset.grade.value if kept.dataset else "",
                "bytes": str(kept.size_bytes),
                "licence": kept.dataset.licence if kept.dataset else "",
            }
            for kept in kept_tables(Cache(cache))
        ],
        as_json=as_json,
    )


@command.command("show")
@click.argument("name")
@json_option
@cache_option
def show(name: str, cache: Path | None, *, as_json: bool) -> None:
    """Show what is known of a table: columns, classes, grade, licence, facts; fetched or not."""
    from bench.cli.table_portrait import portrait, portrait_text
    from bench.sources.cache import Cache

    record = portrait(name, Cache(cache))
    click.echo(json.dumps(record, indent=2) if as_json else portrait_text(record))


@command.command("verify")
@click.argument("names", nargs=-1)
@cache_option
def verify(names: tuple[str, ...], cache: Path | None) -> None:
    """Hash every file of the cache again, and name what is damaged. Exit code 5 where something is."""
    from bench.sources.cache import Cache
    from bench.sources.shelf import chosen, damages

    tables = chosen(names, Cache(cache))
    damaged = 0
    for kept in tables:
        lines = list(damages(kept))
        for line in lines:
            click.echo(line)
        if lines:
            damaged += 1
            click.echo(f"  to mend {kept.name}: bench data evict {kept.name}, then fetch it again")
    click.echo(f"{len(tables) - damaged} of {len(tables)} tables are in order")
    if damaged:
        raise DataError(f"{damaged} tables are damaged")


@command.command("evict")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every table.")
@cache_option
def evict(names: tuple[str, ...], cache: Path | None, *, everything: bool) -> None:
    """Delete tables from the cache; results stay."""
    from bench.sources.cache import Cache
    from bench.sources.shelf import chosen
    from bench.sources.shelf import evict as delete

    if bool(names) == everything:
        raise click.UsageError("name tables, or give --all")
    for kept in chosen(names, Cache(cache)):
        click.echo(f"{kept.name}: {delete(kept) / 1e6:,.1f} MB freed")


@command.command("export")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("names", nargs=-1)
@cache_option
def export(file: Path, names: tuple[str, ...], cache: Path | None) -> None:
    """Pack tables into one file, for a machine without a network; those of unknown licence stay out.

    Exit code 5: some that were named could not go in.
    """
    from bench.sources.bundles import export_bundle
    from bench.sources.cache import Cache
    from bench.sources.shelf import chosen

    shelf = Cache(cache)
    packed = export_bundle(file, chosen(names, shelf), shelf)
    for name, reason in packed.left_out.items():
        click.echo(f"left out: {name}: {reason}", err=True)
    if not packed.names:
        raise DataError(f"no table can go into a bundle: {file} was not written")
    click.echo(f"{len(packed.names)} tables in {file}, {file.stat().st_size / 1e6:,.1f} MB")
    wanted = bool(names) and bool(packed.left_out)
    click.get_current_context().exit(int(ExitCode.PREREQUISITE if wanted else ExitCode.DONE))


@command.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@cache_option
def import_(file: Path, cache: Path | None) -> None:
    """Unpack tables from a file that `bench data export` wrote, each checked before it appears."""
    from bench.sources.bundles import import_bundle
    from bench.sources.cache import Cache

    for name, outcome in import_bundle(file, Cache(cache)).items():
        click.echo(f"{name}: {outcome}")


def _requests(what: Sequence[str], cache: Cache) -> list[TableRequest]:
    """Return the requests for what was named, each once."""
    from bench.config.load import list_suites
    from bench.config.openml import named_suite
    from bench.config.problems import did_you_mean
    from bench.sources.catalog import catalog
    from bench.sources.requests import TableRequest

    requests: dict[str, TableRequest] = {}
    for name in what or catalog():
        task = re.fullmatch(r"openml-(\d{1,9})", name)
        if name in catalog():
            found = [TableRequest(name=name)]
        elif task:
            found = [TableRequest.of_task(int(task[1]))]
        elif re.fullmatch(r"[\w-]+", name) and name not in list_suites():
            near = did_you_mean(name, [*list_suites(), *catalog()])
            raise ConfigError(
                f"{name}: no suite and no table is called that{near} "
                "(see `bench list suites`, `bench list tables`)"
            )
        else:
            suite = named_suite(name, cache, lambda line: click.echo(f"  {line}"))
            found = [TableRequest.of(task) for task in suite.tasks]
        requests |= {request.name: request for request in found}
    return list(requests.values())
