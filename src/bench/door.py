"""What Python offers of the command line: run suites, files and frames; read the results as frames."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict, Unpack

from bench.boards import board
from bench.config.changes import Changes, changed, is_duration, is_whole
from bench.config.load import list_suites
from bench.config.openml import PREFIX, named_suite
from bench.config.own import OWN, file_task, frame_task, own_suite
from bench.config.problems import did_you_mean
from bench.errors import ConfigError
from bench.events import CellFinished, Event, RunFinished, RunStarted
from bench.execution.choice import EXECUTORS, executor_for
from bench.plans import Plan
from bench.registry import learners_of_tables
from bench.session import Request, make_plan
from bench.session import run as run_plan
from bench.sources.cache import Cache
from bench.store.opening import open_store as open_results
from bench.store.opening import read_store
from bench.store.query import cell_rows, find_run, trial_rows
from bench.store.sqlite import Store
from bench.suites import Suite

if TYPE_CHECKING:
    import pandas as pd

    from bench.analysis.comparison.comparing import Comparison
    from bench.analysis.leaderboard import Leaderboard

RESULTS = Path("bench-results")


class Data(TypedDict, total=False):
    """What a file or a frame does not say of itself."""

    target: Any
    """The column to predict: its name, or whatever labels it in a frame."""
    problem: str
    """`binary`, `multiclass` or `regression`, where the target is misread."""
    kinds: Mapping[Any, str]
    """Column to `numeric`, `categorical`, `date` or `ignore`, where it is misread."""
    group: Any
    """A column whose rows of one value are never parted."""
    time: Any
    """A column that orders the rows: learn from the past, test on the future."""


class Options(Data, total=False):
    """What a run may be asked for; None is as good as nothing."""

    learners: Sequence[str]
    select: str
    """`-k`."""
    budget_s: float
    trials: int
    folds: int
    repeats: int
    device: str
    accept: Sequence[str]
    """Codes of facts that are to leave no table out."""
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
    return _suite(what, _known("bench.load_suite", data, Data.__annotations__), Cache())


def plan(what: What, **options: Unpack[Options]) -> Plan:
    """Return the cells that `run` would run, with a reason for each one that it would not.

    Raises:
        BenchError: as `run`.
    """
    asked = _asked("bench.plan", options)
    cache = Cache(_path(asked.get("cache")))
    return make_plan(_changed(_suite(what, asked, cache), asked), cache, _request(asked), _say)


def run(what: What, **options: Unpack[Options]) -> Run:
    """Run what is not done yet of a suite, or of learners on one's own data, and return the run.

    The same call again goes on where it was stopped. Ctrl-C keeps everything that is finished.

    Raises:
        BenchError: what `bench run` says in one line and ends with an exit code for.
    """
    asked = _asked("bench.run", options)
    cache = Cache(_path(asked.get("cache")))
    suite = _changed(_suite(what, asked, cache), asked)
    results = Path(asked.get("results", RESULTS))
    executor = executor_for(suite, asked.get("executor", "local"), asked.get("jobs"))
    request = _request(asked)
    made = make_plan(suite, cache, request, _say)
    show = asked.get("progress") or _Lines()
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
    return Run(run_id, results, _path(asked.get("cache")))


def open_store(results: str | Path = RESULTS) -> Store:
    """Open the store of a results folder for reading.

    Raises:
        PrerequisiteError: there is none, or it cannot be read.
    """
    return read_store(Path(results))


def leaderboard(of: Run | str | Path = RESULTS, **view: Any) -> Leaderboard:
    """Return the leaderboard of a run, or of the latest one in a results folder.

    `view` are the fields of `bench.analysis.views.View`: by, show, rows, metric, budget_s, budget_trials,
    failure_policy, intervention, reference, only (names: a narrower field), train_rows (of several
    training-set sizes the largest without).

    Raises:
        PrerequisiteError: there are no results.
        ConfigError: the view has no such field or value.
    """
    from bench.analysis.views import View

    chosen = of if isinstance(of, Run) else Run("", Path(of))
    asked = View(**_viewed(view, View.__slots__))
    store = read_store(chosen.results)
    try:
        run = find_run(store, chosen.id or None)
        if "reference" in view:
            _refuse_absent(asked.reference, [cell["learner"] for cell in cell_rows(store, run["run_id"])])
        return board(store, run, asked, Cache(chosen.cache))
    finally:
        store.close()


def report(of: Run | str | Path = RESULTS, to: str | Path = "report", profile: str = "small") -> Path:
    """Write a report into the folder `to` and return its page.

    Of a run it shows that alone; of a results folder the latest run, and every claim that there is evidence
    of in that profile.

    Raises:
        PrerequisiteError: there are no results, or the folder cannot be written or holds something else.
    """
    from bench.config.claims import list_claims, load_claim
    from bench.reporting.contents import report as contents
    from bench.reporting.folder import PAGE, folder
    from bench.reporting.writing import write

    chosen = of if isinstance(of, Run) else Run("", Path(of))
    claims = [] if chosen.id else [load_claim(name) for name in list_claims()]
    store = read_store(chosen.results)
    try:
        made = contents(store, [chosen.id] if chosen.id else [], claims, profile, Cache(chosen.cache))
        write(folder(made), Path(to))
    finally:
        store.close()
    return Path(to) / PAGE


def compare(
    baseline: Run | str | Path,
    run: Run | str | Path | None = None,
    *,
    fail_on: str | Sequence[str] = (),
    allow_failures: bool = False,
    results: str | Path = RESULTS,
) -> Comparison:
    """Return the comparison of a run with a baseline; without a run, of the latest in the results folder.

    Each is a `Run`, or what `bench compare` takes: the id of a run in the results folder, a baseline's name
    or file, another results folder. `fail_on` is a threshold or several, `error:+2%` without one.

    Raises:
        BenchError: what `bench compare` says in one line and ends with an exit code for.
    """
    from bench.comparisons import compared

    old, new = (f"{each.results}:{each.id}" if isinstance(each, Run) else each for each in (baseline, run))
    thresholds = (fail_on,) if isinstance(fail_on, str) else tuple(fail_on)
    asked = None if new is None else str(new)
    return compared(str(old), asked, Path(results), thresholds, allow_failures=allow_failures)


def _viewed(view: dict[str, Any], fields: Iterable[str]) -> dict[str, Any]:
    """Return the fields of a view. Raises ConfigError."""
    _known("bench.leaderboard", view, fields)
    problems = []
    if view.get("budget_s") is not None and not is_duration(view["budget_s"]):
        problems.append(f"budget_s: give more than 0 seconds, not {view['budget_s']!r}")
    if view.get("budget_trials") is not None and not is_whole(view["budget_trials"]):
        problems.append(f"budget_trials: give a whole number from 1, not {view['budget_trials']!r}")
    if "only" in view and not _is_list(view["only"]):
        problems.append(f"only: give a list of names that is not empty, not {view['only']!r}")
    if problems:
        raise ConfigError(*problems)
    return {**view, "only": tuple(view.get("only", ()))}


def _refuse_absent(reference: str, learners: Iterable[str]) -> None:
    there = list(dict.fromkeys(learners))
    if reference not in there:
        hint = did_you_mean(str(reference), there)
        raise ConfigError(
            f"reference: {reference!r} is no learner of this run{hint} (learners: {', '.join(there)})"
        )


def _asked(where: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options that say something. Raises ConfigError for names and values that there are not."""
    asked = _known(where, options, Options.__annotations__)
    rules: dict[str, tuple[Callable[[Any], bool], str]] = {
        "learners": (_is_list, "a list of names that is not empty"),
        "accept": (_is_list, "a list of codes that is not empty"),
        "select": (lambda value: isinstance(value, str), "a text, as -k takes it"),
        "jobs": (is_whole, "a whole number from 1"),
        "executor": (lambda value: value in EXECUTORS, " or ".join(EXECUTORS)),
        "fresh": (lambda value: isinstance(value, bool), "True or False"),
        "rerun_failed": (lambda value: isinstance(value, bool), "True or False"),
        "results": (lambda value: isinstance(value, str | os.PathLike), "a folder"),
        "cache": (lambda value: isinstance(value, str | os.PathLike), "a folder"),
        "progress": (callable, "a function of an event"),
    }
    problems = [
        f"{name}: give {wanted}, not {asked[name]!r}"
        for name, (fits, wanted) in rules.items()
        if name in asked and not fits(asked[name])
    ]
    if problems:
        raise ConfigError(*problems)
    return asked


