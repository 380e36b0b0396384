"""Single files out of packages: wheels, source archives, npm's tarballs and Debian's packages.

A file is read as a stream of bytes under a name that we choose, and nothing else is unpacked, so that no
name, link or size in an archive can reach past the folder that it is read into.
"""

from __future__ import annotations

import contextlib
import lzma
import stat
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Collection, Generator, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import IO

from bench.errors import DataError
from bench.sources.unpacking import blocks, inflated

_BROKEN = (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, tarfile.TarError)
_DAMAGED = (*_BROKEN, zlib.error, lzma.LZMAError)


def read_member(archive: Path, member: str) -> bytes:
    """Return a file of an archive.

    Raises DataError where it is not there, is no plain file or is too large, where the archive is damaged,
    or where it holds a name that leads out of it.
    """
    with _reading(archive), contextlib.closing(_members(archive, {member})) as found:
        for _, stream in found:
            return b"".join(blocks(stream, member))
    raise DataError(f"{archive.name} has no {member}")


def extract(archive: Path, members: Sequence[str], folder: Path) -> list[Path]:
    """Write files of an archive into `folder`, gunzipped; return their paths; raise as `read_member`."""
    places = {member: folder / f"{number:02d}" for number, member in enumerate(members)}
    with _reading(archive), contextlib.closing(_members(archive, set(members))) as found:
        absent = set(members)
        for member, stream in found:
            with places[member].open("wb") as file:
                file.writelines(blocks(inflated(stream), member))
            absent.discard(member)
            if not absent:
                break
    if absent:
        raise DataError(f"{archive.name} has no {min(absent)}")
    return [places[member] for member in members]


@contextlib.contextmanager
def _reading(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise DataError(f"{archive.name} cannot be unpacked: {error}") from error


def _members(archive: Path, wanted: Collection[str]) -> Generator[tuple[str, IO[bytes]]]:
    """Yield the wanted files, each to be read before the next one, in the archive's own order."""
    if archive.suffix in (".whl", ".zip"):
        return _of_zip(archive, wanted)
    return _of_deb(archive, wanted) if archive.suffix == ".deb" else _of_tar(archive, wanted)


def _of_zip(archive: Path, wanted: Collection[str]) -> Generator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(archive) as opened:
        for entry in opened.infolist():
            mode = entry.external_attr >> 16
            plain = not entry.is_dir() and stat.S_IFMT(mode) in (0, stat.S_IFREG)
            if _is_wanted(archive, entry.filename, wanted, plain=plain):
                with opened.open(entry) as stream:
                    yield entry.filename, stream


def _of_tar(
    archive: Path, wanted: Collection[str], source: IO[bytes] | None = None
) -> Generator[tuple[str, IO[bytes]]]:
    with (
        archive.open("rb") if source is None else contextlib.nullcontext(source) as file,
        tarfile.open(fileobj=file, mode="r|*") as opened,
    ):
        for entry in opened:
            name = entry.name.removeprefix("./")
            stream = opened.extractfile(entry) if entry.isreg() else None
            if _is_wanted(archive, name, wanted, plain=entry.isreg()) and stream is not None:
                yield name, stream


def _of_deb(archive: Path, wanted: Collection[str]) -> Generator[tuple[str, IO[bytes]]]:
    """Have Debian's own tool write out the package's files as a stream, and read that."""
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        try:
            yield from _of_tar(archive, wanted, child.stdout)
        finally:
            child.kill()  # the rest is not wanted


def _is_wanted(archive: Path, name: str, wanted: Collection[str], *, plain: bool) -> bool:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise DataError(f"{archive.name} was refused: it holds {name!r}, which leads out of it")
    if name in wanted and not plain:
        raise DataError(f"{archive.name} was refused: its {name} is no plain file")
    return name in wanted
