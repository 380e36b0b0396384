"""An HTTP session that neither waits for ever nor takes in more than it is told to.

The OpenML client opens sessions of its own, without a time limit, and holds whatever they bring in memory.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import Any

import requests
import urllib3

from bench.errors import DataError
from bench.sources.openml.settings import ServerSettings

SLOWEST_BYTES_S = 1024.0
_BLOCK_BYTES = 1 << 16


class NoConnectionError(Exception):
    """Nobody is there; the client, which would try again, does not know this error."""


def bounded_session(settings: ServerSettings) -> type[requests.Session]:
    """Return a class of sessions that keep to these settings.

    What is silent for too long, or trickles, ends as `requests.ReadTimeout`; what is too large as DataError.
    """

    class Bounded(requests.Session):
        def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            options |= {"timeout": (settings.connect_s, settings.silence_s), "stream": True}
            follow = options.pop("allow_redirects", True)
            request.headers["Accept-Encoding"] = "gzip"  # what is unpacked below
            try:
                response = super().send(request, allow_redirects=False, **options)
            except requests.ConnectTimeout as error:
                raise NoConnectionError(f"no connection within {settings.connect_s:g} s") from error
            except requests.ConnectionError as error:
                if isinstance(_reason(error), urllib3.exceptions.NewConnectionError):
                    raise NoConnectionError(_reason(error)) from error
                raise
            if not response._content_consumed:  # noqa: SLF001 - no public name
                response._content = b"".join(_blocks(response, settings))  # noqa: SLF001 - as .content does
                response._content_consumed = True  # noqa: SLF001
            # Followed only now: on its own the library would read a redirect's body without any limit.
            hops = list(self.resolve_redirects(response, request, **options)) if follow else []
            return hops[-1] if hops else response

    return Bounded


def _reason(error: requests.ConnectionError) -> object:
    return getattr(error.args[0] if error.args else None, "reason", None)


def _blocks(response: requests.Response, settings: ServerSettings) -> Iterator[bytes]:
    """Yield the body, unpacked, as long as it comes fast enough and does not grow too large.

    It is unpacked here: the library would wait until packed bytes make some text, however slowly they come.
    """
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16) if _is_packed(response) else None
    begun, received, size = time.monotonic(), 0, 0
    while packed := _next_block(response):
        received += len(packed)
        waited_s = time.monotonic() - begun
        if waited_s > settings.silence_s and received < SLOWEST_BYTES_S * waited_s:
            raise requests.ReadTimeout(f"{response.url} sent {received} bytes in {waited_s:.0f} s")
        block = packed if unpacker is None else _unpacked(unpacker, packed, response.url)
        size += len(block)
        if size > settings.largest_bytes:
            raise DataError(
                f"{response.url} is larger than {settings.largest_bytes / 1e6:,.0f} MB once unpacked, "
                "which is no table: it was not taken in"
            )
        yield block
    if unpacker is not None and received and not unpacker.eof:
        raise requests.ConnectionError(f"{response.url}: the answer ends in the middle")


def _is_packed(response: requests.Response) -> bool:
    return response.headers.get("Content-Encoding", "").lower() == "gzip"


def _unpacked(unpacker: zlib._Decompress, packed: bytes, url: str) -> bytes:
    try:
        return unpacker.decompress(packed)
    except zlib.error as error:
        raise requests.ConnectionError(f"{url}: the answer cannot be unpacked: {error}") from error


def _next_block(response: requests.Response) -> bytes:
    """Return what has come, without waiting for a block to fill, or nothing at the end; raise as requests."""
    try:
        block: bytes = response.raw.read1(_BLOCK_BYTES, decode_content=False)
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.ReadTimeout(f"{response.url}: {error}") from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(f"{response.url}: {error}") from error
    return block
