"""A replica for real: `python -m clipper_sls.runtime` with awslambdaric, below a Runtime API of a few lines."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from clipper_sls.domain.bundle import MANIFEST_NAME, Manifest
from clipper_sls.domain.envelope import pack_event
from clipper_sls.domain.inputs import InputType

DEADLINE_S = 30
PACKAGE_ROOT = Path(__file__).parents[3]


class RuntimeApi(ThreadingHTTPServer):
    """Lambda's Runtime API for one replica."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), RuntimeApiHandler)
        self.events: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
        self.waiting = threading.Event()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A replica that was killed resets its connection; every test ends that way."""


class RuntimeApiHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet per answer
    server: RuntimeApi

    def do_GET(self) -> None:
        self.server.waiting.set()
        event = self.server.events.get()
        if event is None:
            self.close_connection = True
            return
        self._respond(200, event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.answers.put((self.path.rsplit("runtime/")[1], json.loads(body)))
        self._respond(202, b"{}")

    def _respond(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Lambda-Runtime-Aws-Request-Id", "1")
        self.send_header("Lambda-Runtime-Deadline-Ms", "99999999999999")
        self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()

    def log_message(self, *args: object) -> None:
        return


@dataclass
class Replica:
    """One process and how to talk to it. `lifeline` is the write end; closing it is the engine's death."""

    process: "subprocess.Popen[bytes]"
    api: RuntimeApi
    log_path: Path
    lifeline: int
    closed: list[int] = field(default_factory=list)

    def ask(self, input_type: InputType, rows: Sequence[bytes]) -> dict[str, Any]:
        """The result for a batch; fails when the replica reports an error instead."""
        self.api.events.put(pack_event(input_type, rows))
        path, answer = self.report()
        assert path == "invocation/1/response", answer
        return answer

    def report(self) -> tuple[str, Any]:
        """What the replica posts next, as (path, body)."""
        return self.api.answers.get(timeout=DEADLINE_S)

    def init_error(self) -> str:
        """The message with which the start failed."""
        path, body = self.report()
        assert path == "init/error", (path, body)
        assert self.process.wait(DEADLINE_S) == 1
        return body["errorMessage"]

    def log(self) -> str:
        return self.log_path.read_text()

    def cut_lifeline(self) -> None:
        if not self.closed:
            self.closed.append(self.lifeline)
            os.close(self.lifeline)


def launch(bundle: Path, digest: str, log_path: Path, python_flags: Sequence[str], extra: Mapping[str, str]) -> Replica:
    api = RuntimeApi()
    threading.Thread(target=api.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    read_end, write_end = os.pipe()
    environment = {
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "CLIPPER_BUNDLE_PATH": str(bundle),
        "CLIPPER_BUNDLE_DIGEST": digest,
        "CLIPPER_LIFELINE_FD": str(read_end),
        "CLIPPER_ALLOW_UNSIGNED": "1",
        "PYTHONPATH": str(PACKAGE_ROOT),
        "PYTHONUNBUFFERED": "1",
        **extra,
    }
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, *python_flags, "-m", "clipper_sls.runtime"],
            env=environment,
            cwd=log_path.parent,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            pass_fds=(read_end,),
        )
    os.close(read_end)
    return Replica(process, api, log_path, write_end)


def end(replica: Replica) -> None:
    replica.cut_lifeline()
    replica.process.kill()
    replica.process.wait(DEADLINE_S)
    replica.api.events.put(None)
    replica.api.shutdown()
    replica.api.server_close()


@pytest.fixture
def start_replica(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Replica]]:
    """Start a replica of the bundle in a folder; `digest` is the manifest's own unless given."""
    replicas: list[Replica] = []

    def start(bundle: Path, digest: str | None = None, python_flags: Sequence[str] = (), **extra: str) -> Replica:
        log_path = tmp_path_factory.mktemp("replica") / "replica.log"
        digest = digest or Manifest.from_json((bundle / MANIFEST_NAME).read_bytes()).digest
        replicas.append(launch(bundle, digest, log_path, python_flags, extra))
        return replicas[-1]

    yield start
    for replica in replicas:
        end(replica)
