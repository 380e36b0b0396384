"""Putting files into a folder so that nobody ever finds half of them."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.errors import PrerequisiteError

MARK = "SHA256SUMS"
"""What a folder that bench wrote holds: no other folder with something in it is written over."""


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by name into a folder, which is replaced as a whole where bench wrote it before.

    Raises PrerequisiteError where it holds something else, or cannot be written.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise PrerequisiteError(f"{folder}: is a file; name a folder with --output")
        if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
            raise PrerequisiteError(f"{folder}: holds files of something else; name another with --output")
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        try:
            _fill(made, files)
            made.chmod(0o755)
            if folder.exists():
                shutil.rmtree(folder)
            made.rename(folder)
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
    except OSError as error:
        raise PrerequisiteError(
            f"{folder}: {error.strerror or error}; name another folder with --output"
        ) from error


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
