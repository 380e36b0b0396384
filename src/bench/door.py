"""What Python offers of the command line: run suites, files and frames; read the results as frames."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

from bench.boards import board
from bench.config.load import load_suite as read_suite
from bench.config.own import Changes, changed, own_suite, task_name
from bench.datasets import ColumnKind, ProblemType
from bench.errors import ConfigError
from bench.events import CellFinished, Event, RunFinished, RunStarted
from bench.execution.choice import executor_for
from bench.plans import Plan
from bench.registry import learners
from bench.session import Request, make_plan
from bench.session import run as run_plan
from bench.sources.cache import Cache
from bench.sources.catalog import catalog
from bench.store.opening import open_store as open_results
from bench.store.opening import read_store
from bench.store.query import cell_rows, find_run, trial_rows
from bench.store.sqlite import Store
from bench.suites import Suite, TaskReference

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.leaderboard import Leaderboard

RESULTS = Path("bench-results")


class Data(TypedDict, total=False):
    """What a file or a frame does not say of itself."""

    target: str
    problem: str
    """`binary`, `multiclass` or `regression`, where the target is misread."""
    kinds: Mapping[str, str]
    """Column to `numeric`, `categorical`, `date` or `ignore`, where it is misread."""
    group: str
    """A column whose rows of one value are never parted."""
    time: str
    """A column that orders the rows: learn from the past, test on the future."""


class Options(Data, total=False):
    """What a run may be asked for; each is the command line's option of that name."""

    learners: Sequence[str]
    select: str
    """`-k`."""
    budget_s: float
    trials: int
    folds: int
    device: str
    jobs: int
    executor: str
    """`local` or `inline`."""
    fresh: bool
    rerun_failed: bool
    results: str | Path
    cache: str | Path
    progress: Callable[[Event], None]
    """Called with every event; without it a line a cell is printed to standard error."""


What: TypeAlias = "str | Path | Suite | pd.DataFrame"
"""A suite, its name or its path; or a file or a frame of one's own, with `target`."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run in a store. In a notebook it shows its leaderboard."""

    id: str
    results: Path
    cache: Path | None = None

    def leaderboard(self, **view: Any) -> Leaderboard:
        """Return its leaderboard; the options are those of `bench.leaderboard`."""
        return leaderboard(self, **view)

    def trials(self) -> pd.DataFrame:
        """Return a row per trial, at full precision."""
        import pandas as pd

        return pd.DataFrame(trial_rows(read_store(self.results), self.id))

    def cells(self) -> pd.DataFrame:
        """Return a row per planned cell: how it ended, what it cost, and why it failed."""
        import pandas as pd

        return pd.DataFrame(cell_rows(read_store(self.results), self.id))

    def _repr_html_(self) -> str:
        return self.leaderboard()._repr_html_()


def load_suite(what: What, **data: Unpack[Data]) -> Suite:
    """Return a suite by name or path, or the one made of a file or frame of one's own.

    Raises:
        ConfigError: there is no such suite or file, it has errors, or nothing says what to predict.
        DataError: a frame cannot be learnt from.
    """
    return _suite(what, data, Cache())


def plan(what: What, **options: Unpack[Options]) -> Plan:
    """Return the cells that `run` would run, with a reason for each one that it would not.

    Raises:
        BenchError: as `run`.
    """
    cache = Cache(_path(options.get("cache")))
    return make_plan(_changed(_suite(what, options, cache), options), cache, _request(options), _say)


def run(what: What, **options: Unpack[Options]) -> Run:
    """Run what is not done yet of a suite, or of learners on one's own data, and return the run.

    The same call again goes on where it was stopped. Ctrl-C keeps everything that is finished.

    Raises:
        BenchError: what `bench run` says in one line and ends with an exit code for.
    """
    cache = Cache(_path(options.get("cache")))
    suite = _changed(_suite(what, options, cache), options)
    results = Path(options.get("results", RESULTS))
    executor = executor_for(suite, options.get("executor", "local"), options.get("jobs"))
    request = _request(options)
    made = make_plan(suite, cache, request, _say)
    show = options.get("progress") or _Lines()
    store = open_results(results)
    events = run_plan(made, store, executor, cache, request)
    run_id = ""
    try:
        for event in events:
            if isinstance(event, RunStarted):
                run_id = event.run_id
            show(event)
    finally:
        events.close()
        store.close()
    return Run(run_id, results, _path(options.get("cache")))


