"""The server: HTTP on 127.0.0.1, on a port that it keeps when it is stopped and started again."""

from __future__ import annotations

import gzip
import socket
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from fnmatch import fnmatchcase
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs

from loopback_openml.answers import API, Answer, answer_to, refusal
from loopback_openml.content import Catalogue
from loopback_openml.faults import CutBody, DroppedUpload, Fault, Headers, Packed, Performance, Trickle
from loopback_openml.uploads import Deposits, Part, ReceivedFlow, ReceivedRun, form_of

NOTHING = Answer(200, "text/plain", b"")
"""What a request that a fault ends is answered."""


class LoopbackServer:
    """Serves a catalogue; what is changed while it runs counts from the next request on."""

    def __init__(self, catalogue: Catalogue, api_key: str = "0" * 32) -> None:
        self.catalogue = catalogue
        self.api_key = api_key
        self._deposits = Deposits()
        self._port = 0
        self._http: _Http | None = None
        self._lock = threading.Lock()
        self._requests: list[str] = []
        self._faults: list[tuple[str, Fault]] = []
        self._performed: Counter[int] = Counter()

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"http://127.0.0.1:{self._port}"

    @property
    def url(self) -> str:
        """What a client is configured with."""
        return self.origin + API

    @property
    def requests(self) -> list[str]:
        """Method and path of every request so far, in the order in which they came."""
        with self._lock:
            return list(self._requests)

    @property
    def flows(self) -> list[ReceivedFlow]:
        """The flows that were taken so far."""
        with self._lock:
            return list(self._deposits.flows)

    @property
    def runs(self) -> list[ReceivedRun]:
        """The runs that were taken so far."""
        with self._lock:
            return list(self._deposits.runs)

    def refused(self, key: str | None, *, wanted: bool) -> Answer | None:
        """Return why a request with this key, or without one, is refused; None where it is not."""
        if key is None:
            return refusal(102, "No authentication") if wanted else None
        return None if key == self.api_key else refusal(103, "Authentication failed")

    def read(self, path: str, catalogue: Catalogue) -> Answer:
        """Return the answer to a GET."""
        with self._lock:
            found = self._deposits.flow_at(path)
        return found or answer_to(path, catalogue, self.origin)

    def receive(self, path: str, form: Mapping[str, Part], catalogue: Catalogue) -> Answer:
        """Keep what was posted; return the answer."""
        with self._lock:
            return self._deposits.receive(path, form, catalogue)

    def forget(self) -> None:
        """Empty the list of requests."""
        with self._lock:
            self._requests.clear()

    def misbehave(self, pattern: str, fault: Fault) -> None:
        """Have a fault in the answers to paths like the pattern (`*/data/download/*`).

        Of several faults in how an answer is sent, the first that is not used up happens; of those in
        what is served, all. Raises LookupError where a fault names a dataset that is not served.
        """
        if not isinstance(fault, Performance):
            fault.alter(self.catalogue)  # an error in the order is the test's, not a client's
        with self._lock:
            self._faults.append((pattern, fault))

    def behave(self) -> None:
        """Drop all faults; who hangs already goes on hanging."""
        with self._lock:
            self._faults.clear()
            self._performed.clear()

    def start(self) -> None:
        """Listen; after a stop, on the same port."""
        if self._http is not None:
            raise RuntimeError(f"{self.origin} is listening already")
        self._http = _Http(("127.0.0.1", self._port), self)
        self._port = self._http.server_address[1]
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port and every connection, those of hanging requests too."""
        if self._http is not None:
            self._http.end()
            self._http = None

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def take(self, method: str, path: str) -> tuple[Catalogue, Performance | None]:
        """Note a request; return what is served to it, and the fault with which."""
        with self._lock:
            self._requests.append(f"{method} {path}")
            catalogue, chosen = self.catalogue, None
            for index, (pattern, fault) in enumerate(self._faults):
                if not fnmatchcase(path, pattern):
                    continue
                if not isinstance(fault, Performance):
                    catalogue = fault.alter(catalogue)
                elif chosen is None and (fault.times == 0 or self._performed[index] < fault.times):
                    self._performed[index] += 1
                    chosen = fault
            return catalogue, chosen


class _Http(ThreadingHTTPServer):
    """A thread a connection; knows its connections, to be able to end them."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], owner: LoopbackServer) -> None:
        self.owner = owner
        self.stopping = threading.Event()
        self._open: set[socket.socket] = set()
        self._changed = threading.Condition()
        super().__init__(address, _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._changed:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        super().shutdown_request(request)
        with self._changed:
            self._open.discard(request)
            self._changed.notify_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say what went wrong here; that a client went away is its own business."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def end(self) -> None:
        """Return when no request is being answered any more."""
        self.stopping.set()
        self.shutdown()
        self.server_close()
        with self._changed:
            for request in self._open:
                try:
                    request.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # the client was faster
            if not self._changed.wait_for(lambda: not self._open, timeout=10):
                raise RuntimeError(f"{len(self._open)} connections did not end")


class _Handler(BaseHTTPRequestHandler):
    """Reads requests and is the wire for their answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Http

    def do_GET(self) -> None:
        owner = self.server.owner
        catalogue, fault = owner.take(self.command, self.path)
        (key,) = parse_qs(self.path.partition("?")[2]).get("api_key", [None])
        self._answer(owner.refused(key, wanted=False) or owner.read(self.path, catalogue), fault)

    do_HEAD = do_GET  # noqa: N815 - the same, but that no body is sent

    def do_POST(self) -> None:
        owner = self.server.owner
        catalogue, fault = owner.take(self.command, self.path)
        length = int(self.headers["Content-Length"])
        answer: Answer | None = NOTHING
        if isinstance(fault, DroppedUpload):
            self.rfile.read(int(length * fault.kept))
        else:
            form = form_of(self.headers["Content-Type"], self.rfile.read(length))
            answer = owner.refused(form["api_key"].text if "api_key" in form else None, wanted=True)
            if answer is None and (fault is None or isinstance(fault, CutBody | Trickle)):
                answer = owner.receive(self.path, form, catalogue)
        self._answer(answer or NOTHING, fault)

    def _answer(self, answer: Answer, fault: Performance | None) -> None:
        if fault is None:
            self.reply(answer)
        else:
            fault.perform(self, self._packed(answer), self.path)

    def reply(self, answer: Answer) -> None:
        packed = self._packed(answer)
        if self.begin(packed.status, packed.headers, len(packed.body)):
            self.send(packed.body)

    def begin(self, status: int, headers: Headers, length: int) -> bool:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        return self.command != "HEAD"

    def send(self, content: bytes) -> None:
        self.wfile.write(content)

    def pause(self, seconds: float | None) -> bool:
        return self.server.stopping.wait(seconds)

    def hang_up(self) -> None:
        self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name in http.server
        """Say nothing: the owner keeps the requests."""

    def _packed(self, answer: Answer) -> Packed:
        """Gzip what may be, where the client takes it."""
        if answer.packable and "gzip" in self.headers.get("Accept-Encoding", ""):
            headers = (*answer.headers, ("Content-Encoding", "gzip"), ("Vary", "Accept-Encoding"))
            return Packed(answer.status, headers, gzip.compress(answer.body, mtime=0))
        return Packed(answer.status, answer.headers, answer.body)
