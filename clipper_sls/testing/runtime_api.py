"""An AWS Lambda Runtime API of its own, independent of the engine's: what a runtime is asked, and what it answers.

with runtime_api() as api:
    start_a_runtime({"AWS_LAMBDA_RUNTIME_API": api.address})
    assert api.ask(event) == Reply("response", {"outputs": [1.0], "errors": []})

One runtime at a time. An answer's header and body go out in one write, and at once: else the kernel holds the body back
until the header is acknowledged, which takes 40 ms.
"""

import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LIMIT_S = 60.0
_VERSION = "/2018-06-01/runtime"
_POLL_S = 0.01
_FOREVER = 4102444800.0  # 2100
_HEADERS = {
    "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:000000000000:function:model",
    "Content-Type": "application/json",  # without it the runtime's native code crashes
}


@dataclass(frozen=True, slots=True)
class Reply:
    """`kind` is "response"; "error", of one invocation; or "init", an error of the start."""

    kind: str
    value: Any


class RuntimeApi:
    """Whatever asks for work at `address` ("127.0.0.1:9001") is the runtime."""

    def __init__(self) -> None:
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def ends_at(self, wall: float = _FOREVER) -> None:
        """What invocations are told from now on: when they end, in seconds since 1970. They are not ended then."""
        self._server.deadline_ms = int(wall * 1000)

    def traces(self, trace_id: str) -> None:
        """What invocations are told from now on: the trace that they are part of."""
        self._server.trace_id = trace_id

    def ask(self, event: bytes, limit_s: float = LIMIT_S) -> Reply:
        """One invocation. Raises AssertionError when no answer comes in time."""
        self.offer(event)
        return self.next_reply(limit_s)

    def offer(self, event: bytes) -> None:
        """What the runtime gets when it asks next; there may be no reply."""
        self._server.events.put(event)

    def next_reply(self, limit_s: float = LIMIT_S) -> Reply:
        """What the runtime says next, asked or not: it may fail before it asks for work."""
        try:
            return self._server.replies.get(timeout=limit_s)
        except queue.Empty:
            raise AssertionError(f"The runtime did not answer within {limit_s:g} s") from None

    def serve(self) -> None:
        self._server.serve_forever(_POLL_S)

    def close(self) -> None:
        self._server.is_over = True
        self._server.events.put(b"")
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def runtime_api() -> Iterator[RuntimeApi]:
    api = RuntimeApi()
    thread = threading.Thread(target=api.serve)
    thread.start()
    try:
        yield api
    finally:
        api.close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    is_over = False
    deadline_ms = int(_FOREVER * 1000)
    trace_id = "Root=1;Sampled=0"

    def __init__(self, *arguments: Any) -> None:
        self.events: queue.Queue[bytes] = queue.Queue()
        self.replies: queue.Queue[Reply] = queue.Queue()
        super().__init__(*arguments)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A runtime that was killed leaves its connection behind."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # header and body in one write

    def do_GET(self) -> None:
        assert self.path == f"{_VERSION}/invocation/next", self.path
        event = self.server.events.get()
        if self.server.is_over:
            self.close_connection = True
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "1",
            "Lambda-Runtime-Deadline-Ms": str(self.server.deadline_ms),
            "Lambda-Runtime-Trace-Id": self.server.trace_id,
        }
        self._answer(200, {**headers, **_HEADERS}, event)

    def do_POST(self) -> None:
        value = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        *_, before, kind = self.path.split("/")
        self.server.replies.put(Reply("init" if before == "init" else kind, value))
        with suppress(ConnectionError):
            self._answer(202, {}, b"")

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        pass
