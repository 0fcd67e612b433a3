"""The two servers that are compared, each a process of its own on a free port."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
POLL_S = 0.005


@dataclass(frozen=True, slots=True)
class Server:
    """`started_in_s` runs from the start of the process to the first time that it said it is ready."""

    port: int
    pid: int
    started_in_s: float

    @property
    def memory_mib(self) -> float:
        """Resident memory of the server's own process."""
        rss: int = psutil.Process(self.pid).memory_info().rss
        return rss / 2**20


@contextmanager
def engine(folder: Path) -> Iterator[Server]:
    """`clipper-sls dev` with its state below `folder`."""
    ready_file = folder / "ready.json"
    ready_file.unlink(missing_ok=True)
    ports = ["--query-port", "0", "--management-port", "0"]
    files = ["--state-dir", str(folder / "state"), "--ready-file", str(ready_file)]
    with _running(["-m", "clipper_sls", "dev", *ports, *files], folder / "engine.log", ready_file.exists) as started:
        process, seconds = started
        query = json.loads(ready_file.read_text())["query"]
        yield Server(int(query.rpartition(":")[2]), process.pid, seconds)


@contextmanager
def plain(folder: Path) -> Iterator[Server]:
    """`bench.plain_server` on uvicorn, with the same event loop and HTTP parser that the engine has."""
    port = _free_port()
    options = ["--port", str(port), "--loop", "uvloop", "--http", "httptools", "--no-access-log"]
    arguments = ["-m", "uvicorn", "bench.plain_server:app", *options]
    with _running(arguments, folder / "plain.log", lambda: _is_ready(port)) as (process, seconds):
        yield Server(port, process.pid, seconds)


@contextmanager
def _running(
    arguments: Sequence[str], log_path: Path, is_ready: Callable[[], bool]
) -> Iterator[tuple["subprocess.Popen[bytes]", float]]:
    started_at = time.perf_counter()
    with log_path.open("ab") as log:
        process = subprocess.Popen([sys.executable, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        while not is_ready():
            if process.poll() is not None or time.perf_counter() - started_at > START_LIMIT_S:
                raise RuntimeError(f"{arguments} did not get ready:\n{log_path.read_text(errors='replace')[-2000:]}")
            time.sleep(POLL_S)
        yield process, time.perf_counter() - started_at
    finally:
        process.terminate()
        process.wait(STOP_LIMIT_S)


def _is_ready(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).status_code == httpx2.codes.OK
    except httpx2.HTTPError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
