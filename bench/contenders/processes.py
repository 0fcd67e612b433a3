"""Processes of servers: started, waited for until they are ready, and ended with all that they started."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from bench.contenders.contender import Server

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT_S = 120.0
STOP_LIMIT_S = 30.0
POLL_S = 0.01
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""Numeric libraries would each start a thread per core, in every process of every server."""


@contextmanager
def running(
    command: Sequence[str],
    *,
    folder: Path,
    port: int,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
) -> Iterator[Server]:
    """The command, run in `folder`, where its log goes. RuntimeError, with the log's end, if it does not get ready."""
    log_path = folder / "server.log"
    variables = {**os.environ, **ONE_THREAD, "PYTHONPATH": str(ROOT), **(environment or {})}
    started_at = time.perf_counter()
    with log_path.open("ab") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=variables, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    server = Server(port, psutil.Process(process.pid), 0.0)
    try:
        while not is_ready():
            if process.poll() is not None or time.perf_counter() - started_at > START_LIMIT_S:
                raise RuntimeError(f"{command} did not get ready:\n{log_path.read_text(errors='replace')[-2000:]}")
            time.sleep(POLL_S)
        yield Server(port, server.process, time.perf_counter() - started_at)
    finally:
        _end(process, server)


def _end(process: "subprocess.Popen[bytes]", server: Server) -> None:
    """Politely first, so that a server can end its own processes; then whatever is left of them."""
    started = server.tree() if process.poll() is None else []
    process.terminate()
    try:
        process.wait(STOP_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    _, alive = psutil.wait_procs(started[1:], timeout=1.0)
    for orphan in alive:
        try:
            orphan.kill()
        except psutil.NoSuchProcess:
            continue
