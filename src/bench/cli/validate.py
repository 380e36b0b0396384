"""`bench validate SUITE`."""

from __future__ import annotations

import click


@click.command("validate")
@click.argument("suite")
def command(suite: str) -> None:
    """Check a suite file by name or path; every error is listed, each with its key."""
    from bench.config.load import load_suite
    from bench.registry import learners
    from bench.sources.catalog import catalog

    loaded = load_suite(suite, learners(), catalog())
    click.echo(f"{loaded.path}: ok: {len(loaded.tasks)} tasks, {len(loaded.learners)} learners")
