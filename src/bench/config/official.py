"""The suite files of OpenML's benchmark suites, written from what is known of their tasks.

`python -m bench.config.official FOLDER` writes them; a test holds `suites/` against it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.registry import families, learners_of_tables
from bench.sources.openml.known import KnownTask, known_tasks
from bench.sources.openml.lite import lite_cut


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialSuite:
    """A benchmark suite of OpenML, or two that belong together."""

    title: str
    studies: tuple[int, ...]
    keys: tuple[str, ...]
    """What `tasks.csv` calls it."""
    folds: int
    repeats: int = 1
    note: str = ""


OFFICIAL: Mapping[str, OfficialSuite] = {
    "openml-cc18": OfficialSuite(
        title="OpenML-CC18",
        studies=(99,),
        keys=("cc18",),
        folds=10,
        note="Bischl et al., OpenML Benchmarking Suites (2021).",
    ),
    "openml-ctr23": OfficialSuite(
        title="OpenML-CTR23",
        studies=(353,),
        keys=("ctr23",),
        folds=10,
        repeats=10,
        note="Fischer et al., OpenML-CTR23: a curated tabular regression benchmarking suite (2023).",
    ),
    "grinsztajn-cat-clf": OfficialSuite(
        title="Grinsztajn et al., classification with categories",
        studies=(334,),
        keys=("grinsztajn-cat-clf",),
        folds=10,
    ),
    "grinsztajn-cat-reg": OfficialSuite(
        title="Grinsztajn et al., regression with categories",
        studies=(335,),
        keys=("grinsztajn-cat-reg",),
        folds=10,
    ),
    "grinsztajn-num-reg": OfficialSuite(
        title="Grinsztajn et al., regression on numbers",
        studies=(336,),
        keys=("grinsztajn-num-reg",),
        folds=10,
    ),
    "grinsztajn-num-clf": OfficialSuite(
        title="Grinsztajn et al., classification on numbers",
        studies=(337,),
        keys=("grinsztajn-num-clf",),
        folds=10,
    ),
    "tabarena": OfficialSuite(
        title="TabArena v0.1",
        studies=(457,),
        keys=("tabarena",),
        folds=3,
        repeats=3,
        note="Erickson et al., TabArena (2025). Below 2,500 rows TabArena runs ten repeats: --repeats 10.",
    ),
    "amlb": OfficialSuite(
        title="AMLB: the AutoML benchmark",
        studies=(271, 269),
        keys=("amlb-clf", "amlb-reg"),
        folds=10,
        note="Gijsbers et al., AMLB: an AutoML benchmark (2024).",
    ),
}
GRINSZTAJN = (
    "Grinsztajn et al., Why do tree-based models still outperform deep learning on tabular data? (2022)."
)
LITE_FOLDS = 3


def suite_files() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each suite file."""
    for name, suite in OFFICIAL.items():
        tasks = [task for task in known_tasks().values() if set(task.suites) & set(suite.keys)]
        yield f"{name}.toml", _text(name, suite, tasks)
        yield f"{name}-lite.toml", _lite_text(name, suite, lite_cut(tasks))


def _text(name: str, suite: OfficialSuite, tasks: Sequence[KnownTask]) -> str:
    studies = " and ".join(f"openml:suite/{study}" for study in suite.studies)
    head = f"# {studies}: {len(tasks)} tasks, on their own splits. For a cluster; {name}-lite is for a night."
    return _suite(head, name, suite, (suite.folds, suite.repeats), tasks)


def _lite_text(name: str, suite: OfficialSuite, tasks: Sequence[KnownTask]) -> str:
    head = (
        f"# {name} cut down by rule, to what two cores finish overnight: tables of 500 to 50,000 rows,\n"
        "# at most 100 features and 10 classes, at most ten of them, evenly spaced by rows x features\n"
        "# within each problem type."
    )
    return _suite(head, f"{name}-lite", suite, (min(LITE_FOLDS, suite.folds), 1), tasks)


def _learners_of_tables() -> list[str]:
    """Return every learner of the families but those that need images."""
    of_tables = learners_of_tables()
    return [name for family in families().values() for name in family.learners if name in of_tables]


def _suite(
    head: str, name: str, suite: OfficialSuite, splits: tuple[int, int], tasks: Sequence[KnownTask]
) -> str:
    """Return a suite file; each task stands with what is known of it."""
    is_lite = name.endswith("-lite")
    lines = [
        f"{head}\n# Written by `python -m bench.config.official suites`: change that, not this.",
        "format = 1",
        f'name = "{name}"',
        f'title = "{suite.title}{", lite" if is_lite else ""}"',
        f'note = "{suite.note or GRINSZTAJN}"',
        "learners = [",
        *(f'    "{name}",' for name in _learners_of_tables()),
        "]",
        'validation = "holdout:25"',
        f"folds = {splits[0]}",
        *([f"repeats = {splits[1]}"] if splits[1] > 1 else []),
        "allowed_failures = 0.05",
        "",
        "[budget]",
        f"seconds = {60.0 if is_lite else 600.0}",
        f"trials = {100 if is_lite else 1000}",
        "",
        *(["[caps]", "train_rows = 10000", "test_rows = 10000", ""] if is_lite else []),
    ]
    for task in tasks:
        lines += [f"[[tasks]] # {_known(task)}", f"openml_task = {task.task_id}", ""]
    return "\n".join(lines).rstrip() + "\n"


def _known(task: KnownTask) -> str:
    """Return what is known of a task, in a line."""
    size = (
        f"{task.rows:,} rows" if task.rows is not None else "",
        f"{task.features:,} features" if task.features is not None else "",
        f"{task.classes} classes" if task.classes else "",
    )
    hashes = (
        f"MD5 {task.data_md5}" if task.data_md5 else "",
        f"MD5 of its splits {task.splits_md5}" if task.splits_md5 else "",
    )
    named = f"{task.name}: {task.problem}" if task.name else str(task.problem)
    return ", ".join(part for part in (named, *size, task.licence, *hashes) if part)


if __name__ == "__main__":
    for _name, _content in suite_files():
        Path(sys.argv[1], _name).write_text(_content, encoding="utf-8")
