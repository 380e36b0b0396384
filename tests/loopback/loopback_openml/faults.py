"""Misbehaviour on order: what a server, or a stranger in its place, may do to a client.

Those with `alter` change what is served; those with `perform` change how it is sent.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol, runtime_checkable

from loopback_openml.answers import Answer, refusal
from loopback_openml.content import Catalogue, ServedDataset

HOSTILE_NAMES = ("../../x", "<script>alert(1)</script>", "x" * 300, "\N{PENGUIN} of \N{SNOWMAN}")
"""Names of datasets that somebody could upload."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Packed:
    """An answer as it goes out: `headers` without the body's length."""

    status: int
    headers: Headers
    body: bytes


class Wire(Protocol):
    """One request's connection."""

    def begin(self, status: int, headers: Headers, length: int) -> bool:
        """Send the head of an answer, which says `length` of the body; return whether a body may follow."""

    def send(self, content: bytes) -> None:
        """Send a part of the body at once."""

    def pause(self, seconds: float | None) -> bool:
        """Wait, without a number for ever; return whether the server was stopped meanwhile."""

    def hang_up(self) -> None:
        """Close the connection after this request."""

    def reply(self, answer: Answer) -> None:
        """Send a whole answer, well."""


class Alteration(Protocol):
    """A fault in what is served."""

    def alter(self, catalogue: Catalogue) -> Catalogue:
        """Return what is served in place of the catalogue."""


@runtime_checkable
class Performance(Protocol):
    """A fault in how an answer is sent. `times` is how often it happens; 0 is always."""

    times: int

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send something in place of the answer."""


@dataclass(frozen=True)
class ReplacedTable:
    """Another table under an id that had one: other content, and the checksum that goes with it."""

    dataset: ServedDataset

    def alter(self, catalogue: Catalogue) -> Catalogue:
        """Put it in the place of the old one."""
        return catalogue.with_dataset(self.dataset)


@dataclass(frozen=True)
class WrongChecksum:
    """A description that announces a checksum which the file has not."""

    dataset_id: int
    md5: str = "0" * 32

    def alter(self, catalogue: Catalogue) -> Catalogue:
        """Change what is announced."""
        return catalogue.with_dataset(replace(_named(catalogue, self.dataset_id), announced_md5=self.md5))


@dataclass(frozen=True)
class HostileName:
    """A dataset under a name that leads out of a folder, into a page, or nowhere at all."""

    dataset_id: int
    name: str

    def alter(self, catalogue: Catalogue) -> Catalogue:
        """Rename it."""
        return catalogue.with_dataset(replace(_named(catalogue, self.dataset_id), name=self.name))


@dataclass(frozen=True)
class Hang:
    """Take the request and say nothing until the server is stopped."""

    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Wait."""
        wire.pause(None)
        wire.hang_up()


@dataclass(frozen=True)
class Trickle:
    """Send the body a byte at a time: no single wait is long, and the whole takes for ever."""

    pause_s: float = 0.2
    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send the head, then the bytes."""
        if not wire.begin(answer.status, answer.headers, len(answer.body)):
            return
        for byte in answer.body:
            wire.send(bytes((byte,)))
            if wire.pause(self.pause_s):
                wire.hang_up()
                return


@dataclass(frozen=True)
class CutBody:
    """Hang up before the body is complete; Content-Length announced all of it."""

    kept: float = 0.5
    """The share of the body that is sent."""
    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send the beginning."""
        if wire.begin(answer.status, answer.headers, len(answer.body)):
            wire.send(answer.body[: int(len(answer.body) * self.kept)])
            wire.hang_up()


