"""The AWS Lambda Runtime API for one environment, on a loopback port of its own.

Header and body of an answer go out in one write, without Nagle's algorithm: else each call takes 40 ms or more.
"""

import queue
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol

_PREFIX = "/2018-06-01/runtime"


@dataclass(frozen=True, slots=True)
class Call:
    """One event for the function."""

    request_id: str
    function_arn: str
    trace_id: str
    deadline_ms: int
    event: bytes


class Listener(Protocol):
    """Who hears what the function says."""

    def ready(self) -> None:
        """It asked for work."""

    def init_failed(self, error: bytes) -> None:
        """It could not be loaded."""

    def answered(self, request_id: str, payload: bytes, *, is_error: bool) -> None: ...


class RuntimeApi:
    def __init__(self, listener: Listener) -> None:
        self.calls: queue.Queue[Call | None] = queue.Queue()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.api, self._server.listener = self, listener
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self.calls.put(None)
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    api: RuntimeApi
    listener: Listener


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # written when it is flushed, at once
    server: _Server

    def do_GET(self) -> None:
        if self.path != f"{_PREFIX}/invocation/next":
            return self._respond(200)  # of restore/next, which has nothing to wait for
        self.server.listener.ready()
        call = self.server.api.calls.get()
        if call is None:
            return self._respond(410)
        return self._respond(
            200,
            call.event,
            {
                "Lambda-Runtime-Aws-Request-Id": call.request_id,
                "Lambda-Runtime-Invoked-Function-Arn": call.function_arn,
                "Lambda-Runtime-Deadline-Ms": str(call.deadline_ms),
                "Lambda-Runtime-Trace-Id": call.trace_id,
            },
        )

    def do_POST(self) -> None:
        body, parts = self._body(), self.path.removeprefix(f"{_PREFIX}/").split("/")
        match parts:
            case ["invocation", request_id, "response"]:
                self.server.listener.answered(request_id, body, is_error=False)
            case ["invocation", request_id, "error"]:
                self.server.listener.answered(request_id, body, is_error=True)
            case ["init", "error"]:
                self.server.listener.init_failed(body)
            case _:
                return self._respond(404)
        return self._respond(202, b'{"status":"OK"}')

    def log_message(self, *args: Any) -> None:
        pass

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            return b"".join(iter(self._chunk, b""))
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _chunk(self) -> bytes:
        size = int(self.rfile.readline().split(b";")[0], 16)
        content = self.rfile.read(size)
        self.rfile.readline()
        return content

    def _respond(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        try:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            self.close_connection = True  # the process was ended meanwhile
