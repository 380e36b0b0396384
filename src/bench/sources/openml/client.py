"""The one module that knows the OpenML client (openml-python, pinned below 0.16).

It runs in child processes that fetch or publish and in no other: the client keeps its settings in globals,
waits without limit, answers from a cache that it empties when one file is missing, and pickles what it read.
Here it gets a folder that lasts as long as the process, sessions with limits, and is asked for files alone;
what they hold is read and checked by our own readers. What is sent is written and posted by `sending`.
"""

from __future__ import annotations

import logging
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from xml.parsers.expat import ExpatError

from bench.errors import BenchError, DataError, PrerequisiteError
from bench.sources.openml.fetched import (
    FetchedFeature,
    FetchedTable,
    FetchedTask,
    SuiteListing,
    TaskOutline,
)
from bench.sources.openml.settings import ServerSettings, key_file

if TYPE_CHECKING:
    from bench.sources.openml.splits import SplitRows

ATTEMPTS = 3
"""Tries of a request that the server could not meet just now, 1 and 2 seconds apart."""
ARFF_CELLS = 20_000_000
"""From so many values on, a table is fetched as Parquet where the server has it."""
_BUSY = 107
_SUPERVISED = ("Supervised Classification", "Supervised Regression")
_NO_KEY = 102
_NOT_THIS_KEY = (103, 104)
"""One that the server does not know, one that may only read."""
_UNKNOWN = {111: "data set", 151: "task", 601: "suite", 500: "suite"}


class UnreachableError(PrerequisiteError):
    """The server gives no answer, or none that is one: asking it for something else will not help."""


class ServerFaultError(UnreachableError):
    """The server answers that it cannot: for this table alone, or for all."""


@contextmanager
def openml_client(settings: ServerSettings) -> Iterator[Client]:
    """Yield a client of a server, with a cache that is deleted afterwards.

    Raises PrerequisiteError where the package is not installed.
    """
    key_path = key_file()  # as the user has it; the client is given a place of its own
    with tempfile.TemporaryDirectory(prefix="bench-openml-") as folder:
        yield Client(_configured(settings, Path(folder)), settings, key_path)


class Client:
    """OpenML's answers as values of ours. Not for threads."""

    def __init__(self, openml: Any, settings: ServerSettings, key_path: Path) -> None:
        """Use the configured module; `key_path` is where the user keeps the key that is sent with it."""
        self.openml, self._settings, self._key_path = openml, settings, key_path

    def suite(self, reference: int | str) -> SuiteListing:
        """Return a benchmark suite, by number or alias.

        Raises UnreachableError, or DataError where there is none.
        """
        with self.telling(f"suite {reference}"):
            suite = self.openml.study.get_suite(reference)
            return SuiteListing(
                id=int(suite.id), name=str(suite.name), tasks=tuple(map(int, suite.tasks or ()))
            )

    def task(self, task_id: int) -> FetchedTask:
        """Return a supervised task with its table's file and its splits.

        Raises UnreachableError, or DataError where there is no such task, or none that can be run.
        """
        with self.telling(f"task {task_id}"):
            task = self._supervised(task_id)
            return FetchedTask(
                id=task_id,
                is_classification=_classifies(task),
                target=str(task.target_name),
                table=self._table(int(task.dataset_id)),
                splits=_split_rows(task.download_split().split, task_id),
            )

    def outline(self, task_id: int) -> TaskOutline:
        """Return the classes and the splits of a supervised task, without its table; raise as `task` does."""
        with self.telling(f"task {task_id}"):
            task = self._supervised(task_id)
            labels = task.class_labels if _classifies(task) else None
            return TaskOutline(
                id=task_id,
                is_classification=_classifies(task),
                classes=tuple(map(str, labels or ())),
                splits=_split_rows(task.download_split().split, task_id),
            )

    def _supervised(self, task_id: int) -> Any:
        task = self.openml.tasks.get_task(
            task_id, download_splits=False, download_qualities=True, download_features_meta_data=True
        )
        if task.task_type not in _SUPERVISED:
            raise DataError(f"OpenML task {task_id} is of the type {task.task_type!r}, which is not run")
        return task

    def _table(self, data_id: int) -> FetchedTable:
        described = self.openml.datasets.get_dataset(
            data_id, download_qualities=True, download_features_meta_data=True
        )
        features = [described.features[index] for index in sorted(described.features)]
        n_rows = (described.qualities or {}).get("NumberOfInstances")
        path, is_parquet = self._file(described, (n_rows or 0) * len(features))
        return FetchedTable(
            id=data_id,
            name=str(described.name),
            version=int(described.version or 1),
            licence=str(described.licence or ""),
            citation=" ".join(str(described.citation or "").split()),
            md5=str(described.md5_checksum or ""),
            ignored=_names(described.ignore_attribute) + _names(described.row_id_attribute),
            features=tuple(
                FetchedFeature(
                    name=feature.name, kind=feature.data_type, n_missing=int(feature.number_missing_values)
                )
                for feature in features
            ),
            n_rows=None if n_rows is None else int(n_rows),
            path=path,
            is_parquet=is_parquet,
        )

    def _file(self, described: Any, n_cells: float) -> tuple[Path, bool]:
        """Fetch a table as ARFF, which has a checksum, or as Parquet where that would take minutes."""
        url = described._parquet_url  # noqa: SLF001 - it has no public name
        if url and (n_cells > ARFF_CELLS or not described.url):
            return self._parquet(str(url), int(described.id)), True
        whole = self.openml.datasets.get_dataset(int(described.id), download_data=True)
        return Path(whole.data_file), False

    def _parquet(self, url: str, data_id: int) -> Path:
        """Fetch an object by plain HTTP: the client's own way has neither a time limit nor a size limit."""
        import requests

        with requests.Session() as session:  # a bounded one: see `_configured`
            answer = session.get(url)
        answer.raise_for_status()
        path = Path(self.openml.config.get_cache_directory()) / f"{data_id}.parquet"
        path.write_bytes(answer.content)
        return path

    @contextmanager
    def telling(self, what: str) -> Iterator[None]:
        """Turn what the client raises into one line of ours."""
        import requests

        from bench.sources.openml.bounded import NoConnectionError

        exceptions = self.openml.exceptions
        server = self._settings.url
        try:
            yield
        except BenchError:
            raise
        except requests.Timeout as error:
            raise UnreachableError(
                f"OpenML at {server} gives no answer within {self._settings.silence_s:g} s "
                f"({what}; BENCH_OPENML_TIMEOUT sets how long to wait)"
            ) from error
        except exceptions.OpenMLHashException as error:
            raise DataError(
                f"OpenML {what}: what came is not what its checksum says, {ATTEMPTS} times: try again later"
            ) from error
        except (exceptions.OpenMLNotAuthorizedError, exceptions.OpenMLServerException) as error:
            self._refuse(what, error)
        except (exceptions.OpenMLServerError, requests.HTTPError) as error:
            told = f"{what}: {_first_line(error)}"
            raise ServerFaultError(f"OpenML at {server} answers with an error ({told})") from error
        except (requests.RequestException, NoConnectionError) as error:  # a proxy that is none among it
            raise UnreachableError(f"OpenML at {server} cannot be reached ({_cause(error)})") from error
        except (ExpatError, KeyError) as error:
            raise ServerFaultError(
                f"OpenML at {server} answers with an error ({what}: no answer of its kind)"
            ) from error
        except MemoryError:
            raise DataError(f"OpenML {what}: does not fit in memory") from None
        except Exception as error:
            raise DataError(
                f"OpenML {what}: its answer cannot be read ({type(error).__name__}: {_first_line(error)})"
            ) from error

    def _refuse(self, what: str, error: Any) -> NoReturn:
        """Raise what an error code of the server means; one without a code says that it wants a key."""
        code, said = getattr(error, "code", _NO_KEY), _first_line(error.message)
        if code in (_NO_KEY, *_NOT_THIS_KEY):
            raise PrerequisiteError(
                f"OpenML at {self._settings.url} does not take your API key (it says: {said}): put the one "
                f"of your account there into {self._key_path}"
            ) from error
        if code == _BUSY:
            raise ServerFaultError(
                f"OpenML is too busy to answer ({what}, asked {ATTEMPTS} times)"
            ) from error
        if code in _UNKNOWN:
            raise DataError(f"OpenML knows no {what} (it says: {said})") from error
        raise DataError(f"OpenML refuses {what}: {said} (code {code})") from error


