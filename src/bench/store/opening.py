"""Opening a store: made where it is missing, refused where it is not ours."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from bench.errors import PrerequisiteError
from bench.store.sqlite import FILE_NAME, Store

SCHEMA_VERSION = 1
APPLICATION_ID = 0x62656E63
"""Tells a store from any other SQLite file: `benc` in ASCII."""
BUSY_S = 30.0
"""How long to wait for another run that writes."""


def open_store(folder: Path) -> Store:
    """Open the store in a folder for a run, making both where they are missing.

    Raises:
        PrerequisiteError: the folder cannot be written, the file is no store, or a newer bench wrote it.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Store(_for_writing(folder / FILE_NAME), folder)
    except OSError as error:
        raise PrerequisiteError(f"{folder}: {error.strerror}; name another folder with --results") from error
    except sqlite3.DatabaseError as error:
        raise _unusable(folder, error) from error


def read_store(folder: Path) -> Store:
    """Open the store in a folder for looking at; nothing of it is written, so it may be somebody else's.

    Raises:
        PrerequisiteError: there is none, the file is no store, or a newer bench wrote it.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        raise PrerequisiteError(f"{folder}: holds no results yet; `bench run tabular` makes some")
    try:
        return Store(_for_reading(path), folder)
    except sqlite3.DatabaseError as error:
        raise _unusable(folder, error) from error


def _unusable(folder: Path, error: sqlite3.DatabaseError) -> PrerequisiteError:
    return PrerequisiteError(
        f"{folder / FILE_NAME}: cannot be used as a store ({error}); name another folder with --results"
    )


def _for_reading(path: Path) -> sqlite3.Connection:
    """Connect without writing. Where even the log's index cannot be made, the file is taken as it stands."""
    for mode in ("mode=ro", "mode=ro&immutable=1"):
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?{mode}", uri=True, isolation_level=None)
        connection.row_factory = sqlite3.Row
        try:
            version = _version(connection, path)
        except sqlite3.OperationalError:
            connection.close()
            continue
        except BaseException:
            connection.close()
            raise
        if version:
            return connection
        connection.close()
        raise PrerequisiteError(f"{path.parent}: holds no results yet; `bench run tabular` makes some")
    raise sqlite3.DatabaseError("it cannot be opened for reading")


def _for_writing(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        _migrate(connection, path)
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Turn the write-ahead log on; SQLite does not wait for others by itself here."""
    give_up_at = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.02)
        else:
            return


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring an empty file to the current schema; refuse one of a newer bench, or of something else."""
    if _version(connection, path) == SCHEMA_VERSION:
        return
    connection.execute("BEGIN EXCLUSIVE")
    if _version(connection, path) != SCHEMA_VERSION:  # another run may have been first
        for statement in _statements((Path(__file__).parent / "schema" / "0001.sql").read_text()):
            connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


_IDENTITY = """
SELECT user_version, application_id, (SELECT count(*) FROM sqlite_master)
FROM pragma_user_version, pragma_application_id
"""
"""In one statement, so that another run that is making the file is seen before or after, never half way."""


def _version(connection: sqlite3.Connection, path: Path) -> int:
    """Return the schema of a store, 0 for an empty file."""
    version: int
    version, application, tables = connection.execute(_IDENTITY).fetchone()
    if application != APPLICATION_ID and (version or application or tables):
        raise PrerequisiteError(
            f"{path}: is an SQLite file of something else; name another folder with --results"
        )
    if version > SCHEMA_VERSION:
        raise PrerequisiteError(
            f"{path}: written by a newer bench (schema {version}, this one reads {SCHEMA_VERSION});"
            " upgrade with `pip install -U inductive-bench`, or name another folder with --results"
        )
    return version


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one, so that all of them stand in one transaction."""
    text = ""
    for line in script.splitlines(keepends=True):
        text += line
        if sqlite3.complete_statement(text):
            yield text
            text = ""