def open_store(results: str | Path = RESULTS) -> Store:
    """Open the store of a results folder for reading.

    Raises:
        PrerequisiteError: there is none, or it cannot be read.
    """
    return read_store(Path(results))


def leaderboard(of: Run | str | Path = RESULTS, **view: Any) -> Leaderboard:
    """Return the leaderboard of a run, or of the latest one in a results folder.

    `view` are the fields of `bench.analysis.views.View`: by, show, metric, budget_s, budget_trials,
    failure_policy, reference.

    Raises:
        PrerequisiteError: there are no results.
        ConfigError: the view has no such field or value.
    """
    from bench.analysis.views import View

    chosen = of if isinstance(of, Run) else Run("", Path(of))
    try:
        asked = View(**view)
    except TypeError as error:
        raise ConfigError(f"leaderboard: {error}; it takes {', '.join(View.__slots__)}") from None
    store = read_store(chosen.results)
    try:
        return board(store, find_run(store, chosen.id or None), asked, Cache(chosen.cache))
    finally:
        store.close()


def _suite(what: What, options: Mapping[str, Any], cache: Cache) -> Suite:
    if isinstance(what, Suite):
        return what
    if isinstance(what, str | Path):
        path = Path(what)
        if "target" not in options:
            return read_suite(str(what), learners(), catalog())
        if not path.is_file():
            raise ConfigError(f"{path}: there is no such file")
        reference = TaskReference(where=str(path), name=task_name(path.name), file=str(path.resolve()))
        return own_suite(_described(reference, options), list(learners()))
    if "target" not in options:
        raise ConfigError("a frame: say which column to predict: target=...")
    from bench.sources.frames import keep_frame

    described = _described(TaskReference(where="the frame", name="frame"), options)
    return own_suite(replace(described, cached=keep_frame(what, described, cache)), list(learners()))


def _described(reference: TaskReference, options: Mapping[str, Any]) -> TaskReference:
    """Return the reference with what the caller says of its columns."""
    try:
        kinds = {column: ColumnKind(kind) for column, kind in options.get("kinds", {}).items()}
        problem = None if options.get("problem") is None else ProblemType(options["problem"])
    except ValueError as error:
        raise ConfigError(f"{reference.where}: {error}") from None
    return replace(
        reference,
        target=options["target"],
        problem=problem,
        kinds=kinds,
        group=options.get("group"),
        time=options.get("time"),
    )


def _changed(suite: Suite, options: Options) -> Suite:
    changes = Changes(
        budget_s=options.get("budget_s"),
        trials=options.get("trials"),
        folds=options.get("folds"),
        device=options.get("device"),
        learners=tuple(options.get("learners", ())),
    )
    return changed(suite, changes)


def _request(options: Options) -> Request:
    return Request(
        selection=options.get("select"),
        fresh=options.get("fresh", False),
        rerun_failed=options.get("rerun_failed", False),
        isolated=options.get("executor", "local") != "inline",
        key=f"python {options.get('select')} {options.get('learners')}",
    )


class _Lines:
    """Tells of a run on standard error, a line for each cell."""

    def __init__(self) -> None:
        self._done = self._to_do = 0

    def __call__(self, event: Event) -> None:
        match event:
            case RunStarted(run_id=run_id, to_do=to_do):
                self._to_do = to_do
                _say(f"run {run_id}: {to_do} cells to do")
            case CellFinished(cell, outcome):
                self._done += 1
                _say(f"[{self._done}/{self._to_do}] {outcome.status} {cell.id} {outcome.reason}".rstrip())
            case RunFinished(run_id):
                _say(f"run {run_id} is done")
            case _:
                pass


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def _path(given: str | Path | None) -> Path | None:
    return None if given is None else Path(given)
