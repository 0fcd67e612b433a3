"""The demo's own engine: `clipper-sls dev` as a child process on free ports, with its state in a folder of the demo."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from clipper_sls import ClipperConnection, LocalContainerManager

START_LIMIT_S = 60.0
STOP_LIMIT_S = 30.0
POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Replica:
    replica_id: int
    state: str
    pid: int | None
    rows_answered: int


class DemoEngine:
    """Can be started again after it was stopped or killed; the state stays."""

    what = "the engine"
    objective_ms = 100
    options: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self.state_dir = folder / "state"
        self.log_path = folder / "engine.log"
        self._ready_file = folder / "ready.json"
        self._process: subprocess.Popen[bytes] | None = None
        self._seen: set[psutil.Process] = set()
        self.query = ""
        self.management = ""

    def connect(self) -> ClipperConnection:
        """A connection as any script makes one."""
        connection = ClipperConnection(LocalContainerManager(state_dir=self.state_dir))
        connection.connect()
        return connection

    def replicas(self, model: str, version: str) -> list[Replica]:
        """The replicas of a version, over REST."""
        body = {"model_name": model, "model_version": version}
        response = httpx2.post(f"{self.management}/admin/get_replicas", json=body, trust_env=False)
        (pool,) = response.raise_for_status().json()
        fields = ("replica_id", "state", "pid", "rows_answered")
        return [Replica(*(replica[field] for field in fields)) for replica in pool["replicas"]]

    def start(self) -> float:
        """Returns when it is ready: how long that took, in seconds."""
        self._ready_file.unlink(missing_ok=True)
        started_at = time.monotonic()
        options = [*self.options, "--query-port", "0", "--management-port", "0", "--state-dir", str(self.state_dir)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "clipper_sls", "dev", *options, "--ready-file", str(self._ready_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        process = self._process
        wait_until(lambda: self._ready_file.exists() or process.poll() is not None, START_LIMIT_S)
        if not self._ready_file.exists():
            raise RuntimeError(f"The engine did not get ready; the end of its output:\n{self.log_tail()}")
        self._found(json.loads(self._ready_file.read_text()))
        return time.monotonic() - started_at

    def kill(self) -> None:
        """SIGKILL: no chance to say good-bye."""
        self.look()
        assert self._process is not None
        self._process.kill()
        self._process.wait(STOP_LIMIT_S)

    def stop(self) -> int:
        """SIGTERM, as a supervisor would; returns the exit code."""
        self.look()
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(STOP_LIMIT_S)

    def abandon(self) -> None:
        """Make sure that it is gone, whatever happened before."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def look(self) -> None:
        """Remember every process that the engine has now, to see later that they have all ended."""
        if self._process is None or self._process.poll() is not None:
            return
        engine = psutil.Process(self._process.pid)
        self._seen.update([engine, *engine.children(recursive=True)])

    def left_over(self) -> list[psutil.Process]:
        """Processes that still run: those seen before, and any whose command line or environment names our folder."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _found(self, told: dict[str, Any]) -> None:
        self.query, self.management = told["query"], told["management"]

    def _is_ours(self, process: psutil.Process) -> bool:
        folder = str(self.state_dir)
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False  # it has ended; whoever inherited it has not looked yet
            if process in self._seen or folder in " ".join(process.cmdline()):
                return True
            return any(folder in value for value in process.environ().values())
        except psutil.Error:
            return False  # it ended just now, or is somebody else's

    def log_tail(self) -> str:
        return self.log_path.read_text(errors="replace")[-3000:] if self.log_path.exists() else ""


def wait_until(condition: Callable[[], bool], limit_s: float) -> bool:
    """Whether `condition` came true in time."""
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_S)
    return True
