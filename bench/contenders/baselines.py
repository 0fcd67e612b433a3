"""The two servers that `make bench` always compares with. Both run on uvicorn, as the engine does."""

import sys
from pathlib import Path

from bench.contenders.commands import CommandServer
from bench.workloads import Workload

PLAIN_WORKERS = 2


def _uvicorn(app: str, port: int, workers: int) -> list[str]:
    options = ["--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning"]
    return [sys.executable, "-m", "uvicorn", app, "--port", str(port), "--workers", str(workers), *options]


def _plain(_workload: Workload, _folder: Path, port: int) -> list[str]:
    return _uvicorn("bench.contenders.plain_app:app", port, PLAIN_WORKERS)


def _limit(_workload: Workload, _folder: Path, port: int) -> list[str]:
    return _uvicorn("bench.contenders.limit_app:app", port, 1)


PLAIN = CommandServer("plain FastAPI", _plain)
LIMIT = CommandServer("limit", _limit)
