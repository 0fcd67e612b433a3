"""Finding, starting and ending the engine of a state directory, as a process of this machine."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from clipper_sls.errors import EngineStartError, ForbiddenError
from clipper_sls.sdk.state_folder import make_private

READY_FILE = "engine.json"
LOG_FILE = "engine.log"
START_LIMIT_S = 120.0
STOP_LIMIT_S = 60.0
POLL_S = 0.02
LOG_TAIL_BYTES = 4000

_WRITE_DELAY_S = 1.0  # resolution of file times and of the kernel's process start times


class EngineFile(msgspec.Struct, frozen=True):
    """The ready file that an engine writes, as far as it matters here."""

    query: str
    management: str
    pid: int
    cluster_name: str = ""


@dataclass(frozen=True, slots=True)
class RunningEngine:
    """Where a running engine can be reached, and its process."""

    query: str  # "http://127.0.0.1:1337"
    management: str
    process: psutil.Process


def find_engine(state_dir: Path) -> RunningEngine | None:
    """The engine that runs on `state_dir`; None when none does, a crashed one's left-over ready file included."""
    path = state_dir / READY_FILE
    try:
        content = msgspec.json.decode(path.read_bytes(), type=EngineFile)
        written_at = path.stat().st_mtime
        process = psutil.Process(content.pid)
        is_same = process.create_time() <= written_at + _WRITE_DELAY_S and is_alive(process)
    except (OSError, ValueError, psutil.Error):  # ValueError: not JSON, not these fields, or no process id
        return None
    return RunningEngine(content.query, content.management, process) if is_same else None


def is_alive(process: psutil.Process) -> bool:
    """Whether `process` runs; one that has ended and waits for its parent does not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def start_engine(state_dir: Path, options: Sequence[str]) -> RunningEngine:
    """Start an engine that outlives this process, and wait until it is ready.

    Raises EngineStartError with the end of the engine's log when it ends, or is not ready in time.
    """
    log = state_dir / LOG_FILE
    try:
        make_private(state_dir)
        process = _spawn(["dev", "--state-dir", str(state_dir), *options], log)
    except OSError as error:
        raise EngineStartError(f"The engine could not be started on state directory {state_dir}: {error}") from error
    try:
        engine = _wait_until_ready(process, state_dir, log)
    except BaseException:  # Ctrl-C included: nothing half-started stays behind
        process.kill()
        process.wait()
        raise
    process.returncode = 0  # nobody waits for it from here on: it outlives us, and Popen must not complain
    return engine


def _spawn(arguments: Sequence[str], log: Path) -> "subprocess.Popen[bytes]":
    """A session of its own: Ctrl-C in the terminal of the script, and the terminal's end, do not reach the engine."""
    with log.open("ab") as output:
        return subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-m", "clipper_sls", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )


def _wait_until_ready(process: "subprocess.Popen[bytes]", state_dir: Path, log: Path) -> RunningEngine:
    for _ in range(round(START_LIMIT_S / POLL_S)):
        engine = find_engine(state_dir)
        if engine is not None and engine.process.pid == process.pid:
            return engine
        with suppress(subprocess.TimeoutExpired):
            status = process.wait(timeout=POLL_S)
            raise EngineStartError(f"The engine ended with status {status} before it was ready. {_log_end(log)}")
    raise EngineStartError(f"The engine was not ready after {START_LIMIT_S:.0f} s and was killed. {_log_end(log)}")


def _log_end(log: Path) -> str:
    end = log.read_bytes()[-LOG_TAIL_BYTES:].decode(errors="replace").strip()
    return f"The end of {log}:\n{end}" if end else f"Its log {log} is empty"


def end_engine(process: psutil.Process, graceful: bool, limit_s: float = STOP_LIMIT_S) -> None:
    """End an engine and wait until it is gone.

    SIGTERM, by which it drains; SIGKILL without grace, or when it is not gone after `limit_s`. Raises ForbiddenError
    for somebody else's process.
    """
    if graceful and _signalled(process, signal.SIGTERM, limit_s):
        return
    _signalled(process, signal.SIGKILL, STOP_LIMIT_S)


def _signalled(process: psutil.Process, number: signal.Signals, limit_s: float) -> bool:
    """Whether `process` is gone, `limit_s` after the signal at most."""
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied as error:
        raise ForbiddenError(
            f"The engine, process {process.pid}, belongs to {process.username()}, not to you"
        ) from error
    for _ in range(round(limit_s / POLL_S)):
        with suppress(psutil.TimeoutExpired, psutil.NoSuchProcess):
            process.wait(timeout=POLL_S)  # takes a child of this process off the process table
        if not is_alive(process):
            return True
    return False
