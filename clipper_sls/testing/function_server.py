"""A model's function for tests: its real runtime in a process of its own, and HTTP before it, with Lambda's limits.

with function_server(bundle, tmp_path) as function:
    create_proxied_function(ministack.url, "adder", function.url)
"""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.envelope import MAX_PAYLOAD_BYTES
from clipper_sls.testing.runtime_api import RuntimeApi, runtime_api

_PACKAGE_ROOT = Path(__file__).parents[2]
_POLL_S = 0.01


@dataclass
class FunctionServer:
    """Answers one event after the other. Sizes are of events and results as JSON, in bytes."""

    api: RuntimeApi
    url: str = ""
    event_sizes: list[int] = field(default_factory=list)
    result_sizes: list[int] = field(default_factory=list)
    turn: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, event: bytes) -> Any:
        """The result, or Lambda's words for why there is none."""
        self.event_sizes.append(len(event))
        if len(event) > MAX_PAYLOAD_BYTES:
            return _error("RequestTooLargeException", f"{len(event)} bytes")
        with self.turn:
            value = self.api.ask(event).value
        size = len(json.dumps(value))
        self.result_sizes.append(size)
        if size > MAX_PAYLOAD_BYTES:
            return _error("Function.ResponseSizeTooLarge", f"Response payload size ({size} bytes) exceeded the maximum")
        return value


@contextmanager
def function_server(bundle: Path, folder: Path, variables: Mapping[str, str] | None = None) -> Iterator[FunctionServer]:
    """Serves until the end of the block; `variables` are of the function's environment."""
    folder.mkdir(parents=True, exist_ok=True)
    with runtime_api() as api, _runtime(bundle, folder, api, variables or {}):
        function = FunctionServer(api)
        server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"function": function}))
        function.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, args=(_POLL_S,))
        thread.start()
        try:
            yield function
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


@contextmanager
def _runtime(bundle: Path, folder: Path, api: RuntimeApi, variables: Mapping[str, str]) -> Iterator[None]:
    environment = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "CLIPPER_BUNDLE_PATH": str(bundle),
        "CLIPPER_BUNDLE_DIGEST": Manifest.from_json((bundle / MANIFEST_NAME).read_bytes()).digest,
        "CLIPPER_ALLOW_UNSIGNED": "1",
        "PYTHONPATH": str(_PACKAGE_ROOT),
        **variables,
    }
    with (folder / "function.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "clipper_sls.runtime"], env=environment, cwd=folder, stdout=log, stderr=log
        )
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _error(kind: str, message: str) -> dict[str, str]:
    return {"errorType": kind, "errorMessage": message}


class _Handler(BaseHTTPRequestHandler):
    function: ClassVar[FunctionServer]
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        content = json.dumps(self.function.answer(self.rfile.read(int(self.headers["Content-Length"])))).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass
