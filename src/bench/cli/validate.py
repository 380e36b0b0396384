"""`bench validate SUITE`."""

from __future__ import annotations

from pathlib import Path

import click

from bench.errors import BenchError, ConfigError
from bench.suites import TaskReference


@click.command("validate")
@click.argument("suite")
def command(suite: str) -> None:
    """Check a suite file by name or path; every error is listed, each with its key."""
    from bench.config.load import load_suite
    from bench.registry import learners
    from bench.sources.catalog import catalog

    loaded = load_suite(suite, learners(), catalog())
    problems = [problem for task in loaded.tasks if task.file for problem in _file_problems(task)]
    if problems:
        raise ConfigError(*(f"{loaded.path}: {problem}" for problem in problems))
    click.echo(f"{loaded.path}: ok: {len(loaded.tasks)} tasks, {len(loaded.learners)} learners")


def _file_problems(task: TaskReference) -> list[str]:
    from bench.sources.file import column_names
    from bench.sources.inference import misasked
    from bench.sources.requests import TableOptions

    try:
        names = column_names(Path(task.file or ""))
    except BenchError as error:
        return [f"{task.where}: {error}"]
    return [f"{task.where}: {problem}" for problem in misasked(TableOptions.of(task), names)]
