"""One replica's process: how it is started, ended, and how its end is described."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from clipper_sls.adapters.engine.memory import limit_private_memory, resident_bytes

RUNTIME_MODULE = "clipper_sls.runtime"


@dataclass(frozen=True, slots=True)
class Launch:
    """Everything a replica's process is started from."""

    python: Path
    environment: Mapping[str, str]
    folder: Path  # working directory; the model may write there
    log_fd: int
    lifeline_fd: int
    memory_mib: int
    arguments: Sequence[str] = ("-m", RUNTIME_MODULE)


class ReplicaProcess:
    """The leader of a process group, so that what the model starts can be ended with it."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> str:
        return describe_exit(await self._process.wait())

    def terminate(self) -> None:
        signal_group(self.pid, signal.SIGTERM)

    def kill(self) -> None:
        signal_group(self.pid, signal.SIGKILL)

    def occupied_bytes(self) -> int:
        return resident_bytes(self.pid)


async def spawn(launch: Launch) -> ReplicaProcess:
    """Start a replica. Raises OSError.

    Must run in the thread that lives as long as the engine: the kernel ends a replica when the *thread* that started
    it ends.
    """
    process = await asyncio.create_subprocess_exec(
        str(launch.python),
        *launch.arguments,
        env=dict(launch.environment),
        cwd=launch.folder,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=launch.log_fd,
        stderr=launch.log_fd,
        pass_fds=(launch.lifeline_fd,),
        start_new_session=True,
    )
    limit_private_memory(process.pid, launch.memory_mib)
    return ReplicaProcess(process)


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process and to all that it started; no error when they are gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def describe_exit(return_code: int) -> str:
    """`ended with exit code 1`, `ended with signal SIGSEGV`."""
    if return_code >= 0:
        return f"ended with exit code {return_code}"
    try:
        return f"ended with signal {signal.Signals(-return_code).name}"
    except ValueError:
        return f"ended with signal {-return_code}"