def _configured(settings: ServerSettings, folder: Path) -> Any:
    """Import the client for a server, a folder and limits; it takes all three from its surroundings."""
    os.environ |= {
        "OPENML_CACHE_DIR": str(folder),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "OPENML_SKIP_PARQUET": "true",
    }
    try:
        import openml
    except ImportError as error:
        raise PrerequisiteError(
            "OpenML is asked through the package openml, which is not installed: "
            "pip install 'inductive-bench[openml]'"
        ) from error
    import requests

    from bench.sources.openml.bounded import bounded_session

    requests.Session = bounded_session(settings)  # type: ignore[misc] # it takes none of ours
    openml.config.server = settings.url
    openml.config.apikey = ""
    openml.config.show_progress = False
    openml.config.set_root_cache_directory(folder)
    openml.config.set_retry_policy("human", n_retries=ATTEMPTS)
    logging.getLogger().setLevel(logging.ERROR)  # it warns there of every answer that is not gzipped
    logging.getLogger("openml").setLevel(logging.CRITICAL)
    return openml


def _classifies(task: Any) -> bool:
    return bool(task.task_type == _SUPERVISED[0])


def _split_rows(split: Mapping[int, Mapping[int, Mapping[int, Any]]], task_id: int) -> SplitRows:
    """Return training and test rows by repeat and fold. Raises DataError for learning curves."""
    import numpy as np

    if any(len(samples) > 1 for folds in split.values() for samples in folds.values()):
        raise DataError(f"OpenML task {task_id} draws a learning curve, which is not run")
    return {
        (int(repeat), int(fold)): (np.asarray(rows[0].train, np.int64), np.asarray(rows[0].test, np.int64))
        for repeat, folds in split.items()
        for fold, rows in folds.items()
    }


def _names(value: Any) -> tuple[str, ...]:
    """Return the columns that a description names: none, one, a list, or one text with commas."""
    if value is None:
        return ()
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(str(part).strip() for part in parts)


def _cause(error: BaseException) -> str:
    """Return the innermost reason of a failed connection."""
    within = (getattr(error, "reason", None), *error.args)
    inner = next((each for each in within if isinstance(each, BaseException)), None)
    return _first_line(error) if inner is None else _cause(inner)


def _first_line(error: object) -> str:
    shown = "".join(each if each.isprintable() else "?" for each in " ".join(str(error).split()))
    return (shown or "no reason")[:160]
