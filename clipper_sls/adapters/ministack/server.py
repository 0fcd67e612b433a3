"""The process of MiniStack: started on loopback, ended with this one, whatever happens."""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx2

from clipper_sls.errors import EngineStartError
from clipper_sls.ports.clock import Clock

ACCOUNT = "000000000000"
PROXY_VARIABLE = "MINISTACK_LAMBDA_PROXY_"
"""Of a function, by its name: the URL to which what is invoked by others than clients is handed on."""

_TETHER = "clipper_sls.runtime.tethered"
_START_LIMIT_S = 60.0
_STOP_GRACE_S = 5.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class MiniStackOptions:
    port: int
    region: str
    folder: Path  # of its log and of what it writes
    handed_on: Mapping[str, str] = field(default_factory=dict)  # URLs by names of functions
    python_path: str | None = None  # where clipper_sls is, unless it is installed


class MiniStackProcess:
    """What it holds is in memory, and gone when it ends."""

    def __init__(self, options: MiniStackOptions, clock: Clock) -> None:
        self._options = options
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._lifeline: tuple[int, int] | None = None
        self.url = f"http://127.0.0.1:{options.port}"

    @property
    def log(self) -> Path:
        return self._options.folder / "ministack.log"

    async def start(self) -> None:
        """Returns when it answers. Raises EngineStartError with the end of its log."""
        await asyncio.to_thread(self._options.folder.mkdir, parents=True, exist_ok=True)
        self._lifeline = os.pipe()
        log_fd = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", _TETHER, "ministack"),
                env=self._environment(self._lifeline[0]),
                cwd=self._options.folder,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log_fd,
                stderr=log_fd,
                pass_fds=(self._lifeline[0],),
                start_new_session=True,
            )
        finally:
            os.close(log_fd)
        await self._answers(self._process)

    async def stop(self) -> None:
        """End it, and what it may have started."""
        if self._process is not None and self._process.returncode is None:
            self._signal(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _STOP_GRACE_S)
            self._signal(signal.SIGKILL)
            await self._process.wait()
        if self._lifeline is not None:
            for descriptor in self._lifeline:
                os.close(descriptor)
            self._lifeline = None

    async def ended(self) -> None:
        """Return when it has ended, which it should not by itself."""
        assert self._process is not None
        await self._process.wait()

    def tail(self) -> str:
        with suppress(OSError):
            return self.log.read_text(errors="replace")[-3000:]
        return ""

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    async def _answers(self, process: asyncio.subprocess.Process) -> None:
        limit = self._clock.now() + _START_LIMIT_S
        async with httpx2.AsyncClient(trust_env=False, verify=False, timeout=_START_LIMIT_S) as client:
            while process.returncode is None and self._clock.now() < limit:
                with suppress(httpx2.HTTPError):
                    if (await client.get(f"{self.url}/_ministack/health")).is_success:
                        return
                await self._clock.sleep_until(self._clock.now() + _POLL_S)
        raise EngineStartError(f"MiniStack did not get ready on {self.url}. The end of its log:\n{self.tail()}")

    def _environment(self, lifeline_fd: int) -> dict[str, str]:
        options = self._options
        paths = [options.python_path] if options.python_path is not None else []
        return {
            **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
            **({"PYTHONPATH": ":".join(paths)} if paths else {}),
            **{PROXY_VARIABLE + name: url for name, url in options.handed_on.items()},
            "BIND_HOST": "127.0.0.1",  # else it listens on all interfaces
            "GATEWAY_PORT": str(options.port),
            "MINISTACK_REGION": options.region,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "TMPDIR": str(options.folder),
            "LOG_LEVEL": "WARNING",
            "PYTHONUNBUFFERED": "1",
            "CLIPPER_LIFELINE_FD": str(lifeline_fd),
        }
