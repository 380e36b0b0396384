"""Errors a user can act on: what failed, where, why and what to do next, with an exit code."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The one table of exit codes of the command line."""

    DONE = 0
    """Everything asked for was done."""
    SOME_FAILED = 1
    """Some cells failed beyond what the suite allows."""
    USAGE = 2
    """The command line or a configuration file is wrong."""
    NOTHING_SELECTED = 3
    """The plan holds no cell that can run, or a run nothing that can be published."""
    REGRESSION = 4
    """A comparison found a loss."""
    PREREQUISITE = 5
    """A package, dataset, device, folder or store that is needed cannot be used."""
    NOT_ENOUGH_EVIDENCE = 6
    """A strict comparison could not decide."""
    INTERRUPTED = 130
    """Stopped by Ctrl-C or SIGTERM; everything finished is kept."""


class BenchError(Exception):
    """Base of every error that ends a command with one clear line instead of a traceback."""

    exit_code: ExitCode = ExitCode.USAGE


class ConfigError(BenchError):
    """A suite, an option or a selection is wrong. Holds one line per problem."""

    def __init__(self, *problems: str) -> None:
        """Keep every problem found, not only the first."""
        super().__init__("\n".join(problems))
        self.problems = problems


class NothingSelectedError(BenchError):
    """Nothing is left to run or to publish: the selection matched nothing, or everything was excluded."""

    exit_code = ExitCode.NOTHING_SELECTED


class PrerequisiteError(BenchError):
    """Something outside bench is missing or cannot be used; the text names the command that mends it."""

    exit_code = ExitCode.PREREQUISITE


class DataError(BenchError):
    """A table is not what it is said to be, or cannot be learnt from."""

    exit_code = ExitCode.PREREQUISITE
