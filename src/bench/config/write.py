"""From a suite to the text of a suite file that reads back as the same suite."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bench.budgets import GIB, Budget
from bench.errors import ConfigError
from bench.interventions import NONE
from bench.suites import FULL, Suite, TaskReference

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_ESCAPED = re.compile(r'["\\\x00-\x1f\x7f]')
_UNITS = {"GiB": GIB, "MiB": 1024**2, "GB": 10**9, "MB": 10**6}


def suite_text(suite: Suite) -> str:
    """Return the TOML of a suite, with what is not the default alone where a default is plain to see.

    Raises ConfigError for a suite of data frames, which no file can name, or of texts that UTF-8 cannot hold.
    """
    text = "\n".join(_lines(suite)) + "\n"
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ConfigError(
            f"{suite.name}: a suite file is UTF-8, which cannot hold {text[error.start]!r}: use another name"
        ) from None
    return text


def _lines(suite: Suite) -> Iterator[str]:
    yield "format = 1"
    yield f"name = {_string(suite.name)}"
    yield f"title = {_string(suite.title)}"
    if suite.note:
        yield f"note = {_string(suite.note)}"
    yield "learners = ["
    yield from (f"    {_string(learner)}," for learner in suite.learners)
    yield "]"
    yield f'validation = "{suite.validation.method}:{suite.validation.amount}"'
    yield f"folds = {suite.folds}"
    if suite.repeats != 1:
        yield f"repeats = {suite.repeats}"
    yield f"seeds = [{', '.join(map(str, suite.seeds))}]"
    if suite.interventions != (NONE,):
        yield f"interventions = [{', '.join(map(_string, suite.interventions))}]"
    if not suite.augmentation:
        yield "augmentation = false"
    if suite.device != "cpu":
        yield f"device = {_string(suite.device)}"
    if suite.exact_limit_s is not None:
        yield f"exact_limit_s = {float(suite.exact_limit_s)!r}"
    yield f"allowed_failures = {float(suite.allowed_failures)!r}"
    if suite.accept:
        yield f"accept = [{', '.join(map(_string, suite.accept))}]"
    yield from _budget(suite.budget)
    yield from _caps(suite)
    for task in suite.tasks:
        yield from _task(task)


def _caps(suite: Suite) -> Iterator[str]:
    caps = {"train_rows": _sizes(suite.train_caps), "test_rows": suite.test_cap}
    if any(cap is not None for cap in caps.values()):
        yield from ("", "[caps]")
        yield from (f"{name} = {cap}" for name, cap in caps.items() if cap is not None)


def _sizes(caps: tuple[int | None, ...]) -> str | None:
    """Return training-set sizes as TOML: a number, or a list; None where all rows are the only one."""
    if caps == (None,):
        return None
    sizes = [_string(FULL) if cap is None else str(cap) for cap in caps]
    return sizes[0] if len(sizes) == 1 else f"[{', '.join(sizes)}]"


def _budget(budget: Budget) -> Iterator[str]:
    yield from ("", "[budget]")
    if budget.seconds is not None:
        yield f"seconds = {float(budget.seconds)!r}"
    if budget.trials is not None:
        yield f"trials = {budget.trials}"
    yield f"cores = {budget.cores}"
    yield f'memory = "{_memory(budget.memory_bytes)}"'


def _task(task: TaskReference) -> Iterator[str]:
    if task.cached is not None:
        raise ConfigError(
            f"{task.name}: a data frame is in no file that a suite could name: "
            "write it with to_parquet or to_csv, and run that file"
        )
    yield from ("", "[[tasks]]")
    if task.openml_task is not None:
        yield f"openml_task = {task.openml_task}"
    named = {"dataset": task.dataset, "file": task.file, "name": task.name, "target": task.target}
    if task.name in (task.dataset, f"openml-{task.openml_task}"):
        del named["name"]
    named |= {"problem": task.problem, "group": task.group, "time": task.time}
    yield from (f"{key} = {_string(value)}" for key, value in named.items() if value is not None)
    if task.kinds:
        yield from ("", "[tasks.kinds]")
        yield from (f"{_key(column)} = {_string(kind)}" for column, kind in task.kinds.items())


def _memory(size: int) -> str:
    """Return a size as a suite file writes it, exact to the byte."""
    for unit, factor in _UNITS.items():
        if size % factor == 0:
            return f"{size // factor} {unit}"
    return f"{size // 10**6}.{size % 10**6:06d}5 MB"  # half a byte more, so that cutting it off is exact


def _key(text: str) -> str:
    return text if _BARE_KEY.fullmatch(text) else _string(text)


def _string(text: str) -> str:
    """Return a basic string of TOML, on one line."""
    return f'"{_ESCAPED.sub(_escape, text)}"'


def _escape(match: re.Match[str]) -> str:
    character = match[0]
    return f"\\{character}" if character in '"\\' else f"\\u{ord(character):04x}"
