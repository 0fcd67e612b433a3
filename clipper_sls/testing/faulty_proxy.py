"""An HTTP proxy in front of a server, on a real socket, that fails as it is told to.

with faulty_proxy(registry.host) as proxy:
    proxy.fail(Fault("GET", "/blobs/", CutAnswer(after_bytes=1000)))
"""

import http.client
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

CHUNK_BYTES = 1 << 14
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer with `status` in place of the server, which gets nothing."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class DropRequest:
    """Close the connection; the server gets so much of the body, or nothing at all."""

    after_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class CutAnswer:
    """The server does what it is asked to; of its answer's body so much passes, then the connection is closed."""

    after_bytes: int = 0


@dataclass(frozen=True, slots=True)
class SpoilAnswer:
    """The first byte of the answer's body arrives as another."""


@dataclass(frozen=True, slots=True)
class IgnoreRange:
    """The server is not told that only a part is wanted."""


@dataclass(frozen=True, slots=True)
class LeaveAlone:
    """Nothing: for what comes before the next fault."""


Deed = Answer | DropRequest | CutAnswer | SpoilAnswer | IgnoreRange | LeaveAlone


@dataclass(slots=True)
class Fault:
    """Befalls the next `times` requests of the method whose path holds `path_part`."""

    method: str
    path_part: str
    deed: Deed
    times: int = 1


@dataclass
class FaultyProxy:
    """`seen` is every request, as "METHOD /path?query"; `authorizations` are the headers of those that had one."""

    upstream: str
    host: str = ""
    seen: list[str] = field(default_factory=list)
    authorizations: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def fail(self, fault: Fault) -> None:
        with self.lock:
            self.faults.append(fault)

    def count(self, method: str, path_part: str) -> int:
        with self.lock:
            return sum(line.startswith(f"{method} ") and path_part in line for line in self.seen)

    def deed_for(self, method: str, path: str, authorization: str | None) -> Deed | None:
        """What befalls this request, which is noted."""
        with self.lock:
            self.seen.append(f"{method} {path}")
            self.authorizations += [authorization] if authorization else []
            for fault in self.faults:
                if fault.times > 0 and fault.method == method and fault.path_part in path:
                    fault.times -= 1
                    return fault.deed
        return None


@contextmanager
def faulty_proxy(upstream: str) -> Iterator[FaultyProxy]:
    """Serves until the end of the block; `upstream` is "host:port"."""
    proxy = FaultyProxy(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads = False  # their sockets are closed when the block ends
    proxy.host = f"127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """One request a connection."""

    proxy: ClassVar[FaultyProxy]
    timeout = 10.0

    def serve(self) -> None:
        self.close_connection = True
        match deed := self.proxy.deed_for(self.command, self.path, self.headers.get("Authorization")):
            case Answer():
                self._answer_with(deed)
            case DropRequest(None):
                pass
            case _:
                self._forward(deed)

    def _answer_with(self, answer: Answer) -> None:
        for _ in self._body(None):
            pass
        self.send_response(answer.status)
        for name, value in (*answer.headers, ("Content-Length", "0")):
            self.send_header(name, value)
        self.end_headers()

    def _body(self, limit: int | None) -> Iterator[bytes]:
        left = int(self.headers.get("Content-Length", 0))
        left = left if limit is None else min(left, limit)
        while left and (chunk := self.rfile.read(min(CHUNK_BYTES, left))):
            left -= len(chunk)
            yield chunk

    def _forward(self, deed: Deed | None) -> None:
        upstream = http.client.HTTPConnection(self.proxy.upstream, timeout=self.timeout)
        try:
            self._ask(upstream, deed)
            if not isinstance(deed, DropRequest):
                self._pass_on(upstream.getresponse(), deed)
        except ConnectionError:
            pass  # whoever asked is gone
        finally:
            upstream.close()

    def _ask(self, upstream: http.client.HTTPConnection, deed: Deed | None) -> None:
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            if name.lower() != "connection" and not (name == "Range" and isinstance(deed, IgnoreRange)):
                upstream.putheader(name, value)
        upstream.endheaders()
        for chunk in self._body(deed.after_bytes if isinstance(deed, DropRequest) else None):
            upstream.send(chunk)

    def _pass_on(self, response: http.client.HTTPResponse, deed: Deed | None) -> None:
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        left = deed.after_bytes if isinstance(deed, CutAnswer) else None
        is_spoilt = isinstance(deed, SpoilAnswer)
        while chunk := response.read(CHUNK_BYTES if left is None else min(CHUNK_BYTES, left)):
            self.wfile.write(bytes([chunk[0] ^ 1]) + chunk[1:] if is_spoilt else chunk)
            is_spoilt = False
            left = None if left is None else left - len(chunk)

    def log_message(self, *_: object) -> None:
        pass


def _handler(proxy: FaultyProxy) -> type[_Handler]:
    methods = {f"do_{method}": _Handler.serve for method in METHODS}
    return type("Handler", (_Handler,), {"proxy": proxy, **methods})
