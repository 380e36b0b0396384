"""From the bytes of a file to what it holds: gunzipped, unzipped, decoded."""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from bench.errors import DataError

LIMIT_BYTES = 1 << 30
"""A file that unpacks to more is refused: it was made to fill a memory, or is past what is read here."""
_BLOCK_BYTES = 1 << 20
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def unpack(data: bytes, name: str) -> tuple[bytes, str]:
    """Return the bytes of a file, out of a gzip file or of the one file in a zip, and its name without that.

    Raises DataError where it cannot be unpacked.
    """
    try:
        if data.startswith(b"\x1f\x8b"):
            whole = b"".join(blocks(inflated(io.BytesIO(data)), "it"))
            return whole, name.removesuffix(".gz").removesuffix(".GZ")
        if data.startswith(b"PK\x03\x04"):
            return _unzip(data)
    except (OSError, EOFError, RuntimeError, NotImplementedError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"it cannot be unpacked: {error}") from error
    return data, name


def inflated(stream: IO[bytes]) -> io.BufferedIOBase:
    """Return a stream of what was compressed by gzip, xz or bzip2; one of anything else as it is."""
    peeked = io.BufferedReader(stream)  # type: ignore[type-var]
    start = peeked.peek(6)
    for mark, opened in (b"\x1f\x8b", gzip.open), (b"\xfd7zXZ\x00", lzma.open), (b"BZh", bz2.open):
        if start.startswith(mark):
            return opened(peeked)
    return peeked


def blocks(stream: io.BufferedIOBase | IO[bytes], name: str) -> Iterator[bytes]:
    """Yield a stream's bytes; raise DataError where they are more than LIMIT_BYTES."""
    left = LIMIT_BYTES
    while block := stream.read(_BLOCK_BYTES):
        left -= len(block)
        if left < 0:
            raise DataError(f"{name} unpacks to more than {LIMIT_BYTES >> 20:,} MiB, which is not read")
        yield block


def decode(data: bytes) -> str:
    """Return UTF-8 text, with or without a byte order mark, or UTF-16 with one.

    Raises DataError, naming the byte, for anything else.
    """
    if data.startswith(_UTF_16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError as error:
            raise DataError(f"it begins as UTF-16 text, but is none at byte {error.start}") from None
    nul = data.find(0)
    if nul >= 0:
        raise DataError(f"byte {nul} is a NUL, so it is no text: is this a table at all?")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataError(
            f"byte {error.start} (0x{data[error.start]:02x}, in line {line}) is not UTF-8: convert the file, "
            "for example with `iconv -f LATIN1 -t UTF-8`"
        ) from None


def _unzip(data: bytes) -> tuple[bytes, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        names = archive.namelist()
        if "xl/workbook.xml" in names:
            raise DataError("it is an Excel workbook: save the sheet as CSV")
        members = [name for name in names if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if len(members) != 1:
            raise DataError(f"the archive holds {len(members)} files, not one")
        with archive.open(members[0]) as stream:
            return b"".join(blocks(stream, "it")), members[0]
