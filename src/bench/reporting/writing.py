"""Putting files into a folder so that nobody ever finds half of them."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from bench.errors import DataError, PrerequisiteError

MARK = "SHA256SUMS"
"""What a folder that bench wrote holds: no other folder with something in it is written over."""


def write(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by name into a folder, which is replaced as a whole where bench wrote it before.

    Raises PrerequisiteError where it holds something else, or cannot be written.
    """
    check(folder)
    try:
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
        raise PrerequisiteError(f"{folder}: {error.strerror or error}; name another folder") from error


def check(folder: Path) -> None:
    """Raise PrerequisiteError where a folder is a file, or holds what bench did not write."""
    if folder.exists() and not folder.is_dir():
        raise PrerequisiteError(f"{folder}: is a file; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MARK).is_file():
        raise PrerequisiteError(f"{folder}: holds files of something else; name another folder")


def sums(files: Mapping[str, bytes]) -> bytes:
    """Return the hashes of files by name, as `sha256sum -c` reads them."""
    lines = [f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in sorted(files.items())]
    return "".join(lines).encode()


def verified(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder that bench wrote, the hashes among them.

    Raises DataError where one is missing, is not as it was written, or is not listed.
    """
    try:
        lines = (folder / MARK).read_text(encoding="utf-8").splitlines()
        listed = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
        found = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }
    except (OSError, ValueError) as error:
        raise DataError(f"{folder / MARK}: cannot be read ({error}); write the report again") from error
    for name in sorted({*listed, *found} - {MARK}):
        if name not in found or name not in listed:
            what = "is missing" if name not in found else f"is not in {MARK}"
            raise DataError(f"{folder / name}: {what}; write the report again")
        if hashlib.sha256(found[name]).hexdigest() != listed[name]:
            raise DataError(f"{folder / name}: is not as it was written; write the report again")
    return found


def _fill(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