@dataclass(frozen=True)
class DroppedUpload:
    """Hang up in the middle of a request's body, and keep nothing of it."""

    kept: float = 0.5
    """The share of the body that is read before."""
    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Say nothing."""
        wire.hang_up()


@dataclass(frozen=True)
class ServerError:
    """Answer HTTP's 500, or another status, so many times, then as usual; nothing is kept of an upload."""

    times: int
    status: int = 500

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send it."""
        wire.reply(Answer(self.status, "text/plain; charset=utf-8", b"Internal Server Error"))


@dataclass(frozen=True)
class Busy:
    """Say so many times that the database is busy (code 107), then answer as usual."""

    times: int

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send it."""
        wire.reply(refusal(107, "Database connection error. Usually due to high server load."))


@dataclass(frozen=True)
class HtmlPage:
    """Answer a page for people, with HTTP's 200, as a proxy or a maintenance mode does."""

    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send it."""
        page = (
            b"<!DOCTYPE html>\n<html><head><title>Maintenance</title></head><body>Back soon<br></body></html>"
        )
        wire.reply(Answer(200, "text/html; charset=utf-8", page))


@dataclass(frozen=True)
class Redirect:
    """Send the client to the same path elsewhere; `origin` is a scheme, a host and a port."""

    origin: str
    times: int = 0

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send it."""
        wire.begin(302, (("Location", self.origin + path),), 0)


@dataclass(frozen=True)
class GzipBomb:
    """An ARFF file with one huge value: about a thousandth of `unpacked_bytes` goes over the wire."""

    unpacked_bytes: int
    times: int = 0

    _HEAD: ClassVar[bytes] = b"@relation bomb\n@attribute a string\n@attribute class {x,y}\n@data\n'"
    _TAIL: ClassVar[bytes] = b"',x\n"
    _BLOCK: ClassVar[bytes] = b"a" * (1 << 20)

    def __post_init__(self) -> None:
        """Refuse a size that cannot be met."""
        if self.unpacked_bytes < len(self._HEAD) + len(self._TAIL):
            raise ValueError(f"{self.unpacked_bytes} bytes do not hold an ARFF file")

    def perform(self, wire: Wire, answer: Packed, path: str) -> None:
        """Send it in blocks: it is never whole in this process."""
        blocks, rest = self._letters()
        head, block = _deflated(self._HEAD), _deflated(self._BLOCK)
        tail = _deflated(self._BLOCK[:rest] + self._TAIL, zlib.Z_FINISH)
        length = 10 + len(head) + blocks * len(block) + len(tail) + 8
        headers = (("Content-Type", "text/plain; charset=utf-8"), ("Content-Encoding", "gzip"))
        if not wire.begin(200, headers, length):
            return
        wire.send(b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\xff" + head)
        for _ in range(blocks):
            wire.send(block)
        checksum = 0
        for piece in self._pieces():
            checksum = zlib.crc32(piece, checksum)
        size = self.unpacked_bytes % (1 << 32)
        wire.send(tail + checksum.to_bytes(4, "little") + size.to_bytes(4, "little"))

    def _letters(self) -> tuple[int, int]:
        """Return how many blocks of the letter the value holds, and how many letters beside them."""
        return divmod(self.unpacked_bytes - len(self._HEAD) - len(self._TAIL), len(self._BLOCK))

    def _pieces(self) -> Iterator[bytes]:
        """Yield what is unpacked, from the first byte to the last."""
        blocks, rest = self._letters()
        yield self._HEAD
        for _ in range(blocks):
            yield self._BLOCK
        yield self._BLOCK[:rest] + self._TAIL


Fault = Alteration | Performance


def _deflated(content: bytes, end: int = zlib.Z_FULL_FLUSH) -> bytes:
    """Return a part of a deflate stream that stands on its own, so that it may come again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    return packer.compress(content) + packer.flush(end)


def _named(catalogue: Catalogue, dataset_id: int) -> ServedDataset:
    """Return the dataset that a fault names. Raises LookupError where there is none."""
    dataset = catalogue.dataset(dataset_id)
    if dataset is None:
        raise LookupError(f"no dataset {dataset_id} to misbehave with")
    return dataset
