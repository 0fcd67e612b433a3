"""A real HTTP server that records requests and gives the answers that a test put in."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.sdk import ClipperConnection, LocalContainerManager


@dataclass
class Recorded:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class RecordingServer:
    """`answers` maps a path to (status, body, error code); what is not in it is answered with 200 and `{}`."""

    url: str = ""
    requests: list[Recorded] = field(default_factory=list)
    answers: dict[str, tuple[int, Any, str | None]] = field(default_factory=dict)

    def answer(self, path: str, body: Any, status: int = 200, code: str | None = None) -> None:
        self.answers[path] = (status, body, code)

    @property
    def last(self) -> Recorded:
        return self.requests[-1]

    @property
    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


@pytest.fixture
def server() -> Iterator[RecordingServer]:
    recorder = RecordingServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            recorder.requests.append(Recorded(self.command, self.path, dict(self.headers), self._body()))
            status, body, code = recorder.answers.get(self.path, (200, {}, None))
            content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if code is not None:
                self.send_header("X-Clipper-Error-Code", code)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve  # noqa: N815 - the base class looks for these names

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class calls it so
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def cluster(server: RecordingServer, tmp_path) -> LocalContainerManager:
    """A container manager whose ports lead to `server`, which says that it is an engine."""
    status = {"cluster_name": "default-cluster", "state_dir": str(tmp_path / "elsewhere"), "pid": 1}
    server.answer("/admin/get_status", {**status, "query": server.url, "management": server.url})
    port = int(server.url.rsplit(":", 1)[1])
    return LocalContainerManager(clipper_query_port=port, clipper_management_port=port, state_dir=tmp_path / "state")


@pytest.fixture
def connection(cluster: LocalContainerManager) -> ClipperConnection:
    connection = ClipperConnection(cluster)
    connection.connect()
    return connection


@pytest.fixture
def ready_engine() -> Iterator[Callable[[Path], None]]:
    """Makes a folder look like the state directory of a running engine; the process is one that waits."""
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)

    def write(folder: Path) -> None:
        content = {"query": "http://127.0.0.1:8", "management": "http://127.0.0.1:7", "pid": process.pid}
        (folder / "engine.json").write_text(json.dumps(content))

    yield write
    process.kill()
    process.communicate()