def _is_list(value: object) -> bool:
    return isinstance(value, Iterable) and not isinstance(value, str | Mapping) and bool(tuple(value))


def _known(where: str, given: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return what is given, less what is None. Raises ConfigError for names that are not known."""
    names = list(known)
    unknown = [name for name in given if name not in names]
    if unknown:
        listed = ", ".join(names)
        raise ConfigError(
            *(
                f"{where}: no option is called {name!r}{did_you_mean(name, names)} (options: {listed})"
                for name in unknown
            )
        )
    return {name: value for name, value in given.items() if value is not None}


def _suite(what: What, asked: Mapping[str, Any], cache: Cache) -> Suite:
    if isinstance(what, Suite):
        return _told_nothing(what, asked)
    if isinstance(what, str | Path):
        if _is_suite(what, asked):
            return _told_nothing(named_suite(str(what), cache, _say), asked)
        return own_suite(file_task(Path(what), asked), list(learners_of_tables()))
    from bench.sources.frames import keep_frame

    task = frame_task(what, asked)
    return own_suite(replace(task, cached=keep_frame(what, task, cache)), list(learners_of_tables()))


def _told_nothing(suite: Suite, asked: Mapping[str, Any]) -> Suite:
    """Return a suite, which says itself what to predict. Raises ConfigError where the caller says so too."""
    told = [
        f"{name} belongs to a file or a frame, not to the suite {suite.name}" for name in OWN if name in asked
    ]
    if told:
        raise ConfigError(*told)
    return suite


def _is_suite(what: str | Path, asked: Mapping[str, Any]) -> bool:
    """Whether a text is a suite's name or path rather than a table's."""
    path = Path(what)
    if path.suffix == ".toml" or str(what).startswith(PREFIX):
        return True
    if str(what) in list_suites():
        return "target" not in asked or not path.is_file()
    return not ("target" in asked or path.suffix or path.exists())


def _changed(suite: Suite, options: Mapping[str, Any]) -> Suite:
    changes = Changes(
        budget_s=options.get("budget_s"),
        trials=options.get("trials"),
        folds=options.get("folds"),
        repeats=options.get("repeats"),
        device=options.get("device"),
        learners=tuple(options.get("learners", ())),
        accept=tuple(options.get("accept", ())),
    )
    return changed(suite, changes)


def _request(options: Mapping[str, Any]) -> Request:
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
