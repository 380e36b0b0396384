"""Runs for OpenML, written and sent by a process of its own, which knows the client."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from bench.errors import PrerequisiteError
from bench.sources.openml.reach import unreachable
from bench.sources.openml.settings import api_key, server_settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A run that is in files, and was not to be sent."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A run that the server has taken."""

    name: str
    flow: int
    run: int
    flow_url: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A run that was not sent, or that the server does not take."""

    name: str
    text: str


Event = Written | Published | Refused


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """A run, the folder for its files, and whether it is to be sent."""

    name: str
    upload: Path
    """The JSON of an `Upload`."""
    folder: Path
    send: bool


def check_way() -> None:
    """Raise PrerequisiteError where nothing could be sent: without a key, or without a server."""
    api_key()
    why = unreachable(server_settings())
    if why is not None:
        raise PrerequisiteError(f"{why}: nothing was sent")


def publish(parcels: Sequence[Parcel]) -> Iterator[Event]:
    """Write each run into its folder, send those that are to be sent, and yield what came of each.

    Raises PrerequisiteError once the server gives no answer or does not take the key: what was not told of by
    then was not sent, or nobody knows.
    """
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as inside,  # a child that is killed leaves its own
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as stderr,
    ):
        child = _start(stderr, inside)
        try:
            yield from map(_event, _converse(child, json.dumps([_order(parcel) for parcel in parcels])))
        finally:
            child.kill()
            code = child.wait()
        if code:
            stderr.seek(0)
            last = next(reversed([line.strip() for line in stderr if line.strip()]), "no message")
            raise PrerequisiteError(f"the process that publishes to OpenML ended with code {code}: {last}")


def _start(stderr: IO[str], folder: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "bench.sources.openml.sending"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=stderr,
        env={
            **os.environ,
            "TMPDIR": folder,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        },
        encoding="utf-8",
    )


def _order(parcel: Parcel) -> dict[str, Any]:
    paths = {"upload": str(parcel.upload.absolute()), "folder": str(parcel.folder.absolute())}
    return {"name": parcel.name, "send": parcel.send, **paths}


def _converse(child: subprocess.Popen[str], text: str) -> Iterator[dict[str, Any]]:
    if child.stdin is None or child.stdout is None:
        raise TypeError("the child's input and output must be pipes")
    with child.stdout:
        # A child that died at once is told by its exit code, not by its closed input.
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write(text)
        for line in child.stdout:
            yield json.loads(line)
    child.wait()


def _event(told: dict[str, Any]) -> Event:
    match told.pop("kind"):
        case "written":
            return Written(**told)
        case "published":
            return Published(**told)
        case "refused":
            return Refused(**told)
        case _:
            raise PrerequisiteError(told["text"])
